/* trainer_watch.c -- what a run reports: the four terms of the loss, regions, rates; and the step that went wrong */
#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "detect/trainer.h"
#include <math.h>
#include <stdio.h>

void detect_trainer_count(DetectTrainer *r)
{
    DetectTerms *w = &r->window, *l = &r->last;
    w->n += 1;
    w->loss += l->loss;
    w->rpn_class += l->rpn_class;
    w->rpn_box += l->rpn_box;
    w->roi_class += l->roi_class;
    w->roi_box += l->roi_box;
    w->regions += l->regions;
    w->grad_norm += l->grad_norm;
}

static double wait_share(DetectTrainer *r, double elapsed)
{
    double wait = det_loader_stats(r->loader).wait_s;
    double share = elapsed > 0 ? (wait - r->line_wait_s) / elapsed : 0;
    r->line_wait_s = wait;
    return fmin(1, fmax(0, share));
}

Status detect_trainer_log(DetectTrainer *r)
{
    Metrics           *m = r->metrics;
    const DetectTerms *w = &r->window;
    double             n = w->n > 0 ? w->n : 1, now = clock_seconds(), elapsed = now - r->line_time;
    double             images = (double)((r->step - r->line_step) * r->config.data.batch);
    metrics_begin(m, "train", r->step);
    metrics_number(m, "loss", w->loss / n);
    metrics_number(m, "rpn_class", w->rpn_class / n);
    metrics_number(m, "rpn_box", w->rpn_box / n);
    metrics_number(m, "roi_class", w->roi_class / n);
    metrics_number(m, "roi_box", w->roi_box / n);
    metrics_number(m, "regions", w->regions / n);
    metrics_number(m, "grad_norm", w->grad_norm / n);
    metrics_number(m, "lr", r->lr);
    metrics_number(m, "images_per_s", elapsed > 0 ? images / elapsed : 0);
    metrics_number(m, "data_wait", wait_share(r, elapsed));
    metrics_number(m, "peak_mb", (double)memory_peak_rss() / 1048576);
    TRY(metrics_end(m));
    r->window = (DetectTerms){0};
    r->line_time = now;
    r->line_step = r->step;
    return OK;
}

/* ---- a step that became NaN or infinite ---- */

static void put_batch(JsonWriter *w, const DetectTrainer *r, const DetBatch *batch)
{
    json_open_array(w, "images");
    for (int64_t i = 0; i < batch->n; i++) {
        const DetBatchImage *im = &batch->image[i];
        const DetImage      *source = &r->train.image[im->index];
        json_open_object(w, NULL);
        json_put_string(w, "id", source->id);
        json_put_string(w, "path", source->path);
        json_put_int(w, "n_objects", im->n_objects);
        json_put_bool(w, "flipped", im->flipped);
        json_put_int(w, "width", im->width);
        json_put_int(w, "height", im->height);
        json_close_object(w);
    }
    json_close_array(w);
}

Status detect_trainer_dump(DetectTrainer *r, const DetBatch *batch)
{
    char       path[1200];
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "step", batch->step);
    json_put_string(&w, "cause", status_text());
    json_put_number(&w, "loss", r->last.loss); // null: not finite
    json_put_number(&w, "rpn_class", r->last.rpn_class);
    json_put_number(&w, "rpn_box", r->last.rpn_box);
    json_put_number(&w, "roi_class", r->last.roi_class);
    json_put_number(&w, "roi_box", r->last.roi_box);
    json_put_number(&w, "grad_norm", r->last.grad_norm);
    json_put_number(&w, "lr", r->lr);
    put_batch(&w, r, batch);
    json_close_object(&w);
    snprintf(path, sizeof path, "%s/nonfinite_step_%07lld.json", run_dir(r->run),
             (long long)batch->step);
    Status st = json_save(&text, path);
    text_release(&text);
    TRY(st);
    return status_fail(ERR_NONFINITE,
                       "step %lld: loss %g (rpn %g %g, regions %g %g), gradient norm %g; images "
                       "and terms are in %s; "
                       "resume from step %lld with a smaller solver.lr or a solver.clip",
                       (long long)batch->step, r->last.loss, r->last.rpn_class, r->last.rpn_box,
                       r->last.roi_class, r->last.roi_box, r->last.grad_norm, path,
                       (long long)run_saved_step(r->run));
}
