/* coco_repeat.c -- see coco_repeat.h */
#include "eval/coco_repeat.h"
#include <stdlib.h>
#include <string.h>

typedef struct IdRow {
    int64_t id;
    int32_t row;
} IdRow;

static int compare(const void *x, const void *y)
{
    const IdRow *a = (const IdRow *)x, *b = (const IdRow *)y;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* last[i] = the last row with the id of row i; *repeats when some id occurs twice. */
static Status find_last(Arena *a, int32_t *last, bool *repeats, const CocoRows *in)
{
    IdRow *key = ARENA_ARRAY(a, IdRow, in->n);
    if (!key)
        return status_no_memory("ids", in->n * (int64_t)sizeof *key);
    for (int64_t i = 0; i < in->n; i++)
        key[i] = (IdRow){in->id[i], (int32_t)i};
    qsort(key, (size_t)in->n, sizeof *key, compare);
    *repeats = false;
    for (int64_t i = in->n - 1; i >= 0; i--) {
        bool same = i + 1 < in->n && key[i].id == key[i + 1].id;
        last[key[i].row] = same ? last[key[i + 1].row] : key[i].row;
        *repeats = *repeats || same;
    }
    return OK;
}

/* Chosen rows by image, file order inside. */
static Status order_rows(Arena *a, int32_t *order, int64_t *n, const CocoRows *in,
                         const uint8_t *chosen, int64_t n_images)
{
    int64_t *start = ARENA_ARRAY(a, int64_t, n_images + 1);
    if (!start)
        return status_no_memory("images", n_images * 8);
    *n = 0;
    for (int64_t i = 0; i < in->n; i++)
        if (chosen[i]) {
            start[in->image[i] + 1]++;
            ++*n;
        }
    for (int64_t i = 0; i < n_images; i++)
        start[i + 1] += start[i];
    for (int64_t i = 0; i < in->n; i++)
        if (chosen[i])
            order[start[in->image[i]]++] = (int32_t)i;
    return OK;
}

Status coco_repeat(Arena *a, CocoRows *out, const CocoRows *in, const uint8_t *chosen,
                   int64_t n_images)
{
    int32_t *last = ARENA_ARRAY(a, int32_t, in->n), *order = ARENA_ARRAY(a, int32_t, in->n);
    bool     repeats = false;
    int64_t  n = 0, k3 = 3 * (int64_t)in->n_keypoints;
    if (!last || !order)
        return status_no_memory("rows", in->n * 8);
    *out = *in;
    TRY(find_last(a, last, &repeats, in));
    if (!repeats)
        return OK;
    TRY(order_rows(a, order, &n, in, chosen, n_images));
    out->n = n;
    out->id = ARENA_ARRAY(a, int64_t, n);
    out->image = ARENA_ARRAY(a, int32_t, n);
    out->category = ARENA_ARRAY(a, int32_t, n);
    out->box = ARENA_ARRAY(a, double, 4 * n);
    out->area = ARENA_ARRAY(a, double, n);
    out->is_crowd = ARENA_ARRAY(a, uint8_t, n);
    out->ignore = ARENA_ARRAY(a, uint8_t, n);
    out->n_visible = ARENA_ARRAY(a, int32_t, n);
    out->mask = ARENA_ARRAY(a, CocoMask, n);
    out->keypoint = ARENA_ARRAY(a, double, n *k3);
    if (!out->id || !out->image || !out->category || !out->box || !out->area || !out->is_crowd ||
        !out->ignore || !out->n_visible || !out->mask || !out->keypoint)
        return status_no_memory("rows", n * 100);
    for (int64_t k = 0; k < n; k++) {
        int64_t from = last[order[k]];
        out->id[k] = in->id[from];
        out->image[k] = in->image[from];
        out->category[k] = in->category[from];
        memcpy(out->box + 4 * k, in->box + 4 * from, 4 * sizeof *out->box);
        out->area[k] = in->area[from];
        out->is_crowd[k] = in->is_crowd[from];
        out->ignore[k] = in->ignore[from];
        if (in->n_visible)
            out->n_visible[k] = in->n_visible[from];
        if (in->mask)
            out->mask[k] = in->mask[from];
        if (in->keypoint)
            memcpy(out->keypoint + k * k3, in->keypoint + from * k3,
                   (size_t)k3 * sizeof *out->keypoint);
    }
    return OK;
}
