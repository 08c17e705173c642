/* coco_det.c -- COCO instances JSON as a detection set
 *
 * Category ids are made contiguous: class index = rank of the id. An annotation's box is x y width height from the top
 * left corner, 0-based, so x2 = x + width.
 */
#include "datasets/detection.h"
#include "base/file.h"
#include "base/json.h"
#include "base/size.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((int64_t)1 << 30)
#define MAX_VALUES ((int64_t)1 << 27)

/* An id and where it stands. */
typedef struct Key {
    int64_t id, place;
} Key;

static int compare_keys(const void *a, const void *b)
{
    int64_t x = ((const Key *)a)->id, y = ((const Key *)b)->id;
    return (x > y) - (x < y);
}

static int64_t find(const Key *key, int64_t n, int64_t id)
{
    Key        wanted = {.id = id};
    const Key *k = bsearch(&wanted, key, (size_t)n, sizeof *key, compare_keys);
    return k != NULL ? k->place : -1;
}

/* The ids of an array of objects, sorted; a repeated one is an error. */
static Status sorted_ids(Arena *a, Key **out, const JsonValue *list)
{
    Key    *key = ARENA_ARRAY(a, Key, list->n);
    int64_t i = 0;
    *out = key;
    if (key == NULL)
        return ERR_MEMORY;
    for (const JsonValue *v = list->child; v != NULL; v = v->next) {
        TRY(json_get_int(v, "id", &key[i].id));
        key[i].place = i;
        i++;
    }
    qsort(key, (size_t)list->n, sizeof *key, compare_keys);
    for (i = 1; i < list->n; i++)
        if (key[i].id == key[i - 1].id)
            return json_fail(list, "the id %lld occurs twice", (long long)key[i].id);
    return OK;
}

static Status read_categories(DetSet *set, Key **key, Arena *scratch, const JsonValue *list)
{
    const char **name = ARENA_ARRAY(scratch, const char *, list->n);
    int64_t      i = 0;
    if (name == NULL)
        return ERR_MEMORY;
    TRY(sorted_ids(scratch, key, list));
    for (const JsonValue *v = list->child; v != NULL; v = v->next) {
        TRY(json_get_string(v, "name", &name[i]));
        i++;
    }
    set->n_classes = list->n;
    set->class_name = ARENA_ARRAY(&set->arena, const char *, list->n);
    set->class_id = ARENA_ARRAY(&set->arena, int64_t, list->n);
    if (set->class_name == NULL || set->class_id == NULL)
        return ERR_MEMORY;
    for (int64_t k = 0; k < list->n; k++) {
        set->class_id[k] = (*key)[k].id;
        set->class_name[k] = arena_strdup(&set->arena, name[(*key)[k].place]);
        (*key)[k].place = k; // from here on: id -> class index
        if (set->class_name[k] == NULL)
            return ERR_MEMORY;
    }
    return OK;
}

static Status read_images(DetSet *set, const JsonValue *list, const char *folder)
{
    DetImage *image = set->image;
    for (const JsonValue *v = list->child; v != NULL; v = v->next) {
        const char *file = NULL;
        char       *path = NULL;
        *image = (DetImage){0};
        TRY(json_get_int(v, "id", &image->coco_id));
        TRY(json_get_string(v, "file_name", &file));
        TRY(json_opt_int(v, "width", &image->width));
        TRY(json_opt_int(v, "height", &image->height));
        TRY(file_check_relative(file));
        path = file_join(&set->arena, folder, file);
        image->path = path;
        image->id = arena_printf(&set->arena, "%lld", (long long)image->coco_id);
        if (path == NULL || image->id == NULL)
            return ERR_MEMORY;
        image++;
    }
    set->n_images = list->n;
    return OK;
}

static Status read_box(DetObject *out, const JsonValue *annotation)
{
    const JsonValue *box = NULL;
    double           b[4];
    int              i = 0;
    TRY(json_get_array(annotation, "bbox", &box));
    if (box->n != 4)
        return json_fail(box, "expected x, y, width, height, found %lld values", (long long)box->n);
    for (const JsonValue *v = box->child; v != NULL; v = v->next) {
        if (v->kind != JSON_INT && v->kind != JSON_UINT && v->kind != JSON_DOUBLE)
            return json_fail(v, "expected a number, found %s", json_kind_name(v->kind));
        if (!isfinite(v->number) || fabs(v->number) > 1e7)
            return json_fail(v, "%g is no pixel position", v->number);
        b[i++] = v->number;
    }
    out->x1 = (float)b[0];
    out->y1 = (float)b[1];
    out->x2 = (float)(b[0] + b[2]);
    out->y2 = (float)(b[1] + b[3]);
    return OK;
}

