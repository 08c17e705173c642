/* fuzz_recipe.c -- a recipe file of any bytes, or (first byte odd) a line of overrides, is refused with a sentence or
 * resolves to a recipe that reads back the same */
#include "base/file.h"
#include "base/recipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct Config {
    double        lr;
    int64_t       iters;
    bool          flip;
    int           schedule;
    const char   *name;
    RecipeInts    steps;
    RecipeFloats  weights;
    RecipeStrings splits;
} Config;

static Config          config;
static const RecipeKey KEYS[] = {
    RECIPE_FLOAT(Config, lr, "lr", "0.1", 0, 100, "rate"),
    RECIPE_INT(Config, iters, "iters", "10", 1, 1e6, "steps"),
    RECIPE_BOOL(Config, flip, "flip", "true", "flip"),
    RECIPE_CHOICE(Config, schedule, "schedule", "step", "step|cosine", "schedule"),
    RECIPE_STRING(Config, name, "name", "x", "name"),
    RECIPE_INTS(Config, steps, "sub.steps", "1,2", 0, 100, "steps"),
    RECIPE_FLOATS(Config, weights, "sub.weights", "", -1, 1, "weights"),
    RECIPE_STRINGS(Config, splits, "sub.splits", "a", "splits"),
};
static const RecipeTable TABLES[] = {RECIPE_TABLE("solver", KEYS, &config)};

/* A file in memory that has a path. */
static Status load_file(Arena *a, const char *bytes, size_t n, const char *const *overrides,
                        int n_overrides)
{
    char path[64];
    int  fd = memfd_create("recipe", 0);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    RecipeSource source = {.name = path, .overrides = overrides, .n_overrides = n_overrides};
    Status       st = recipe_load(a, TABLES, 1, &source);
    close(fd);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    Arena  arena = {0};
    Status st;
    char  *text = arena_alloc(&arena, (int64_t)size);
    memcpy(text, bytes + 1, size - 1);
    if (bytes[0] & 1)
        st = load_file(&arena, "{}", 2, (const char *const[]){text}, 1);
    else
        st = load_file(&arena, text, size - 1, NULL, 0);
    if (st != OK && st != ERR_RECIPE)
        abort();
    if (st == OK) {
        Text first = {0}, second = {0};
        recipe_write(&first, TABLES, 1);
        if (load_file(&arena, text_cstr(&first), (size_t)first.len, NULL, 0) != OK)
            abort();
        recipe_write(&second, TABLES, 1);
        if (strcmp(text_cstr(&first), text_cstr(&second)) != 0)
            abort();
        text_release(&first);
        text_release(&second);
    }
    arena_release(&arena);
    return 0;
}
