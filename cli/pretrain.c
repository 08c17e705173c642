/* pretrain.c -- godwit pretrain RECIPE --data DIR --out RUN [key=value ...] */
#include "pretrain/train.h"

#include "base/json.h"
#include "cli/job_line.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdio.h>

static Status save_result(const char *path, const PretrainResult *r)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "steps", r->steps);
    json_put_number(&w, "loss", r->loss);
    json_put_number(&w, "pretext_top1", r->pretext_top1);
    json_put_number(&w, "knn_top1", r->knn_top1 < 0 ? NAN : r->knn_top1);
    json_put_number(&w, "seconds", r->seconds);
    json_put_number(&w, "images_per_second", r->images_per_second);
    json_put_string(&w, "backbone", r->backbone);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

Status verb_pretrain(const Verb *verb, int argc, char **argv)
{
    JobLine        l;
    PretrainResult result = {0};
    bool           is_done = false;
    Status         st = OK;
    job_line_init(&l, verb, "pictures: a folder, class folders, tar shards",
                  "weights to start from, safetensors under torchvision's names (default "
                  "none: drawn)");
    TRY_OUT(job_line_parse(&l, argc, argv, pretrain_keys_help, &is_done));
    if (is_done)
        goto out;
    TRY_OUT(pretrain_run(&result, &l.job));
    if (isnan(result.loss)) {
        printf("%lld steps, all taken before\n%s\n", result.steps, result.backbone);
    } else {
        printf("%lld steps, loss %.4f", result.steps, result.loss);
        if (result.knn_top1 >= 0)
            printf(", kNN %.2f %%", 100 * result.knn_top1);
        printf(", %.0f images/s\n%s\n", result.images_per_second, result.backbone);
    }
    if (l.line.common.json)
        TRY_OUT(save_result(l.line.common.json, &result));
out:
    job_line_release(&l);
    return st;
}
