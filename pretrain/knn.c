/* knn.c -- similarities by matrix product, the k largest by a heap of each row */
#include "pretrain/knn.h"
#include "base/run.h"
#include "base/size.h"
#include "base/threads.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Neighbour {
    float   sim;
    int64_t i;
} Neighbour;

/* a is a worse neighbour than b: less similar, or equally similar and later in the bank. */
static bool is_worse(Neighbour a, Neighbour b)
{
    return a.sim < b.sim || (a.sim == b.sim && a.i > b.i);
}

static void sift_down(Neighbour *heap, int64_t n, int64_t at)
{
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && is_worse(heap[child + 1], heap[child]))
            child++;
        if (!is_worse(heap[child], heap[at]))
            return;
        Neighbour swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

/* One row's k nearest; the worst of them is on top of the heap. */
static void nearest(Neighbour *heap, int64_t k, const float *sim, int64_t n_bank)
{
    for (int64_t i = 0; i < k; i++)
        heap[i] = (Neighbour){sim[i], i};
    for (int64_t at = k / 2 - 1; at >= 0; at--)
        sift_down(heap, k, at);
    for (int64_t i = k; i < n_bank; i++)
        if (is_worse(heap[0], (Neighbour){sim[i], i})) {
            heap[0] = (Neighbour){sim[i], i};
            sift_down(heap, k, 0);
        }
}

static int by_place(const void *a, const void *b)
{
    const Neighbour *x = a, *y = b;
    return (x->i > y->i) - (x->i < y->i);
}

typedef struct Vote {
    const float   *sim; // (rows, n_bank)
    const int64_t *bank_label;
    int64_t        n_bank, n_classes, k;
    double         T;
    Neighbour     *heaps;     // (rows, k)
    double        *votes;     // (rows, n_classes)
    int64_t       *predicted; // (rows)
} Vote;

/* Votes are added in bank order, so that the sum's rounding does not depend on the heap. */
static void vote_rows(void *ctx, int64_t begin, int64_t end)
{
    Vote *v = ctx;
    for (int64_t r = begin; r < end; r++) {
        Neighbour *heap = v->heaps + r * v->k;
        double    *votes = v->votes + r * v->n_classes;
        nearest(heap, v->k, v->sim + r * v->n_bank, v->n_bank);
        qsort(heap, (size_t)v->k, sizeof *heap, by_place);

        for (int64_t c = 0; c < v->n_classes; c++)
            votes[c] = 0;
        for (int64_t i = 0; i < v->k; i++)
            votes[v->bank_label[heap[i].i]] +=
                exp(((double)heap[i].sim - 1) / v->T); // -1: no overflow, same order
        int64_t best = 0;
        for (int64_t c = 1; c < v->n_classes; c++)
            best = votes[c] > votes[best] ? c : best;
        v->predicted[r] = best;
    }
}

static Status check(const KnnOptions *o, const int64_t *bank_label, int64_t n_test, int64_t n_bank,
                    int64_t F, int64_t n_classes)
{
    if (n_bank < 1 || n_test < 0 || F < 1 || n_classes < 1)
        return status_fail(
            ERR_SHAPE, "knn: %lld test and %lld bank rows of %lld numbers, %lld classes",
            (long long)n_test, (long long)n_bank, (long long)F, (long long)n_classes);
    if (o->k < 1 || !(o->T > 0))
        return status_fail(ERR_USAGE, "knn: want k >= 1 and T > 0, have k %lld, T %g",
                           (long long)o->k, o->T);
    for (int64_t i = 0; i < n_bank; i++)
        if (bank_label[i] < 0 || bank_label[i] >= n_classes)
            return status_fail(ERR_FORMAT, "knn: label %lld of bank row %lld is not in [0,%lld)",
                               (long long)bank_label[i], (long long)i, (long long)n_classes);
    return OK;
}

/* Device copies of the bank and one block of test rows, and their similarities. */
typedef struct Block {
    Tensor bank, test, sim;
    float *host; // (rows, n_bank)
} Block;

static void block_release(Block *b, const Backend *be)
{
    be->free(b->bank.data);
    be->free(b->test.data);
    be->free(b->sim.data);
    free(b->host);
}

