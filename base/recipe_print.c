/* recipe_print.c -- writing: the resolved recipe, the help, the hash */
#include "base/json.h"
#include "base/recipe.h"
#include "base/recipe_tables.h"
#include "base/size.h"

#include <string.h>
#include <xxhash.h>

static void put_choice(JsonWriter *w, const char *name, const RecipeKey *k, int index)
{
    Text        word = {0};
    const char *at = k->choices;
    for (int i = 0; i < index && *at; i++) {
        at += strcspn(at, "|");
        at += *at == '|';
    }
    text_append(&word, at, (int64_t)strcspn(at, "|"));
    json_put_string(w, name, text_cstr(&word));
    text_release(&word);
}

static void put_list(JsonWriter *w, const char *name, const RecipeKey *k, const void *field)
{
    json_open_row(w, name);
    if (k->type == RECIPE_IS_INTS) {
        const RecipeInts *list = field;
        for (int64_t i = 0; i < list->n; i++)
            json_put_int(w, NULL, list->v[i]);
    } else if (k->type == RECIPE_IS_FLOATS) {
        const RecipeFloats *list = field;
        for (int64_t i = 0; i < list->n; i++)
            json_put_number(w, NULL, list->v[i]);
    } else {
        const RecipeStrings *list = field;
        for (int64_t i = 0; i < list->n; i++)
            json_put_string(w, NULL, list->v[i]);
    }
    json_close_array(w);
}

static void put_field(JsonWriter *w, const char *name, KeyRef ref)
{
    const RecipeKey *k = ref.key;
    const void      *field = (const char *)ref.table->config + k->offset;
    switch (k->type) {
    case RECIPE_IS_BOOL:
        json_put_bool(w, name, *(const bool *)field);
        break;
    case RECIPE_IS_INT:
        json_put_int(w, name, *(const int64_t *)field);
        break;
    case RECIPE_IS_FLOAT:
        json_put_number(w, name, *(const double *)field);
        break;
    case RECIPE_IS_STRING:
        json_put_string(w, name, *(const char *const *)field);
        break;
    case RECIPE_IS_CHOICE:
        put_choice(w, name, k, *(const int *)field);
        break;
    default:
        put_list(w, name, k, field);
    }
}

/* The groups that are open now: "solver.rpn." with the length at each level. */
typedef struct Groups {
    char   prefix[RECIPE_NAME];
    size_t n[RECIPE_NAME / 2 + 1]; // n[depth] bytes of prefix are open
    int    depth;
} Groups;

/* The first key that is not written yet and lies in the innermost open group. */
static bool next_in_group(KeyRef *out, const Groups *g, const RecipeTable *tables, int n_tables,
                          const bool *done)
{
    char full[RECIPE_NAME];
    int  index = 0;
    for (int t = 0; t < n_tables; t++)
        for (int k = 0; k < tables[t].n_keys; k++, index++) {
            KeyRef ref = {&tables[t], &tables[t].keys[k], index};
            recipe_full_name(full, ref);
            if (!done[index] && strncmp(full, g->prefix, g->n[g->depth]) == 0) {
                *out = ref;
                return true;
            }
        }
    return false;
}

void recipe_write(Text *out, const RecipeTable *tables, int n_tables)
{
    Arena      arena = {0};
    JsonWriter w = json_writer(out, 2);
    Groups     g = {.depth = 0};
    int64_t    total = 0;
    for (int t = 0; t < n_tables; t++)
        total += tables[t].n_keys;
    bool *done = ARENA_ARRAY(&arena, bool, total);
    if (!done) {
        out->failed = true;
        return;
    }
    json_open_object(&w, NULL);
    for (;;) {
        KeyRef ref;
        char   full[RECIPE_NAME];
        if (!next_in_group(&ref, &g, tables, n_tables, done)) {
            json_close_object(&w);
            if (g.depth == 0)
                break;
            g.depth--;
            continue;
        }
        recipe_full_name(full, ref);
        char *rest = full + g.n[g.depth], *dot;
        while ((dot = strchr(rest, '.'))) {
            *dot = 0;
            json_open_object(&w, rest);
            *dot = '.';
            rest = dot + 1;
            g.n[++g.depth] = (size_t)(rest - full);
        }
        memcpy(g.prefix, full, g.n[g.depth]);
        put_field(&w, rest, ref);
        done[ref.index] = true;
    }
    arena_release(&arena);
}

void recipe_help(Text *out, const RecipeTable *tables, int n_tables)
{
    char full[RECIPE_NAME];
    for (int t = 0; t < n_tables; t++)
        for (int i = 0; i < tables[t].n_keys; i++) {
            const RecipeKey *k = &tables[t].keys[i];
            recipe_full_name(full, (KeyRef){&tables[t], k, 0});
            bool is_text = k->type == RECIPE_IS_STRING || k->type == RECIPE_IS_STRINGS;
            text_printf(out, "  %s = %s", full, *k->fallback ? k->fallback : "\"\"");
            if (k->type == RECIPE_IS_CHOICE)
                text_printf(out, "   (%s)", k->choices);
            else if (k->type == RECIPE_IS_BOOL)
                text_puts(out, "   (true|false)");
            else if (!is_text)
                text_printf(out, "   (%.10g .. %.10g)", k->lo, k->hi);
            text_printf(out, "\n      %s\n", k->sentence);
        }
}

Status recipe_hash(uint64_t *hash, const RecipeTable *tables, int n_tables)
{
    Text text = {0};
    recipe_write(&text, tables, n_tables);
    Status st = text_status(&text);
    if (st == OK)
        *hash = XXH3_64bits(text_cstr(&text), (size_t)text.len);
    text_release(&text);
    return st;
}

/* ---- what changed ---- */

typedef struct Line {
    const char *key, *value; // "key": value, without quotes and comma
    int         key_length, value_length, level;
} Line;

/* One line of recipe_write: two spaces a level, "key": value or "key": { or }. Returns the next one. */
static const char *read_line(Line *l, const char *text)
{
    int indent = (int)strspn(text, " "), length = (int)strcspn(text, "\n");
    *l = (Line){.level = indent / 2};
    if (text[indent] == '"') {
        l->key = text + indent + 1;
        l->key_length = (int)strcspn(l->key, "\"");
        l->value = l->key + l->key_length + 3;
        l->value_length = (int)size_max(text + length - l->value, 0);
        if (l->value_length > 0 && l->value[l->value_length - 1] == ',')
            l->value_length--;
    }
    return text + length + (text[length] == '\n');
}

static bool is_same(const char *a, int n_a, const char *b, int n_b)
{
    return n_a == n_b && (n_a == 0 || memcmp(a, b, (size_t)n_a) == 0);
}

void recipe_difference(Text *out, const char *before, const char *after)
{
    enum { LEVELS = 8 };
    Line a, b, section[LEVELS] = {{0}};
    while (*before && *after) {
        before = read_line(&a, before);
        after = read_line(&b, after);
        if (a.level != b.level || !is_same(a.key, a.key_length, b.key, b.key_length))
            return;
        if (a.level < LEVELS)
            section[a.level] = a;
        if (is_same(a.value, a.value_length, b.value, b.value_length))
            continue;
        for (int i = 1; i < a.level && i < LEVELS; i++)
            text_printf(out, "%.*s.", section[i].key_length, section[i].key);
        text_printf(out, "%.*s was %.*s, now %.*s", a.key_length, a.key, a.value_length, a.value,
                    b.value_length, b.value);
        return;
    }
}
