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

/* images (N,H,W,3), label (N) i32 in [-1, n_classes). Returns the mean loss; *right (2) i32: pictures named
 * right, pictures with a label. */
Tensor *supervised_loss(Tape *t, Supervised *s, Tensor **right, Tensor *images,
                        const Tensor *label);
