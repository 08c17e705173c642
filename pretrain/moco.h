/* moco.h -- momentum contrast: a query, its key, and a queue of older keys
 *
 *      view 1 --> encoder q --> q ----------------\
 *                    |  theta_k = m theta_k        > InfoNCE(q . k+, q . queue)
 *                    v          + (1-m) theta_q   /       ^
 *      view 2 --> encoder k --> k+ --------------+        |
 *        (batch shuffled before, restored after) |     queue (K,C): the last K keys
 *                                                +------> enqueued after the step
 *
 * He et al. 2020, algorithm 1 and section 3.3; v2 (MLP head): Chen et al. 2020. Letters are the
 * paper's: K keys in the queue, C dimensions of a feature, m the momentum, T the temperature, N
 * images a batch, G batch-norm groups.
 *
 * Shuffling BN in one process: batch norm is computed over G contiguous groups of the batch in both
 * encoders, and the key batch is permuted before its encoder and restored after it, so a query and
 * its key share no statistics. This is what G processes with N/G images each compute. PITFALL: only
 * learned parameters are averaged; the key encoder keeps running statistics of its own. PITFALL:
 * backward reads the queue, so moco_enqueue comes after it.
 */
#pragma once
#include "pretrain/resnet.h"

typedef struct MocoConfig {
    ResNetConfig net;         // net.bn_groups is G
    HeadKind     head;        // HEAD_LINEAR v1, HEAD_MLP v2
    int64_t      C;           // 128
    int64_t      K;           // 65536; a multiple of the keys that one step adds
    float        m;           // 0.999
    float        T;           // 0.07 v1, 0.2 v2
    bool         is_shuffled; // shuffling BN; false only to show why it is needed (paper fig. A.1)
    bool is_symmetric; // loss(1,2) + loss(2,1), both key batches enqueued (CIFAR-10 demonstration)
    uint64_t seed;     // initial weights, queue, permutations
} MocoConfig;

typedef struct Moco {
    MocoConfig config;
    ParamSet   params_q, params_k; // one layout; params_k has no gradients
    ResNet     q, k;
    Tensor     queue;      // (K,C) f32, unit rows; on disk (C,K), as MoCo's code has it
    int64_t    ptr;        // the next row to overwrite
    int64_t    n_enqueued; // keys ever enqueued: queue fill = min(1, n_enqueued / K)
    Tensor    *keys[2];    // of the step that runs: (N,C); NULL between steps
    int        n_keys;     // 1, or 2 when symmetric
} Moco;

/* Encoders with drawn weights (k = q), a queue of normalised normal rows. dtype: BF16 keeps bf16
 * copies of weights. ERR_RECIPE for impossible numbers, ERR_MEMORY, ERR_DEVICE. */
Status moco_init(Moco *m, const Backend *be, DType dtype, const MocoConfig *config);
void   moco_release(Moco *m);

/* ERR_RECIPE unless G divides `batch` and the keys of a step (batch, or twice that) divide K. */
Status moco_check_batch(const MocoConfig *config, int64_t batch);

/* What a step learned about itself, beside the loss; read with tape_read after backward. */
typedef struct MocoStep {
    Tensor *loss; // scalar; twice InfoNCE when symmetric
    Tensor *
        stats[2]; // (5) each: loss, mean q.k, mean q.queue, top-1 and top-5 share of the K+1 logits
    Tensor *q;    // (N,C), kept
} MocoStep;

/* What a step takes from the host: two views (N,H,W,3), and where shuffled rows come from and go back to. */
typedef struct MocoBatch {
    Tensor *im_q, *im_k;
    Tensor *shuffle[2], *restore[2]; // (N) each; NULL where unused
} MocoBatch;

/* The views with the permutations that `step` addresses. */
MocoBatch moco_batch(Tape *t, const Moco *m, Tensor *im_q, Tensor *im_k, int64_t step);

/* The permutations of another step in the place of a batch's own: for a step that is run again from a graph. */
Status moco_batch_rewrite(const Moco *m, const MocoBatch *batch, int64_t step);

/* Forward of one step from what moco_batch prepared: takes nothing from the host. See moco_loss. */
MocoStep moco_forward(Tape *t, Moco *m, const MocoBatch *batch);

/* The encoders have seen a step's batches, and these are its keys: for a step that ran from a graph. */
void moco_count(Moco *m, Tensor *const keys[2]);

/* Forward of one step: averages the key encoder (m), encodes keys (not recorded) and queries
 * (recorded on t), returns the loss. im_q, im_k (N,H,W,3). `step` addresses the permutation. The
 * tape must be recording and training. moco_batch, then moco_forward. */
MocoStep moco_loss(Tape *t, Moco *m, Tensor *im_q, Tensor *im_k, int64_t step);

/* The step's keys replace the oldest rows of the queue; the pointer moves on, round the ring. After
 * tape_backward. */
Status moco_enqueue(Moco *m);

/* perm[N] = where shuffled row i comes from; inverse[perm[i]] = i. */
void moco_permutation(int32_t *perm, int32_t *inverse, int64_t N, uint64_t seed, int64_t step);

/* Spread of unit features q (N,C): mean over dimensions of the standard deviation over the batch,
 * times sqrt(C). 1 when spread evenly over the sphere, 0 when all are one point (collapse). */
double moco_feature_spread(const float *q, int64_t N, int64_t C);
