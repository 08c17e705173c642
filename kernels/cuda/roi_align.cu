/* roi_align.cu -- forward: a bin and 32 vectors of channels a warp; backward: a cell a block, which gathers
 *
 *      y[region][ph][pw] = sum over cells of              Wy[ph] Wx[pw] / samples  x[cell]
 *      dx[cell] = sum over regions, bins ph, pw of        Wy[ph] Wx[pw] / samples  dy[region][ph][pw]
 *
 * The weight that all samples of a bin give a cell is the product of a row's and a column's part (body/roi_align.h:
 * roi_side). On the way back a block finds 2 P such numbers for a region and reads each bin that touches its cell once. Additions have one
 * order, regions ascending, then bins: two runs give the same bits, and dx is written once, without a float32 copy.
 * A scatter with float atomics would read dy once but add (cells a bin touches) x 4 bytes a channel at L2, where the gather
 * reads as many times the 2 or 4 bytes of dy: it moves more, and needs the float32 copy for bfloat16.
 */
#include "kernels/cuda/rows.h"
extern "C" {
#include "kernels/body/roi_align.h"
}

struct AlignShape {
    int64_t  N, H, W, C, R;
    RoiAlign op;
};

__device__ static RoiFrame frame_of(const AlignShape &s, const float *roi)
{
    return roi_frame(roi + 1, s.op.P, s.op.S, s.op.scale, s.op.is_aligned);
}

enum {
    ALIGN_WARPS = GPU_BLOCK / GPU_WARP,
    ALIGN_BINS = 4, // of a warp, one after the other
};

/* What the samples of bin p weigh on `cell` along one side, of n cells. */
__device__ static float side_weight(float start, float bin, int64_t p, int g, int64_t cell,
                                    int64_t n)
{
    float sum = 0;
    for (int i = 0; i < g; i++) {
        RoiSide side = roi_side(start, bin, p, i, g, n);
        sum += (side.lo == cell ? side.w_lo : 0.0f) + (side.hi == cell ? side.w_hi : 0.0f);
    }
    return sum;
}

/* Cells first .. end-1 of n, between which the samples of bin p lie along one side. */
struct AlignSpan {
    int first, end;
};

__device__ static AlignSpan span_of(float start, float bin, int p, int g, int n)
{
    float from = start + (float)p * bin, last = (float)(n - 1);
    float a = from + 0.5f * bin / (float)g, b = from + ((float)(g - 1) + 0.5f) * bin / (float)g;
    int   lo = (int)fminf(fmaxf(fminf(a, b), 0.0f), last),
        hi = (int)fminf(fmaxf(fmaxf(a, b), 0.0f), last);
    return {lo, min(hi + 2, n)};
}

/* What the lanes of a warp tell each other: a row's and a column's part, and cells with their weights. */
struct AlignNotes {
    float row[GPU_WARP], column[GPU_WARP], weight[GPU_WARP];
    int   at[GPU_WARP];
};

/* sum += weighted cells of the map, AT_ONCE loaded together. */
template <int V, typename T>
__device__ static void add_cells(float *sum, const T *map, const AlignNotes *notes, int n_cells,
                                 int C)
{
    constexpr int AT_ONCE = 4;
    for (int i = 0; i < n_cells; i += AT_ONCE) {
        RowVector<V, T> cell[AT_ONCE];
        GPU_UNROLL
        for (int k = 0; k < AT_ONCE; k++)
            cell[k] = row_fetch<V>(map + (int64_t)notes->at[i + k] * C);
        GPU_UNROLL
        for (int k = 0; k < AT_ONCE; k++) {
            float v[V], weight = notes->weight[i + k];
            if (weight == 0.0f)
                continue;
            row_unpack<V>(v, cell[k]);
            GPU_UNROLL
            for (int j = 0; j < V; j++)
                sum[j] += weight * v[j];
        }
    }
}

