/* box_shape.cu -- anchors over a grid, boxes to deltas and back: one box a thread, 16 bytes in and out */
#include "kernels/cuda/box.cuh"

struct Four {
    float of[4];
};

static Four four(const float weight[4])
{
    return {{weight[0], weight[1], weight[2], weight[3]}};
}

__global__ void anchors_kernel(Box *box, AnchorGrid grid)
{
    int64_t n = grid.H * grid.W * grid.A;
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        Box b;
        box_anchor(b.at, grid.cell, i, grid.W, grid.A, grid.stride);
        box[i] = b;
    }
}

__global__ void encode_kernel(Box *delta, const Box *from, const Box *to, int64_t n, Four weight)
{
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        Box d, f = from[i], g = to[i];
        box_encode(d.at, f.at, g.at, weight.of);
        delta[i] = d;
    }
}

__global__ void decode_kernel(Box *box, const Box *delta, const Box *from, int64_t n, int64_t K,
                              Four weight)
{
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        Box b, d = delta[i], f = from[i / K];
        box_decode(b.at, d.at, f.at, weight.of);
        box[i] = b;
    }
}

Status cuda_anchors(Tensor *box, const AnchorGrid *grid)
{
    return gpu_launch("anchors", anchors_kernel, gpu_grid(box->dim[0]), GPU_BLOCK, 0, box_rows(box),
                      *grid);
}

Status cuda_encode(Tensor *delta, const Tensor *from, const Tensor *to, const float weight[4])
{
    return gpu_launch("encode", encode_kernel, gpu_grid(from->dim[0]), GPU_BLOCK, 0,
                      box_rows(delta), box_rows(from), box_rows(to), from->dim[0], four(weight));
}

Status cuda_decode(Tensor *box, const Tensor *delta, const Tensor *from, const float weight[4])
{
    int64_t n = tensor_count(delta) / 4, R = from->dim[0];
    return gpu_launch("decode", decode_kernel, gpu_grid(n), GPU_BLOCK, 0, box_rows(box),
                      box_rows(delta), box_rows(from), n, R ? n / R : 1, four(weight));
}
