/* voc.c -- PASCAL VOC folders (Everingham et al. 2010): ImageSets, Annotations, JPEGImages */
#include "datasets/detection.h"
#include "base/file.h"
#include "base/size.h"
#include "base/voc_split.h"
#include "base/voc_xml.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LIST_BYTES (1 << 28)
#define MAX_IMAGES 10000000
#define FAR 1e7 // no picture is as wide

const char *const VOC_CLASS_NAME[20] = {
    "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",       "car",
    "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",     "motorbike",
    "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor",
};

static int64_t find_class(const DetSet *set, const char *name)
{
    for (int64_t k = 0; k < set->n_classes; k++)
        if (strcmp(set->class_name[k], name) == 0)
            return k;
    return -1;
}

static Status set_classes(DetSet *set, const char *const *name, int64_t n)
{
    const char **copy = ARENA_ARRAY(&set->arena, const char *, n);
    int64_t     *id = ARENA_ARRAY(&set->arena, int64_t, n);
    if (copy == NULL || id == NULL)
        return ERR_MEMORY;
    for (int64_t k = 0; k < n; k++) {
        copy[k] = arena_strdup(&set->arena, name[k]);
        id[k] = k + 1;
        if (copy[k] == NULL)
            return ERR_MEMORY;
    }
    set->class_name = copy;
    set->class_id = id;
    set->n_classes = n;
    return OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The sorted distinct names of all objects. */
static Status found_classes(DetSet *set, Arena *scratch, const VocXml *xml, int64_t n)
{
    int64_t total = 0, n_names = 0;
    for (int64_t i = 0; i < n; i++)
        total += xml[i].n_objects;
    const char **name = ARENA_ARRAY(scratch, const char *, total);
    if (name == NULL)
        return ERR_MEMORY;
    total = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < xml[i].n_objects; k++)
            name[total++] = xml[i].object[k].name;
    qsort(name, (size_t)total, sizeof *name, compare_names);
    for (int64_t i = 0; i < total; i++)
        if (n_names == 0 || strcmp(name[n_names - 1], name[i]) != 0)
            name[n_names++] = name[i];
    return set_classes(set, name, n_names);
}

static Status choose_classes(DetSet *set, Arena *scratch, const VocOptions *o, const char *root,
                             const VocXml *xml, int64_t n)
{
    if (set->n_classes > 0)
        return OK;
    if (o->class_name != NULL)
        return set_classes(set, o->class_name, o->n_classes);
    const char *folder = arena_strdup(scratch, root);
    if (folder == NULL)
        return ERR_MEMORY;
    for (size_t k = strlen(folder); k > 1 && folder[k - 1] == '/'; k--)
        ((char *)folder)[k - 1] = '\0';
    if (strncmp(file_base(folder), "VOC20", 5) == 0)
        return set_classes(set, VOC_CLASS_NAME, 20);
    return found_classes(set, scratch, xml, n);
}

/* One object; *keep is false when it is left out and counted. */
static Status convert(DetSet *set, const VocOptions *o, DetObject *out, bool *keep,
                      const VocXmlObject *from, const char *file)
{
    const double *b = from->box;
    int64_t       k = find_class(set, from->name);
    *keep = false;
    for (int i = 0; i < 4; i++)
        if (!isfinite(b[i]) || fabs(b[i]) > FAR)
            return status_fail(ERR_FORMAT, "%s:%lld: box side %g of %s is no pixel position", file,
                               (long long)from->line, b[i], from->name);
    if (b[0] > b[2] || b[1] > b[3])
        return status_fail(ERR_FORMAT,
                           "%s:%lld: box of %s is inverted: xmin %g, ymin %g, xmax %g, ymax %g",
                           file, (long long)from->line, from->name, b[0], b[1], b[2], b[3]);
    if (k < 0 && !o->ignore_unknown)
        return status_fail(ERR_FORMAT,
                           "%s:%lld: class '%s' is not in the class list of %lld names; name all "
                           "classes in the recipe's data.classes, or take the object out",
                           file, (long long)from->line, from->name, (long long)set->n_classes);
    set->n_ignored += k < 0;
    if (k < 0)
        return OK;
    if (b[0] == b[2] || b[1] == b[3]) {
        set->n_dropped++;
        return OK;
    }
    *out = (DetObject){.x1 = (float)(b[0] - 1),
                       .y1 = (float)(b[1] - 1),
                       .x2 = (float)b[2],
                       .y2 = (float)b[3],
                       .class_index = (int32_t)k,
                       .is_difficult = from->is_difficult};
    *keep = true;
    return OK;
}

static Status fill_image(DetSet *set, const VocOptions *o, DetImage *image, const VocXml *xml,
                         const char *file)
{
    image->width = xml->width;
    image->height = xml->height;
    image->coco_id = -1;
    image->n_objects = 0;
    image->object = ARENA_ARRAY(&set->arena, DetObject, xml->n_objects);
    if (image->object == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < xml->n_objects; i++) {
        bool keep;
        TRY(convert(set, o, &image->object[image->n_objects], &keep, &xml->object[i], file));
        image->n_objects += keep;
    }
    return OK;
}

Status voc_parse(DetSet *set, const VocOptions *options, DetImage *image, const char *xml,
                 int64_t n_bytes, const char *name)
{
    static const VocOptions defaults;
    const VocOptions       *o = options != NULL ? options : &defaults;
    Arena                   scratch = {0};
    VocXml                  record = {0};
    Status                  st = OK;
    TRY_OUT(voc_xml_parse(&scratch, &record, xml, n_bytes, name));
    TRY_OUT(choose_classes(set, &scratch, o, name, &record, 1));
    TRY_OUT(fill_image(set, o, image, &record, name));
out:
    arena_release(&scratch);
    return st;
}

