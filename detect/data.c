#include "detect/data.h"
#include "base/file.h"
#include <string.h>

Status detect_set_classes(DetSet *set, const char *const *name, const int64_t *id, int64_t n)
{
    set->class_name = ARENA_ARRAY(&set->arena, const char *, n);
    set->class_id = ARENA_ARRAY(&set->arena, int64_t, n);
    if (!set->class_name || !set->class_id)
        return ERR_MEMORY;
    for (int64_t k = 0; k < n; k++) {
        set->class_name[k] = arena_strdup(&set->arena, name[k]);
        set->class_id[k] = id[k];
        if (!set->class_name[k])
            return ERR_MEMORY;
    }
    set->n_classes = n;
    return OK;
}

Status detect_name_classes(DetSet *set, const RecipeStrings *names)
{
    int64_t *id = ARENA_ARRAY(&set->arena, int64_t, names->n);
    if (!id)
        return ERR_MEMORY;
    for (int64_t k = 0; k < names->n; k++)
        id[k] = k + 1;
    return names->n > 0 ? detect_set_classes(set, names->v, id, names->n) : OK;
}

static Status open_voc(DetSet *set, Arena *a, const char *data, const char *part)
{
    const char *split = file_base(part);
    const char *root =
        split == part ? arena_strdup(a, data) : file_join(a, data, file_dir(a, part));
    return root ? voc_load(set, NULL, root, split) : ERR_MEMORY;
}

/* "annotations/instances_train.json:train2017" in two. */
static Status split_coco(Arena *a, char **json, char **folder, const char *data, const char *part)
{
    char *left = arena_strdup(a, part), *colon = left ? strrchr(left, ':') : NULL;
    if (left == NULL)
        return ERR_MEMORY;
    if (colon == NULL)
        return status_fail(ERR_RECIPE, "data: '%s' names no pictures; want ANNOTATIONS.json:FOLDER",
                           part);
    *colon = 0;
    *json = file_join(a, data, left);
    *folder = file_join(a, data, colon + 1);
    return *json && *folder ? OK : ERR_MEMORY;
}

Status detect_coco_truth(Arena *a, const char **json, const char *data, const char *part)
{
    char *path = NULL, *folder = NULL;
    TRY(split_coco(a, &path, &folder, data, part));
    *json = path;
    return OK;
}

static Status open_coco(DetSet *set, Arena *a, const char *data, const char *part,
                        bool for_training)
{
    CocoOptions options = {.keep_empty =
                               !for_training}; // training leaves pictures without boxes out
    char       *json = NULL, *folder = NULL;
    TRY(split_coco(a, &json, &folder, data, part));
    return coco_load(set, &options, json, folder);
}

Status detect_open_part(DetSet *set, const char *data, const char *part, bool is_coco,
                        bool for_training)
{
    Arena  a = {0};
    Status st =
        is_coco ? open_coco(set, &a, data, part, for_training) : open_voc(set, &a, data, part);
    arena_release(&a);
    return st;
}

Status detect_open_parts(DetSet *set, const char *data, const RecipeStrings *parts, bool is_coco,
                         bool for_training, int64_t first)
{
    if (data == NULL)
        return status_fail(ERR_USAGE, "--data is missing (the folder that holds %s)",
                           parts->n ? parts->v[0] : "it");
    for (int64_t i = 0; i < parts->n; i++)
        TRY(detect_open_part(set, data, parts->v[i], is_coco, for_training));
    if (first > 0 && set->n_images > first)
        set->n_images = first;
    return OK;
}
