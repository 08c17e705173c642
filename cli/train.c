/* train.c -- godwit train RECIPE --init W --data DIR --out RUN [key=value ...] */
#include "detect/train.h"

#include "base/json.h"
#include "cli/compare.h"
#include "cli/job_line.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdio.h>

static Status save_result(const char *path, const DetectTrainResult *r)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "steps", r->steps);
    json_put_number(&w, "loss", r->loss);
    json_put_number(&w, "rpn_class", r->rpn_class);
    json_put_number(&w, "rpn_box", r->rpn_box);
    json_put_number(&w, "roi_class", r->roi_class);
    json_put_number(&w, "roi_box", r->roi_box);
    json_put_number(&w, "AP", 100 * r->ap);
    json_put_number(&w, "AP50", 100 * r->ap50);
    json_put_number(&w, "AP75", 100 * r->ap75);
    if (r->best_step >= 0) {
        json_put_number(&w, "best", 100 * r->best);
        json_put_int(&w, "best_step", r->best_step);
    }
    json_put_number(&w, "seconds", r->seconds);
    json_put_number(&w, "images_per_second", r->images_per_second);
    json_put_string(&w, "model", r->model);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

static void print_result(const DetectTrainResult *r)
{
    if (isnan(r->loss))
        printf("%lld steps, all taken before\n%s\n", r->steps, r->model);
    else
        printf("%lld steps, loss %.4f (rpn %.3f %.3f  roi %.3f %.3f), %.1f images/s\n%s\n",
               r->steps, r->loss, r->rpn_class, r->rpn_box, r->roi_class, r->roi_box,
               r->images_per_second, r->model);
    if (!isnan(r->ap))
        printf("AP50 %.1f  AP %.1f  AP75 %.1f\n", 100 * r->ap50, 100 * r->ap, 100 * r->ap75);
    if (r->best_step >= 0)
        printf("best evaluation: %.1f at step %lld (best.safetensors)\n", 100 * r->best,
               r->best_step);
}

/* OUT/trial-0 ..: the same recipe from seeds one apart, and the table over them. */
static Status run_trials(const JobLine *l, const DetectTrainOptions *how, int64_t n)
{
    Arena        arena = {0};
    CompareTable table = {0};
    Status       st = OK;
    for (int64_t t = 0; t < n; t++) {
        DetectTrainResult  result;
        DetectTrainOptions trial = *how;
        trial.seed_offset = t;
        trial.job.run_dir = arena_printf(&arena, "%s/trial-%lld", how->job.run_dir, (long long)t);
        if (!trial.job.run_dir)
            TRY_OUT(ERR_MEMORY);
        TRY_OUT(detect_train(&result, &trial));
        print_result(&result);
        table.definition = result.definition;
        TRY_OUT(compare_add(&table, how->init_name ? how->init_name : "trials", 100 * result.ap,
                            100 * result.ap50, 100 * result.ap75));
    }
    compare_print(&table);
    if (l->line.common.json)
        TRY_OUT(compare_save(&table, l->line.common.json));
out:
    arena_release(&arena);
    return st;
}

static Status run_once(const JobLine *l, const DetectTrainOptions *how)
{
    DetectTrainResult result;
    TRY(detect_train(&result, how));
    print_result(&result);
    return l->line.common.json ? save_result(l->line.common.json, &result) : OK;
}

Status verb_train(const Verb *verb, int argc, char **argv)
{
    JobLine            l;
    DetectTrainOptions how = {0};
    int64_t            trials = 1;
    bool               is_done = false;
    Status             st = OK;
    job_line_init(&l, verb, "VOCdevkit, or the folder of COCO's annotations and pictures",
                  "backbone, safetensors under torchvision's names (default none: random "
                  "weights)");
    job_line_add(&l,
                 (Option){"init-name", OPTION_TEXT, &how.init_name, "NAME",
                          "row of `godwit compare` (default: what the weights say of themselves, "
                          "or random)",
                          false});
    job_line_add(&l, (Option){"trials", OPTION_INT, &trials, "N",
                              "runs from seeds one apart in RUN/trial-0 .., mean and deviation "
                              "printed (default 1: one run in RUN)",
                              false});
    job_line_add(&l, (Option){"no-evaluation", OPTION_FLAG, &how.no_evaluation, NULL,
                              "leave the test part alone", false});
    TRY_OUT(job_line_parse(&l, argc, argv, detect_keys_help, &is_done));
    if (is_done)
        goto out;
    if (trials < 1 || trials > COMPARE_MAX_TRIALS) {
        st = status_fail(ERR_USAGE, "godwit train: --trials expects 1 to %d", COMPARE_MAX_TRIALS);
        goto out;
    }
    how.job = l.job;
    st = trials > 1 ? run_trials(&l, &how, trials) : run_once(&l, &how);
out:
    job_line_release(&l);
    return st;
}
