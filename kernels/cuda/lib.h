/* lib.h -- what the cuda backend leaves to libraries: convolutions, matrix products and JPEG, nothing else
 *
 * cuDNN, cuBLASLt and nvJPEG serve it on a GPU (lib_cudnn.c, lib_cublas.c, lib_nvjpeg.c); in the tests' emulator ref's loops
 * and libjpeg, or fakes of all three. All addresses are device memory; work is queued on gpu_stream(). Sums are f32. f32
 * operands are multiplied in full f32 unless lib_use_tf32 was called; bf16 products are exact.
 */
#pragma once
#include "kernels/backend.h"

/* Before any other call. ERR_DEVICE when a library is absent or too old. */
Status lib_open(void);

/* A range of a profiler's time line around the launches of one op. */
void lib_range_begin(const char *op);
void lib_range_end(void);

/* f32 operands are rounded to 11 bits before they are multiplied (tensor cores), from now on. */
void lib_use_tf32(bool yes);

/* y (N,P,Q,Co) = x (N,H,W,Ci) * w (Co,kh,kw,Ci/groups); x, w and y of one type. No tensor is empty. */
Status lib_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Conv2d *op);

typedef enum ConvKind {
    CONV_FORWARD,
    CONV_DATA,
    CONV_WEIGHTS
} ConvKind; // which of the three is computed

/* *way: the fastest of the ways 0 .. n-1, each of which run(ctx, way) goes over and over with one result; ERR_UNSUPPORTED
 * takes a way out, ERR_MEMORY one other than 0. They are timed once for a kind and a shape, and the answer is kept as
 * plans are; a later way has to be 3 % faster than those before it. A layer that has met pictures of many sizes takes
 * the first that runs. */
Status lib_conv2d_choose(int *way, ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *y,
                         const Conv2d *op, int n, Status (*run)(void *ctx, int way), void *ctx);

/* dx = beta dx + the gradient, beta 0 or 1; dx, dy and w of one type. */
Status lib_conv2d_backward_data(Tensor *dx, float beta, const Tensor *dy, const Tensor *w,
                                const Conv2d *op);

/* dw = beta dw + the gradient, beta 0 or 1; x and dy are of one type, dw of that or f32. A gradient of bf16 activations is
 * rounded to bf16 once, as PyTorch's is, before it is added to an f32 dw. */
Status lib_conv2d_backward_weights(Tensor *dw, float beta, const Tensor *x, const Tensor *dy,
                                   const Conv2d *op);

/* c (m,n) = alpha a b + beta c, row-major. a is (m,k), or (k,m) read as its transpose; b (k,n), or (n,k). a and b are of
 * one type, c of that or f32. beta 0 does not read c. */
typedef struct Product {
    int64_t m, n, k;         // >= 1
    bool    is_a_transposed; // a is stored (k,m)
    bool    is_b_transposed; // b is stored (n,k)
    DType   in, out;
    float   alpha, beta;
} Product;
Status lib_product(const char *op, void *c, const void *a, const void *b, const Product *p);

/* The entries jpeg_* of the backend (kernels/backend.h). */
Status lib_jpeg_open(void **decoder);
Status lib_jpeg_decode(void *decoder, uint8_t *rgb, int64_t x, int64_t y, int64_t width,
                       int64_t height, const void *bytes, int64_t n_bytes);
void   lib_jpeg_close(void *decoder);
