/* moco.c -- one step of momentum contrast, in the paper's order */
#include "pretrain/moco.h"
#include "base/rng.h"
#include "base/size.h"
#include "kernels/ops/losses.h"
#include <math.h>
#include <stdlib.h>

/* ---- configuration ---- */

static int64_t keys_a_step(const MocoConfig *c, int64_t batch)
{
    return c->is_symmetric ? 2 * batch : batch;
}

Status moco_check_batch(const MocoConfig *c, int64_t batch)
{
    int64_t G = c->net.bn_groups, keys = keys_a_step(c, batch);
    if (batch < 1 || batch % G != 0)
        return status_fail(ERR_RECIPE, "moco: batch %lld does not split into bn_groups %lld",
                           (long long)batch, (long long)G);
    if (c->K % keys != 0)
        return status_fail(ERR_RECIPE,
                           "moco: queue K %lld is not a multiple of the %lld keys that a step "
                           "adds; nearest is %lld",
                           (long long)c->K, (long long)keys, (long long)size_round_up(c->K, keys));
    return OK;
}

static Status check_config(const MocoConfig *c)
{
    if (c->C < 1 || c->C > 65536 || c->K < 1 || c->K > (int64_t)1 << 28)
        return status_fail(ERR_RECIPE,
                           "moco: want C in 1..65536 and K in 1..2^28, have C %lld, K %lld",
                           (long long)c->C, (long long)c->K);
    if (!(c->m >= 0 && c->m <= 1) || !(c->T > 0))
        return status_fail(ERR_RECIPE, "moco: want m in [0,1] and T > 0, have m %g, T %g",
                           (double)c->m, (double)c->T);
    if (c->head == HEAD_NONE)
        return status_fail(ERR_RECIPE, "moco: the encoders need a head (linear or mlp)");
    return OK;
}

/* ---- weights and queue ---- */

static void unit_row(float *row, int64_t C)
{
    double sum = 0;
    for (int64_t c = 0; c < C; c++)
        sum += (double)row[c] * row[c];
    float scale = (float)(1 / fmax(sqrt(sum), 1e-12));
    for (int64_t c = 0; c < C; c++)
        row[c] *= scale;
}

/* Random keys count as negatives until real ones replace them, as in MoCo's code. */
static Status queue_init(Moco *m, const Backend *be)
{
    const MocoConfig *c = &m->config;
    int64_t           bytes;
    if (!size_product(&bytes, (int64_t[]){c->K, c->C, 4}, 3))
        return status_fail(ERR_RECIPE, "moco: queue K %lld x C %lld is too large", (long long)c->K,
                           (long long)c->C);
    m->queue = (Tensor){.dtype = F32, .ndim = 2, .dim = {c->K, c->C}};
    TRY(backend_alloc(be, &m->queue.data, bytes, "queue of keys"));

    float *host = malloc((size_t)bytes);
    if (!host)
        return status_no_memory("moco: queue", bytes);
    for (int64_t i = 0; i < c->K; i++) {
        Rng rng = rng_at(c->seed, RNG_INIT, 0x7175657565 /* "queue" */ + (uint64_t)i, 1);
        for (int64_t j = 0; j < c->C; j++)
            host[i * c->C + j] = rng_normal(&rng);
        unit_row(host + i * c->C, c->C);
    }
    Status st = be->write(m->queue.data, host, bytes);
    free(host);
    return st;
}

Status moco_init(Moco *m, const Backend *be, DType dtype, const MocoConfig *config)
{
    *m = (Moco){.config = *config, .n_keys = 0};
    TRY(check_config(config));

    params_init(&m->params_q, be, false);
    params_init(&m->params_k, be, true);
    Status st = OK;
    TRY_OUT(resnet_register(&m->q, &m->params_q, &config->net, "", config->head, config->C));
    TRY_OUT(resnet_register(&m->k, &m->params_k, &config->net, "", config->head, config->C));
    TRY_OUT(params_commit(&m->params_q, dtype, config->seed));
    TRY_OUT(params_commit(&m->params_k, dtype, config->seed));
    TRY_OUT(params_copy(&m->params_k, &m->params_q));
    TRY_OUT(queue_init(m, be));
out:
    if (st != OK)
        moco_release(m);
    return st;
}

void moco_release(Moco *m)
{
    if (m->queue.data)
        m->params_q.be->free(m->queue.data);
    params_release(&m->params_k);
    params_release(&m->params_q);
    *m = (Moco){0};
}

/* ---- the step ---- */

void moco_permutation(int32_t *perm, int32_t *inverse, int64_t N, uint64_t seed, int64_t step)
{
    Rng rng = rng_at(seed, RNG_SHUFFLE_BN, (uint64_t)step, 0);
    for (int64_t i = 0; i < N; i++)
        perm[i] = (int32_t)i;
    for (int64_t i = N - 1; i > 0; i--) {
        int64_t j = rng_below(&rng, (uint32_t)i + 1);
        int32_t swap = perm[i];
        perm[i] = perm[j];
        perm[j] = swap;
    }
    for (int64_t i = 0; i < N; i++)
        inverse[perm[i]] = (int32_t)i;
}

static Tensor *encode(Tape *t, const ResNet *net, Tensor *x) // (N,H,W,3) -> (N,C) unit rows
{
    return l2_normalise(t, resnet_head(t, net, resnet_features(t, net, x)));
}

/* Permutations of a step's key batches are addressed by twice the step where there are two. */
static int64_t address_of(const Moco *m, int64_t step, int i)
{
    return m->config.is_symmetric ? 2 * step + i : step;
}

