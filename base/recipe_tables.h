/* recipe_tables.h -- finding keys in the tables of recipe.h; shared by recipe.c and recipe_print.c */
#pragma once
#include "base/recipe.h"

enum { RECIPE_NAME = 128 }; // bytes of a dotted name, its zero included

typedef struct KeyRef {
    const RecipeTable *table;
    const RecipeKey   *key;
    int                index; // over all tables
} KeyRef;

/* "solver.lr": the table's prefix and the key's name. */
void recipe_full_name(char out[RECIPE_NAME], KeyRef ref);

/* The key with this dotted name; false when there is none. */
bool recipe_lookup(KeyRef *ref, const RecipeTable *tables, int n_tables, const char *name);

/* True when some key lies below `name`. */
bool recipe_is_group(const RecipeTable *tables, int n_tables, const char *name);

/* The known name that `name` was probably meant to be; false when nothing is near. */
bool recipe_nearest(char out[RECIPE_NAME], const RecipeTable *tables, int n_tables,
                    const char *name);
