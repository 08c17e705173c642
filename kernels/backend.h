/* backend.h -- the table of functions that makes a device
 *
 * `ref` fills every entry with plain loops: the definition of each op and the oracle of each test. `cpu` starts as a
 * copy of ref and replaces what it does faster. `cuda` is a plug-in opened at run time. Nothing above kernels/ names a
 * device.
 *
 * Rules for all entries: outputs first, then inputs, then options. Shapes were checked by the op above. A gradient
 * argument is written as dx = tensor_beta(dx) * dx + contribution. Empty tensors (a dim of 0) are legal: outputs are
 * then empty, weight gradients get a zero contribution. NULL marks an absent operand. Failure: a sentence and a code.
 */
#pragma once
#include "base/pixel.h"
#include "kernels/box.h"
#include "kernels/tape.h"

typedef struct Conv2d {
    int64_t stride;   // both axes
    int64_t pad;      // zeros on all four sides
    int64_t dilation; // >= 1
    int64_t groups;   // divides Cin and Cout
} Conv2d;

/* Processes that take the statistics of batch norm over the rows of all of them (synchronised batch norm).
 * gather: all (n, bytes) = what each process calls with as `own`, in the same order in every process; memory of the
 * backend, queued behind the work before it. Called once a train entry, without rows too. */
typedef struct NormShare {
    int64_t n; // processes, this one among them
    Status (*gather)(void *ctx, void *all, const void *own, int64_t bytes);
    void *ctx;
} NormShare;

typedef struct Norm {
    float   eps;      // 1e-5
    float   momentum; // running = (1 - momentum) * running + momentum * batch
    int64_t groups;   // G >= 1: images [i*N/G, (i+1)*N/G) are normalised by their own statistics
    bool    relu;     // y = max(0, norm + residual)
    const Tensor
        *count; // NULL, or (1) i32: only the first count images exist (train entries, G = 1)
    const NormShare
        *share; // NULL: this process alone; lives as long as the tape's step (train entries)
    const Tensor
           *beta; // NULL, or that of the forward call, which added no residual (train backward)
    Tensor *mask; // NULL, or (N,H,W,C/8) u8: whether y > 0, bit c % 8 of byte c / 8 (train entries)
} Norm;

/* One of two batch norms that are added up. x, y and dx have one shape and type. */
typedef struct NormTerm {
    const Tensor *x, *gamma, *beta;
    Tensor       *mean, *rstd;                // forward writes them, backward reads them
    Tensor       *running_mean, *running_var; // forward; each may be NULL
    Tensor       *dx, *dgamma, *dbeta;        // backward; each may be NULL
} NormTerm;

typedef struct Pool2d {
    int64_t size, stride, pad;
} Pool2d;

/* What a device tells of itself. */
typedef struct DeviceFacts {
    char    name[256];
    int64_t total_bytes, free_bytes;
    int64_t peak_bytes; // at most so much was held at once by this program
} DeviceFacts;

struct Backend {
    const char *name;           // "ref", "cpu", "cuda"
    bool        is_host;        // its memory is the host's: reading a number waits for nothing
    bool        has_norm_masks; // batch norm takes Norm.mask, of bf16 and C a multiple of 8

    /* ---- memory ---- */
    Status (*alloc)(void **memory, int64_t bytes); // 64-byte aligned, contents undefined
    void (*free)(void *memory);
    Status (*write)(void *device, const void *host, int64_t bytes);
    Status (*read)(void *host, const void *device, int64_t bytes); // waits for the device
    Status (*copy)(void *to, const void *from, int64_t bytes);
    Status (*fill)(Tensor *x, float value);
    Status (*cast)(Tensor *y, const Tensor *x); // f32 <-> bf16 (round to nearest even), same count
    Status (*sync)(void);

    /* ---- pictures: y (N,H,W,3) f32 or bf16 from crops x (N,3,H,W) u8, planes of red, green and blue, by plan (N,16) i32, a
     * PixelPlan (base/pixel.h) each. Bytes and f32 results are the same on every backend. ---- */
    Status (*augment)(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats);
    /* y likewise from pictures x (N,H,W,3) u8: (x - mean) / std inside the width and height of size (N,2) f32, else 0. */
    Status (*standardise)(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats);

    /* ---- convolution: y (N,H',W',Co), x (N,H,W,Ci), w (Co,kh,kw,Ci/groups), bias (Co) or NULL ---- */
    Status (*conv2d_forward)(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                             const Conv2d *op);
    Status (*conv2d_backward_data)(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op);
    Status (*conv2d_backward_weights)(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                      const Conv2d *op);

