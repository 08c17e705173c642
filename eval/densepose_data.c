/* densepose_data.c -- JSON to rows */
#include "eval/densepose_data.h"
#include "eval/label_png.h"
#include "eval/polygon.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t    MOST_BYTES = (int64_t)2 << 30;
static const JsonLimits LIMITS = {.max_string = 64 << 20, .allow_nan = true};

enum { DP_SIDE = 256, DP_MASKS = 14 };

/* ---- small readers ---- */

static Status find_index(int32_t *out, const int64_t *ids, int64_t n, int64_t stride, int64_t id)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = (lo + hi) / 2;
        if (ids[mid * stride] < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out = lo < n && ids[lo * stride] == id ? (int32_t)lo : -1;
    return OK;
}

static Status get_box(const JsonValue *row, double box[4])
{
    const JsonValue *v = NULL;
    TRY(json_get_array(row, "bbox", &v));
    if (v->n != 4)
        return json_fail(v, "expected [x, y, width, height], found %lld elements", (long long)v->n);
    int i = 0;
    for (const JsonValue *k = v->child; k; k = k->next) {
        if (k->kind != JSON_INT && k->kind != JSON_DOUBLE && k->kind != JSON_UINT)
            return json_fail(k, "expected a number, found %s", json_kind_name(k->kind));
        if (!(fabs(k->number) <= POLYGON_MAX_COORDINATE))
            return json_fail(k, "%g is no pixel coordinate", k->number);
        box[i++] = k->number;
    }
    return OK;
}

/* A row of numbers of known length (n < 0: any). */
static Status get_row(Arena *a, const JsonValue *object, const char *key, const double **out,
                      int64_t *n)
{
    const JsonValue *v = NULL;
    TRY(json_get_array(object, key, &v));
    if (*n >= 0 && v->n != *n)
        return json_fail(v, "has %lld numbers; dp_x has %lld", (long long)v->n, (long long)*n);
    double *x = ARENA_ARRAY(a, double, v->n);
    if (!x)
        return ERR_MEMORY;
    *n = v->n;
    *out = x;
    for (const JsonValue *k = v->child; k; k = k->next) {
        if (k->kind != JSON_INT && k->kind != JSON_DOUBLE && k->kind != JSON_UINT)
            return json_fail(k, "expected a number, found %s", json_kind_name(k->kind));
        if (!isfinite(k->number))
            return json_fail(k, "is not finite");
        *x++ = k->number;
    }
    return OK;
}

static Status get_image_and_category(const DenseposeData *d, const JsonValue *row, int32_t *image,
                                     int32_t *category)
{
    int64_t id = 0;
    TRY(json_get_int(row, "image_id", &id));
    TRY(find_index(image, &d->image[0].id, d->n_images, sizeof *d->image / sizeof(int64_t), id));
    if (*image < 0)
        return json_fail(row, "image_id %lld is not in the ground truth's images", (long long)id);
    TRY(json_get_int(row, "category_id", &id));
    TRY(find_index(category, &d->category[0].id, d->n_categories,
                   sizeof *d->category / sizeof(int64_t), id));
    if (*category < 0)
        return json_fail(row, "category_id %lld is not in the ground truth's categories",
                         (long long)id);
    return OK;
}

/* ---- masks ---- */

static Status get_rle(Arena *a, Rle *out, const JsonValue *v, int64_t h, int64_t w)
{
    const JsonValue *size = NULL, *counts = json_find(v, "counts");
    Status           st = ERR_FORMAT;
    TRY(json_get_array(v, "size", &size));
    if (size->n != 2 || size->child->integer != h || size->child->next->integer != w)
        return json_fail(size, "expected [%lld, %lld]", (long long)h, (long long)w);
    if (counts && counts->kind == JSON_STRING) {
        st = rle_from_string(a, out, counts->text, counts->len, h, w);
    } else if (counts && counts->kind == JSON_ARRAY) {
        uint32_t *run = ARENA_ARRAY(a, uint32_t, counts->n);
        int64_t   n = 0;
        if (!run)
            return ERR_MEMORY;
        for (const JsonValue *k = counts->child; k; k = k->next) {
            if (k->kind != JSON_INT || k->integer < 0 || k->integer > RLE_MAX_PIXELS)
                return json_fail(k, "expected a run length");
            run[n++] = (uint32_t)k->integer;
        }
        st = rle_from_counts(out, run, n, h, w);
    } else {
        return json_fail(v, "expected counts, a string or an array");
    }
    if (st != ERR_FORMAT)
        return st;
    char why[512];
    strncpy(why, status_text(), sizeof why - 1);
    why[sizeof why - 1] = 0;
    return json_fail(counts, "%s", why);
}