/* y (R,P,P,C). A bin weighs each cell that its samples touch once: fewer reads than four a sample. Lanes find a row's and a
 * column's part each, then the weights of 32 cells; then all lanes go through the cells, neighbours reading neighbouring
 * channels. Block (region, some of its bins; slab of channels): the bins of a block lie side by side and re-read their cells
 * out of L1. DRAM moves x once and y once. */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK)
    roi_align_forward_kernel(T *y, const T *x, const float *roi, AlignShape s, unsigned per_region)
{
    GPU_SHARED(AlignNotes, of_warp, [ALIGN_WARPS]);
    int         P = (int)s.op.P, C = (int)s.C, H = (int)s.H, W = (int)s.W;
    int         lane = (int)threadIdx.x, warp = (int)threadIdx.y;
    int64_t     r = blockIdx.x / per_region, c = ((int64_t)blockIdx.y * GPU_WARP + lane) * V;
    RoiFrame    f = frame_of(s, roi + 5 * r);
    bool        has_samples = f.g_h > 0 && f.g_w > 0;
    const T    *map = x + (int64_t)roi[5 * r] * H * W * C + c;
    T          *bins = y + r * P * P * C + c;
    AlignNotes *notes = &of_warp[warp];
    for (int bin = (int)(blockIdx.x % per_region) * ALIGN_WARPS + warp; bin < P * P;
         bin += (int)per_region * ALIGN_WARPS) {
        float     sum[V] = {};
        int       ph = bin / P, pw = bin % P;
        AlignSpan rows = {0, 0}, columns = {0, 0};
        if (has_samples) {
            rows = span_of(f.y1, f.bin_h, ph, f.g_h, H);
            columns = span_of(f.x1, f.bin_w, pw, f.g_w, W);
        }
        for (int y0 = rows.first; y0 < rows.end; y0 += GPU_WARP)
            for (int x0 = columns.first; x0 < columns.end; x0 += GPU_WARP) {
                int n_rows = min(rows.end - y0, (int)GPU_WARP),
                    n_columns = min(columns.end - x0, (int)GPU_WARP);
                int n_cells = n_rows * n_columns;
                if (lane < n_rows)
                    notes->row[lane] = side_weight(f.y1, f.bin_h, ph, f.g_h, y0 + lane, H);
                if (lane < n_columns)
                    notes->column[lane] = side_weight(f.x1, f.bin_w, pw, f.g_w, x0 + lane, W);
                __syncwarp();
                for (int first = 0; first < n_cells; first += GPU_WARP) {
                    int  own = first + lane, dy = own / n_columns, dx = own % n_columns;
                    bool is_cell = own < n_cells;
                    notes->at[lane] = is_cell ? (y0 + dy) * W + x0 + dx : 0;
                    notes->weight[lane] = is_cell ? notes->row[dy] * notes->column[dx] : 0.0f;
                    __syncwarp();
                    if (c < C)
                        add_cells<V>(sum, map, notes, min(n_cells - first, (int)GPU_WARP), C);
                    __syncwarp(); // notes may be written again
                }
            }
        if (c >= C)
            continue;
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            sum[j] = sum[j] / roi_samples(&f);
        row_store<V>(bins + (int64_t)bin * C, sum);
    }
}

/* Whether samples between `first` and `last` may weigh on `cell`; generous by more than they are rounded. */
__device__ static bool may_touch(float first, float last, int64_t cell)
{
    return fminf(first, last) < (float)cell + 1.01f && fmaxf(first, last) > (float)cell - 1.01f;
}

/* sum += the bins of one region, weighed; weight holds P rows, then P columns. */
template <int V, typename T>
__device__ static void add_bins(float *sum, const T *dy, const float *weight, float share,
                                const AlignShape &s)
{
    float own[V];
    for (int64_t ph = 0; ph < s.op.P; ph++) {
        float row = weight[ph] * share;
        for (int64_t pw = 0; pw < s.op.P && row != 0.0f; pw++) {
            float w = row * weight[s.op.P + pw];
            if (w == 0.0f)
                continue;
            row_load<V>(own, dy + (ph * s.op.P + pw) * s.C);
            for (int j = 0; j < V; j++)
                sum[j] += w * own[j];
        }
    }
}

/* Block (cell, slab of channels); V channels a thread, at most 256 threads: 128 for the 1024 bfloat16 channels of C4. The
 * threads first test blockDim regions at once, then go together through those that touch the cell. */
