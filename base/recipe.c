/* recipe.c -- reading: defaults, the chain of parents, overrides; each checked against the tables */
#include "base/recipe.h"
#include "base/file.h"
#include "base/json.h"
#include "base/number.h"
#include "base/recipe_tables.h"
#include "base/size.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

typedef struct Loader {
    Arena             *arena;
    const RecipeTable *tables;
    int                n_tables;
    int               *set_by; // per key: the layer that set it last
    int                layer;
} Loader;

/* Where a value stands, for sentences: "FILE:LINE" or "override". */
typedef struct Place {
    const char *source;
    int64_t     line; // 0: none
} Place;

/* Also turns the readers' ERR_FORMAT into the recipe's own code. */
static Status as_recipe(Status st)
{
    return st == ERR_FORMAT ? ERR_RECIPE : st;
}

__attribute__((format(printf, 3, 4))) static Status refuse(Place p, const char *key,
                                                           const char *fmt, ...)
{
    char    what[700], line[24] = "";
    va_list args;
    va_start(args, fmt);
    number_vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (p.line > 0)
        number_snprintf(line, sizeof line, ":%lld", (long long)p.line);
    return status_fail(ERR_RECIPE, "%s%s: %.100s: %s", p.source, line, key, what);
}

/* ---- one value into its field ---- */

static const char *type_name(const RecipeKey *k)
{
    static const char *const NAME[] = {
        "true or false",        "an integer",         "a number",          "a string",
        "one word of its list", "a list of integers", "a list of numbers", "a list of strings"};
    return NAME[k->type];
}

static Status wrong_type(Place p, const char *name, const RecipeKey *k, const JsonValue *v)
{
    return refuse(p, name, "expected %s, found %s", type_name(k), json_kind_name(v->kind));
}

static Status read_int(int64_t *out, Place p, const char *name, const RecipeKey *k,
                       const JsonValue *v)
{
    if (v->kind != JSON_INT)
        return wrong_type(p, name, k, v);
    if ((double)v->integer < k->lo || (double)v->integer > k->hi)
        return refuse(p, name, "%lld is outside %.15g .. %.15g", (long long)v->integer, k->lo,
                      k->hi);
    *out = v->integer;
    return OK;
}

static Status read_float(double *out, Place p, const char *name, const RecipeKey *k,
                         const JsonValue *v)
{
    if (v->kind != JSON_INT && v->kind != JSON_UINT && v->kind != JSON_DOUBLE)
        return wrong_type(p, name, k, v);
    if (!(v->number >= k->lo && v->number <= k->hi))
        return refuse(p, name, "%.15g is outside %.15g .. %.15g", v->number, k->lo, k->hi);
    *out = v->number;
    return OK;
}

static Status read_choice(int *out, Place p, const char *name, const RecipeKey *k,
                          const JsonValue *v)
{
    if (v->kind != JSON_STRING)
        return wrong_type(p, name, k, v);
    int index = 0;
    for (const char *word = k->choices; *word; index++) {
        size_t n = strcspn(word, "|");
        if (strlen(v->text) == n && memcmp(word, v->text, n) == 0) {
            *out = index;
            return OK;
        }
        word += n + (word[n] == '|');
    }
    return refuse(p, name, "\"%.100s\" is none of %s", v->text, k->choices);
}

static Status read_list(Loader *l, void *field, Place p, const char *name, const RecipeKey *k,
                        const JsonValue *v)
{
    int64_t i = 0;
    if (v->kind != JSON_ARRAY)
        return wrong_type(p, name, k, v);
    int64_t size = k->type == RECIPE_IS_STRINGS ? (int64_t)sizeof(char *) : 8;
    void   *list = arena_array(l->arena, v->n, size);
    if (!list)
        return ERR_MEMORY;
    for (const JsonValue *item = v->child; item; item = item->next, i++) {
        if (k->type == RECIPE_IS_INTS)
            TRY(read_int((int64_t *)list + i, p, name, k, item));
        else if (k->type == RECIPE_IS_FLOATS)
            TRY(read_float((double *)list + i, p, name, k, item));
        else if (item->kind == JSON_STRING)
            ((const char **)list)[i] = item->text;
        else
            return wrong_type(p, name, k, item);
    }
    if (k->type == RECIPE_IS_INTS)
        *(RecipeInts *)field = (RecipeInts){list, v->n};
    else if (k->type == RECIPE_IS_FLOATS)
        *(RecipeFloats *)field = (RecipeFloats){list, v->n};
    else
        *(RecipeStrings *)field = (RecipeStrings){list, v->n};
    return OK;
}

