/* sgd.h -- SGD with momentum, as torch.optim.SGD does it (dampening 0, no Nesterov) */
#pragma once
#include "kernels/params.h"

typedef struct SgdOptions {
    float momentum; // 0.9
    float decay;    // 1e-4
    float
        decay_norm; // decay of batch-norm weights and biases: = decay when pretraining, 0 in detection
    float clip_norm; // rescale gradients whose global L2 norm exceeds this; 0 = never
} SgdOptions;

/* One update of every learned parameter with gradients already finished (params_finish_grads): g += decay * w;
 * v = first step ? g : momentum * v + g; w -= lr * v; then the bf16 copies. is_first: no step was taken yet.
 * ps->squares receives the sum of the squares of all gradients before clipping. When it is not finite the weights and
 * the momentum stay as they are: whoever reads the number stops the run (kernels/ledger.h). */
Status sgd_step(ParamSet *ps, const SgdOptions *options, double lr, bool is_first);
