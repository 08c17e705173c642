/* batch norm in two passes each way, over parts of rows that depend on the sizes alone.
 *
 * forward   1. each part's mean and squared deviations (moments.h)        2. y = x scale + shift
 * backward  1. each part's sums of dy and dy (x - mean)                                       2. dx = dy k + x p + q
 *
 * Narrow maps (C < 64) are folded: several rows are treated as one wider row, so that the vector loops have work.
 */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/scratch.h"
#include "kernels/ref/ref_norm.h"

#include <math.h>

enum { PART_FLOATS = 1 << 15, WIDE = 64, MOST_PARTS = 256 };

typedef struct Work {
    int64_t           C, G, rows, fold; // rows: of a group
    int64_t           part, n_parts;    // rows of a part, parts of a group
    float            *a, *b;            // (G n_parts, fold C) partial results
    float            *vector;           // (G, N_VECTORS, fold C), see below
    NormRows          n;                // tensors and options; vectors are set per part
    void             *y;
    int64_t           bytes; // of an element
    const TypedLoops *loops;
    bool              is_train, wants_sums;
} Work;

/* The vectors of a group, each repeated `fold` times. */
enum { V_SCALE, V_SHIFT, V_MEAN, V_K, V_P, V_Q, N_VECTORS };

static float *vector(const Work *w, int64_t g, int which)
{
    return w->vector + (g * N_VECTORS + which) * w->fold * w->C;
}

static Status open_work(Work *w, const Tensor *x, int64_t groups)
{
    w->C = x->dim[x->ndim - 1];
    w->G = groups;
    w->rows = tensor_count(x) / w->C / groups;
    w->fold = 1;
    while (w->C * w->fold < WIDE && w->rows % (2 * w->fold) == 0)
        w->fold *= 2;
    int64_t part =
        size_max(size_max(1, PART_FLOATS / w->C), (w->rows + MOST_PARTS - 1) / MOST_PARTS);
    w->part = size_round_up(part, w->fold); // a multiple, as rows is: every part folds
    w->n_parts = (w->rows + w->part - 1) / w->part;
    w->bytes = dtype_bytes(x->dtype);
    w->loops = loops_of(x);
    int64_t wide = w->fold * w->C, floats = w->G * wide * (2 * w->n_parts + N_VECTORS);
    float  *m = scratch_take(floats * (int64_t)sizeof *m);
    if (!m)
        return ERR_MEMORY;
    w->a = m;
    w->b = w->a + w->G * w->n_parts * wide;
    w->vector = w->b + w->G * w->n_parts * wide;
    return OK;
}

static void close_work(Work *w)
{
    scratch_give(w->a);
}

/* The rows of part i: everything that is an image is moved there. */
static NormRows rows_of_part(const Work *w, int64_t i, int64_t *n_rows, int64_t *offset)
{
    int64_t  g = i / w->n_parts, first = i % w->n_parts * w->part;
    NormRows n = w->n;
    *n_rows = size_min(w->part, w->rows - first) / w->fold;
    *offset = (g * w->rows + first) * w->C * w->bytes;
    n.x = n.x ? (const char *)n.x + *offset : NULL;
    n.y = n.y ? (const char *)n.y + *offset : NULL;
    n.dy = n.dy ? (const char *)n.dy + *offset : NULL;
    n.dx = n.dx ? (char *)n.dx + *offset : NULL;
    n.residual = n.residual ? (char *)n.residual + *offset : NULL;
    n.scale = vector(w, g, V_SCALE);
    n.shift = vector(w, g, V_SHIFT);
    n.mean = vector(w, g, V_MEAN);
    n.k = vector(w, g, V_K);
    n.p = vector(w, g, V_P);
    n.q = vector(w, g, V_Q);
    n.sum = w->a + i * w->fold * w->C;
    n.dot = w->b + i * w->fold * w->C;
    return n;
}

/* Repeats the vectors first .. last of every group. */
static void spread(const Work *w, int first, int last)
{
    for (int64_t g = 0; g < w->G; g++)
        for (int which = first; which <= last; which++)
            for (int64_t f = 1; f < w->fold; f++) {
                float *v = vector(w, g, which);
                memcpy(v + f * w->C, v, (size_t)w->C * sizeof *v);
            }
}