static Status set_field(Loader *l, KeyRef ref, Place p, const JsonValue *v)
{
    const RecipeKey *k = ref.key;
    void            *field = (char *)ref.table->config + k->offset;
    char             name[RECIPE_NAME];
    recipe_full_name(name, ref);
    switch (k->type) {
    case RECIPE_IS_BOOL:
        if (v->kind != JSON_BOOL)
            return wrong_type(p, name, k, v);
        *(bool *)field = v->boolean;
        return OK;
    case RECIPE_IS_INT:
        return read_int(field, p, name, k, v);
    case RECIPE_IS_FLOAT:
        return read_float(field, p, name, k, v);
    case RECIPE_IS_STRING:
        if (v->kind != JSON_STRING)
            return wrong_type(p, name, k, v);
        *(const char **)field = v->text;
        return OK;
    case RECIPE_IS_CHOICE:
        return read_choice(field, p, name, k, v);
    default:
        return read_list(l, field, p, name, k, v);
    }
}

/* ---- values written as bare text: defaults and overrides ---- */

static bool is_list(RecipeType type)
{
    return type == RECIPE_IS_INTS || type == RECIPE_IS_FLOATS || type == RECIPE_IS_STRINGS;
}

/* JSON for `text`: as it is, or quoted for strings and choices, or with brackets around a bare list. */
static Status bare_to_json(Text *json, RecipeType type, const char *text)
{
    bool quoted = text[0] == '"';
    if ((type == RECIPE_IS_STRING || type == RECIPE_IS_CHOICE) && !quoted)
        text_json(json, text);
    else if (is_list(type) && text[0] != '[') {
        text_putc(json, '[');
        for (const char *at = text; *text; at++) {
            if (*at && *at != ',')
                continue;
            if (type == RECIPE_IS_STRINGS)
                text_json_n(json, text, at - text);
            else
                text_append(json, text, at - text);
            if (!*at)
                break;
            text_putc(json, ',');
            text = at + 1;
        }
        text_putc(json, ']');
    } else
        text_puts(json, text);
    return text_status(json);
}

static Status set_from_text(Loader *l, KeyRef ref, Place p, const char *text)
{
    Status     st = OK;
    Text       json = {0};
    JsonValue *v;
    char       name[RECIPE_NAME];
    recipe_full_name(name, ref);
    TRY_OUT(bare_to_json(&json, ref.key->type, text));
    st = json_parse(l->arena, &v, text_cstr(&json), json.len, p.source, NULL);
    if (st == ERR_FORMAT)
        st = refuse(p, name, "expected %s, found \"%.200s\"", type_name(ref.key), text);
    TRY_OUT(st);
    TRY_OUT(set_field(l, ref, p, v));
out:
    text_release(&json);
    return st;
}

/* ---- one layer ---- */

static Status mark_set(Loader *l, KeyRef ref, Place p, const char *name)
{
    if (l->set_by[ref.index] == l->layer)
        return refuse(p, name, "is set twice");
    l->set_by[ref.index] = l->layer;
    return OK;
}

static Status unknown_key(Loader *l, Place p, const char *name)
{
    char nearest[RECIPE_NAME];
    if (recipe_nearest(nearest, l->tables, l->n_tables, name))
        return refuse(p, name, "is no known key; did you mean \"%s\"?", nearest);
    return refuse(p, name, "is no known key");
}

/* "solver.lr" of a member; false when it is longer than any key can be. */
static bool path_of(char out[RECIPE_NAME], const JsonValue *v)
{
    const JsonValue *chain[RECIPE_NAME / 2];
    int              n = 0;
    size_t           at = 0;
    for (; v->parent; v = v->parent) {
        if (n == RECIPE_NAME / 2)
            return false;
        chain[n++] = v;
    }
    out[0] = 0;
    while (n-- > 0) {
        size_t k = strlen(chain[n]->key);
        if (at + k + 2 > RECIPE_NAME)
            return false;
        if (at > 0)
            out[at++] = '.';
        memcpy(out + at, chain[n]->key, k + 1);
        at += k;
    }
    return true;
}