    /* ---- batch norm: x, y, residual (N,H,W,C) or (N,C); gamma, beta, running (C) f32; mean, rstd (G,C) f32 ----
     * train: statistics of each group (biased variance) into mean and rstd; running statistics, where not NULL, move by
     * momentum towards the mean over the groups of the group's mean and unbiased variance.
     * eval: mean/variance are the running ones.
     * backward: y is the forward output, read for the ReLU mask only (NULL without ReLU); dresidual may be NULL. With
     * op->beta the mask follows from x too, and op->mask holds what forward wrote there: y need not be read.
     * op->count: images from *count on enter no statistic and no gradient; their y is 0, and so is what they add to
     * dx and dresidual. With *count 0 running statistics stay. The host never learns *count.
     * op->share: group g is that of all processes together, for mean, rstd, running statistics and dx. dgamma and dbeta
     * are sums over this process's rows, as every gradient of a parameter is. */
    Status (*batch_norm_train_forward)(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                       Tensor *running_var, const Tensor *x, const Tensor *residual,
                                       const Tensor *gamma, const Tensor *beta, const Norm *op);
    Status (*batch_norm_eval_forward)(Tensor *y, const Tensor *x, const Tensor *residual,
                                      const Tensor *gamma, const Tensor *beta,
                                      const Tensor *running_mean, const Tensor *running_var,
                                      const Norm *op);
    Status (*batch_norm_train_backward)(Tensor *dx, Tensor *dresidual, Tensor *dgamma,
                                        Tensor *dbeta, const Tensor *dy, const Tensor *y,
                                        const Tensor *x, const Tensor *gamma, const Tensor *mean,
                                        const Tensor *rstd, const Norm *op);
    Status (*batch_norm_eval_backward)(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                       const Tensor *dy, const Tensor *y, const Tensor *x,
                                       const Tensor *gamma, const Tensor *running_mean,
                                       const Tensor *running_var, const Norm *op);

    /* ---- fused door: conv (no bias) + train-mode batch norm (+ residual) (+ ReLU); NULL runs the parts. `conv` is the
     * convolution's output, or y itself where nothing will read that. Never called with norm->count. ---- */
    Status (*conv_bn_train_forward)(Tensor *y, Tensor *conv, Tensor *mean, Tensor *rstd,
                                    Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                    const Tensor *w, const Tensor *residual, const Tensor *gamma,
                                    const Tensor *beta, const Conv2d *op, const Norm *norm);

    /* ---- y = norm(a) + norm(b), behind a ReLU where op says so, by train-mode statistics; NULL runs the parts. Never called
     * with op->count, share or mask; beta comes with the terms. The dx of one of them may be the memory of dy, or of its
     * own x. ---- */
    Status (*norm_pair_train_forward)(Tensor *y, const NormTerm *a, const NormTerm *b,
                                      const Norm *op);
    Status (*norm_pair_train_backward)(const Tensor *dy, const NormTerm *a, const NormTerm *b,
                                       const Norm *op);

    /* ---- fused door: train-mode batch norm with ReLU + max pooling of 3x3 windows by 2 with a border of 1; both NULL runs
     * the parts. y and where are theirs. picked, of y's shape: x where y comes from; where and picked are NULL when no
     * backward will follow. backward: norm->beta is set; dx, which may be x, is overwritten. Never called with norm->count,
     * norm->share or norm->mask. ---- */
    Status (*norm_pool_train_forward)(Tensor *y, Tensor *where, Tensor *picked, Tensor *mean,
                                      Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                                      const Tensor *x, const Tensor *gamma, const Tensor *beta,
                                      const Norm *norm);
    Status (*norm_pool_train_backward)(Tensor *dx, Tensor *dgamma, Tensor *dbeta, const Tensor *dy,
                                       const Tensor *where, const Tensor *picked, const Tensor *x,
                                       const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                       const Norm *norm);

    /* ---- pooling, activation, joins ---- */
    Status (*relu_forward)(Tensor *y, const Tensor *x);
    Status (*relu_backward)(Tensor *dx, const Tensor *dy, const Tensor *y);
    Status (*add_forward)(Tensor *y, const Tensor *a, const Tensor *b); // same shape
    Status (*add_backward)(Tensor *dx, const Tensor *dy);               // dx += dy
    Status (*max_pool_forward)(Tensor *y, Tensor *where, const Tensor *x,
                               const Pool2d *op); // where u8: tap kh*size+kw
    Status (*max_pool_backward)(Tensor *dx, const Tensor *dy, const Tensor *where,
                                const Pool2d *op);
    Status (*avg_pool_forward)(Tensor *y, const Tensor *x,
                               const Pool2d *op); // pads count in the divisor
    Status (*avg_pool_backward)(Tensor *dx, const Tensor *dy, const Pool2d *op);
    Status (*mean_hw_forward)(Tensor *y, const Tensor *x); // (N,H,W,C) -> (N,C)
    Status (*mean_hw_backward)(Tensor *dx, const Tensor *dy);