static int n_key_batches(const Moco *m)
{
    return m->config.is_symmetric ? 2 : 1;
}

MocoBatch moco_batch(Tape *t, const Moco *m, Tensor *im_q, Tensor *im_k, int64_t step)
{
    MocoBatch batch = {.im_q = im_q, .im_k = im_k};
    int64_t   N = im_q->dim[0];
    if (!m->config.is_shuffled)
        return batch;
    int32_t *perm = ARENA_ARRAY(&t->arena, int32_t, 2 * N);
    if (!perm) {
        tape_fail(t, ERR_MEMORY);
        return batch;
    }
    for (int i = 0; i < n_key_batches(m); i++) {
        moco_permutation(perm, perm + N, N, m->config.seed, address_of(m, step, i));
        batch.shuffle[i] = tape_keep(tape_input(t, I32, 1, &N, perm));
        batch.restore[i] = tape_keep(tape_input(t, I32, 1, &N, perm + N));
    }
    return batch;
}

Status moco_batch_rewrite(const Moco *m, const MocoBatch *batch, int64_t step)
{
    const Backend *be = m->params_q.be;
    int64_t        N = batch->im_q->dim[0], bytes = N * (int64_t)sizeof(int32_t);
    if (!m->config.is_shuffled)
        return OK;
    int32_t *perm = malloc(2 * (size_t)bytes);
    Status   st = perm ? OK : status_no_memory("moco: permutation", 2 * bytes);
    for (int i = 0; st == OK && i < n_key_batches(m); i++) {
        moco_permutation(perm, perm + N, N, m->config.seed, address_of(m, step, i));
        st = be->write(batch->shuffle[i]->data, perm, bytes);
        if (st == OK)
            st = be->write(batch->restore[i]->data, perm + N, bytes);
    }
    free(perm);
    return st;
}

/* Keys of key batch i: shuffled (in the network's type: fewer bytes), encoded without history, restored. */
static Tensor *encode_keys(Tape *t, const Moco *m, Tensor *x, const MocoBatch *batch, int i)
{
    if (!m->config.is_shuffled)
        return tape_keep(encode(t, &m->k, x));
    Tensor *k = encode(t, &m->k, gather(t, cast(t, t->dtype, x), batch->shuffle[i]));
    return tape_keep(gather(t, k, batch->restore[i]));
}

MocoStep moco_forward(Tape *t, Moco *m, const MocoBatch *batch)
{
    MocoStep out = {0};
    bool     is_symmetric = m->config.is_symmetric;

    /* theta_k <- m theta_k + (1 - m) theta_q, before the keys are computed [MoCo eq. 2] */
    Status st = params_average(&m->params_k, &m->params_q, m->config.m);
    if (st != OK) {
        out.loss = tape_fail(t, st);
        return out;
    }

    /* Keys first: their activations are gone before the recorded pass begins, and q does not depend
     * on them. */
    bool was_recording = t->is_recording;
    t->is_recording = false;
    Tensor *keys[2] = {encode_keys(t, m, batch->im_k, batch, 0),
                       is_symmetric ? encode_keys(t, m, batch->im_q, batch, 1) : NULL};
    t->is_recording = was_recording;

    float   T = m->config.T;
    Tensor *q = out.q = tape_keep(encode(t, &m->q, batch->im_q));
    out.loss = info_nce(t, &out.stats[0], q, keys[0], &m->queue, T);
    if (is_symmetric) {
        Tensor *q2 = encode(t, &m->q, batch->im_k);
        Tensor *second = info_nce(t, &out.stats[1], q2, keys[1], &m->queue, T);
        out.loss = weighted_sum(t, (Tensor *[]){out.loss, second}, (float[]){1, 1}, 2);
    }
    moco_count(m, keys);
    return out;
}

void moco_count(Moco *m, Tensor *const keys[2])
{
    m->keys[0] = keys[0];
    m->keys[1] = keys[1];
    m->n_keys = n_key_batches(m);
    m->params_q.n_batches_tracked += m->n_keys;
    m->params_k.n_batches_tracked += m->n_keys;
}

MocoStep moco_loss(Tape *t, Moco *m, Tensor *im_q, Tensor *im_k, int64_t step)
{
    MocoBatch batch = moco_batch(t, m, im_q, im_k, step);
    return moco_forward(t, m, &batch);
}

Status moco_enqueue(Moco *m)
{
    int64_t row = m->config.C * (int64_t)sizeof(float);
    for (int i = 0; i < m->n_keys; i++) {
        int64_t N = m->keys[i]->dim[0];
        if (N > m->config.K - m->ptr)
            return status_fail(ERR_SHAPE,
                               "moco_enqueue: %lld keys do not fit behind row %lld of %lld",
                               (long long)N, (long long)m->ptr, (long long)m->config.K);
        TRY(m->params_q.be->copy((char *)m->queue.data + m->ptr * row, m->keys[i]->data, N * row));
        m->ptr = (m->ptr + N) % m->config.K;
        m->n_enqueued += N;
        m->keys[i] = NULL;
    }
    m->n_keys = 0;
    return OK;
}

/* ---- watching it ---- */

double moco_feature_spread(const float *q, int64_t N, int64_t C)
{
    double total = 0;
    for (int64_t c = 0; c < C; c++) {
        double sum = 0, squares = 0;
        for (int64_t n = 0; n < N; n++)
            sum += q[n * C + c];
        double mean = sum / (double)N;
        for (int64_t n = 0; n < N; n++)
            squares += (q[n * C + c] - mean) * (q[n * C + c] - mean);
        total += sqrt(squares / (double)N);
    }
    return total / (double)C * sqrt((double)C);
}
