/* check.c -- walk over a data set and write down what is wrong */
#include "datasets/check.h"
#include "base/file.h"
#include "base/voc_xml.h"
#include "datasets/image.h"
#include "datasets/source.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Checker {
    CheckReport        *r;
    const CheckOptions *o;
    ImageBytes          bytes;
    Image               picture;
    int64_t            *last_image; // (capacity) image that counted for the class last
    int64_t             capacity;   // of it and of r->class_row
    Status              st;         // memory only
} Checker;

__attribute__((format(printf, 5, 6))) static void found(Checker *c, bool is_error, const char *kind,
                                                        const char *file, const char *fmt, ...)
{
    CheckReport *r = c->r;
    char         text[1024];
    va_list      args;
    *(is_error ? &r->n_errors : &r->n_warnings) += 1;
    if (r->n_problems == CHECK_MAX_PROBLEMS || c->st != OK)
        return;
    if (r->problem == NULL)
        r->problem = ARENA_ARRAY(&r->arena, CheckProblem, CHECK_MAX_PROBLEMS);
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    CheckProblem p = {.is_error = is_error, .kind = kind};
    p.file = arena_strdup(&r->arena, file);
    p.text = arena_strdup(&r->arena, text);
    if (r->problem == NULL || p.file == NULL || p.text == NULL)
        c->st = ERR_MEMORY;
    else
        r->problem[r->n_problems++] = p;
}

/* A step over one file failed: what the file is to blame for is a finding, missing memory ends the check. */
static void failed(Checker *c, Status st, const char *kind, const char *file)
{
    if (st == ERR_MEMORY)
        c->st = st;
    else
        found(c, true, kind, file, "%s", status_text());
}

/* Opens and judges the picture; true when *info is filled. */
static bool check_picture(Checker *c, ImageInfo *info, const char *path, const uint8_t *bytes,
                          int64_t n)
{
    Status st = image_probe(info, NULL, bytes, n, path);
    if (st == OK && c->o->decode)
        st = image_decode(&c->picture, NULL, bytes, n, path);
    if (st != OK)
        failed(c, st, "bad-image", path);
    return st == OK;
}

/* The picture at `path`; true when *info is filled. */
static bool check_picture_file(Checker *c, ImageInfo *info, const char *path)
{
    Status st =
        file_exists(path) ? image_bytes_read(&c->bytes, path) : file_fail_open(path, ENOENT);
    if (st == OK)
        return check_picture(c, info, path, c->bytes.data, c->bytes.n_bytes);
    failed(c, st, "missing-image", path);
    return false;
}

static void check_sizes(Checker *c, int64_t width, int64_t height, const ImageInfo *info,
                        const char *path)
{
    if (width <= 0 || height <= 0)
        found(c, false, "size-mismatch", path, "the annotation gives no size");
    else if (width != info->width || height != info->height) {
        bool swapped = width == info->height && height == info->width;
        found(c, true, "size-mismatch", path,
              "the annotation says %lld x %lld, the picture has %lld x %lld%s", (long long)width,
              (long long)height, (long long)info->width, (long long)info->height,
              swapped && info->orientation != 1
                  ? "; its EXIF orientation swaps the sides: annotated as stored"
                  : "");
    } else if (info->orientation != 1)
        found(c, false, "exif", path, "EXIF orientation %d; the annotation counts it",
              info->orientation);
}

static void check_box(Checker *c, const VocXmlObject *o, double w, double h, const char *path)
{
    const double *b = o->box;
    if (b[0] > b[2] || b[1] > b[3])
        found(c, true, "box-inverted", path, "line %lld: %s: xmin %g, ymin %g, xmax %g, ymax %g",
              (long long)o->line, o->name, b[0], b[1], b[2], b[3]);
    else if (b[0] == b[2] || b[1] == b[3])
        found(c, false, "box-empty", path, "line %lld: box of %s has no extent and is left out",
              (long long)o->line, o->name);
    else if (w > 0 && h > 0 && (b[0] > w || b[1] > h || b[2] < 1 || b[3] < 1))
        found(c, true, "box-outside", path, "line %lld: box of %s lies outside the %g x %g picture",
              (long long)o->line, o->name, w, h);
    else if (w > 0 && h > 0 && (b[0] < 1 || b[1] < 1 || b[2] > w || b[3] > h))
        found(c, false, "box-outside", path,
              "line %lld: box of %s: %g %g %g %g reaches beyond the 1-based %g x %g picture and is "
              "clipped",
              (long long)o->line, o->name, b[0], b[1], b[2], b[3], w, h);
}