static void moments_part(void *ctx, int64_t begin, int64_t end)
{
    const Work *w = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t  rows, offset;
        NormRows n = rows_of_part(w, i, &rows, &offset);
        w->loops->moments(n.sum, n.dot, n.x, w->fold * w->C, rows, w->fold * w->C);
    }
}

static void norm_part(void *ctx, int64_t begin, int64_t end)
{
    const Work *w = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t  rows, offset;
        NormRows n = rows_of_part(w, i, &rows, &offset);
        w->loops->norm((char *)w->y + offset, &n, rows, w->fold * w->C);
    }
}

static void sums_part(void *ctx, int64_t begin, int64_t end)
{
    const Work *w = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t  rows, offset;
        NormRows n = rows_of_part(w, i, &rows, &offset);
        w->loops->norm_sums(&n, rows, w->fold * w->C);
    }
}

static void apply_part(void *ctx, int64_t begin, int64_t end)
{
    const Work *w = ctx;
    for (int64_t i = begin; i < end; i++) {
        int64_t  rows, offset;
        NormRows n = rows_of_part(w, i, &rows, &offset);
        w->loops->norm_apply(&n, rows, w->fold * w->C);
    }
}

/* The sums over the parts of both partial results for channel c of group g. */
static void merge_sums(double *sum, double *dot, const Work *w, int64_t g, int64_t c)
{
    *sum = *dot = 0.0;
    for (int64_t k = g * w->n_parts * w->fold; k < (g + 1) * w->n_parts * w->fold; k++) {
        *sum += (double)w->a[k * w->C + c];
        *dot += (double)w->b[k * w->C + c];
    }
}

static void set_affine(Work *w, int64_t g, int64_t c, float mean, float rstd, float gamma,
                       float beta)
{
    float scale = gamma * rstd;
    vector(w, g, V_SCALE)[c] = scale;
    vector(w, g, V_SHIFT)[c] = beta - mean * scale;
    vector(w, g, V_MEAN)[c] = mean;
}

static void move_running(Tensor *running, int64_t c, float momentum, double seen)
{
    if (running)
        ref_store(running, c, norm_running(ref_load(running, c), seen, momentum));
}

/* The statistics of every group, and where they leave traces: mean, rstd, running statistics and the way to y. */
static Status settle(Work *w, Tensor *mean, Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                     const Moments *parts, const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    int64_t C = w->C, count = norm_table(w->G, C);
    double *table = scratch_take((count + 2 * C) * (int64_t)sizeof *table);
    if (!table)
        return ERR_MEMORY;
    double *all_mean = table + count, *all_var = all_mean + C; // summed over the groups
    memset(all_mean, 0, (size_t)(2 * C) * sizeof *all_mean);
    for (int64_t g = 0; g < w->G; g++) {
        double *group = table + norm_table(g, C);
        group[0] = (double)w->rows;
        moments_merge(group + 1, group + 1 + C, parts, g);
    }
    Status st = ref_norm_share_moments(table, C, op);
    float *out_mean = mean->data, *out_rstd = rstd->data;
    for (int64_t g = 0; st == OK && g < w->G; g++)
        for (int64_t c = 0; c < C; c++) {
            NormMoments m = norm_moments(table, g, C, c);
            all_mean[c] += m.mean;
            all_var[c] += norm_unbiased_variance(m);
            out_mean[g * C + c] = (float)m.mean;
            out_rstd[g * C + c] = (float)(1.0 / sqrt(norm_variance(m) + (double)op->eps));
            set_affine(w, g, c, (float)m.mean, out_rstd[g * C + c], ref_load(gamma, c),
                       ref_load(beta, c));
        }
    for (int64_t c = 0; st == OK && c < C; c++) {
        move_running(running_mean, c, op->momentum, all_mean[c] / (double)w->G);
        move_running(running_var, c, op->momentum, all_var[c] / (double)w->G);
    }
    scratch_give(table);
    return st;
}

