/* trainer_watch.c -- is pretraining working? what users ask for, step by step
 *
 *      loss against ln(K+1), where a network that knows nothing stands (the queue's random start fills first: the loss
 *      may rise before it falls); pretext accuracy; mean positive and negative similarity; spread of the features (0 is
 *      collapse, 1 the whole sphere); share of time spent waiting for data.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/size.h"
#include "pretrain/trainer.h"
#include <math.h>

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

enum { COLLAPSE_WARNINGS = 3 };

static void watch_collapse(Trainer *r)
{
    const RunKeys *k = &r->config.run;
    if (is_moco(r) && r->step > k->collapse_after && r->report.spread < k->collapse_below)
        log_warn_some(&r->n_collapse_warnings, COLLAPSE_WARNINGS,
                      "step %lld: collapse: features of a batch spread over %.3f of the sphere "
                      "(alarm below %.3f); the "
                      "learning rate may be too high, or m too small",
                      (long long)r->step, r->report.spread, k->collapse_below);
}

void trainer_count(Trainer *r)
{
    means_add(&r->window, &r->report);
    means_add(&r->epoch, &r->report);
    watch_collapse(r);
}

/* ---- lines ---- */

static double wait_share(Trainer *r, double elapsed)
{
    double wait = loader_stats(r->loader).wait_s,
           share = elapsed > 0 ? (wait - r->line_wait_s) / elapsed : 0;
    r->line_wait_s = wait;
    return fmin(1, fmax(0, share));
}

Status trainer_log(Trainer *r)
{
    Metrics *m = r->metrics;
    Means    mean = mean_of(&r->window);
    double   now = clock_seconds(), elapsed = now - r->line_time;
    double   images = (double)((r->step - r->line_step) * r->config.data.batch);
    metrics_begin(m, "train", r->step);
    metrics_number(m, "epoch", (double)r->step / (double)r->steps_per_epoch);
    metrics_number(m, "loss", mean.loss);
    metrics_number(m, "chance", chance(r));
    metrics_number(m, "top1", mean.top1);
    if (is_moco(r)) {
        metrics_number(m, "top5", mean.top5);
        metrics_number(m, "positive", mean.positive);
        metrics_number(m, "negative", mean.negative);
        metrics_number(m, "spread", r->report.spread);
        metrics_number(m, "queue_fill", queue_fill(&r->moco));
    }
    metrics_number(m, "lr", r->report.lr);
    metrics_number(m, "grad_norm", r->report.grad_norm);
    metrics_number(m, "images_per_s", elapsed > 0 ? images / elapsed : 0);
    metrics_number(m, "data_wait", wait_share(r, elapsed));
    metrics_number(m, "peak_mb", (double)memory_peak_rss() / 1048576);
    TRY(metrics_end(m));
    r->window = (Means){0};
    r->line_time = now;
    r->line_step = r->step;
    return OK;
}

void trainer_log_epoch(Trainer *r)
{
    Means   mean = mean_of(&r->epoch);
    int64_t epoch = (r->step + r->steps_per_epoch - 1) / r->steps_per_epoch;
    double  seconds = clock_seconds() - r->started;
    if (is_moco(r))
        log_info("epoch %lld: loss %.3f (chance %.2f), pretext top-1 %.1f%%, q.k+ %.2f, q.k- %.2f, "
                 "spread %.2f, queue "
                 "%.0f%%, lr %.4g, %.0f s",
                 (long long)epoch, mean.loss, chance(r), 100 * mean.top1, mean.positive,
                 mean.negative, r->report.spread, 100 * queue_fill(&r->moco), r->report.lr,
                 seconds);
    else
        log_info("epoch %lld: loss %.3f (chance %.2f), top-1 %.1f%%, lr %.4g, %.0f s",
                 (long long)epoch, mean.loss, chance(r), 100 * mean.top1, r->report.lr, seconds);
    r->epoch = (Means){0};
}

/* ---- a step that became NaN or infinite ---- */

static void dump_numbers(JsonWriter *w, const Trainer *r)
{
    json_put_number(w, "loss", r->report.loss);
    json_put_number(w, "lr", r->report.lr);
    json_put_number(w, "grad_norm", r->report.grad_norm);
    if (is_moco(r)) {
        json_put_number(w, "mean_positive", r->report.positive);
        json_put_number(w, "mean_negative", r->report.negative);
        json_put_number(w, "feature_spread", r->report.spread);
    }
    Means mean = mean_of(&r->window);
    json_put_number(w, "mean_loss_before", mean.loss);
    json_put_int(w, "last_checkpoint", run_saved_step(r->run));
}

Status trainer_dump(Trainer *r, const LoaderBatch *batch)
{
    Text       text = {0}, path = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "step", batch->step);
    json_put_int(&w, "epoch", batch->epoch);
    dump_numbers(&w, r);
    json_open_array(&w, "images");
    for (int64_t i = 0; i < batch->n; i++)
        json_put_string(&w, NULL, source_name(r->train, batch->index[i]));
    json_close_array(&w);
    json_close_object(&w);
    text_printf(&path, "%s/nonfinite_step_%07lld.json", run_dir(r->run), (long long)batch->step);

    Status st = text_status(&path);
    st = st == OK ? json_save(&text, text_cstr(&path)) : st;
    if (st == OK)
        st = status_fail(ERR_NONFINITE,
                         "step %lld: loss %g, gradient norm %g; images and terms are in %s; resume "
                         "from step %lld with "
                         "a smaller solver.lr",
                         (long long)batch->step, r->report.loss, r->report.grad_norm,
                         text_cstr(&path), (long long)run_saved_step(r->run));
    text_release(&text);
    text_release(&path);
    return st;
}
