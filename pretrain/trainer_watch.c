/* trainer_watch.c -- is pretraining working? what users ask for, step by step
 *
 *      loss against ln(K+1), where a network that knows nothing stands (the queue's random start fills first: the loss
 *      may rise before it falls); pretext accuracy; mean positive and negative similarity; spread of the features (0 is
 *      collapse, 1 the whole sphere); share of time spent waiting for data.
 */
#include "base/json.h"
#include "base/log.h"
#include "base/size.h"
#include "pretrain/trainer.h"
#include <math.h>
#include <stdio.h>

static bool is_moco(const Trainer *r)
{
    return r->config.run.method == METHOD_MOCO;
}

static double queue_fill(const Moco *m)
{
    return (double)size_min(m->n_enqueued, m->config.K) / (double)m->config.K;
}

static double chance(const Trainer *r)
{
    if (!is_moco(r))
        return log((double)r->sup.n_classes);
    return log((double)r->moco.config.K + 1) * (r->moco.config.is_symmetric ? 2 : 1);
}

/* ---- start ---- */

void trainer_warn_at_start(const Trainer *r)
{
    if (!is_moco(r))
        return;
    if (r->moco.config.K >= r->n_images)
        log_warn("moco.K %lld is not below the %lld training images: the queue will hold keys of "
                 "the query's own image "
                 "as negatives; choose K well below",
                 (long long)r->moco.config.K, (long long)r->n_images);
    if (r->moco.config.net.bn_groups == 1 && r->moco.config.is_shuffled)
        log_warn("model.bn_groups 1: batch norm sees whole batches, so shuffling changes nothing "
                 "and the pretext task "
                 "can be solved by comparing statistics (paper, fig. A.1)");
}

/* ---- means ---- */

static void means_add(Means *m, const StepReport *s)
{
    m->n += 1;
    m->loss += s->loss;
    m->top1 += s->top1;
    m->top5 += s->top5;
    m->positive += s->positive;
    m->negative += s->negative;
}

static Means mean_of(const Means *m)
{
    double n = m->n > 0 ? m->n : 1;
    return (Means){m->n, m->loss / n, m->top1 / n, m->top5 / n, m->positive / n, m->negative / n};
}

/* ---- a step that became NaN or infinite ---- */

static Status stop_with_dump(Trainer *r, const StepNote *note)
{
    const StepReport *s = &r->report;
    char              what[128];
    Text              text = {0};
    JsonWriter        w = json_writer(&text, 2);
    Means             mean = mean_of(&r->window);
    json_open_object(&w, NULL);
    json_put_int(&w, "step", note->step);
    json_put_int(&w, "epoch", note->epoch);
    json_put_number(&w, "loss", s->loss); // null: not finite
    json_put_number(&w, "lr", config_lr(&r->config, note->step, r->steps_per_epoch));
    json_put_number(&w, "grad_norm", s->grad_norm);
    if (is_moco(r)) {
        json_put_number(&w, "mean_positive", s->positive);
        json_put_number(&w, "mean_negative", s->negative);
    }
    json_put_number(&w, "mean_loss_before", mean.loss);
    json_put_int(&w, "last_checkpoint", run_saved_step(r->job.run));
    json_open_array(&w, "images");
    for (int64_t i = 0; i < r->config.data.batch; i++)
        json_put_string(&w, NULL, source_name(r->train, note->index[i]));
    json_close_array(&w);
    json_close_object(&w);
    snprintf(what, sizeof what, "loss %g, gradient norm %g", s->loss, s->grad_norm);
    Status st = job_stop_nonfinite(&r->job, note->step, &text, what, "a smaller solver.lr");
    text_release(&text);
    return st;
}

/* ---- reading what steps left on the device ---- */

static void report_row(Trainer *r, int64_t row)
{
    const Ledger *l = &r->ledger;
    r->report = (StepReport){.loss = (double)ledger_f32(l, row, WORD_LOSS),
                             .grad_norm = sqrt(ledger_f64(l, row, WORD_SQUARES))};
    if (!is_moco(r)) {
        int32_t right = ledger_i32(l, row, WORD_RIGHT), n = ledger_i32(l, row, WORD_RIGHT + 1);
        r->report.top1 = n > 0 ? (double)right / (double)n : 0;
        return;
    }
    double stats[5]; // as info_nce gives them: loss, positive, negative, top-1, top-5
    for (int i = 0; i < 5; i++)
        stats[i] = (double)ledger_f32(l, row, WORD_STATS + i);
    r->report.positive = stats[1];
    r->report.negative = stats[2];
    r->report.top1 = stats[3];
    r->report.top5 = stats[4];
}

