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
 * *grad_norm (may be NULL) receives the global norm before clipping. A non-finite gradient norm is ERR_NONFINITE and
 * leaves the weights untouched when clip_norm > 0 or grad_norm is asked for. */
Status sgd_step(ParamSet *ps, const SgdOptions *options, double lr, bool is_first,
                double *grad_norm);
