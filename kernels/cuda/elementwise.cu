/* elementwise.cu -- fill, cast, add, ReLU: 16 bytes a thread where addresses allow */
#include "kernels/cuda/gpu.h"

/* y[i] = f(y's old value, a[i], b[i]) over n elements in vectors of N, the rest one by one. What `reads` says is loaded:
 * 1 y, 2 a, 4 b. */
template <int N, int reads, typename T, typename S, typename F>
__global__ void map_kernel(T *y, const S *a, const S *b, int64_t n, F f)
{
    int64_t n_vectors = n / N;
    for (int64_t i = gpu_index(); i < n_vectors; i += gpu_stride()) {
        float vy[N], va[N], vb[N];
        if (reads & 1)
            gpu_load<N>(vy, y + i * N);
        if (reads & 2)
            gpu_load<N>(va, a + i * N);
        if (reads & 4)
            gpu_load<N>(vb, b + i * N);
        for (int j = 0; j < N; j++)
            vy[j] = f(reads & 1 ? vy[j] : 0.0f, reads & 2 ? va[j] : 0.0f, reads & 4 ? vb[j] : 0.0f);
        gpu_store<N>(y + i * N, vy);
    }
    for (int64_t i = n_vectors * N + gpu_index(); i < n; i += gpu_stride())
        gpu_put(y + i, f(reads & 1 ? gpu_get(y + i) : 0.0f, reads & 2 ? gpu_get(a + i) : 0.0f,
                         reads & 4 ? gpu_get(b + i) : 0.0f));
}

/* The same when some address is not a multiple of 16 bytes. */
template <int reads, typename T, typename S, typename F>
__global__ void map_unaligned_kernel(T *y, const S *a, const S *b, int64_t n, F f)
{
    for (int64_t i = gpu_index(); i < n; i += gpu_stride())
        gpu_put(y + i, f(reads & 1 ? gpu_get(y + i) : 0.0f, reads & 2 ? gpu_get(a + i) : 0.0f,
                         reads & 4 ? gpu_get(b + i) : 0.0f));
}

template <int reads, typename T, typename S, typename F>
static Status map(const char *op, T *y, const S *a, const S *b, int64_t n, F f)
{
    constexpr int N = 8; // 16 bytes of the narrower type
    if (!gpu_is_aligned(y, a, b))
        return gpu_launch(op, map_unaligned_kernel<reads, T, S, F>, gpu_grid(n), GPU_BLOCK, 0, y, a,
                          b, n, f);
    return gpu_launch(op, map_kernel<N, reads, T, S, F>, gpu_grid(n / N + 1), GPU_BLOCK, 0, y, a, b,
                      n, f);
}

struct Constant {
    float            value;
    __device__ float operator()(float, float, float) const
    {
        return value;
    }
};
struct Same {
    __device__ float operator()(float, float a, float) const
    {
        return a;
    }
};
struct Sum {
    __device__ float operator()(float, float a, float b) const
    {
        return a + b;
    }
};
struct Plus {
    __device__ float operator()(float y, float a, float) const
    {
        return y + a;
    }
};
/* NaN passes. */
struct Relu {
    __device__ float operator()(float, float a, float) const
    {
        return a < 0.0f ? 0.0f : a;
    }
};
/* a is dy, b the forward output. */
struct ReluSlope {
    __device__ float operator()(float, float a, float b) const
    {
        return b > 0.0f ? a : 0.0f;
    }
};
struct PlusReluSlope {
    __device__ float operator()(float y, float a, float b) const
    {
        return y + (b > 0.0f ? a : 0.0f);
    }
};

/* reads y only when the gradient holds something already. */
template <int reads, typename First, typename Later>
static Status map_gradient(const char *op, Tensor *dx, const Tensor *a, const Tensor *b)
{
    float beta = tensor_beta(dx);
    return gpu_by_dtype(dx, [&](auto type) {
        using T = decltype(type);
        T       *y = (T *)dx->data;
        const T *pa = (const T *)a->data, *pb = b ? (const T *)b->data : nullptr;
        int64_t  n = tensor_count(dx);
        return beta == 0.0f ? map<reads>(op, y, pa, pb, n, First{})
                            : map<reads | 1>(op, y, pa, pb, n, Later{});
    });
}

template <int reads, typename F>
static Status map_forward(const char *op, Tensor *y, const Tensor *a, const Tensor *b, F f)
{
    return gpu_by_dtype(y, [&](auto type) {
        using T = decltype(type);
        return map<reads>(op, (T *)y->data, (const T *)(a ? a->data : nullptr),
                          (const T *)(b ? b->data : nullptr), tensor_count(y), f);
    });
}

Status cuda_fill(Tensor *x, float value)
{
    return map_forward<0>("fill", x, nullptr, nullptr, Constant{value});
}

Status cuda_cast(Tensor *y, const Tensor *x)
{
    int64_t n = tensor_count(y);
    if (y->dtype == x->dtype)
        return cuda_copy(y->data, x->data, tensor_bytes(y));
    if (y->dtype == BF16)
        return map<2>("cast", (bf16 *)y->data, (const float *)x->data, (const float *)nullptr, n,
                      Same{});
    return map<2>("cast", (float *)y->data, (const bf16 *)x->data, (const bf16 *)nullptr, n,
                  Same{});
}

Status cuda_relu_forward(Tensor *y, const Tensor *x)
{
    return map_forward<2>("relu", y, x, nullptr, Relu{});
}

Status cuda_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y)
{
    return map_gradient<6, ReluSlope, PlusReluSlope>("relu", dx, dy, y);
}

Status cuda_add_forward(Tensor *y, const Tensor *a, const Tensor *b)
{
    return map_forward<6>("add", y, a, b, Sum{});
}

Status cuda_add_backward(Tensor *dx, const Tensor *dy)
{
    return map_gradient<2, Same, Plus>("add", dx, dy, nullptr);
}

template <typename T, typename S>
static Status accumulate(T *y, float beta, const S *x, int64_t n)
{
    return beta == 0.0f ? map<2>("add", y, x, (const S *)nullptr, n, Same{})
                        : map<3>("add", y, x, (const S *)nullptr, n, Plus{});
}

Status cuda_accumulate(Tensor *y, float beta, const Tensor *x)
{
    return gpu_by_dtype(y, [&](auto y_type) {
        return gpu_by_dtype(x, [&](auto x_type) {
            return accumulate((decltype(y_type) *)y->data, beta, (const decltype(x_type) *)x->data,
                              tensor_count(y));
        });
    });
}