Status trainer_read(Trainer *r)
{
    int64_t n;
    TRY(ledger_read(&r->ledger, &n));
    for (int64_t row = 0; row < n; row++) {
        report_row(r, row);
        if (!isfinite(r->report.loss) || !isfinite(r->report.grad_norm))
            return stop_with_dump(r, &r->note[row]);
        means_add(&r->window, &r->report);
        means_add(&r->epoch, &r->report);
    }
    return OK;
}

enum { COLLAPSE_WARNINGS = 3 };

/* The spread of the latest queries, which only a look at all of them tells. Their copy is given back here: steps that run
 * from a graph do not reset the tape. */
static Status measure_spread(Trainer *r)
{
    Arena    *a = &r->tape.arena;
    ArenaMark mark = arena_mark(a);
    int64_t   N = r->features->dim[0], C = r->features->dim[1];
    float    *q = ARENA_ARRAY(a, float, N *C);
    Status    st = q ? tape_read(&r->tape, q, r->features) : ERR_MEMORY;
    if (st == OK)
        r->spread = moco_feature_spread(q, N, C);
    arena_rewind(a, mark);
    return st;
}

static Status look_at_features(Trainer *r)
{
    const RunKeys *k = &r->config.run;
    if (!is_moco(r) || !r->features)
        return OK;
    TRY(measure_spread(r));
    r->features = NULL;
    if (r->job.step > k->collapse_after && r->spread < k->collapse_below)
        log_warn_some(&r->n_collapse_warnings, COLLAPSE_WARNINGS,
                      "step %lld: collapse: features of a batch spread over %.3f of the sphere "
                      "(alarm below %.3f); the learning rate may be too high, or m too small",
                      (long long)r->job.step, r->spread, k->collapse_below);
    return OK;
}

/* ---- lines ---- */

Status trainer_log(Trainer *r)
{
    Metrics *m = r->job.metrics;
    TRY(trainer_read(r));
    TRY(look_at_features(r));
    Means mean = mean_of(&r->window);
    metrics_begin(m, "train", r->job.step);
    metrics_number(m, "epoch", (double)r->job.step / (double)r->steps_per_epoch);
    metrics_number(m, "loss", mean.loss);
    metrics_number(m, "chance", chance(r));
    metrics_number(m, "top1", mean.top1);
    if (is_moco(r)) {
        metrics_number(m, "top5", mean.top5);
        metrics_number(m, "positive", mean.positive);
        metrics_number(m, "negative", mean.negative);
        metrics_number(m, "spread", r->spread);
        metrics_number(m, "queue_fill", queue_fill(&r->moco));
    }
    metrics_number(m, "lr", config_lr(&r->config, r->job.step - 1, r->steps_per_epoch));
    metrics_number(m, "grad_norm", r->report.grad_norm);
    r->window = (Means){0};
    return job_end_line(&r->job, r->config.data.batch, loader_stats(r->loader).wait_s,
                        backend_peak_bytes(r->be));
}

Status trainer_log_epoch(Trainer *r)
{
    TRY(trainer_read(r));
    TRY(look_at_features(r));
    Means   mean = mean_of(&r->epoch);
    int64_t epoch = (r->job.step + r->steps_per_epoch - 1) / r->steps_per_epoch;
    double  seconds = job_seconds(&r->job);
    double  lr = config_lr(&r->config, r->job.step - 1, r->steps_per_epoch);
    if (is_moco(r))
        log_info("epoch %lld: loss %.3f (chance %.2f), pretext top-1 %.1f%%, q.k+ %.2f, q.k- %.2f, "
                 "spread %.2f, queue %.0f%%, lr %.4g, %.0f s",
                 (long long)epoch, mean.loss, chance(r), 100 * mean.top1, mean.positive,
                 mean.negative, r->spread, 100 * queue_fill(&r->moco), lr, seconds);
    else
        log_info("epoch %lld: loss %.3f (chance %.2f), top-1 %.1f%%, lr %.4g, %.0f s",
                 (long long)epoch, mean.loss, chance(r), 100 * mean.top1, lr, seconds);
    r->epoch = (Means){0};
    return OK;
}
