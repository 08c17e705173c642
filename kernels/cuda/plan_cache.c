#include "kernels/cuda/plan_cache.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_KEY_BYTES = 128, MOST_PLANS = 100000, LONGEST_LINE = 2 * MOST_KEY_BYTES + 32 };

typedef struct Row {
    char text[2 * MOST_KEY_BYTES + 1];
    int  plan;
} Row;

struct PlanCache {
    char path[1024]; // "" when there is nowhere to keep it
    Row *row;
    int  n, capacity;
};

static void hex(char *text, const void *key, int64_t bytes)
{
    for (int64_t i = 0; i < bytes && i < MOST_KEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", ((const unsigned char *)key)[i]);
}

static void add(PlanCache *c, const char *text, int plan)
{
    if (c->n == c->capacity) {
        int  grown = c->capacity ? 2 * c->capacity : 64;
        Row *r = grown <= MOST_PLANS ? realloc(c->row, (size_t)grown * sizeof *r) : NULL;
        if (!r)
            return;
        c->row = r;
        c->capacity = grown;
    }
    snprintf(c->row[c->n].text, sizeof c->row[c->n].text, "%s", text);
    c->row[c->n++].plan = plan;
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
    char       where[512], line[LONGEST_LINE], text[2 * MOST_KEY_BYTES + 1];
    int        plan;
    if (!c || !folder(where, sizeof where))
        return c;
    int used = snprintf(c->path, sizeof c->path, "%s/plans_%s.txt", where, name);
    for (char *p = c->path + strlen(where) + 1; used > 0 && *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '.')
            *p = '_';
    FILE *f = fopen(c->path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "%256[0-9a-f] %d", text, &plan) == 2 && plan >= 0)
            add(c, text, plan);
    if (f)
        fclose(f);
    return c;
}

void plan_cache_close(PlanCache *c)
{
    if (!c)
        return;
    free(c->row);
    free(c);
}

int plan_cache_find(const PlanCache *c, const void *key, int64_t bytes)
{
    char text[2 * MOST_KEY_BYTES + 1] = "";
    hex(text, key, bytes);
    for (int i = c ? c->n - 1 : -1; i >= 0; i--) // a later line corrects an earlier one
        if (strcmp(c->row[i].text, text) == 0)
            return c->row[i].plan;
    return -1;
}

void plan_cache_note(PlanCache *c, const void *key, int64_t bytes, int plan)
{
    char text[2 * MOST_KEY_BYTES + 1] = "";
    if (!c)
        return;
    hex(text, key, bytes);
    add(c, text, plan);
    FILE *f = c->path[0] ? fopen(c->path, "a") : NULL;
    if (!f)
        return;
    fprintf(f, "%s %d\n", text, plan);
    fclose(f);
}
