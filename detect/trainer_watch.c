/* trainer_watch.c -- what a run reports: the four terms of the loss, regions, rates; and the step that went wrong */
#include "base/json.h"
#include "detect/trainer.h"
#include <math.h>
#include <stdio.h>

/* ---- a step that became NaN or infinite ---- */

static void put_images(JsonWriter *w, const DetectTrainer *r, const DetectNote *note)
{
    json_open_array(w, "images");
    for (int64_t i = 0; i < r->config.data.batch; i++) {
        const DetBatchImage *im = &note->image[i];
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

Status detect_trainer_stop(DetectTrainer *r, const DetectNote *note, const char *cause)
{
    const DetectTerms *l = &r->last;
    char               what[256];
    Text               text = {0};
    JsonWriter         w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "step", note->step);
    json_put_string(&w, "cause", cause);
    json_put_number(&w, "loss", l->loss); // null: not finite
    json_put_number(&w, "rpn_class", l->rpn_class);
    json_put_number(&w, "rpn_box", l->rpn_box);
    json_put_number(&w, "roi_class", l->roi_class);
    json_put_number(&w, "roi_box", l->roi_box);
    json_put_number(&w, "grad_norm", l->grad_norm);
    json_put_number(&w, "lr", detect_config_lr(&r->config, note->step));
    put_images(&w, r, note);
    json_close_object(&w);
    snprintf(what, sizeof what, "loss %g (rpn %g %g, regions %g %g), gradient norm %g", l->loss,
             l->rpn_class, l->rpn_box, l->roi_class, l->roi_box, l->grad_norm);
    Status st = job_stop_nonfinite(&r->job, note->step, &text, what,
                                   "a smaller solver.lr or a solver.clip");
    text_release(&text);
    return st;
}

/* ---- reading what steps left on the device ---- */

static DetectTerms terms_of_row(const DetectTrainer *r, int64_t row)
{
    const Ledger *l = &r->ledger;
    int64_t       batch = r->config.data.batch, pass = detect_config_pass(&r->config);
    double        share = (double)((float)pass / (float)batch);
    DetectTerms   t = {.n = 1, .grad_norm = sqrt(ledger_f64(l, row, WORD_SQUARES))};
    double       *sum[] = {&t.rpn_class, &t.rpn_box, &t.roi_class, &t.roi_box};
    for (int64_t p = 0; p < batch / pass; p++) {
        int64_t word = WORD_PASSES + p * WORDS_A_PASS;
        for (int i = 0; i < 4; i++) {
            double value = share * (double)ledger_f32(l, row, word + i);
            *sum[i] += value;
            t.loss += value;
        }
        t.regions += (double)ledger_i32(l, row, word + 4);
    }
    return t;
}

static void add_terms(DetectTerms *w, const DetectTerms *l)
{
    w->n += 1;
    w->loss += l->loss;
    w->rpn_class += l->rpn_class;
    w->rpn_box += l->rpn_box;
    w->roi_class += l->roi_class;
    w->roi_box += l->roi_box;
    w->regions += l->regions;
    w->grad_norm += l->grad_norm;
}

static const char *what_is_not_finite(const DetectTerms *l)
{
    return !isfinite(l->loss)        ? "the loss is not finite"
           : !isfinite(l->grad_norm) ? "the gradient is not finite"
                                     : NULL;
}

/* The rows are there even where the read fails with what proposals of one of the steps complain about. That step is the
 * first whose numbers are not finite; where all are finite, it is taken to be the latest. */
Status detect_trainer_read(DetectTrainer *r)
{
    int64_t n;
    Status  st = ledger_read(&r->ledger, &n);
    if (st != OK && st != ERR_NONFINITE)
        return st;
    const char *complaint = st == OK ? NULL : status_text();
    for (int64_t row = 0; row < n; row++) {
        r->last = terms_of_row(r, row);
        const char *wrong = what_is_not_finite(&r->last);
        if (wrong || (complaint && row == n - 1))
            return detect_trainer_stop(r, &r->note[row], complaint ? complaint : wrong);
        add_terms(&r->window, &r->last);
    }
    return OK;
}

Status detect_trainer_log(DetectTrainer *r)
{
    Metrics           *m = r->job.metrics;
    const DetectTerms *w = &r->window;
    TRY(detect_trainer_read(r));
    double n = w->n > 0 ? w->n : 1;
    metrics_begin(m, "train", r->job.step);
    metrics_number(m, "loss", w->loss / n);
    metrics_number(m, "rpn_class", w->rpn_class / n);
    metrics_number(m, "rpn_box", w->rpn_box / n);
    metrics_number(m, "roi_class", w->roi_class / n);
    metrics_number(m, "roi_box", w->roi_box / n);
    metrics_number(m, "regions", w->regions / n);
    metrics_number(m, "grad_norm", w->grad_norm / n);
    metrics_number(m, "lr", detect_config_lr(&r->config, r->job.step - 1));
    r->window = (DetectTerms){0};
    return job_end_line(&r->job, r->config.data.batch, det_loader_stats(r->loader).wait_s,
                        backend_peak_bytes(r->be));
}
