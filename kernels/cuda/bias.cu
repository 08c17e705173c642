/* bias.cu -- a value a column: added to every row, and summed over the rows for its gradient
 *
 * Rows are all positions of a tensor (..., C). Sums are deterministic: the rows are cut into parts by the sizes alone,
 * each part is summed by one block, and the parts are added in order.
 */
#include "kernels/cuda/rows.h"

enum { COLUMNS = 32, ROWS = 8, MOST_PARTS = 256, LEAST_ROWS = 64 };

/* A thread keeps the bias of its V columns and goes down the rows. */
template <int V, typename T>
__global__ void add_bias_kernel(T *y, const float *bias, int64_t n_rows, int64_t C)
{
    int64_t c = gpu_channel<V>();
    float   b[V], v[V];
    if (c >= C)
        return;
    row_load<V>(b, bias + c);
    for (int64_t r = gpu_row(); r < n_rows; r += gpu_row_stride()) {
        row_load<V>(v, y + r * C + c);
        GPU_UNROLL
        for (int j = 0; j < V; j++)
            v[j] += b[j];
        row_store<V>(y + r * C + c, v);
    }
}

/* part (n_parts,C): block (x,p) sums rows [p per_part, ...) of columns 32 x ... */
template <typename T>
__global__ void part_sums_kernel(float *part, const T *x, int64_t n_rows, int64_t C,
                                 int64_t per_part)
{
    GPU_SHARED(float, sum, [ROWS][COLUMNS]);
    int64_t c = (int64_t)blockIdx.x * COLUMNS + threadIdx.x;
    int64_t first = (int64_t)blockIdx.y * per_part;
    int64_t end = min(first + per_part, n_rows);
    float   s = 0;
    for (int64_t r = first + threadIdx.y; c < C && r < end; r += ROWS)
        s += gpu_get(x + r * C + c);
    sum[threadIdx.y][threadIdx.x] = s;
    __syncthreads();
    if (threadIdx.y != 0 || c >= C)
        return;
    for (int i = 1; i < ROWS; i++)
        s += sum[i][threadIdx.x];
    part[(int64_t)blockIdx.y * C + c] = s;
}

__global__ void add_parts_kernel(float *sum, const float *part, int64_t n_parts, int64_t C,
                                 bool is_blank)
{
    for (int64_t c = gpu_index(); c < C; c += gpu_stride()) {
        float s = 0;
        for (int64_t p = 0; p < n_parts; p++)
            s += part[p * C + c];
        sum[c] = is_blank ? s : sum[c] + s;
    }
}

Status cuda_add_bias(Tensor *y, const Tensor *bias)
{
    int64_t C = tensor_count(bias);
    if (tensor_count(y) == 0)
        return OK;
    return gpu_by_width(y, C, gpu_all_aligned(y, bias), [&](auto type, auto width) {
        using T = decltype(type);
        constexpr int V = decltype(width)::value;
        int64_t       n_rows = tensor_count(y) / C;
        RowLaunch     at = gpu_rows(n_rows, C, V);
        return gpu_launch("bias", add_bias_kernel<V, T>, at.grid, at.block, 0, (T *)y->data,
                          (const float *)bias->data, n_rows, C);
    });
}

Status cuda_column_sums(Tensor *sum, const Tensor *x)
{
    int64_t C = tensor_count(sum), n_rows = C > 0 ? tensor_count(x) / C : 0;
    bool    is_blank = tensor_beta(sum) == 0.0f;
    if (C == 0)
        return OK;
    int64_t per_part = (n_rows + MOST_PARTS - 1) / MOST_PARTS;
    if (per_part < LEAST_ROWS)
        per_part = LEAST_ROWS;
    int64_t n_parts = (n_rows + per_part - 1) / per_part;
    void   *part = nullptr;
    if (n_parts > 0) {
        TRY(cuda_scratch("bias gradient", &part, n_parts * C * (int64_t)sizeof(float)));
        dim3   grid((unsigned)((C + COLUMNS - 1) / COLUMNS), (unsigned)n_parts);
        Status st = gpu_by_dtype(x, [&](auto type) {
            using T = decltype(type);
            return gpu_launch("bias gradient", part_sums_kernel<T>, grid, dim3(COLUMNS, ROWS), 0,
                              (float *)part, (const T *)x->data, n_rows, C, per_part);
        });
        if (st != OK) {
            cuda_free(part);
            return st;
        }
    }
    Status st = gpu_launch("bias gradient", add_parts_kernel, gpu_grid(C), GPU_BLOCK, 0,
                           (float *)sum->data, (const float *)part, n_parts, C, is_blank);
    cuda_free(part);
    return st;
}