Status cpu_norm_by_moments(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                           Tensor *running_var, const Tensor *x, const Moments *parts,
                           const Tensor *residual, const Tensor *gamma, const Tensor *beta,
                           const Norm *op)
{
    Work w = {.n = {.x = x->data, .residual = residual ? residual->data : NULL, .relu = op->relu},
              .y = y->data};
    TRY(open_work(&w, x, op->groups));
    Status st = settle(&w, mean, rstd, running_mean, running_var, parts, gamma, beta, op);
    if (st == OK) {
        spread(&w, V_SCALE, V_MEAN);
        threads_for(w.G * w.n_parts, 1, norm_part, &w);
    }
    close_work(&w);
    return st;
}

Status cpu_batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                    Tensor *running_var, const Tensor *x, const Tensor *residual,
                                    const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    if (op->count)
        return ref_counted_norm_forward(cpu_batch_norm_train_forward, y, mean, rstd, running_mean,
                                        running_var, x, residual, gamma, beta, op);
    if (tensor_count(x) == 0)
        return ref_batch_norm_train_forward(y, mean, rstd, running_mean, running_var, x, residual,
                                            gamma, beta, op);
    Work w = {.n = {.x = x->data}};
    TRY(open_work(&w, x, op->groups));
    threads_for(w.G * w.n_parts, 1, moments_part, &w);
    Moments parts = {.C = w.C,
                     .rows = w.rows,
                     .part = w.part,
                     .n_parts = w.n_parts,
                     .fold = w.fold,
                     .mean = w.a,
                     .m2 = w.b};
    Status  st = cpu_norm_by_moments(y, mean, rstd, running_mean, running_var, x, &parts, residual,
                                     gamma, beta, op);
    close_work(&w);
    return st;
}

Status cpu_batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                   const Tensor *gamma, const Tensor *beta,
                                   const Tensor *running_mean, const Tensor *running_var,
                                   const Norm *op)
{
    if (tensor_count(x) == 0)
        return OK;
    Work w = {.n = {.x = x->data, .residual = residual ? residual->data : NULL, .relu = op->relu},
              .y = y->data};
    TRY(open_work(&w, x, 1));
    for (int64_t c = 0; c < w.C; c++)
        set_affine(&w, 0, c, ref_load(running_mean, c),
                   (float)(1.0 / sqrt((double)ref_load(running_var, c) + (double)op->eps)),
                   ref_load(gamma, c), ref_load(beta, c));
    spread(&w, V_SCALE, V_MEAN);
    threads_for(w.n_parts, 1, norm_part, &w);
    close_work(&w);
    return OK;
}

static float beta_of(Tensor *x)
{
    return x ? tensor_beta(x) : 0.0f;
}

static void add_to(Tensor *sum, float beta, int64_t c, double value)
{
    if (sum)
        ref_add(sum, c, beta, value);
}

/* Tensors and the way to the mask. The residual's gradient, when it starts empty, ends as dy behind the ReLU: the second
 * pass then reads it instead of dy and y. */
static void open_backward(Work *w, Tensor *dx, Tensor *dresidual, const Tensor *dy, const Tensor *y,
                          const Tensor *x, const Norm *op)
{
    w->n = (NormRows){.x = x ? x->data : dy->data,
                      .dy = dy->data,
                      .y = y ? y->data : NULL,
                      .dx = dx ? dx->data : NULL,
                      .residual = dresidual ? dresidual->data : NULL,
                      .beta_dx = beta_of(dx),
                      .beta_residual = beta_of(dresidual),
                      .mask = !op->relu ? MASK_NONE : MASK_BY_Y};
}

static void read_masked(Work *w)
{
    if (w->n.residual && w->n.beta_residual == 0.0f) {
        w->n.dy = w->n.residual;
        w->n.mask = MASK_NONE;
    }
    w->n.residual = NULL;
}