static Status get_polygons(Arena *a, Rle *out, const JsonValue *v, int64_t h, int64_t w)
{
    int64_t  total = 0, n = 0;
    int64_t *length = ARENA_ARRAY(a, int64_t, v->n);
    if (!length)
        return ERR_MEMORY;
    for (const JsonValue *p = v->child; p; p = p->next) {
        if (p->kind != JSON_ARRAY)
            return json_fail(p, "expected a list of coordinates");
        length[n++] = p->n;
        total += p->n;
    }
    double *xy = ARENA_ARRAY(a, double, total), *at = xy;
    if (!xy)
        return ERR_MEMORY;
    for (const JsonValue *p = v->child; p; p = p->next)
        for (const JsonValue *k = p->child; k; k = k->next)
            *at++ = k->kind == JSON_INT || k->kind == JSON_DOUBLE ? k->number : NAN;
    Status st = polygon_list_to_rle(a, out, xy, length, n, h, w);
    if (st != ERR_FORMAT)
        return st;
    char why[512];
    strncpy(why, status_text(), sizeof why - 1);
    why[sizeof why - 1] = 0;
    return json_fail(v, "%s", why);
}

/* Nothing, [] and a missing segmentation are an empty mask. */
static Status get_segmentation(Arena *a, Rle *out, const JsonValue *row, int64_t h, int64_t w)
{
    const JsonValue *v = json_find(row, "segmentation");
    if (v && v->kind == JSON_OBJECT)
        return get_rle(a, out, v, h, w);
    if (v && v->kind == JSON_ARRAY && v->n > 0)
        return get_polygons(a, out, v, h, w);
    uint32_t *run = ARENA_NEW(a, uint32_t);
    if (!run)
        return ERR_MEMORY;
    *run = (uint32_t)(h * w);
    return rle_from_counts(out, run, 1, h, w);
}

static Status get_dp_masks(Arena *a, DenseposeTruth *t, const JsonValue *row)
{
    const JsonValue *v = json_find(row, "dp_masks");
    Rle              part[DP_MASKS + 1];
    int64_t          n = 0;
    if (!v)
        return OK;
    if (v->kind != JSON_ARRAY)
        return json_fail(v, "expected a list of masks, found %s", json_kind_name(v->kind));
    uint32_t *none = ARENA_NEW(a, uint32_t);
    if (!none)
        return ERR_MEMORY;
    *none = DP_SIDE * DP_SIDE;
    TRY(rle_from_counts(&part[n++], none, 1, DP_SIDE, DP_SIDE));
    for (const JsonValue *k = v->child; k; k = k->next) {
        if (n > DP_MASKS)
            break; // the reference looks at 14
        if (k->kind == JSON_OBJECT && k->n > 0)
            TRY(get_rle(a, &part[n++], k, DP_SIDE, DP_SIDE));
        else if (k->kind == JSON_STRING ? k->len > 0 : k->kind == JSON_ARRAY && k->n > 0)
            return json_fail(k, "expected a run-length mask or nothing");
    }
    t->has_dp_mask = true;
    return rle_merge(a, &t->dp_mask, part, n, false);
}

/* ---- rows ---- */

