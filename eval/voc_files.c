/* voc_files.c -- the devkit's ground truth; see voc_files.h */
#include "eval/voc_files.h"
#include "base/file.h"
#include "base/number.h"
#include "base/voc_split.h"
#include "base/voc_xml.h"
#include "eval/voc_results.h"
#include <stdlib.h>
#include <string.h>

static const char *const VOC20[20] = {"aeroplane",   "bicycle", "bird",  "boat",      "bottle",
                                      "bus",         "car",     "cat",   "chair",     "cow",
                                      "diningtable", "dog",     "horse", "motorbike", "person",
                                      "pottedplant", "sheep",   "sofa",  "train",     "tvmonitor"};

enum { MAX_SET_BYTES = 256 << 20, MAX_CLASSES = 1 << 20 };

static int compare_ids(const void *x, const void *y, void *ctx)
{
    const char *const *image = (const char *const *)ctx;
    return strcmp(image[*(const int32_t *)x], image[*(const int32_t *)y]);
}

static int compare_numbers(const void *x, const void *y, void *ctx)
{
    const int64_t *number = (const int64_t *)ctx;
    int64_t        a = number[*(const int32_t *)x], b = number[*(const int32_t *)y];
    return (a > b) - (a < b);
}

static int compare_names(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The number that an id's digits spell, 2007_000027 -> 2007000027; -1 when it has none or too many. */
static int64_t digits_of(const char *id)
{
    int64_t value = 0;
    int     n = 0;
    for (; *id; id++)
        if (*id >= '0' && *id <= '9') {
            if (++n > 18)
                return -1;
            value = value * 10 + (*id - '0');
        }
    return n == 0 ? -1 : value;
}

/* Splits the set file into ids in place, one a line, white space at the ends stripped. */
static Status read_ids(Arena *a, char ***ids, int64_t *n_ids, const char *path)
{
    char   *bytes;
    int64_t n, lines = 1, line = 0, k = 0;
    TRY(file_read(a, &bytes, &n, path, MAX_SET_BYTES));
    for (int64_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    *ids = ARENA_ARRAY(a, char *, lines);
    if (!*ids)
        return status_no_memory("image set", lines * 8);
    for (char *at = bytes, *end = bytes + n; at < end;) {
        char *stop = (char *)memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        line++;
        while (at < stop && strchr(" \t\r", *at))
            at++;
        while (stop > at && strchr(" \t\r", stop[-1]))
            stop--;
        *stop = 0;
        if (at == stop || strpbrk(at, " \t/\\") || strlen(at) != (size_t)(stop - at))
            return status_fail(ERR_FORMAT, "%s:%lld: expected one image id, found \"%.60s\"", path,
                               (long long)line, at);
        (*ids)[k++] = at;
        at = next;
    }
    *n_ids = k;
    return k > 0 ? OK : status_fail(ERR_FORMAT, "%s: the image set is empty", path);
}

/* Distinct ids in order of first appearance, how often each is listed, and both look-up orders. */
static Status index_images(VocData *d, char **ids, int64_t n)
{
    Arena   *a = &d->arena;
    int32_t *order = ARENA_ARRAY(a, int32_t, n);
    int32_t *first = ARENA_ARRAY(a, int32_t, n); // line -> line of first appearance
    int32_t *image = ARENA_ARRAY(a, int32_t, n); // line -> image index
    int32_t *repeats = ARENA_ARRAY(a, int32_t, n);
    d->image = ARENA_ARRAY(a, const char *, n);
    d->by_id = ARENA_ARRAY(a, int32_t, n);
    d->by_number = ARENA_ARRAY(a, int32_t, n);
    d->number = ARENA_ARRAY(a, int64_t, n);
    if (!order || !first || !image || !repeats || !d->image || !d->by_id || !d->by_number ||
        !d->number)
        return status_no_memory("image set", n * 40);
    for (int64_t i = 0; i < n; i++)
        order[i] = (int32_t)i;
    qsort_r(order, (size_t)n, sizeof *order, compare_ids, ids);
    for (int64_t i = 0; i < n;) {
        int64_t j = i;
        int32_t least = order[i];
        for (; j < n && strcmp(ids[order[j]], ids[order[i]]) == 0; j++)
            least = order[j] < least ? order[j] : least;
        for (; i < j; i++)
            first[order[i]] = least;
    }
    int64_t n_images = 0;
    for (int64_t i = 0; i < n; i++) {
        if (first[i] == i) {
            image[i] = (int32_t)n_images;
            d->image[n_images++] = ids[i];
        } else {
            image[i] = image[first[i]];
        }
        repeats[image[i]]++;
    }
    d->set.n_images = n_images;
    d->set.image_repeats = repeats;
    for (int64_t i = 0; i < n_images; i++) {
        d->by_id[i] = d->by_number[i] = (int32_t)i;
        d->number[i] = digits_of(d->image[i]);
    }
    qsort_r(d->by_id, (size_t)n_images, sizeof *d->by_id, compare_ids, (void *)d->image);
    qsort_r(d->by_number, (size_t)n_images, sizeof *d->by_number, compare_numbers, d->number);
    return OK;
}

static bool is_voc_folder(const char *root)
{
    char    name[8] = {0};
    int64_t n = (int64_t)strlen(root);
    while (n > 0 && root[n - 1] == '/')
        n--;
    int64_t from = n;
    while (from > 0 && root[from - 1] != '/')
        from--;
    if (n - from != 7)
        return false;
    memcpy(name, root + from, 7);
    return strncmp(name, "VOC20", 5) == 0;
}

/* The class list: given, VOC's, or every name found. */
static Status choose_classes(VocData *d, const char *root, const VocXml *xml)
{
    const VocReadOptions *opt = &d->options;
    int64_t               n = 0;
    if (opt->class_name || is_voc_folder(root)) {
        const char *const *from = opt->class_name ? opt->class_name : VOC20;
        d->set.n_classes = opt->class_name ? opt->n_classes : 20;
        d->class_name = ARENA_ARRAY(&d->arena, const char *, d->set.n_classes);
        if (!d->class_name)
            return status_no_memory("class names", d->set.n_classes * 8);
        for (int64_t c = 0; c < d->set.n_classes; c++)
            if (!(d->class_name[c] = arena_strdup(&d->arena, from[c])))
                return status_no_memory("class names", 64);
        return OK;
    }
    for (int64_t i = 0; i < d->set.n_images; i++)
        n += xml[i].n_objects;
    const char **names = ARENA_ARRAY(&d->arena, const char *, n);
    if (!names)
        return status_no_memory("class names", n * 8);
    n = 0;
    for (int64_t i = 0; i < d->set.n_images; i++)
        for (int64_t k = 0; k < xml[i].n_objects; k++)
            names[n++] = xml[i].object[k].name;
    qsort((void *)names, (size_t)n, sizeof *names, compare_names);
    int64_t distinct = 0;
    for (int64_t k = 0; k < n; k++)
        if (distinct == 0 || strcmp(names[distinct - 1], names[k]) != 0)
            names[distinct++] = names[k];
    d->class_name = names;
    d->set.n_classes = distinct;
    return distinct <= MAX_CLASSES
               ? OK
               : status_fail(ERR_FORMAT, "%s: %lld classes; at most %d are possible", root,
                             (long long)distinct, MAX_CLASSES);
}

static Status add_objects(VocData *d, const char *root, const VocXml *xml)
{
    int64_t n = 0, k = 0;
    for (int64_t i = 0; i < d->set.n_images; i++)
        n += xml[i].n_objects;
    int32_t *image = ARENA_ARRAY(&d->arena, int32_t, n);
    int32_t *label = ARENA_ARRAY(&d->arena, int32_t, n);
    double  *box = ARENA_ARRAY(&d->arena, double, 4 * n);
    uint8_t *difficult = ARENA_ARRAY(&d->arena, uint8_t, n);
    if (!image || !label || !box || !difficult)
        return status_no_memory("VOC objects", n * 41);
    for (int64_t i = 0; i < d->set.n_images; i++)
        for (int64_t o = 0; o < xml[i].n_objects; o++) {
            const VocXmlObject *object = &xml[i].object[o];
            int64_t             c = voc_data_class(d, object->name, (int64_t)strlen(object->name));
            if (c < 0 && !d->options.ignore_unknown)
                return status_fail(
                    ERR_FORMAT,
                    "%s/Annotations/%s.xml:%lld: class \"%s\" is not in the class list; name "
                    "all with --classes, or leave such objects out with --ignore-unknown",
                    root, d->image[i], (long long)object->line, object->name);
            if (object->box[2] < object->box[0] || object->box[3] < object->box[1])
                return status_fail(
                    ERR_FORMAT, "%s/Annotations/%s.xml:%lld: box %g %g %g %g ends before it begins",
                    root, d->image[i], (long long)object->line, object->box[0], object->box[1],
                    object->box[2], object->box[3]);
            if (c < 0) {
                d->n_ignored++;
                continue;
            }
            image[k] = (int32_t)i;
            label[k] = (int32_t)c;
            difficult[k] = object->is_difficult;
            memcpy(box + 4 * k++, object->box, sizeof object->box);
        }
    d->set.truth =
        (VocBoxList){.n = k, .image = image, .label = label, .box = box, .difficult = difficult};
    return OK;
}

Status voc_data_open(VocData *d, const VocReadOptions *options, const char *root, const char *split)
{
    char  **ids;
    int64_t n;
    memset(d, 0, sizeof *d);
    d->options = options ? *options : (VocReadOptions){0};
    char *set_path = arena_printf(&d->arena, "%s/ImageSets/Main/%s.txt", root, split);
    if (!set_path)
        return status_no_memory("paths", 8192);
    if (!file_exists(set_path))
        return voc_split_fail(root, split);
    TRY(read_ids(&d->arena, &ids, &n, set_path));
    TRY(index_images(d, ids, n));
    VocXml *xml = ARENA_ARRAY(&d->arena, VocXml, d->set.n_images);
    if (!xml)
        return status_no_memory("annotations", n * (int64_t)sizeof *xml);
    for (int64_t i = 0; i < d->set.n_images; i++) {
        char *path = arena_printf(&d->arena, "%s/Annotations/%s.xml", root, d->image[i]);
        if (!path)
            return status_no_memory("paths", 4096);
        TRY(voc_xml_read(&d->arena, &xml[i], path));
    }
    TRY(choose_classes(d, root, xml));
    return add_objects(d, root, xml);
}

void voc_data_release(VocData *d)
{
    arena_release(&d->arena);
    memset(d, 0, sizeof *d);
}

int64_t voc_data_class(const VocData *d, const char *name, int64_t n)
{
    for (int64_t c = 0; c < d->set.n_classes; c++)
        if (strncmp(d->class_name[c], name, (size_t)n) == 0 && d->class_name[c][n] == 0)
            return c;
    return -1;
}

int64_t voc_data_image(const VocData *d, const char *id)
{
    int64_t lo = 0, hi = d->set.n_images;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        int     cmp = strcmp(d->image[d->by_id[mid]], id);
        if (cmp == 0)
            return d->by_id[mid];
        if (cmp < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return -1;
}

int64_t voc_data_image_number(const VocData *d, int64_t number)
{
    int64_t lo = 0, hi = d->set.n_images;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (d->number[d->by_number[mid]] < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == d->set.n_images || d->number[d->by_number[lo]] != number || number < 0)
        return -1;
    if (lo + 1 < d->set.n_images && d->number[d->by_number[lo + 1]] == number)
        return -2;
    return d->by_number[lo];
}
