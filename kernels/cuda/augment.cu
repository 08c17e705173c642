/* augment.cu -- crops to what a network sees, in two kernels
 *
 *      luma_kernel     sums of luma where a plan changes contrast: a few blocks a crop, each its part
 *      augment_kernel  a block a tile: bytes in (mirrored), colours, blur inside shared memory, table of 3 x 256 results out
 *
 *      +-----------------+   the tile with a rim of what three passes a direction reach; taps stop at the rim's outer edge,
 *      |   +---------+   |   which is right at the crop's edge and wrong elsewhere, but the wrong values come no further
 *      |   |  tile   |   |   inwards than the rim is wide.
 *      |   +---------+   |
 *      +-----------------+
 */
#include "kernels/cuda/gpu.h"
#include "kernels/cuda/scratch.h"
extern "C" {
#include "kernels/body/augment.h"
}

enum {
    TILE_W = 64,
    TILE_H = 32,
    RIM = 3 * (PIXEL_MOST_RADIUS + 1),
    ROOM = (TILE_W + 2 * RIM) * (TILE_H + 2 * RIM),
    PARTS = 8, // of a crop, for its sum
};

/* A crop (3,H,W) of bytes. */
struct AugmentCrop {
    const uint8_t  *at;
    int64_t         H, W;
    __device__ void get(uint8_t rgb[3], int64_t i) const
    {
        for (int c = 0; c < 3; c++)
            rgb[c] = at[c * H * W + i];
    }
};

/* sum (N,PARTS) of luma before the plan's contrast; nothing where there is none. */
__global__ void augment_luma_kernel(unsigned long long *sum, const uint8_t *x,
                                    const PixelPlan *plan, int64_t H, int64_t W)
{
    int64_t     image = blockIdx.x / PARTS, part = blockIdx.x % PARTS;
    PixelPlan   own = plan[image];
    int         before = augment_ops_before_contrast(&own);
    AugmentCrop crop = {x + image * 3 * H * W, H, W};
    if (before < 0)
        return; // the whole block
    unsigned long long mine = 0;
    for (int64_t i = part * blockDim.x + threadIdx.x; i < H * W; i += PARTS * blockDim.x) {
        uint8_t rgb[3];
        crop.get(rgb, i);
        augment_colours(rgb, &own, before, 0);
        mine += pixel_luma(rgb[0], rgb[1], rgb[2]);
    }
    mine = gpu_block_reduce(mine, 0ull, GpuSum());
    if (threadIdx.x == 0)
        sum[blockIdx.x] = mine;
}

/* One pass along an axis of a (h,w) window: places `step` apart, n along the axis. */
__device__ static void blur_window(uint8_t *to, const uint8_t *from, int h, int w, bool is_down,
                                   PixelBox box)
{
    int n = is_down ? h : w, step = is_down ? w : 1;
    for (int i = (int)threadIdx.x; i < h * w; i += (int)blockDim.x) {
        int            at = is_down ? i / w : i % w;
        const uint8_t *line = from + (i - at * step);
        auto     tap = [&](int k) { return (uint32_t)line[min(max(at + k, 0), n - 1) * step]; };
        uint32_t inner = 0, edge = tap(-box.radius - 1) + tap(box.radius + 1);
        for (int k = -box.radius; k <= box.radius; k++)
            inner += tap(k);
        to[i] = pixel_box(inner, edge, box);
    }
}

/* Results of a tile's row, n of them from its pixel x0: 3 a pixel. */
template <typename T>
struct AugmentRow {
    const uint8_t (*plane)[ROOM];
    const float (*table)[256];
    int              at; // of the row's first pixel in a plane
    __device__ float operator()(int e) const
    {
        return table[e % 3][plane[e % 3][at + e / 3]];
    }
};

