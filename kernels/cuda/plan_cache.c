#include "kernels/cuda/plan_cache.h"
#include "kernels/cuda/key_table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_KEY_BYTES = 128, MOST_PLANS = 100000, LONGEST_LINE = 2 * MOST_KEY_BYTES + 32 };

typedef struct Key {
    char text[2 * MOST_KEY_BYTES]; // hexadecimal, behind it zeros
} Key;

struct PlanCache {
    char     path[1024]; // "" when there is nowhere to keep it
    KeyTable plans;      // by Key
};

static Key key_of(const void *bytes, int64_t n)
{
    static const char digit[] = "0123456789abcdef";
    Key               k = {{0}};
    for (int64_t i = 0; i < n && i < MOST_KEY_BYTES; i++) {
        k.text[2 * i] = digit[((const unsigned char *)bytes)[i] >> 4];
        k.text[2 * i + 1] = digit[((const unsigned char *)bytes)[i] & 15];
    }
    return k;
}

static void add(PlanCache *c, const Key *k, int plan)
{
    if (c->plans.n < MOST_PLANS)
        (void)key_table_put(&c->plans, k, plan); // without memory it is measured again
}

/* The folder, made where missing; false when there is none. */
static int folder(char *path, size_t n)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        snprintf(path, n, "%s", cache);
    else if (home && *home)
        snprintf(path, n, "%s/.cache", home);
    else
        return 0;
    (void)mkdir(path, 0700); // existing ones are fine; others show when the file is opened
    size_t used = strlen(path);
    snprintf(path + used, n - used, "/godwit");
    (void)mkdir(path, 0700);
    return 1;
}

PlanCache *plan_cache_open(const char *name)
{
    PlanCache *c = calloc(1, sizeof *c);
    char       where[512], line[LONGEST_LINE];
    int        plan;
    if (!c)
        return NULL;
    c->plans.key_bytes = (int64_t)sizeof(Key);
    if (!folder(where, sizeof where))
        return c;
    int used = snprintf(c->path, sizeof c->path, "%s/plans_%s.txt", where, name);
    for (char *p = c->path + strlen(where) + 1; used > 0 && *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '.')
            *p = '_';
    FILE *f = fopen(c->path, "r");
    while (f && fgets(line, sizeof line, f)) { // a later line corrects an earlier one
        Key  k = {{0}};
        char text[sizeof k.text + 1];
        if (sscanf(line, "%256[0-9a-f] %d", text, &plan) != 2 || plan < 0)
            continue;
        memcpy(k.text, text, strlen(text));
        add(c, &k, plan);
    }
    if (f)
        fclose(f);
    return c;
}

void plan_cache_close(PlanCache *c)
{
    if (!c)
        return;
    key_table_release(&c->plans);
    free(c);
}

int plan_cache_find(const PlanCache *c, const void *key, int64_t bytes)
{
    Key k = key_of(key, bytes);
    return c ? key_table_find(&c->plans, &k) : -1;
}

void plan_cache_note(PlanCache *c, const void *key, int64_t bytes, int plan)
{
    Key k = key_of(key, bytes);
    if (!c)
        return;
    add(c, &k, plan);
    FILE *f = c->path[0] ? fopen(c->path, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%.*s %d\n", (int)sizeof k.text, k.text, plan);
    fclose(f);
}