static Status fail_id(const char *list, int64_t entry)
{
    char why[512];
    snprintf(why, sizeof why, "%s", status_text());
    return status_fail(ERR_FORMAT, "%s: entry %lld: %s", list, (long long)entry, why);
}

Status voc_read_ids(Arena *a, char ***out, int64_t *n, const char *root, const char *split)
{
    char   *list = NULL, *text = NULL, *place = NULL;
    int64_t n_bytes = 0, capacity = 1;
    TRY(file_check_relative(split));
    list = arena_printf(a, "%s/ImageSets/Main/%s.txt", root, split);
    if (list == NULL)
        return ERR_MEMORY;
    if (!file_exists(list))
        return voc_split_fail(root, split);
    TRY(file_read(a, &text, &n_bytes, list, MAX_LIST_BYTES));
    if (memchr(text, 0, (size_t)n_bytes))
        return status_fail(ERR_FORMAT, "%s: holds a NUL byte; expected a picture's id a line",
                           list);
    for (int64_t i = 0; i < n_bytes; i++)
        capacity += text[i] == '\n' || text[i] == '\r';
    *out = ARENA_ARRAY(a, char *, size_min(capacity, MAX_IMAGES));
    *n = 0;
    if (*out == NULL)
        return ERR_MEMORY;
    for (char *line = strtok_r(text, "\r\n", &place); line != NULL;
         line = strtok_r(NULL, "\r\n", &place)) {
        line += strspn(line, " \t");
        line[strcspn(line, " \t")] = '\0';
        if (*line == '\0')
            continue;
        if (file_check_relative(line) != OK)
            return fail_id(list, *n + 1);
        if (*n == MAX_IMAGES)
            return status_fail(ERR_FORMAT, "%s: more than %d images", list, MAX_IMAGES);
        (*out)[(*n)++] = line;
    }
    if (*n == 0)
        return status_fail(ERR_FORMAT, "%s: names no image", list);
    return OK;
}

char *voc_picture_path(Arena *a, const char *root, const char *id)
{
    static const char *const SUFFIX[] = {"jpg", "png", "jpeg", "JPG", "JPEG"};
    for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++) {
        char *path = arena_printf(a, "%s/JPEGImages/%s.%s", root, id, SUFFIX[i]);
        if (path == NULL || file_exists(path))
            return path;
    }
    return arena_printf(a, "%s/JPEGImages/%s.jpg", root, id);
}

/* Room for n more images behind those that are there. */
static Status grow(DetSet *set, int64_t n)
{
    DetImage *image = ARENA_ARRAY(&set->arena, DetImage, set->n_images + n);
    if (image == NULL)
        return ERR_MEMORY;
    if (set->n_images > 0)
        memcpy(image, set->image, (size_t)set->n_images * sizeof *image);
    set->image = image;
    return OK;
}

Status voc_load(DetSet *set, const VocOptions *options, const char *root, const char *split)
{
    static const VocOptions defaults;
    const VocOptions       *o = options != NULL ? options : &defaults;
    Arena                   scratch = {0};
    char                  **id = NULL;
    VocXml                 *xml = NULL;
    char                  **file = NULL;
    int64_t                 n = 0;
    Status                  st = OK;

    TRY_OUT(voc_read_ids(&scratch, &id, &n, root, split));
    xml = ARENA_ARRAY(&scratch, VocXml, n);
    file = ARENA_ARRAY(&scratch, char *, n);
    if (xml == NULL || file == NULL)
        TRY_OUT(ERR_MEMORY);
    for (int64_t i = 0; i < n; i++) {
        file[i] = arena_printf(&scratch, "%s/Annotations/%s.xml", root, id[i]);
        if (file[i] == NULL)
            TRY_OUT(ERR_MEMORY);
        TRY_OUT(voc_xml_read(&scratch, &xml[i], file[i]));
    }
    TRY_OUT(choose_classes(set, &scratch, o, root, xml, n));
    TRY_OUT(grow(set, n));
    for (int64_t i = 0; i < n; i++) {
        DetImage *image = &set->image[set->n_images];
        *image = (DetImage){.id = arena_strdup(&set->arena, id[i])};
        image->path = voc_picture_path(&set->arena, root, id[i]);
        if (image->id == NULL || image->path == NULL)
            TRY_OUT(ERR_MEMORY);
        TRY_OUT(fill_image(set, o, image, &xml[i], file[i]));
        set->n_images++;
    }
out:
    arena_release(&scratch);
    return st;
}

void detset_digest(const DetSet *set, Digest *d)
{
    for (int64_t i = 0; i < set->n_images; i++) {
        const DetImage *im = &set->image[i];
        const int64_t   size[] = {im->width, im->height, im->n_objects};
        digest_string(d, im->id);
        digest_bytes(d, size, sizeof size);
        for (int64_t k = 0; k < im->n_objects; k++) {
            const DetObject *o = &im->object[k];
            const float      box[] = {o->x1, o->y1, o->x2, o->y2};
            const int32_t    kind[] = {o->class_index, o->is_difficult, o->is_crowd};
            digest_bytes(d, box, sizeof box);
            digest_bytes(d, kind, sizeof kind);
        }
    }
}

void detset_release(DetSet *set)
{
    arena_release(&set->arena);
    *set = (DetSet){0};
}
