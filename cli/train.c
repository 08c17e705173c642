/* train.c -- godwit train RECIPE --init W --data DIR --out RUN [key=value ...] */
#include "detect/train.h"

#include "base/json.h"
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
    printf("%lld steps, loss %.4f (rpn %.3f %.3f  roi %.3f %.3f), %.1f images/s\n%s\n", r->steps,
           r->loss, r->rpn_class, r->rpn_box, r->roi_class, r->roi_box, r->images_per_second,
           r->model);
    if (!isnan(r->ap))
        printf("AP50 %.1f  AP %.1f  AP75 %.1f\n", 100 * r->ap50, 100 * r->ap, 100 * r->ap75);
    if (r->best_step >= 0)
        printf("best evaluation: %.1f at step %lld (best.safetensors)\n", 100 * r->best,
               r->best_step);
}

Status verb_train(const Verb *verb, int argc, char **argv)
{
    JobLine            l;
    DetectTrainResult  result = {0};
    DetectTrainOptions how = {0};
    bool               is_done = false;
    Status             st = OK;
    job_line_init(&l, verb, "VOCdevkit, or the folder of COCO's annotations and pictures",
                  "backbone (safetensors, torchvision names); none: random weights");
    job_line_add(&l, (Option){"init-name", OPTION_TEXT, &how.init_name, "NAME",
                              "row of `godwit compare`: random, supervised, moco, ...", false});
    job_line_add(&l, (Option){"no-evaluation", OPTION_FLAG, &how.no_evaluation, NULL,
                              "leave the test part alone", false});
    TRY_OUT(job_line_parse(&l, argc, argv, detect_keys_help, &is_done));
    if (is_done)
        goto out;
    how.job = l.job;
    TRY_OUT(detect_train(&result, &how));
    print_result(&result);
    if (l.line.common.json)
        TRY_OUT(save_result(l.line.common.json, &result));
out:
    job_line_release(&l);
    return st;
}
