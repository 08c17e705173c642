#include "kernels/cuda/gpu.h"
extern "C" {
#include "kernels/cuda/fold.h"
}

/* A thread writes 16 bytes of a place. Ci is the number of channels of x, `parts` how many vectors a place has. */
__global__ void fold_x_kernel(uint4 *folded, const uint16_t *x, int64_t n_vectors, int parts, int H,
                              int W, int Ci, Fold f)
{
    int s = (int)f.stride;
    for (int64_t v = gpu_index(); v < n_vectors; v += gpu_stride()) {
        int64_t place = v / parts, n = place / (f.H * f.W);
        int     h0 = ((int)(place / f.W % f.H) - (int)f.blocks) * s;
        int     w0 = ((int)(place % f.W) - (int)f.blocks) * s, first = (int)(v % parts) * 8;
        union {
            uint4    word;
            uint16_t bits[8];
        } u;
        GPU_UNROLL
        for (int j = 0; j < 8; j++) {
            int channel = first + j, c = channel % Ci, w = w0 + channel / Ci % s;
            int h = h0 + channel / Ci / s;
            u.bits[j] = channel < s * s * Ci && h >= 0 && h < H && w >= 0 && w < W
                            ? x[((n * H + h) * W + w) * Ci + c]
                            : (uint16_t)0;
        }
        folded[v] = u.word;
    }
}

/* Where w (Co,k,k,Ci) has element e of the folded (Co,size,size,channels); -1: nowhere, a zero. */
__device__ inline int64_t unfolded(int64_t e, int64_t k, int64_t Ci, const Fold &f)
{
    int64_t channel = e % f.channels, at = e / f.channels, s = f.stride;
    int64_t i = at / f.size % f.size * s + channel / Ci / s - f.shift;
    int64_t j = at % f.size * s + channel / Ci % s - f.shift;
    bool    is_there = channel < s * s * Ci && i >= 0 && i < k && j >= 0 && j < k;
    return is_there ? ((at / f.size / f.size * k + i) * k + j) * Ci + channel % Ci : -1;
}

__global__ void fold_w_kernel(uint16_t *folded, const uint16_t *w, int64_t n, int64_t k, int64_t Ci,
                              Fold f)
{
    for (int64_t e = gpu_index(); e < n; e += gpu_stride()) {
        int64_t at = unfolded(e, k, Ci, f);
        folded[e] = at < 0 ? (uint16_t)0 : w[at];
    }
}

__global__ void unfold_dw_kernel(float *dw, const float *folded, int64_t n, int64_t k, int64_t Ci,
                                 Fold f)
{
    for (int64_t e = gpu_index(); e < n; e += gpu_stride()) {
        int64_t at = unfolded(e, k, Ci, f);
        if (at >= 0)
            dw[at] = folded[e];
    }
}

Status cuda_fold_x(Tensor *folded, const Tensor *x, const Fold *f)
{
    int64_t n = tensor_count(folded) / 8;
    return gpu_launch("fold", fold_x_kernel, gpu_grid(n), GPU_BLOCK, 0, (uint4 *)folded->data,
                      (const uint16_t *)x->data, n, (int)(f->channels / 8), (int)x->dim[1],
                      (int)x->dim[2], (int)x->dim[3], *f);
}

Status cuda_fold_w(Tensor *folded, const Tensor *w, const Fold *f)
{
    int64_t n = tensor_count(folded);
    return gpu_launch("fold", fold_w_kernel, gpu_grid(n), GPU_BLOCK, 0, (uint16_t *)folded->data,
                      (const uint16_t *)w->data, n, w->dim[1], w->dim[3], *f);
}

Status cuda_unfold_dw(Tensor *dw, const Tensor *folded, const Fold *f)
{
    int64_t n = tensor_count(folded);
    return gpu_launch("fold", unfold_dw_kernel, gpu_grid(n), GPU_BLOCK, 0, (float *)dw->data,
                      (const float *)folded->data, n, dw->dim[1], dw->dim[3], *f);
}