static Status read_truth(DenseposeData *d, DenseposeTruth *t, const JsonValue *row)
{
    int64_t crowd = 0;
    TRY(json_get_int(row, "id", &t->id));
    TRY(get_image_and_category(d, row, &t->image, &t->category));
    TRY(get_box(row, t->box));
    TRY(json_get_number(row, "area", &t->area));
    if (!isfinite(t->area))
        return json_fail(row, "area is not finite");
    const JsonValue *c = json_find(row, "iscrowd");
    if (c && c->kind == JSON_BOOL)
        crowd = c->boolean;
    else
        TRY(json_opt_int(row, "iscrowd", &crowd));
    t->is_crowd = crowd != 0;
    t->has_points = json_find(row, "dp_x") != NULL;
    if (t->has_points) {
        t->n_points = -1;
        TRY(get_row(&d->arena, row, "dp_x", &t->x, &t->n_points));
        TRY(get_row(&d->arena, row, "dp_y", &t->y, &t->n_points));
        TRY(get_row(&d->arena, row, "dp_I", &t->part, &t->n_points));
        TRY(get_row(&d->arena, row, "dp_U", &t->u, &t->n_points));
        TRY(get_row(&d->arena, row, "dp_V", &t->v, &t->n_points));
    }
    const DenseposeImage *image = &d->image[t->image];
    TRY(get_dp_masks(&d->arena, t, row));
    return t->has_dp_mask ? OK : get_segmentation(&d->arena, &t->mask, row, image->h, image->w);
}

static Status read_found(DenseposeData *d, DenseposeFound *f, const JsonValue *row)
{
    const JsonValue *shape = NULL, *data = NULL;
    TRY(get_image_and_category(d, row, &f->image, &f->category));
    TRY(get_box(row, f->box));
    TRY(json_get_number(row, "score", &f->score));
    if (!isfinite(f->score))
        return json_fail(row, "score is not finite");
    TRY(json_get_array(row, "uv_shape", &shape));
    if (shape->n != 3 || shape->child->integer != 3)
        return json_fail(shape, "expected [3, height, width]");
    f->h = shape->child->next->integer;
    f->w = shape->child->next->next->integer;
    if (f->h < 1 || f->w < 1 || f->h > 65536 || f->w > 65536 || f->h < (int64_t)f->box[3] ||
        f->w < (int64_t)f->box[2])
        return json_fail(shape, "[3, %lld, %lld] does not cover a box of %g x %g (w x h)",
                         (long long)f->h, (long long)f->w, f->box[2], f->box[3]);
    data = json_find(row, "uv_data");
    if (!data || data->kind != JSON_STRING)
        return json_fail(row, "uv_data: expected base64 of a PNG");
    f->png = arena_alloc(&d->arena, data->len + 1);
    if (!f->png)
        return ERR_MEMORY;
    memcpy((char *)f->png, data->text, (size_t)data->len);
    f->png_len = data->len;
    return OK;
}

static int by_id(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y; // the id stands first
    return (a > b) - (a < b);
}

static Status read_images(DenseposeData *d, const JsonValue *list)
{
    d->image = ARENA_ARRAY(&d->arena, DenseposeImage, list->n + 1);
    if (!d->image)
        return ERR_MEMORY;
    for (const JsonValue *v = list->child; v; v = v->next) {
        DenseposeImage *i = &d->image[d->n_images++];
        TRY(json_get_int(v, "id", &i->id));
        TRY(json_get_int(v, "height", &i->h));
        TRY(json_get_int(v, "width", &i->w));
        if (i->h < 1 || i->w < 1 || i->h > 65536 || i->w > 65536 || i->h * i->w > LABEL_MAX_PIXELS)
            return json_fail(v, "%lld x %lld pixels; expected 1 to 65536 each way and at most %d",
                             (long long)i->w, (long long)i->h, LABEL_MAX_PIXELS);
    }
    qsort(d->image, (size_t)d->n_images, sizeof *d->image, by_id);
    for (int64_t i = 1; i < d->n_images; i++)
        if (d->image[i].id == d->image[i - 1].id)
            return json_fail(list, "image id %lld occurs twice", (long long)d->image[i].id);
    return OK;
}

static Status read_categories(DenseposeData *d, const JsonValue *list)
{
    d->category = ARENA_ARRAY(&d->arena, DenseposeCategory, list->n + 1);
    if (!d->category)
        return ERR_MEMORY;
    for (const JsonValue *v = list->child; v; v = v->next) {
        DenseposeCategory *c = &d->category[d->n_categories++];
        const JsonValue   *name = json_find(v, "name");
        TRY(json_get_int(v, "id", &c->id));
        c->name = name && name->kind == JSON_STRING
                      ? arena_strdup(&d->arena, name->text)
                      : arena_printf(&d->arena, "%lld", (long long)c->id);
        if (!c->name)
            return ERR_MEMORY;
    }
    qsort(d->category, (size_t)d->n_categories, sizeof *d->category, by_id);
    for (int64_t i = 1; i < d->n_categories; i++)
        if (d->category[i].id == d->category[i - 1].id)
            return json_fail(list, "category id %lld occurs twice", (long long)d->category[i].id);
    return OK;
}