/* Room for n classes. */
static void reserve_classes(Checker *c, int64_t n)
{
    CheckReport *r = c->r;
    if (n <= c->capacity || c->st != OK)
        return;
    CheckClass *rows = ARENA_ARRAY(&r->arena, CheckClass, n);
    int64_t    *last = realloc(c->last_image, (size_t)n * sizeof *last);
    if (last != NULL)
        c->last_image = last;
    if (rows == NULL || last == NULL) {
        c->st = status_no_memory("the table of classes", n * (int64_t)sizeof *rows);
        return;
    }
    if (r->n_classes > 0)
        memcpy(rows, r->class_row, (size_t)r->n_classes * sizeof *rows);
    r->class_row = rows;
    c->capacity = n;
}

/* The next row of the table; -1 without memory. */
static int64_t add_class(Checker *c, const char *name)
{
    CheckReport *r = c->r;
    if (r->n_classes == c->capacity)
        reserve_classes(c, 2 * c->capacity + 16);
    char *copy = c->st == OK ? arena_strdup(&r->arena, name) : NULL;
    if (copy == NULL) {
        c->st = ERR_MEMORY;
        return -1;
    }
    r->class_row[r->n_classes] = (CheckClass){.name = copy};
    c->last_image[r->n_classes] = -1;
    return r->n_classes++;
}

/* The row of a class in the table, added where it has none; -1 without memory. */
static int64_t class_row(Checker *c, const char *name)
{
    for (int64_t k = 0; k < c->r->n_classes; k++)
        if (strcmp(c->r->class_row[k].name, name) == 0)
            return k;
    return add_class(c, name);
}

static void count_object(Checker *c, int64_t image, int64_t row, bool is_difficult)
{
    CheckClass *k = &c->r->class_row[row];
    k->n_images += c->last_image[row] != image;
    k->n_objects++;
    k->n_difficult += is_difficult;
    c->last_image[row] = image;
    c->r->n_objects++;
}

static bool listed(const char *const *name, int64_t n, const char *wanted)
{
    for (int64_t i = 0; i < n; i++)
        if (strcmp(name[i], wanted) == 0)
            return true;
    return false;
}

static void check_voc_image(Checker *c, Arena *scratch, const char *root, const char *id,
                            int64_t index, const char *const *classes, int64_t n_classes)
{
    VocXml    xml = {0};
    ImageInfo info = {0};
    Status    st;
    char     *file = arena_printf(scratch, "%s/Annotations/%s.xml", root, id);
    char     *path = voc_picture_path(scratch, root, id);
    if (file == NULL || path == NULL) {
        c->st = ERR_MEMORY;
        return;
    }
    bool is_read = check_picture_file(c, &info, path);
    st = voc_xml_read(scratch, &xml, file);
    if (st != OK) {
        failed(c, st, "bad-xml", file);
        return;
    }
    if (is_read)
        check_sizes(c, xml.width, xml.height, &info, path);
    if (xml.n_objects == 0)
        found(c, false, "no-objects", file, "no object; the picture trains as background");
    for (int64_t k = 0; k < xml.n_objects; k++) {
        const VocXmlObject *o = &xml.object[k];
        if (classes != NULL && !listed(classes, n_classes, o->name)) {
            found(c, !c->o->voc.ignore_unknown, "unknown-class", file,
                  "line %lld: '%s' is not in the class list", (long long)o->line, o->name);
            continue;
        }
        check_box(c, o, (double)xml.width, (double)xml.height, file);
        int64_t row = class_row(c, o->name);
        if (row >= 0)
            count_object(c, index, row, o->is_difficult);
    }
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_duplicates(Checker *c, Arena *scratch, char **id, int64_t n, const char *list)
{
    char **sorted = ARENA_ARRAY(scratch, char *, n);
    if (sorted == NULL) {
        c->st = ERR_MEMORY;
        return;
    }
    memcpy(sorted, id, (size_t)n * sizeof *id);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_text);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(sorted[i], sorted[i - 1]) == 0)
            found(c, true, "duplicate-id", list, "'%s' is listed twice", sorted[i]);
}

