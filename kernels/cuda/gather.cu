/* gather.cu -- rows by number, and their gradients added up in the order of the rows
 *
 * Forward copies 16 bytes a thread where rows allow. An index is known to the device alone: a row that does not exist
 * comes out as NaN, and nothing outside x is read. Backward gives a block to each row of dx: it looks for its number
 * in the index, 256 entries at a time, so the cost is N R comparisons (MoCo: 256 times 256) and no order is left to
 * chance.
 */
#include "kernels/cuda/gpu.h"

/* y[r] = x[index[r]], rows of n_units units; all bits set, a NaN of every type, where there is no such row. */
template <typename Unit>
__global__ void gather_kernel(Unit *y, const Unit *x, const int32_t *index, int64_t R, int64_t N,
                              int64_t n_units)
{
    for (int64_t i = gpu_index(); i < R * n_units; i += gpu_stride()) {
        int64_t r = i / n_units, from = index[r];
        Unit    v;
        memset(&v, 0xff, sizeof v);
        if (from >= 0 && from < N)
            v = x[from * n_units + i % n_units];
        y[i] = v;
    }
}

template <typename T>
__global__ void gather_backward_kernel(T *dx, float beta, const T *dy, const int32_t *index,
                                       int64_t R, int64_t N, int64_t n_columns)
{
    for (int64_t i = blockIdx.x; i < N; i += gridDim.x)
        for (int64_t left = 0; left < n_columns;
             left += blockDim.x) { // the same trips in all threads
            int64_t c = left + threadIdx.x;
            float   sum = 0;
            for (int64_t base = 0; base < R; base += blockDim.x) {
                int64_t mine = base + threadIdx.x;
                if (!__syncthreads_or(mine < R && index[mine] == i))
                    continue;
                int64_t end = min(base + (int64_t)blockDim.x, R);
                for (int64_t r = base; c < n_columns && r < end; r++)
                    if (index[r] == i)
                        sum += gpu_get(dy + r * n_columns + c);
            }
            if (c < n_columns)
                gpu_put(dx + i * n_columns + c,
                        beta == 0.0f ? sum : gpu_get(dx + i * n_columns + c) + sum);
        }
}

template <typename Unit>
static Status gather(Tensor *y, const Tensor *x, const Tensor *index, int64_t row_bytes)
{
    int64_t R = y->dim[0], n_units = row_bytes / (int64_t)sizeof(Unit);
    return gpu_launch("gather", gather_kernel<Unit>, gpu_grid(R * n_units), GPU_BLOCK, 0,
                      (Unit *)y->data, (const Unit *)x->data, (const int32_t *)index->data, R,
                      x->dim[0], n_units);
}

Status cuda_gather_forward(Tensor *y, const Tensor *x, const Tensor *index)
{
    if (tensor_count(y) == 0)
        return OK;
    int64_t row_bytes = tensor_bytes(y) / y->dim[0];
    if (row_bytes % 16 == 0 && gpu_is_aligned((char *)y->data, (char *)x->data))
        return gather<uint4>(y, x, index, row_bytes);
    return row_bytes % 4 == 0 && x->dtype != BF16 ? gather<uint32_t>(y, x, index, row_bytes)
                                                  : gather<uint16_t>(y, x, index, row_bytes);
}

Status cuda_gather_backward(Tensor *dx, const Tensor *dy, const Tensor *index)
{
    int64_t N = dx->dim[0], n_columns = N > 0 ? tensor_count(dx) / N : 0;
    float   beta = tensor_beta(dx);
    if (n_columns == 0)
        return OK;
    int64_t most = 16 * (int64_t)gpu_n_processors();
    return gpu_by_dtype(dx, [&](auto type) {
        using T = decltype(type);
        return gpu_launch("gather gradient", gather_backward_kernel<T>,
                          dim3((unsigned)(N < most ? N : most)), GPU_BLOCK, 0, (T *)dx->data, beta,
                          (const T *)dy->data, (const int32_t *)index->data, dy->dim[0], N,
                          n_columns);
    });
}
