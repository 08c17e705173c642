/* fuzz_rle.c -- any string is refused or is a mask that goes round through strings, pixels and merges unchanged.
 * Bytes: h, w, how (bit 0: text or counts), then the text. */
#include "eval/polygon.h"
#include "eval/rle.h"

#include <stdlib.h>
#include <string.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_mask(Arena *a, const Rle *r)
{
    int64_t len;
    char   *text = rle_to_string(a, r, &len);
    Rle     again, both, either;
    must(rle_from_string(a, &again, text, len, r->h, r->w) == OK);
    must(again.n == r->n && again.area == r->area && !memcmp(again.box, r->box, sizeof r->box));

    uint8_t *pixels = arena_alloc(a, (int64_t)r->h * r->w);
    uint32_t area = 0;
    rle_decode(pixels, r, RLE_ROWS);
    for (int64_t i = 0; i < (int64_t)r->h * r->w; i++)
        area += pixels[i];
    must(area == r->area);
    must(rle_encode(a, &again, pixels, r->h, r->w, RLE_ROWS) == OK && again.area == area);
    must(area == 0 || (rle_iou(r, &again, false) == 1 && rle_iou(r, &again, true) == 1));
    if (r->n == 0)
        return;
    Rle pair[2] = {*r, again};
    if (rle_merge(a, &both, pair, 2, true) == OK) /* too many empty runs are refused */
        must(both.area == area);
    if (rle_merge(a, &either, pair, 2, false) == OK)
        must(either.area == area);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena a = {0};
    Rle   r;
    if (n < 3)
        return 0;
    int64_t h = bytes[0], w = bytes[1];
    Status  st;
    if (bytes[2] % 3 == 0) {
        st = rle_from_string(&a, &r, (const char *)bytes + 3, (int64_t)n - 3, h, w);
    } else if (bytes[2] % 3 == 1) {
        int64_t   k = (int64_t)(n - 3) / 4;
        uint32_t *counts = ARENA_ARRAY(&a, uint32_t, k);
        memcpy(counts, bytes + 3, (size_t)k * 4);
        st = rle_from_counts(&r, counts, k, h, w);
    } else {
        int64_t k = (int64_t)(n - 3) / 8;
        double *xy = ARENA_ARRAY(&a, double, k);
        memcpy(xy, bytes + 3, (size_t)k * 8);
        st = polygon_to_rle(&a, &r, xy, k / 2, h, w);
    }
    must(st == OK || st == ERR_FORMAT);
    if (st == OK)
        check_mask(&a, &r);
    arena_release(&a);
    return 0;
}