template <typename T>
__global__ void augment_kernel(T *y, const uint8_t *x, const PixelPlan *plan,
                               const unsigned long long *sum, int64_t H, int64_t W, int64_t across,
                               int64_t tiles, PixelStats stats, bool is_wide)
{
    GPU_SHARED(uint8_t, window, [2][3][ROOM]);
    GPU_SHARED(float, table, [3][256]);
    int64_t     image = blockIdx.x / tiles, tile = blockIdx.x % tiles;
    PixelPlan   own = plan[image];
    AugmentCrop crop = {x + image * 3 * H * W, H, W};
    int         radius = min(own.blur.radius, (int32_t)PIXEL_MOST_RADIUS);
    int         rim = radius < 0 ? 0 : 3 * (radius + 1);
    int64_t     x0 = tile % across * TILE_W, y0 = tile / across * TILE_H;
    int64_t     x1 = min(x0 + TILE_W, W), y1 = min(y0 + TILE_H, H);
    int64_t     left = max(x0 - rim, (int64_t)0), top = max(y0 - rim, (int64_t)0);
    int         w = (int)(min(x1 + rim, W) - left), h = (int)(min(y1 + rim, H) - top);

    int32_t mean = 0;
    if (augment_ops_before_contrast(&own) >= 0) {
        unsigned long long all = 0;
        for (int p = 0; p < PARTS; p++)
            all += sum[image * PARTS + p];
        mean = pixel_mean((int64_t)all, H * W);
    }
    for (int i = (int)threadIdx.x; i < 3 * 256; i += (int)blockDim.x)
        table[i / 256][i % 256] = pixel_normalise(i % 256, stats.mean[i / 256], stats.std[i / 256]);
    for (int i = (int)threadIdx.x; i < h * w; i += (int)blockDim.x) {
        int64_t column = left + i % w;
        uint8_t rgb[3];
        crop.get(rgb, (top + i / w) * W + (own.flip ? W - 1 - column : column));
        augment_colours(rgb, &own, own.n_ops, mean);
        for (int c = 0; c < 3; c++)
            window[0][c][i] = rgb[c];
    }
    __syncthreads();
    for (int pass = 0; pass < 6 && rim > 0; pass++) { // an even number: the result is in window[0]
        for (int c = 0; c < 3; c++)
            blur_window(window[(pass + 1) % 2][c], window[pass % 2][c], h, w, pass >= 3, own.blur);
        __syncthreads();
    }

    constexpr int K = GpuWide<T>::N;
    int           n = (int)(x1 - x0) * 3, unit = is_wide && n % K == 0 ? K : 1, units = n / unit;
    for (int i = (int)threadIdx.x; i < units * (int)(y1 - y0); i += (int)blockDim.x) {
        int           row = i / units, e = i % units * unit;
        AugmentRow<T> get = {window[0], table, (int)(y0 - top + row) * w + (int)(x0 - left)};
        T            *out = y + ((image * H + y0 + row) * W + x0) * 3 + e;
        if (unit == 1) {
            gpu_put(out, get(e));
            continue;
        }
        float v[K];
        for (int k = 0; k < K; k++)
            v[k] = get(e + k);
        gpu_store<K>(out, v);
    }
}

Status cuda_augment(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats)
{
    int64_t N = x->dim[0], H = x->dim[2], W = x->dim[3];
    int64_t across = (W + TILE_W - 1) / TILE_W, tiles = across * ((H + TILE_H - 1) / TILE_H);
    if (tensor_count(x) == 0)
        return OK;
    Scratch             scratch("augment");
    unsigned long long *sum;
    const PixelPlan    *plans = static_cast<const PixelPlan *>(plan->data);
    const uint8_t      *bytes = static_cast<const uint8_t *>(x->data);
    TRY(scratch.take(&sum, N * PARTS));
    TRY(gpu_launch("augment", augment_luma_kernel, (unsigned)(N * PARTS), GPU_BLOCK, 0, sum, bytes,
                   plans, H, W));
    return gpu_by_dtype(y, [&](auto type) {
        using T = decltype(type);
        bool is_wide = W * 3 % GpuWide<T>::N == 0 && gpu_is_aligned(y->data);
        return gpu_launch("augment", augment_kernel<T>, (unsigned)(N * tiles), GPU_BLOCK, 0,
                          static_cast<T *>(y->data), bytes, plans, sum, H, W, across, tiles, *stats,
                          is_wide);
    });
}