/* dgamma and dbeta from the sums, and the vectors of dx = dy k + x p + q. */
static Status set_slopes(Work *w, Tensor *dgamma, Tensor *dbeta, const Tensor *gamma,
                         const Tensor *mean, const Tensor *rstd, const Norm *op)
{
    int64_t C = w->C;
    float   bg = beta_of(dgamma), bb = beta_of(dbeta);
    double *table = scratch_take(norm_table(w->G, C) * (int64_t)sizeof *table);
    if (!table)
        return ERR_MEMORY;
    for (int64_t c = 0; c < C; c++) {
        double gamma_sum = 0.0, beta_sum = 0.0;
        for (int64_t g = 0; g < w->G; g++) {
            double sum, dot;
            merge_sums(&sum, &dot, w, g, c);
            norm_put(table, g, C, c, (double)w->rows, sum, dot);
            gamma_sum += dot * (double)ref_load(rstd, g * C + c);
            beta_sum += sum;
        }
        add_to(dgamma, bg, c, gamma_sum);
        add_to(dbeta, bb, c, beta_sum);
    }
    Status st = ref_norm_share_sums(table, C, op);
    for (int64_t g = 0; st == OK && g < w->G; g++)
        for (int64_t c = 0; c < C; c++) {
            NormSums all = norm_sums(table, g, C, c);
            double m = (double)ref_load(mean, g * C + c), scale = (double)ref_load(rstd, g * C + c);
            double k = (double)ref_load(gamma, c) * scale;
            double p = -k * scale * scale * all.dot / all.rows;
            vector(w, g, V_K)[c] = (float)k;
            vector(w, g, V_P)[c] = (float)p;
            vector(w, g, V_Q)[c] = (float)(-k * all.sum / all.rows - m * p);
        }
    scratch_give(table);
    return st;
}

Status cpu_batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                     const Tensor *dy, const Tensor *y, const Tensor *x,
                                     const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                     const Norm *op)
{
    if (op->count)
        return ref_counted_norm_backward(cpu_batch_norm_train_backward, dx, dresidual, dgamma,
                                         dbeta, dy, y, x, gamma, mean, rstd, op);
    if (tensor_count(dy) == 0)
        return ref_batch_norm_train_backward(dx, dresidual, dgamma, dbeta, dy, y, x, gamma, mean,
                                             rstd, op);
    Work w = {0};
    TRY(open_work(&w, x, op->groups));
    open_backward(&w, dx, dresidual, dy, y, x, op);
    for (int64_t g = 0; g < w.G; g++)
        memcpy(vector(&w, g, V_MEAN), (const float *)mean->data + g * w.C,
               (size_t)w.C * sizeof(float));
    spread(&w, V_MEAN, V_MEAN);
    threads_for(w.G * w.n_parts, 1, sums_part, &w);
    Status st = set_slopes(&w, dgamma, dbeta, gamma, mean, rstd, op);
    if (st == OK && dx) {
        spread(&w, V_K, V_Q);
        read_masked(&w);
        threads_for(w.G * w.n_parts, 1, apply_part, &w);
    }
    close_work(&w);
    return st;
}

Status cpu_batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                    const Tensor *dy, const Tensor *y, const Tensor *x,
                                    const Tensor *gamma, const Tensor *running_mean,
                                    const Tensor *running_var, const Norm *op)
{
    if (tensor_count(dy) == 0)
        return ref_batch_norm_eval_backward(dx, dresidual, dgamma, dbeta, dy, y, x, gamma,
                                            running_mean, running_var, op);
    Work w = {0};
    TRY(open_work(&w, dy, 1));
    open_backward(&w, dx, dresidual, dy, y, x, op);
    memcpy(vector(&w, 0, V_MEAN), running_mean->data, (size_t)w.C * sizeof(float));
    spread(&w, V_MEAN, V_MEAN);
    if (dresidual || dgamma || dbeta)
        threads_for(w.n_parts, 1, sums_part, &w);
    float bg = beta_of(dgamma), bb = beta_of(dbeta);
    for (int64_t c = 0; c < w.C; c++) {
        double sum = 0.0, dot = 0.0;
        double scale = 1.0 / sqrt((double)ref_load(running_var, c) + (double)op->eps);
        if (dgamma || dbeta)
            merge_sums(&sum, &dot, &w, 0, c);
        add_to(dgamma, bg, c, dot * scale);
        add_to(dbeta, bb, c, sum);
        vector(&w, 0, V_K)[c] = (float)((double)ref_load(gamma, c) * scale);
        vector(&w, 0, V_P)[c] = vector(&w, 0, V_Q)[c] = 0.0f;
    }
    if (dx) {
        spread(&w, V_K, V_Q);
        read_masked(&w);
        threads_for(w.n_parts, 1, apply_part, &w);
    }
    close_work(&w);
    return OK;
}