/* An annotation with the image it belongs to. */
typedef struct Row {
    int64_t   image;
    DetObject object;
} Row;

static Status read_annotation(DetSet *set, const CocoOptions *o, Row *row, bool *keep,
                              const JsonValue *v, const Key *image_key, const Key *class_key)
{
    int64_t image_id = 0, category = 0, crowd = 0;
    *row = (Row){0};
    *keep = false;
    TRY(json_get_int(v, "image_id", &image_id));
    TRY(json_get_int(v, "category_id", &category));
    const JsonValue *flag = json_find(v, "iscrowd");
    if (flag != NULL && flag->kind == JSON_BOOL)
        crowd = flag->boolean;
    else
        TRY(json_opt_int(v, "iscrowd", &crowd));
    row->image = find(image_key, set->n_images, image_id);
    if (row->image < 0)
        return json_fail(v, "no image has the id %lld", (long long)image_id);
    int64_t k = find(class_key, set->n_classes, category);
    if (k < 0)
        return json_fail(v, "no category has the id %lld", (long long)category);
    row->object.class_index = (int32_t)k;
    row->object.is_crowd = crowd != 0;
    if (crowd != 0 && !o->keep_crowd)
        return OK;
    TRY(read_box(&row->object, v));
    *keep = row->object.x2 > row->object.x1 && row->object.y2 > row->object.y1;
    set->n_dropped += !*keep;
    return OK;
}

/* Annotations to their images, in the order of the file. */
static Status distribute(DetSet *set, const Row *row, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        set->image[row[i].image].n_objects++;
    for (int64_t i = 0; i < set->n_images; i++) {
        DetImage *d = &set->image[i];
        d->object = ARENA_ARRAY(&set->arena, DetObject, d->n_objects);
        if (d->object == NULL)
            return ERR_MEMORY;
        d->n_objects = 0;
    }
    for (int64_t i = 0; i < n; i++) {
        DetImage *d = &set->image[row[i].image];
        d->object[d->n_objects++] = row[i].object;
    }
    return OK;
}

static void drop_empty(DetSet *set)
{
    int64_t n = 0;
    for (int64_t i = 0; i < set->n_images; i++)
        if (set->image[i].n_objects > 0)
            set->image[n++] = set->image[i];
    set->n_images = n;
}

static Status fill(DetSet *set, const CocoOptions *o, Arena *scratch, const JsonValue *root,
                   const char *folder)
{
    const JsonValue *images = NULL, *annotations = NULL, *categories = NULL;
    Key             *image_key = NULL, *class_key = NULL;
    int64_t          n = 0;
    TRY(json_get_array(root, "images", &images));
    TRY(json_get_array(root, "annotations", &annotations));
    TRY(json_get_array(root, "categories", &categories));
    TRY(read_categories(set, &class_key, scratch, categories));
    TRY(sorted_ids(scratch, &image_key, images));
    set->image = ARENA_ARRAY(&set->arena, DetImage, images->n);
    Row *row = ARENA_ARRAY(scratch, Row, annotations->n);
    if (set->image == NULL || row == NULL)
        return ERR_MEMORY;
    TRY(read_images(set, images, folder));
    for (const JsonValue *v = annotations->child; v != NULL; v = v->next) {
        bool keep;
        TRY(read_annotation(set, o, &row[n], &keep, v, image_key, class_key));
        n += keep;
    }
    TRY(distribute(set, row, n));
    if (!o->keep_empty)
        drop_empty(set);
    return OK;
}

Status coco_load(DetSet *set, const CocoOptions *options, const char *json_path,
                 const char *image_folder)
{
    static const CocoOptions defaults;
    const CocoOptions       *o = options != NULL ? options : &defaults;
    Arena                    scratch = {0};
    JsonValue               *root = NULL;
    JsonLimits               limits = {.max_values = MAX_VALUES};
    if (set->n_images > 0)
        return status_fail(ERR_USAGE, "%s: a COCO file is read into an empty set", json_path);
    Status st = json_read(&scratch, &root, json_path, MAX_FILE, &limits);
    if (st == OK)
        st = fill(set, o, &scratch, root, image_folder);
    arena_release(&scratch);
    return st;
}
