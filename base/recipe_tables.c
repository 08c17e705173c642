#include "base/recipe_tables.h"
#include "base/number.h"
#include "base/size.h"

#include <string.h>

#define EACH_KEY(ref, tables, n_tables)                                                            \
    for (KeyRef ref = {tables, (n_tables) > 0 ? (tables)[0].keys : NULL, 0};                       \
         next_key(&ref, tables, n_tables); ref.key++, ref.index++)

/* Steps over the ends of tables; false behind the last key. */
static bool next_key(KeyRef *ref, const RecipeTable *tables, int n_tables)
{
    while (ref->table < tables + n_tables && ref->key == ref->table->keys + ref->table->n_keys) {
        ref->table++;
        if (ref->table < tables + n_tables)
            ref->key = ref->table->keys;
    }
    return ref->table < tables + n_tables;
}

void recipe_full_name(char out[RECIPE_NAME], KeyRef ref)
{
    const char *prefix = ref.table->prefix;
    number_snprintf(out, RECIPE_NAME, "%s%s%s", prefix, *prefix ? "." : "", ref.key->name);
}

bool recipe_lookup(KeyRef *found, const RecipeTable *tables, int n_tables, const char *name)
{
    char full[RECIPE_NAME];
    EACH_KEY(ref, tables, n_tables)
    {
        recipe_full_name(full, ref);
        if (strcmp(full, name) == 0) {
            *found = ref;
            return true;
        }
    }
    return false;
}

bool recipe_is_group(const RecipeTable *tables, int n_tables, const char *name)
{
    char   full[RECIPE_NAME];
    size_t n = strlen(name);
    EACH_KEY(ref, tables, n_tables)
    {
        recipe_full_name(full, ref);
        if (strncmp(full, name, n) == 0 && full[n] == '.')
            return true;
    }
    return false;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. Three rows of the table are kept. */
int recipe_distance(const char *a, const char *b)
{
    enum { MOST = RECIPE_NAME };
    int rows[3][MOST + 1];
    int n = (int)size_min((int64_t)strlen(a), MOST), m = (int)size_min((int64_t)strlen(b), MOST);
    for (int j = 0; j <= m; j++)
        rows[0][j] = j;
    for (int i = 1; i <= n; i++) {
        int *now = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int d = up[j - 1] + (a[i - 1] != b[j - 1]);
            d = (int)size_min(d, size_min(up[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d = (int)size_min(d, up2[j - 2] + 1);
            now[j] = d;
        }
    }
    return rows[n % 3][m];
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

bool recipe_nearest(char out[RECIPE_NAME], const RecipeTable *tables, int n_tables,
                    const char *name)
{
    char full[RECIPE_NAME];
    int  least = (int)strlen(name) / 2 + 1;
    bool found = false;
    EACH_KEY(ref, tables, n_tables)
    {
        recipe_full_name(full, ref);
        /* The right word in the wrong group counts as one slip. */
        bool same_word = strcmp(last_part(full), last_part(name)) == 0;
        int  d = same_word ? 1 : recipe_distance(full, name);
        if (d < least) {
            least = d;
            memcpy(out, full, sizeof full);
            found = true;
        }
    }
    return found;
}
