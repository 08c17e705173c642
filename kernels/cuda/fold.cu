#include "kernels/cuda/gpu.h"
extern "C" {
#include "kernels/cuda/fold.h"
}

/* x (N,H,W,Ci). Known in advance, its divisors are cheap; 0 is looked up. */
template <int CI, int HIGH, int WIDE>
struct FoldedPicture {
    int                   H, W, channels, pixels_high, pixels_wide;
    __device__ inline int Ci() const
    {
        return CI ? CI : channels;
    }
    __device__ inline int high() const
    {
        return HIGH ? HIGH : pixels_high;
    }
    __device__ inline int wide() const
    {
        return WIDE ? WIDE : pixels_wide;
    }
};

/* A block writes lines of places, a thread 16 bytes of a place, of which there are `parts`. */
template <typename P>
__global__ void fold_x_kernel(uint4 *folded, const uint16_t *x, int64_t n_lines, int parts, P p,
                              Fold f)
{
    int in_line = (int)f.w.length * parts, Ci = p.Ci(), high = p.high(), wide = p.wide();
    for (int64_t line = blockIdx.x; line < n_lines; line += gridDim.x) {
        int64_t         n = line / f.h.length;
        int             h0 = ((int)(line % f.h.length) - (int)f.h.blocks) * high;
        const uint16_t *picture = x + n * p.H * p.W * Ci;
        for (int i = (int)threadIdx.x; i < in_line; i += (int)blockDim.x) {
            int w0 = (i / parts - (int)f.w.blocks) * wide, first = i % parts * 8;
            union {
                uint4    word;
                uint16_t bits[8];
            } u;
            GPU_UNROLL
            for (int j = 0; j < 8; j++) {
                int  channel = first + j, c = channel % Ci, w = w0 + channel / Ci % wide;
                int  h = h0 + channel / Ci / wide;
                bool is_there =
                    channel < high * wide * Ci && h >= 0 && h < p.H && w >= 0 && w < p.W;
                u.bits[j] = is_there ? picture[((int64_t)h * p.W + w) * Ci + c] : (uint16_t)0;
            }
            folded[line * in_line + i] = u.word;
        }
    }
}

/* Of w (Co,k,k,Ci), which is folded. */
struct KernelShape {
    int64_t Co, k, Ci;
};

/* folded (outputs Co,h.size,w.size,channels). */
__global__ void fold_w_kernel(uint16_t *folded, const uint16_t *w, int64_t n, KernelShape l, Fold f)
{
    for (int64_t e = gpu_index(); e < n; e += gpu_stride()) {
        int64_t channel = e % f.channels, part = channel / l.Ci, at = e / f.channels;
        int64_t output = at / f.w.size / f.h.size, d = output / l.Co;
        int64_t i = at / f.w.size % f.h.size * f.h.pixels + part / f.w.pixels - f.h.shift;
        int64_t j = at % f.w.size * f.w.pixels + part % f.w.pixels - f.w.shift - d * f.stride;
        bool    is_there = part < f.h.pixels * f.w.pixels && i >= 0 && i < l.k && j >= 0 && j < l.k;
        folded[e] = is_there ? w[((output % l.Co * l.k + i) * l.k + j) * l.Ci + channel % l.Ci]
                             : (uint16_t)0;
    }
}

/* dw (Co,k,k,Ci): the sum over a place's outputs. */
__global__ void unfold_dw_kernel(float *dw, const float *folded, int64_t n, KernelShape l, Fold f)
{
    for (int64_t e = gpu_index(); e < n; e += gpu_stride()) {
        int64_t c = e % l.Ci, at = e / l.Ci, i = at / l.k % l.k + f.h.shift, o = at / l.k / l.k;
        float   sum = 0;
        for (int64_t d = 0; d < f.outputs; d++) {
            int64_t j = at % l.k + f.w.shift + d * f.stride;
            int64_t part = i % f.h.pixels * f.w.pixels + j % f.w.pixels;
            int64_t tap = ((d * l.Co + o) * f.h.size + i / f.h.pixels) * f.w.size + j / f.w.pixels;
            sum += folded[tap * f.channels + part * l.Ci + c];
        }
        dw[e] = sum;
    }
}

static KernelShape kernel_of(const Tensor *w)
{
    return {w->dim[0], w->dim[1], w->dim[3]};
}

template <int CI, int HIGH, int WIDE>
static Status fold_x(Tensor *folded, const Tensor *x, const Fold *f)
{
    using P = FoldedPicture<CI, HIGH, WIDE>;
    P p = {(int)x->dim[1], (int)x->dim[2], (int)x->dim[3], (int)f->h.pixels, (int)f->w.pixels};
    int64_t n_lines = folded->dim[0] * folded->dim[1], most = 32 * (int64_t)gpu_n_processors();
    return gpu_launch("fold", fold_x_kernel<P>, dim3((unsigned)(n_lines < most ? n_lines : most)),
                      GPU_BLOCK, 0, (uint4 *)folded->data, (const uint16_t *)x->data, n_lines,
                      (int)(f->channels / 8), p, *f);
}

Status cuda_fold_x(Tensor *folded, const Tensor *x, const Fold *f)
{
    bool is_photograph = x->dim[3] == 3 && f->h.pixels == 2;
    return is_photograph && f->w.pixels == 2   ? fold_x<3, 2, 2>(folded, x, f)
           : is_photograph && f->w.pixels == 4 ? fold_x<3, 2, 4>(folded, x, f)
                                               : fold_x<0, 0, 0>(folded, x, f);
}

Status cuda_fold_w(Tensor *folded, const Tensor *w, const Fold *f)
{
    int64_t n = tensor_count(folded);
    return gpu_launch("fold", fold_w_kernel, gpu_grid(n), GPU_BLOCK, 0, (uint16_t *)folded->data,
                      (const uint16_t *)w->data, n, kernel_of(w), *f);
}

Status cuda_unfold_dw(Tensor *dw, const Tensor *folded, const Fold *f)
{
    int64_t n = tensor_count(dw);
    return gpu_launch("fold", unfold_dw_kernel, gpu_grid(n), GPU_BLOCK, 0, (float *)dw->data,
                      (const float *)folded->data, n, kernel_of(dw), *f);
}
