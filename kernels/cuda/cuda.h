/* cuda.h -- the entries of the cuda backend, one file per op; shapes and rules in kernels/backend.h
 *
 * An entry queues its work on gpu_stream() and returns; `data` of every tensor is device memory.
 */
#pragma once
#include "kernels/backend.h"

/* memory.c */
Status cuda_alloc(void **memory, int64_t bytes);
void   cuda_free(void *memory);
Status cuda_write(void *device, const void *host, int64_t bytes);
Status cuda_read(void *host, const void *device, int64_t bytes);
Status cuda_copy(void *to, const void *from, int64_t bytes);
Status cuda_sync(void);

/* elementwise.cu */
Status cuda_fill(Tensor *x, float value);
Status cuda_cast(Tensor *y, const Tensor *x);
Status cuda_relu_forward(Tensor *y, const Tensor *x);
Status cuda_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y);
Status cuda_add_forward(Tensor *y, const Tensor *a, const Tensor *b);
Status cuda_add_backward(Tensor *dx, const Tensor *dy);
Status cuda_accumulate(Tensor *y, float beta, const Tensor *x); // y = beta y + x, beta 0 or 1

/* conv2d.c, linear.c */
Status cuda_conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                           const Conv2d *op);
Status cuda_conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op);
Status cuda_conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                    const Conv2d *op);
Status cuda_linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias);
Status cuda_linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w);
Status cuda_linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy);

/* bias.cu: y (..., C) += bias (C), f32; sum (C) = beta sum + the sum over the rows of x (..., C) */
Status cuda_add_bias(Tensor *y, const Tensor *bias);
Status cuda_column_sums(Tensor *sum, const Tensor *x);

/* graph.c */
Status cuda_graph_begin(void);
Status cuda_graph_end(void **graph);
Status cuda_graph_launch(void *graph);
void   cuda_graph_free(void *graph);
bool   cuda_is_capturing(void);
