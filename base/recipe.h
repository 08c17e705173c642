/* recipe.h -- every number of a run, declared once
 *
 *      parent recipe ("base")  <  recipe  <  overrides of the command line (solver.lr=0.01)
 *
 * A table declares each key: name, type, default, range, one sentence, and where the value goes in the caller's struct. The
 * same table parses, refuses (ERR_RECIPE: FILE:LINE, the key, the nearest known name), prints the help and writes the
 * resolved recipe. docs/recipes.md is the page for users.
 *
 *      typedef struct SolverConfig { double lr; RecipeInts milestones; int schedule; } SolverConfig;
 *      static const RecipeKey keys[] = {
 *          RECIPE_FLOAT(SolverConfig, lr, "lr", "0.02", 0, 100, "learning rate for 16 images a step"),
 *          RECIPE_INTS(SolverConfig, milestones, "milestones", "[60000, 80000]", 0, 1e9, "iterations where ..."),
 *          RECIPE_CHOICE(SolverConfig, schedule, "schedule", "step", "step|cosine", "how the rate falls"),
 *      };
 *      RecipeTable tables[] = {RECIPE_TABLE("solver", keys, &solver), ...};
 *      TRY(recipe_load(arena, tables, n_tables, &source));
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum RecipeType {
    RECIPE_IS_BOOL,    // bool
    RECIPE_IS_INT,     // int64_t
    RECIPE_IS_FLOAT,   // double
    RECIPE_IS_STRING,  // const char *, never NULL
    RECIPE_IS_CHOICE,  // int: index into the words of `choices`; also fits an enum
    RECIPE_IS_INTS,    // RecipeInts
    RECIPE_IS_FLOATS,  // RecipeFloats
    RECIPE_IS_STRINGS, // RecipeStrings
} RecipeType;

typedef struct RecipeInts {
    int64_t *v;
    int64_t  n;
} RecipeInts;

typedef struct RecipeFloats {
    double *v;
    int64_t n;
} RecipeFloats;

typedef struct RecipeStrings {
    const char **v;
    int64_t      n;
} RecipeStrings;

typedef struct RecipeKey {
    const char *name; // dotted below the table's prefix: "lr", "rpn.batch"
    RecipeType  type;
    size_t      offset; // of the field in the caller's struct
    const char
        *fallback; // the default as it would be written in JSON, strings and choices without quotes
    double      lo, hi;   // range of numbers and of each list element, ends included
    const char *choices;  // "step|cosine", NULL for other types
    const char *sentence; // what it is, with its unit
} RecipeKey;

typedef struct RecipeTable {
    const char      *prefix; // "solver"; "" for keys at the top
    const RecipeKey *keys;
    int              n_keys;
    void            *config; // the struct that the offsets refer to
} RecipeTable;

#define RECIPE_BOOL(S, field, name, fallback, sentence)                                            \
    {                                                                                              \
        name, RECIPE_IS_BOOL, offsetof(S, field), fallback, 0, 1, NULL, sentence                   \
    }
#define RECIPE_INT(S, field, name, fallback, lo, hi, sentence)                                     \
    {                                                                                              \
        name, RECIPE_IS_INT, offsetof(S, field), fallback, lo, hi, NULL, sentence                  \
    }
#define RECIPE_FLOAT(S, field, name, fallback, lo, hi, sentence)                                   \
    {                                                                                              \
        name, RECIPE_IS_FLOAT, offsetof(S, field), fallback, lo, hi, NULL, sentence                \
    }
#define RECIPE_STRING(S, field, name, fallback, sentence)                                          \
    {                                                                                              \
        name, RECIPE_IS_STRING, offsetof(S, field), fallback, 0, 0, NULL, sentence                 \
    }
#define RECIPE_CHOICE(S, field, name, fallback, choices, sentence)                                 \
    {                                                                                              \
        name, RECIPE_IS_CHOICE, offsetof(S, field), fallback, 0, 0, choices, sentence              \
    }
#define RECIPE_INTS(S, field, name, fallback, lo, hi, sentence)                                    \
    {                                                                                              \
        name, RECIPE_IS_INTS, offsetof(S, field), fallback, lo, hi, NULL, sentence                 \
    }
#define RECIPE_FLOATS(S, field, name, fallback, lo, hi, sentence)                                  \
    {                                                                                              \
        name, RECIPE_IS_FLOATS, offsetof(S, field), fallback, lo, hi, NULL, sentence               \
    }
#define RECIPE_STRINGS(S, field, name, fallback, sentence)                                         \
    {                                                                                              \
        name, RECIPE_IS_STRINGS, offsetof(S, field), fallback, 0, 0, NULL, sentence                \
    }
#define RECIPE_TABLE(prefix, keys, config)                                                         \
    {                                                                                              \
        prefix, keys, (int)(sizeof(keys) / sizeof((keys)[0])), config                              \
    }

/* Where a recipe comes from. Everything may be NULL / 0: then the defaults alone are resolved. */
typedef struct RecipeSource {
    const char        *name;    // a path, or a bare name: NAME or NAME.json in one of the folders
    const char *const *folders; // searched in order for bare names, also for bare "base" names
    int                n_folders;
    const char *const
        *overrides; // "key=value"; value in JSON, or a bare word, or a bare list 1,2,3
    int  n_overrides;
} RecipeSource;

enum { RECIPE_MAX_DEPTH = 8, RECIPE_MAX_BYTES = 1 << 20 };

/* Fills every field of every table. Strings and lists live in the arena. */
Status recipe_load(Arena *a, const RecipeTable *tables, int n_tables,
                   const RecipeSource *source) STATUS_MUST_USE;

/* *path = the file a name stands for; ERR_MISSING names the folders that were searched and the
 * nearest recipe. */
Status recipe_find(Arena *a, char **path, const char *name, const char *const *folders,
                   int n_folders) STATUS_MUST_USE;

/* The resolved recipe, nested, two spaces a level; keys in the tables' order. Reading it back gives
 * the same values. */
void recipe_write(Text *out, const RecipeTable *tables, int n_tables);

/* One key a paragraph: name, default, range, sentence. */
void recipe_help(Text *out, const RecipeTable *tables, int n_tables);

/* XXH3-64 of recipe_write's text: same hash, same run. ERR_MEMORY when the text could not be made.
 */
Status recipe_hash(uint64_t *hash, const RecipeTable *tables, int n_tables) STATUS_MUST_USE;

/* Appends the first key in which two texts of recipe_write differ: "solver.lr was 0.1, now 0.2". Nothing when they are the
 * same or have other keys. */
void recipe_difference(Text *out, const char *before, const char *after);

/* True when text `a` should read as a misspelling of `b`; the distance in edits (swap of neighbours
 * counts one). */
int recipe_distance(const char *a, const char *b);