template <int V, typename T>
__global__ void __launch_bounds__(GPU_BLOCK)
    roi_align_backward_kernel(T *dx, const T *dy, const float *roi, AlignShape s, bool is_blank)
{
    GPU_SHARED_DYNAMIC(float, weight);
    GPU_SHARED(unsigned, touching, [GPU_BLOCK / GPU_WARP]);
    int64_t P = s.op.P, cell = blockIdx.x, cx = cell % s.W, cy = cell / s.W % s.H;
    int64_t image = cell / s.W / s.H;
    int64_t c = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) * V;
    float   sum[V] = {};
    if (!is_blank && c < s.C)
        row_load<V>(sum, dx + cell * s.C + c);
    for (int64_t first = 0; first < s.R; first += blockDim.x) {
        int64_t r = first + threadIdx.x;
        bool    is_near = false;
        if (r < s.R && (int64_t)roi[5 * r] == image) {
            RoiFrame f = frame_of(s, roi + 5 * r);
            is_near = f.g_h > 0 && f.g_w > 0 && may_touch(f.y1, f.y1 + (float)P * f.bin_h, cy) &&
                      may_touch(f.x1, f.x1 + (float)P * f.bin_w, cx);
        }
        unsigned mask = __ballot_sync(GPU_ALL_LANES, is_near);
        if (gpu_lane() == 0)
            touching[threadIdx.x / GPU_WARP] = mask;
        __syncthreads();
        for (int i = 0; i < (int)blockDim.x / GPU_WARP; i++)
            for (unsigned rest = touching[i]; rest; rest &= rest - 1) {
                r = first + i * GPU_WARP + __ffs((int)rest) - 1;
                RoiFrame f = frame_of(s, roi + 5 * r);
                for (int64_t p = threadIdx.x; p < 2 * P; p += blockDim.x)
                    weight[p] = p < P ? side_weight(f.y1, f.bin_h, p, f.g_h, cy, s.H)
                                      : side_weight(f.x1, f.bin_w, p - P, f.g_w, cx, s.W);
                __syncthreads();
                if (c < s.C)
                    add_bins<V>(sum, dy + r * P * P * s.C + c, weight, 1.0f / roi_samples(&f), s);
                __syncthreads();
            }
        __syncthreads();
    }
    if (c < s.C)
        row_store<V>(dx + cell * s.C + c, sum);
}

static AlignShape shape_of(const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    return {x->dim[0], x->dim[1], x->dim[2], x->dim[3], rois->dim[0], *op};
}

Status cuda_roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    AlignShape s = shape_of(x, rois, op);
    if (tensor_count(y) == 0)
        return OK;
    return gpu_by_width(x, s.C, gpu_all_aligned(y, x), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        int64_t       per_block = ALIGN_WARPS * ALIGN_BINS, slab = GPU_WARP * V;
        unsigned      per_region = (unsigned)((s.op.P * s.op.P + per_block - 1) / per_block);
        dim3          grid((unsigned)(s.R * per_region), (unsigned)((s.C + slab - 1) / slab));
        return gpu_launch("roi_align", roi_align_forward_kernel<V, T>, grid,
                          dim3(GPU_WARP, ALIGN_WARPS), 0, (T *)y->data, (const T *)x->data,
                          (const float *)rois->data, s, per_region);
    });
}

Status cuda_roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois, const RoiAlign *op)
{
    AlignShape s = shape_of(dx, rois, op);
    bool       is_blank = tensor_beta(dx) == 0.0f;
    int64_t    n_cells = s.N * s.H * s.W;
    if (n_cells * s.C < 1)
        return OK;
    return gpu_by_width(dx, s.C, gpu_all_aligned(dx, dy), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        int64_t       n_vectors = s.C / V;
        int64_t threads = min((n_vectors + GPU_WARP - 1) / GPU_WARP * GPU_WARP, (int64_t)GPU_BLOCK);
        dim3    grid((unsigned)n_cells, (unsigned)((n_vectors + threads - 1) / threads));
        return gpu_launch("roi_align gradient", roi_align_backward_kernel<V, T>, grid,
                          dim3((unsigned)threads), 2 * (size_t)s.op.P * sizeof(float),
                          (T *)dx->data, (const T *)dy->data, (const float *)rois->data, s,
                          is_blank);
    });
}