/* Visits a member; *inside says that it is a group whose members come next. */
static Status apply_member(Loader *l, const JsonValue *v, const char *source, bool *inside)
{
    char   name[RECIPE_NAME];
    KeyRef ref;
    Place  p = {source, v->line};
    *inside = false;
    if (!path_of(name, v))
        return refuse(p, v->key, "is no known key");
    if (strcmp(name, "base") == 0)
        return OK;
    if (recipe_lookup(&ref, l->tables, l->n_tables, name)) {
        TRY(mark_set(l, ref, p, name));
        return set_field(l, ref, p, v);
    }
    if (!recipe_is_group(l->tables, l->n_tables, name))
        return unknown_key(l, p, name);
    if (v->kind != JSON_OBJECT)
        return refuse(p, name, "expected an object of keys, found %s", json_kind_name(v->kind));
    *inside = true;
    return OK;
}

static Status apply_tree(Loader *l, const JsonValue *root, const char *source)
{
    l->layer++;
    for (const JsonValue *v = root->child; v;) {
        bool inside;
        TRY(apply_member(l, v, source, &inside));
        if (inside && v->child) {
            v = v->child;
            continue;
        }
        while (v != root && !v->next)
            v = v->parent;
        v = v == root ? NULL : v->next;
    }
    return OK;
}

static Status apply_overrides(Loader *l, const char *const *overrides, int n)
{
    l->layer++;
    for (int i = 0; i < n; i++) {
        char        name[RECIPE_NAME];
        KeyRef      ref;
        const char *equals = strchr(overrides[i], '=');
        Place       p = {"override", 0};
        if (!equals || equals == overrides[i])
            return refuse(p, overrides[i], "expected key=value");
        size_t k = (size_t)(equals - overrides[i]);
        if (k >= sizeof name)
            return refuse(p, overrides[i], "is no known key");
        memcpy(name, overrides[i], k);
        name[k] = 0;
        if (!recipe_lookup(&ref, l->tables, l->n_tables, name))
            return unknown_key(l, p, name);
        TRY(mark_set(l, ref, p, name));
        TRY(set_from_text(l, ref, p, equals + 1));
    }
    return OK;
}

/* ---- the chain of files ---- */

typedef struct Chain {
    JsonValue  *root[RECIPE_MAX_DEPTH]; // the recipe, its parent, ...
    const char *path[RECIPE_MAX_DEPTH];
    int         n;
} Chain;

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), k = strlen(tail);
    return n >= k && strcmp(s + n - k, tail) == 0;
}

/* The recipe whose name is nearest to a wrong one; NULL when nothing is near. */
static const char *nearest_recipe(Arena *a, const char *name, const char *const *folders,
                                  int n_folders)
{
    const char *best = NULL;
    int         least = (int)strlen(name) / 2 + 1;
    for (int i = 0; i < n_folders; i++) {
        char  **names;
        int64_t n;
        if (!file_is_dir(folders[i]) || file_list(a, &names, &n, folders[i]) != OK)
            continue;
        for (int64_t k = 0; k < n; k++) {
            if (!ends_with(names[k], ".json"))
                continue;
            char *stem = arena_printf(a, "%.*s", (int)(strlen(names[k]) - 5), names[k]);
            int   d = stem ? recipe_distance(name, stem) : least;
            if (d < least) {
                least = d;
                best = stem;
            }
        }
    }
    return best;
}