static Status block_alloc(Block *b, const Backend *be, int64_t rows, int64_t n_bank, int64_t F)
{
    *b = (Block){.bank = {.dtype = F32, .ndim = 2, .dim = {n_bank, F}},
                 .test = {.dtype = F32, .ndim = 2, .dim = {rows, F}},
                 .sim = {.dtype = F32, .ndim = 2, .dim = {rows, n_bank}}};
    int64_t bank_bytes, sim_bytes;
    if (!size_product(&bank_bytes, (int64_t[]){n_bank, F, 4}, 3) ||
        !size_product(&sim_bytes, (int64_t[]){rows, n_bank, 4}, 3))
        return status_fail(ERR_MEMORY, "knn: %lld rows of %lld numbers are too many",
                           (long long)n_bank, (long long)F);
    TRY(backend_alloc(be, &b->bank.data, bank_bytes, "features of the bank"));
    TRY(backend_alloc(be, &b->test.data, rows * F * 4, "features to be judged"));
    TRY(backend_alloc(be, &b->sim.data, sim_bytes, "similarities"));
    b->host = malloc((size_t)sim_bytes);
    return b->host ? OK : status_no_memory("knn: similarities", sim_bytes);
}

static Status similarities(Block *b, const Backend *be, const float *test, int64_t rows, int64_t F)
{
    b->test.dim[0] = b->sim.dim[0] = rows;
    TRY(be->write(b->test.data, test, rows * F * 4));
    TRY(be->linear_forward(&b->sim, &b->test, &b->bank, NULL));
    return be->read(b->host, b->sim.data, tensor_bytes(&b->sim));
}

Status knn_classify(int64_t *predicted, const Backend *be, const KnnOptions *o, const float *test,
                    const float *bank, const int64_t *bank_label, int64_t n_test, int64_t n_bank,
                    int64_t F, int64_t n_classes)
{
    TRY(check(o, bank_label, n_test, n_bank, F, n_classes));
    Status  st = OK;
    int64_t rows = size_max(1, size_min(size_min(n_test, 256), ((int64_t)64 << 20) / (4 * n_bank)));
    Vote    v = {.bank_label = bank_label,
                 .n_bank = n_bank,
                 .n_classes = n_classes,
                 .k = size_min(o->k, n_bank),
                 .T = o->T};
    Block   b = {0};
    v.heaps = calloc((size_t)(rows * v.k), sizeof *v.heaps);
    v.votes = calloc((size_t)(rows * n_classes), sizeof *v.votes);
    if (!v.heaps || !v.votes)
        TRY_OUT(status_no_memory("knn: votes", rows * (v.k + n_classes) * 16));

    TRY_OUT(block_alloc(&b, be, rows, n_bank, F));
    TRY_OUT(be->write(b.bank.data, bank, tensor_bytes(&b.bank)));
    v.sim = b.host;
    for (int64_t r = 0; r < n_test; r += rows) {
        int64_t n = size_min(rows, n_test - r);
        TRY_OUT(run_check_stop());
        TRY_OUT(similarities(&b, be, test + r * F, n, F));
        v.predicted = predicted + r;
        threads_for(n, 1, vote_rows, &v);
    }
out:
    block_release(&b, be);
    free(v.heaps);
    free(v.votes);
    return st;
}

void knn_normalise(float *x, int64_t n, int64_t F)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t f = 0; f < F; f++)
            sum += (double)x[i * F + f] * x[i * F + f];
        float scale = (float)(1 / fmax(sqrt(sum), 1e-12));
        for (int64_t f = 0; f < F; f++)
            x[i * F + f] *= scale;
    }
}

void knn_drop_unlabelled(float *x, int64_t *label, int64_t *n, int64_t F)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < *n; i++) {
        if (label[i] < 0)
            continue;
        memmove(x + kept * F, x + i * F, (size_t)F * sizeof(float));
        label[kept++] = label[i];
    }
    *n = kept;
}

double knn_accuracy(const int64_t *predicted, const int64_t *label, int64_t n)
{
    int64_t right = 0;
    for (int64_t i = 0; i < n; i++)
        right += predicted[i] == label[i];
    return n > 0 ? (double)right / (double)n : 0;
}