    /* ---- dense: y (N,O) = x (N,I) w(O,I)' + bias (O) ---- */
    Status (*linear_forward)(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias);
    Status (*linear_backward_data)(Tensor *dx, const Tensor *dy, const Tensor *w);
    Status (*linear_backward_weights)(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy);

    /* ---- rows: y (N,C) = x / max(|x|, 1e-12); norm (N) f32 ---- */
    Status (*l2_normalise_forward)(Tensor *y, Tensor *norm, const Tensor *x);
    Status (*l2_normalise_backward)(Tensor *dx, const Tensor *dy, const Tensor *y,
                                    const Tensor *norm);
    /* y[r] = x[index[r]], rows of any size, i32. A row that does not exist: ERR_SHAPE, or NaN where the host cannot see
     * the index. */
    Status (*gather_forward)(Tensor *y, const Tensor *x, const Tensor *index);
    Status (*gather_backward)(Tensor *dx, const Tensor *dy, const Tensor *index); // adds duplicates
    Status (*concat_forward)(Tensor *y, const Tensor *const *x, int n);           // along dim 0
    Status (*softmax_forward)(Tensor *y, const Tensor *x); // rows of (R,K), f32 out

    /* ---- losses, f32 (see kernels/ops/losses.h for formulas) ----
     * info_nce: q, k (N,C) unit rows, queue (K,C) unit rows; prob (N,K+1): kept for backward, in a form
     * that is the backend's own (ref: softmax, positive first);
     * stats (5): loss, mean positive logit * T, mean negative logit * T, top-1 share, top-5 share. */
    Status (*info_nce_forward)(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                               const Tensor *k, const Tensor *queue, float temperature);
    Status (*info_nce_backward)(Tensor *dq, float dloss_scale, const Tensor *dloss,
                                const Tensor *prob, const Tensor *k, const Tensor *queue,
                                float temperature);
    Status (*softmax_cross_entropy_forward)(Tensor *loss, Tensor *prob, const Tensor *x,
                                            const Tensor *label, float norm);
    Status (*softmax_cross_entropy_backward)(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                             const Tensor *label, float norm);
    Status (*sigmoid_cross_entropy_forward)(Tensor *loss, const Tensor *x, const Tensor *label,
                                            float norm);
    Status (*sigmoid_cross_entropy_backward)(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                             const Tensor *label, float norm);
    Status (*box_regression_forward)(Tensor *loss, const Tensor *x, const Tensor *target,
                                     const Tensor *label, float beta, float norm);
    Status (*box_regression_backward)(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                      const Tensor *target, const Tensor *label, float beta,
                                      float norm);
    Status (*weighted_sum_forward)(Tensor *y, const Tensor *const *x, const float *weight,
                                   int n); // scalars
    /* count (2) i32: rows of x (R,K) whose label's number is the first of the greatest (NaN nowhere), rows with a label
     * >= 0. */
    Status (*top1)(Tensor *count, const Tensor *x, const Tensor *label);

    /* ---- regions: x and y of one type; sums are f32 (kernels/ops/roi_align.h) ---- */
    Status (*roi_align_forward)(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op);
    Status (*roi_align_backward)(Tensor *dx, const Tensor *dy, const Tensor *rois,
                                 const RoiAlign *op);

    /* ---- boxes: no gradients (kernels/box.h) ---- */
    BoxBackend box;

    /* ---- optimiser, over spans of flat f32 buffers; low may be NULL; squares: (1) f64 on the device ----
     * sum_squares: *squares = (is_first ? 0 : *squares) + sum of x^2, order fixed; not finite when any x is not
     * clip: x *= max_norm / sqrt(*squares) where that is below 1
     * sgd: g += decay * w; v = is_first ? g : momentum * v + g; w -= lr * v; low = bf16(w)
     * ema: k = m * k + (1 - m) * q; low = bf16(k)
     * clip and sgd do nothing when *squares is not finite. The host never learns *squares. */
    Status (*sum_squares)(double *squares, const float *x, int64_t n, bool is_first);
    Status (*clip)(float *x, int64_t n, const double *squares, float max_norm);
    Status (*sgd)(float *w, float *v, const float *g, void *low, int64_t n, float lr,
                  float momentum, float decay, bool is_first, const double *squares);
    Status (*ema)(float *k, const float *q, void *low, int64_t n, float m);