Status recipe_find(Arena *a, char **path, const char *name, const char *const *folders,
                   int n_folders)
{
    Text searched = {0};
    if (file_exists(name) && !file_is_dir(name)) {
        *path = arena_strdup(a, name);
        return *path ? OK : ERR_MEMORY;
    }
    for (int i = 0; i < n_folders && !strchr(name, '/'); i++) {
        char *plain = file_join(a, folders[i], name);
        char *json = plain ? arena_printf(a, "%s.json", plain) : NULL;
        if (!json)
            return ERR_MEMORY;
        *path = file_exists(json) ? json : plain;
        if (file_exists(*path) && !file_is_dir(*path)) {
            text_release(&searched);
            return OK;
        }
        text_printf(&searched, "%s%s", i ? ", " : "", folders[i]);
    }
    const char *near = nearest_recipe(a, name, folders, n_folders);
    Status      st = status_fail(ERR_MISSING, "recipe \"%.200s\" is no file%s%.400s%s%s%s", name,
                            searched.len ? " and stands in none of: " : "", text_cstr(&searched),
                            near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    text_release(&searched);
    return st;
}

/* The parent's path: beside the child, else by its bare name. */
static Status find_parent(Arena *a, char **path, const char *child, const JsonValue *base,
                          const RecipeSource *source)
{
    char *dir = file_dir(a, child);
    *path = dir ? file_join(a, dir, base->text) : NULL;
    if (!*path)
        return ERR_MEMORY;
    if (file_exists(*path) && !file_is_dir(*path))
        return OK;
    if (recipe_find(a, path, base->text, source->folders, source->n_folders) != OK)
        return status_fail(ERR_RECIPE, "%s:%lld: base: the parent \"%.200s\" cannot be found",
                           child, (long long)base->line, base->text);
    return OK;
}

static bool is_in_chain(const Chain *c, const char *path)
{
    char mine[PATH_MAX], theirs[PATH_MAX];
    for (int i = 0; i < c->n; i++)
        if (realpath(path, mine) && realpath(c->path[i], theirs) && strcmp(mine, theirs) == 0)
            return true;
    return false;
}

static Status read_chain(Loader *l, Chain *c, const RecipeSource *source)
{
    static const JsonLimits LIMITS = {.allow_comments = true, .max_depth = 32};
    char                   *path;
    TRY(recipe_find(l->arena, &path, source->name, source->folders, source->n_folders));
    for (;;) {
        JsonValue *root;
        if (c->n == RECIPE_MAX_DEPTH)
            return status_fail(ERR_RECIPE, "%s: more than %d recipes in a row name a base", path,
                               RECIPE_MAX_DEPTH);
        if (is_in_chain(c, path))
            return status_fail(ERR_RECIPE, "%s: is its own base, through %s", path,
                               c->path[c->n - 1]);
        TRY(as_recipe(json_read(l->arena, &root, path, RECIPE_MAX_BYTES, &LIMITS)));
        if (root->kind != JSON_OBJECT)
            return status_fail(ERR_RECIPE, "%s: expected an object, found %s", path,
                               json_kind_name(root->kind));
        c->path[c->n] = path;
        c->root[c->n++] = root;
        const JsonValue *base = json_find(root, "base");
        if (!base)
            return OK;
        if (base->kind != JSON_STRING)
            return refuse((Place){path, base->line}, "base",
                          "expected the name of a recipe, found %s", json_kind_name(base->kind));
        TRY(find_parent(l->arena, &path, c->path[c->n - 1], base, source));
    }
}

Status recipe_load(Arena *a, const RecipeTable *tables, int n_tables, const RecipeSource *source)
{
    Loader l = {.arena = a, .tables = tables, .n_tables = n_tables};
    Chain  chain = {.n = 0};
    int    n = 0;
    for (int t = 0; t < n_tables; t++)
        n += tables[t].n_keys;
    l.set_by = ARENA_ARRAY(a, int, n);
    if (!l.set_by)
        return ERR_MEMORY;
    for (int t = 0, index = 0; t < n_tables; t++)
        for (int k = 0; k < tables[t].n_keys; k++, index++) {
            KeyRef ref = {&tables[t], &tables[t].keys[k], index};
            TRY(set_from_text(&l, ref, (Place){"default", 0}, ref.key->fallback));
        }
    if (!source)
        return OK;
    if (source->name)
        TRY(read_chain(&l, &chain, source));
    for (int i = chain.n - 1; i >= 0; i--)
        TRY(apply_tree(&l, chain.root[i], chain.path[i]));
    return apply_overrides(&l, source->overrides, source->n_overrides);
}