static Status read_truths(DenseposeData *d, const JsonValue *root)
{
    const JsonValue *list = NULL;
    TRY(json_get_array(root, "images", &list));
    TRY(read_images(d, list));
    TRY(json_get_array(root, "categories", &list));
    TRY(read_categories(d, list));
    TRY(json_get_array(root, "annotations", &list));
    d->truth = ARENA_ARRAY(&d->arena, DenseposeTruth, list->n);
    if (!d->truth)
        return ERR_MEMORY;
    for (const JsonValue *v = list->child; v; v = v->next)
        TRY(read_truth(d, &d->truth[d->n_truth++], v));
    return OK;
}

static Status read_founds(DenseposeData *d, const JsonValue *root)
{
    if (root->kind != JSON_ARRAY)
        return json_fail(root, "expected a list of results, found %s", json_kind_name(root->kind));
    d->found = ARENA_ARRAY(&d->arena, DenseposeFound, root->n);
    if (!d->found)
        return ERR_MEMORY;
    for (const JsonValue *v = root->child; v; v = v->next)
        TRY(read_found(d, &d->found[d->n_found++], v));
    return OK;
}

static Status read_file(DenseposeData *d, const char *path,
                        Status (*rows)(DenseposeData *, const JsonValue *))
{
    Arena      tree = {0};
    JsonValue *root = NULL;
    Status     st = json_read(&tree, &root, path, MOST_BYTES, &LIMITS);
    if (st == OK)
        st = rows(d, root);
    arena_release(&tree);
    return st;
}

Status densepose_read(DenseposeData *d, const char *truth_path, const char *found_path)
{
    memset(d, 0, sizeof *d);
    TRY(read_file(d, truth_path, read_truths));
    return read_file(d, found_path, read_founds);
}

Status densepose_read_other(DenseposeData *other, const DenseposeData *truth,
                            const char *found_path)
{
    *other = *truth;
    memset(&other->arena, 0, sizeof other->arena);
    other->found = NULL;
    other->n_found = 0;
    return read_file(other, found_path, read_founds);
}

Status densepose_parse(DenseposeData *d, const char *truth, int64_t n_truth, const char *found,
                       int64_t n_found)
{
    Arena      tree = {0};
    JsonValue *root = NULL;
    Status     st = OK;
    memset(d, 0, sizeof *d);
    TRY_OUT(json_parse(&tree, &root, truth, n_truth, "truth", &LIMITS));
    TRY_OUT(read_truths(d, root));
    TRY_OUT(json_parse(&tree, &root, found, n_found, "results", &LIMITS));
    TRY_OUT(read_founds(d, root));
out:
    arena_release(&tree);
    return st;
}

void densepose_release(DenseposeData *d)
{
    arena_release(&d->arena);
    memset(d, 0, sizeof *d);
}

/* ---- grids ---- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* White space is skipped; = ends the data. False for any other byte. */
static bool base64_decode(uint8_t *out, int64_t *n, const char *text, int64_t len)
{
    uint32_t bits = 0;
    int      held = 0;
    *n = 0;
    for (int64_t i = 0; i < len && text[i] != '='; i++) {
        int value = base64_value(text[i]);
        if (value < 0) {
            if (text[i] == '\n' || text[i] == '\r' || text[i] == ' ')
                continue;
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[(*n)++] = (uint8_t)(bits >> held);
        }
    }
    return true;
}

Status densepose_grid(Arena *a, uint8_t **iuv, const DenseposeFound *f)
{
    int64_t  n = 0;
    uint8_t *png = arena_alloc(a, f->png_len / 4 * 3 + 4);
    if (!png)
        return ERR_MEMORY;
    if (!base64_decode(png, &n, f->png, f->png_len))
        return status_fail(ERR_FORMAT, "uv_data: a byte that is not base64");
    return rgb_png_parse(a, iuv, f->h, f->w, png, n, "uv_data");
}
