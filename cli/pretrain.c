/* pretrain.c -- godwit pretrain RECIPE --data DIR --out RUN [key=value ...] */
#include "pretrain/train.h"

#include "base/json.h"
#include "base/run.h"
#include "cli/device.h"
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
    const char *data = NULL, *out = NULL, *resume = NULL, *init = NULL;
    bool        keys = false;
    Option      options[] = {
             {"data", OPTION_TEXT, &data, "DIR",
              "pictures: a folder, class folders, tar shards; default: data.path of the recipe", false},
             {"out", OPTION_TEXT, &out, "RUN", "the run folder, made if absent", false},
             {"resume", OPTION_TEXT, &resume, "auto|yes",
              "go on from the newest checkpoint: if there is one, or it must be there", false},
             {"init", OPTION_TEXT, &init, "FILE",
              "weights (safetensors, torchvision names) to start from", false},
             {"keys", OPTION_FLAG, &keys, NULL, "print every recipe key with default, range and meaning",
              false},
    };
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = 5,
                        .operands = "RECIPE --data DIR --out RUN [key=value ...]",
                        .max_operands = 1,
                        .takes_overrides = true};
    Text        help  = {0};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (keys) {
        pretrain_keys_help(&help);
        fputs(text_cstr(&help), stdout);
        goto out;
    }
    if (line.n_operands != 1 || !out) {
        st = status_fail(ERR_USAGE, "godwit pretrain: expects `godwit pretrain %s`", line.operands);
        goto out;
    }
    run_signals_install();
    PretrainResult  result = {0};
    PretrainOptions how = {.recipe = line.operand[0],
                           .overrides = line.override,
                           .n_overrides = line.n_overrides,
                           .data = data,
                           .run_dir = out,
                           .device = line.common.device,
                           .resume = resume,
                           .init = init};
    how.folders = recipe_folders(&how.n_folders);
    TRY_OUT(pretrain_run(&result, &how));
    printf("%lld steps, loss %.4f", result.steps, result.loss);
    if (result.knn_top1 >= 0)
        printf(", kNN %.2f %%", 100 * result.knn_top1);
    printf(", %.0f images/s\n%s\n", result.images_per_second, result.backbone);
    if (line.common.json)
        TRY_OUT(save_result(line.common.json, &result));
out:
    text_release(&help);
    options_release(&line);
    return st;
}
