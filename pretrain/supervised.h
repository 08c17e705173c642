/* supervised.h -- the baseline: the same network trained to name what it sees
 *
 *      image (N,H,W,3) -> body -> mean -> fc (N,classes) -> softmax cross entropy with the label
 *
 * Pictures without a label (-1) do not count.
 */
#pragma once
#include "pretrain/resnet.h"

typedef struct Supervised {
    ParamSet params;
    ResNet   net; // HEAD_LINEAR to n_classes
    int64_t  n_classes;
} Supervised;

Status supervised_init(Supervised *s, const Backend *be, DType dtype, const ResNetConfig *net,
                       int64_t n_classes, uint64_t seed);
void   supervised_release(Supervised *s);

/* images (N,H,W,3), label (N) i32 in [-1, n_classes). Returns the mean loss; *logits (N,classes) is kept. */
Tensor *supervised_loss(Tape *t, Supervised *s, Tensor **logits, Tensor *images,
                        const Tensor *label);

/* Share of rows with a label >= 0 whose largest of K logits is the label's; 0 when there is none. */
double supervised_top1(const float *logits, const int64_t *label, int64_t N, int64_t K);
