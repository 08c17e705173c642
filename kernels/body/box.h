/* box.h -- the arithmetic of one box or one pair, shared by all backends
 *
 * float32 in exactly this order of operations, so that every backend decides every threshold alike.
 * PITFALL: compile without contraction (-ffp-contract=off, nvcc -fmad=false): a fused multiply-add changes the last bit of
 * an IoU.
 */
#pragma once
#include "base/rng.h"
#include <math.h>
#include <stdbool.h>

#define BOX_MAX_LOG 4.135166556742356f // ln(1000 / 16): the greatest exponent of a decoded side

/* e^x and ln x, rounded from double: float functions differ in the last bit between a host (.8 ulp) and a GPU (2 ulp). */
static inline GW_HD float box_exp(float x)
{
    return (float)exp((double)x);
}

static inline GW_HD float box_log(float x)
{
    return (float)log((double)x);
}

static inline GW_HD float box_min(float a, float b)
{
    return a < b ? a : b;
}

static inline GW_HD float box_max(float a, float b)
{
    return a > b ? a : b;
}

static inline GW_HD float box_area(const float *a)
{
    return (a[2] - a[0]) * (a[3] - a[1]);
}

static inline GW_HD float box_intersection(const float *a, const float *b)
{
    float w = box_min(a[2], b[2]) - box_max(a[0], b[0]);
    float h = box_min(a[3], b[3]) - box_max(a[1], b[1]);
    return box_max(w, 0.0f) * box_max(h, 0.0f);
}

/* For matching: 0 when they do not meet. */
static inline GW_HD float box_iou(const float *gt, const float *box)
{
    float inter = box_intersection(gt, box);
    return inter > 0 ? inter / (box_area(gt) + box_area(box) - inter) : 0.0f;
}

/* For NMS: 0/0 is NaN, which suppresses nothing. */
static inline GW_HD bool box_overlaps(const float *better, const float *box, float threshold)
{
    float inter = box_intersection(better, box);
    return inter / (box_area(better) + box_area(box) - inter) > threshold;
}

static inline GW_HD void box_encode(float *delta, const float *from, const float *to,
                                    const float *weight)
{
    float w = from[2] - from[0], h = from[3] - from[1];
    float x = from[0] + 0.5f * w, y = from[1] + 0.5f * h;
    float gw = to[2] - to[0], gh = to[3] - to[1];
    float gx = to[0] + 0.5f * gw, gy = to[1] + 0.5f * gh;
    delta[0] = weight[0] * (gx - x) / w;
    delta[1] = weight[1] * (gy - y) / h;
    delta[2] = weight[2] * box_log(gw / w);
    delta[3] = weight[3] * box_log(gh / h);
}

static inline GW_HD void box_decode(float *box, const float *delta, const float *from,
                                    const float *weight)
{
    float w = from[2] - from[0], h = from[3] - from[1];
    float x = from[0] + 0.5f * w, y = from[1] + 0.5f * h;
    float dw = delta[2] / weight[2], dh = delta[3] / weight[3];
    dw = dw > BOX_MAX_LOG ? BOX_MAX_LOG : dw; // NaN stays NaN
    dh = dh > BOX_MAX_LOG ? BOX_MAX_LOG : dh;
    float px = delta[0] / weight[0] * w + x, py = delta[1] / weight[1] * h + y;
    float pw = box_exp(dw) * w, ph = box_exp(dh) * h;
    box[0] = px - 0.5f * pw;
    box[1] = py - 0.5f * ph;
    box[2] = px + 0.5f * pw;
    box[3] = py + 0.5f * ph;
}

static inline GW_HD bool box_is_finite(const float *b)
{
    return isfinite(b[0]) && isfinite(b[1]) && isfinite(b[2]) && isfinite(b[3]);
}

static inline GW_HD void box_clip(float *b, float width, float height)
{
    b[0] = box_min(box_max(b[0], 0.0f), width);
    b[1] = box_min(box_max(b[1], 0.0f), height);
    b[2] = box_min(box_max(b[2], 0.0f), width);
    b[3] = box_min(box_max(b[3], 0.0f), height);
}

/* Anchor number i of a grid: cell i / A in row-major order, shape i % A. */
static inline GW_HD void box_anchor(float *box, const float (*cell)[4], int64_t i, int64_t W,
                                    int64_t A, float stride)
{
    int64_t a = i % A, x = i / A % W, y = i / A / W;
    float   sx = (float)x * stride, sy = (float)y * stride;
    box[0] = sx + cell[a][0];
    box[1] = sy + cell[a][1];
    box[2] = sx + cell[a][2];
    box[3] = sy + cell[a][3];
}

/* An unsigned number that is greater for what ranks earlier: floats descending, NaN before all. */
static inline GW_HD uint32_t box_rank_key(float score)
{
    union {
        float    f;
        uint32_t u;
    } v = {score};
    if (v.f != v.f)
        return 0xFFFFFFFFu;
    if (v.f == 0)
        v.u = 0; // -0 ties with +0
    return v.u & 0x80000000u ? ~v.u : v.u | 0x80000000u;
}

/* The score of a key of box_rank_key; -0 comes back as 0. */
static inline GW_HD float box_rank_score(uint32_t key)
{
    union {
        uint32_t u;
        float    f;
    } v = {key & 0x80000000u ? key & 0x7FFFFFFFu : ~key};
    return v.f;
}

/* Who draws: the random numbers of one image's anchors and of its regions are distinct streams. */
typedef enum BoxStage { BOX_STAGE_RPN = 0, BOX_STAGE_ROI = 1 } BoxStage;

/* The four draws of boxes 4 block .. 4 block + 3. */
static inline GW_HD void box_draw4(uint32_t out[4], uint64_t seed, int64_t iteration, int64_t image,
                                   BoxStage stage, uint32_t block)
{
    Rng r = rng_at(seed, RNG_SAMPLE, (uint64_t)iteration, (uint64_t)image * 2 + (uint64_t)stage);
    uint32_t counter[4] = {block, r.address[0], r.address[1], r.address[2]};
    philox4x32(out, counter, r.key);
}