    /* ---- inputs on their way while the device computes (kernels/feed.h); NULL where it is the host ----
     * feed is write into a stage, device memory that is only fed and used (sync after its alloc). It runs beside the
     * computation, once all uses that were queued before it are over; what was queued behind those uses it does not wait
     * for. feed_use is copy out of a stage, once all feeds so far are there. PITFALL: a feed behind a use of its own step
     * waits for what lies in front of that use, the computation of the step before: a step feeds everything, then uses
     * everything, then computes. */
    Status (*feed)(void *stage, const void *host, int64_t bytes);
    Status (*feed_use)(void *to, const void *stage, int64_t bytes);

    /* ---- JPEG by the device's own decoder; NULL where it is the host ----
     * A decoder serves one thread at a time, beside the computation; several may work at once. jpeg_open:
     * ERR_UNSUPPORTED when this device or its library cannot. jpeg_decode: rgb (height,width,3), host memory, is the
     * window at (x,y) of the picture as stored; its transform and upsampling are the device's own, the bytes need not be
     * libjpeg's. ERR_UNSUPPORTED: not this file, or not now. */
    Status (*jpeg_open)(void **decoder);
    Status (*jpeg_decode)(void *decoder, uint8_t *rgb, int64_t x, int64_t y, int64_t width,
                          int64_t height, const void *bytes, int64_t n_bytes);
    void (*jpeg_close)(void *decoder);

    /* ---- the device itself; NULL where it is the host ----
     * measure: the rate of a large matrix product of the type, and of a large copy (bytes read plus bytes written);
     * ERR_MEMORY leaves 0 for what had no room. */
    Status (*describe)(DeviceFacts *facts);
    Status (*measure)(double *tflops, double *tb_per_s, DType dtype);

    /* ---- a step as one piece; NULL where there is nothing to gain ----
     * Between graph_begin and graph_end calls of other entries are kept instead of run, as *graph; write, read and sync
     * are refused then, and each entry has to have run once before, which loads its kernels. graph_launch runs them as if
     * they were called again with the same addresses and numbers. A graph needs the memory that it was made with: the
     * tape that made it must not be reset while it is in use. */
    Status (*graph_begin)(void);
    Status (*graph_end)(void **graph); // NULL after a failure: nothing is kept, nothing said
    Status (*graph_launch)(void *graph);
    void (*graph_free)(void *graph); // NULL is fine
};

/* The plain loops; never fails. */
const Backend *backend_ref(void);

/* Vectorised loops and oneDNN on the host; the instruction set is chosen at first call. */
const Backend *backend_cpu(void);

/* "cpu", "ref", "cuda" or "auto" (cuda when a device answers, else cpu, with a warning where a GPU, its driver or a plug-in
 * that somebody named seems to be there). The cuda plug-in is the file that the environment
 * names in GODWIT_CUDA, else libgodwit_cuda.so beside the program or in the library folder. `dtype` is the run's: in a bf16
 * one cuda rounds f32 operands of products to TF32 (docs/gpu.md), in all that follows, until a device is opened
 * again. ERR_DEVICE, ERR_USAGE. */
Status backend_open(const Backend **be, const char *device, DType dtype);

/* Whether a GPU or its driver is there, or a plug-in that GODWIT_CUDA names: what "auto" warns of when cuda does not open. */
bool backend_may_have_cuda(void);

/* be->alloc of something with a name: when there is no room, the sentence begins with `what` and its size. */
Status backend_alloc(const Backend *be, void **memory, int64_t bytes, const char *what);

/* "device: cuda, NVIDIA H200, 139.8 of 141.4 GB free" or "device: cpu, 2 threads" on the log, once. */
void backend_log_device(const Backend *be);

/* Bytes of the device's memory that this program held at most; 0 where it is the host's. And as a line on the log. */
int64_t backend_peak_bytes(const Backend *be);
void    backend_log_peak(const Backend *be);

/* For backends that run behind the host: from the next backend_open on, every op waits until it is done, so that a
 * failure names the op that caused it. Slow. */
void backend_wait_for_each_op(bool yes);

/* An entry that a device lacks, and why. A BACKEND_OPTIONAL one (kernels/backend_entries.h) is done without; calling another
 * is ERR_UNSUPPORTED. */
typedef struct BackendGap {
    const char *entry, *why;
} BackendGap;

/* Those of the cuda device once it is open, ended by an entry NULL; NULL before. */
const BackendGap *backend_cuda_gaps(void);

/* The library of the cuda plug-in, loaded (dlopen's handle), or NULL and a sentence; for doctor and tests. */
void *backend_cuda_library(void);