/* The class list that the loader would use: given, VOC's twenty, or open (NULL). */
static const char *const *class_list(const CheckOptions *o, const char *root, int64_t *n)
{
    size_t end = strlen(root), begin;
    while (end > 1 && root[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && root[begin - 1] != '/'; begin--)
        ;
    *n = o->voc.class_name != NULL ? o->voc.n_classes : 20;
    if (o->voc.class_name != NULL)
        return o->voc.class_name;
    return strncmp(root + begin, "VOC20", 5) == 0 ? VOC_CLASS_NAME : NULL;
}

/* Classes beside those of VOC pass where the list is open; a run that names its classes stops at them. */
static void warn_of_others(Checker *c, const char *split)
{
    const CheckReport *r = c->r;
    char               others[512] = "";
    int64_t            n = 0;
    for (int64_t k = 0; k < r->n_classes; k++) {
        const char *name = r->class_row[k].name;
        size_t      used = strlen(others);
        if (listed(VOC_CLASS_NAME, 20, name))
            continue;
        if (n++ < 8)
            snprintf(others + used, sizeof others - used, "%s'%.40s'", used ? ", " : "", name);
    }
    if (n > 0 && n < r->n_classes) // all of them: another set in VOC's layout
        found(c, false, "unknown-class", split,
              "%lld classes are not among VOC's twenty: %s%s; training stops at them where neither "
              "data.classes nor, if that is empty, data.train has them",
              (long long)n, others, n > 8 ? ", ..." : "");
}

Status check_voc(CheckReport *out, const CheckOptions *options, const char *root, const char *split)
{
    static const CheckOptions defaults;
    Checker                   c = {.r = out, .o = options != NULL ? options : &defaults};
    Arena                     scratch = {0};
    char                    **id = NULL;
    int64_t                   n_classes;
    Status                    st = OK;
    *out = (CheckReport){0};
    const char *const *classes = class_list(c.o, root, &n_classes);
    TRY_OUT(voc_read_ids(&scratch, &id, &out->n_images, root, split));
    for (int64_t k = 0; classes != NULL && k < n_classes; k++)
        class_row(&c, classes[k]);
    check_duplicates(&c, &scratch, id, out->n_images, split);
    for (int64_t i = 0; i < out->n_images && c.st == OK; i++) {
        ArenaMark mark = arena_mark(&scratch);
        check_voc_image(&c, &scratch, root, id[i], i, classes, n_classes);
        arena_rewind(&scratch, mark);
    }
    if (classes == NULL)
        warn_of_others(&c, split);
    if (out->n_objects == 0)
        found(&c, true, "no-objects", split, "no object in the whole set: nothing to train on");
    st = c.st;
out:
    arena_release(&scratch);
    image_bytes_release(&c.bytes);
    image_release(&c.picture);
    free(c.last_image);
    return st;
}

/* COCO's boxes are rounded to hundredths: what reaches less than a pixel beyond the picture is no finding. */
static void check_coco_box(Checker *c, const DetObject *o, const char *name, double w, double h,
                           const char *path)
{
    double x1 = (double)o->x1, y1 = (double)o->y1, x2 = (double)o->x2, y2 = (double)o->y2;
    if (x1 >= w || y1 >= h || x2 <= 0 || y2 <= 0)
        found(c, true, "box-outside", path,
              "box of %s: %g %g to %g %g lies outside the %g x %g picture", name, x1, y1, x2, y2, w,
              h);
    else if (x1 <= -1 || y1 <= -1 || x2 >= w + 1 || y2 >= h + 1)
        found(c, false, "box-outside", path,
              "box of %s: %g %g to %g %g reaches beyond the %g x %g picture and is clipped", name,
              x1, y1, x2, y2, w, h);
}

/* row[k] is the row of class k in the table. */
static void check_coco_image(Checker *c, const DetSet *set, const int64_t *row, int64_t index)
{
    const DetImage *d = &set->image[index];
    ImageInfo       info = {0};
    if (check_picture_file(c, &info, d->path))
        check_sizes(c, d->width, d->height, &info, d->path);
    bool is_sized = d->width > 0 && d->height > 0;
    for (int64_t i = 0; i < d->n_objects; i++) {
        const DetObject *o = &d->object[i];
        if (is_sized)
            check_coco_box(c, o, set->class_name[o->class_index], (double)d->width,
                           (double)d->height, d->path);
        count_object(c, index, row[o->class_index], false);
    }
}

static void check_coco_set(Checker *c, const DetSet *set, const char *json)
{
    Arena    scratch = {0};
    int64_t  n_empty = 0;
    int64_t *row = ARENA_ARRAY(&scratch, int64_t, set->n_classes);
    if (row == NULL)
        c->st = ERR_MEMORY;
    for (int64_t k = 0; k < set->n_classes && c->st == OK; k++)
        row[k] = class_row(c, set->class_name[k]);
    c->r->n_images = set->n_images;
    for (int64_t i = 0; i < set->n_images && c->st == OK; i++) {
        n_empty += set->image[i].n_objects == 0;
        check_coco_image(c, set, row, i);
    }
    if (set->n_dropped > 0)
        found(c, false, "box-empty", json, "%lld boxes have no extent and are left out",
              (long long)set->n_dropped);
    if (n_empty > 0 && c->r->n_objects > 0)
        found(c, false, "no-objects", json,
              "%lld pictures have no object; training leaves them out", (long long)n_empty);
    if (c->r->n_objects == 0)
        found(c, true, "no-objects", json, "no object in the whole set: nothing to train on");
    arena_release(&scratch);
}

Status check_coco(CheckReport *out, const CheckOptions *options, const char *json,
                  const char *pictures)
{
    static const CheckOptions defaults;
    Checker                   c = {.r = out, .o = options != NULL ? options : &defaults};
    DetSet                    set = {0};
    const CocoOptions         how = {.keep_empty = true}; // crowds stay out, as in training
    *out = (CheckReport){0};
    if (!file_is_dir(pictures))
        return file_fail_open(pictures, file_exists(pictures) ? ENOTDIR : ENOENT);
    Status st = coco_load(&set, &how, json, pictures);
    if (st == ERR_FORMAT) // the loader stops at the first fault, and so would training
        found(&c, true, "bad-annotations", json, "%s", status_text());
    else if (st == OK)
        check_coco_set(&c, &set, json);
    else
        c.st = st;
    detset_release(&set);
    image_bytes_release(&c.bytes);
    image_release(&c.picture);
    free(c.last_image);
    return c.st;
}

/* Row k is class k, also where two have one name. */
static void add_source_classes(Checker *c, const Source *s)
{
    reserve_classes(c, source_n_classes(s));
    for (int64_t k = 0; k < source_n_classes(s) && c->st == OK; k++) {
        char number[32];
        snprintf(number, sizeof number, "%lld", (long long)k);
        const char *name = source_class_name(s, k);
        add_class(c, *name != '\0' ? name : number);
    }
}

Status check_images(CheckReport *out, const CheckOptions *options, const char *path)
{
    static const CheckOptions defaults;
    Checker                   c = {.r = out, .o = options != NULL ? options : &defaults};
    Source                   *s = NULL;
    *out = (CheckReport){0};
    TRY(source_open(&s, path));
    out->n_images = source_count(s);
    add_source_classes(&c, s);
    for (int64_t i = 0; i < out->n_images && c.st == OK; i++) {
        const uint8_t *bytes = NULL;
        int64_t        n = 0, label = source_label(s, i);
        ImageInfo      info;
        const char    *name = source_name(s, i);
        if (label >= 0 && label < out->n_classes)
            count_object(&c, i, label, false);
        Status st = source_read(s, i, &c.bytes, &bytes, &n);
        if (st != OK)
            failed(&c, st, "missing-image", name);
        else if (check_picture(&c, &info, name, bytes, n) && info.orientation != 1)
            found(&c, false, "exif", name, "EXIF orientation %d, applied", info.orientation);
    }
    for (int64_t k = 0; k < out->n_classes; k++)
        if (out->class_row[k].n_images == 0)
            found(&c, false, "no-objects", out->class_row[k].name, "a class without pictures");
    source_close(s);
    image_bytes_release(&c.bytes);
    image_release(&c.picture);
    free(c.last_image);
    return c.st;
}

void check_release(CheckReport *r)
{
    arena_release(&r->arena);
    *r = (CheckReport){0};
}
