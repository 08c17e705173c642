/* mask.c -- gw_mask: one mask with memory of its own */
#include "eval/polygon.h"
#include "handles.h"
#include "base/threads.h"
#include <stdlib.h>
#include <string.h>

const char *gw_version(void)
{
    return GODWIT_VERSION;
}

const char *gw_status_text(void)
{
    return status_text();
}

void gw_set_threads(int n)
{
    threads_set(n);
}

static Status begin(gw_mask **m)
{
    *m = calloc(1, sizeof **m);
    return *m ? OK : status_no_memory("mask", sizeof **m);
}

/* Hands the mask out, or frees it after a failure. */
static int finish(gw_mask **out, gw_mask *m, Status st)
{
    if (st == OK && !(m->text = rle_to_string(&m->arena, &m->rle, NULL)))
        st = ERR_MEMORY;
    *out = m;
    if (st != OK) {
        gw_mask_free(m);
        *out = NULL;
    }
    return (int)st;
}

int gw_mask_encode(gw_mask **out, const uint8_t *pixels, int64_t h, int64_t w, int in_rows)
{
    gw_mask *m = NULL;
    Status   st = begin(&m);
    if (st == OK)
        st = rle_encode(&m->arena, &m->rle, pixels, h, w, in_rows ? RLE_ROWS : RLE_COLUMNS);
    return finish(out, m, st);
}

int gw_mask_from_string(gw_mask **out, const char *text, int64_t len, int64_t h, int64_t w)
{
    gw_mask *m = NULL;
    Status   st = begin(&m);
    if (st == OK)
        st = rle_from_string(&m->arena, &m->rle, text, len < 0 ? (int64_t)strlen(text) : len, h, w);
    return finish(out, m, st);
}

int gw_mask_from_counts(gw_mask **out, const uint32_t *counts, int64_t n, int64_t h, int64_t w)
{
    gw_mask  *m = NULL;
    Status    st = begin(&m);
    uint32_t *copy = st == OK ? ARENA_ARRAY(&m->arena, uint32_t, n) : NULL;
    if (st == OK && !copy)
        st = ERR_MEMORY;
    if (st == OK) {
        if (n > 0)
            memcpy(copy, counts, (size_t)n * sizeof *copy);
        st = rle_from_counts(&m->rle, copy, n, h, w);
    }
    return finish(out, m, st);
}

int gw_mask_from_polygons(gw_mask **out, const double *xy, const int64_t *n_numbers, int64_t n,
                          int64_t h, int64_t w)
{
    gw_mask *m = NULL;
    Status   st = begin(&m);
    for (int64_t i = 0; st == OK && i < n; i++)
        if (n_numbers[i] < 0)
            st = status_fail(ERR_USAGE, "polygon %lld: %lld numbers", (long long)i,
                             (long long)n_numbers[i]);
    if (st == OK)
        st = polygon_list_to_rle(&m->arena, &m->rle, xy, n_numbers, n, h, w);
    return finish(out, m, st);
}

int gw_mask_from_box(gw_mask **out, const double box[4], int64_t h, int64_t w)
{
    gw_mask *m = NULL;
    Status   st = begin(&m);
    if (st == OK)
        st = polygon_box_to_rle(&m->arena, &m->rle, box, h, w);
    return finish(out, m, st);
}

int gw_mask_merge(gw_mask **out, const gw_mask *const *mask, int64_t n, int intersect)
{
    gw_mask *m = NULL;
    Status   st = begin(&m);
    Rle     *part = st == OK ? ARENA_ARRAY(&m->arena, Rle, n) : NULL;
    if (st == OK && !part)
        st = ERR_MEMORY;
    for (int64_t i = 0; st == OK && i < n; i++)
        part[i] = mask[i]->rle;
    if (st == OK)
        st = rle_merge(&m->arena, &m->rle, part, n, intersect != 0);
    if (st == OK && n == 1) { // the runs of the only one are borrowed: copy them
        uint32_t *copy = ARENA_ARRAY(&m->arena, uint32_t, m->rle.n);
        if (!copy)
            st = ERR_MEMORY;
        else if (m->rle.n > 0)
            m->rle.counts = memcpy(copy, m->rle.counts, m->rle.n * sizeof *copy);
    }
    return finish(out, m, st);
}

void gw_mask_free(gw_mask *mask)
{
    if (!mask)
        return;
    arena_release(&mask->arena);
    free(mask);
}

void gw_mask_size(const gw_mask *mask, int64_t *h, int64_t *w)
{
    *h = mask->rle.h;
    *w = mask->rle.w;
}

int64_t gw_mask_area(const gw_mask *mask)
{
    return mask->rle.area;
}

void gw_mask_box(const gw_mask *mask, double box[4])
{
    for (int i = 0; i < 4; i++)
        box[i] = mask->rle.box[i];
}

const char *gw_mask_string(const gw_mask *mask)
{
    return mask->text;
}

int64_t gw_mask_counts(const gw_mask *mask, const uint32_t **counts)
{
    *counts = mask->rle.counts;
    return mask->rle.n;
}

void gw_mask_decode(const gw_mask *mask, uint8_t *pixels, int in_rows)
{
    rle_decode(pixels, &mask->rle, in_rows ? RLE_ROWS : RLE_COLUMNS);
}

void gw_mask_iou(double *iou, const gw_mask *const *d, int64_t n_d, const gw_mask *const *g,
                 int64_t n_g, const uint8_t *crowd)
{
    for (int64_t i = 0; i < n_d; i++)
        for (int64_t j = 0; j < n_g; j++)
            iou[i * n_g + j] = rle_iou(&d[i]->rle, &g[j]->rle, crowd && crowd[j]);
}

void gw_box_iou(double *iou, const double *d, int64_t n_d, const double *g, int64_t n_g,
                const uint8_t *crowd)
{
    for (int64_t i = 0; i < n_d; i++)
        for (int64_t j = 0; j < n_g; j++)
            iou[i * n_g + j] = rle_box_iou(d + 4 * i, g + 4 * j, crowd && crowd[j]);
}
