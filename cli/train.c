/* train.c -- godwit train RECIPE --init W --data DIR --out RUN [key=value ...] */
#include "detect/train.h"

#include "base/json.h"
#include "base/run.h"
#include "cli/device.h"
#include "cli/verbs.h"

#include <math.h>
#include <stdio.h>

static Status save_result(const char *path, const DetectTrainResult *r)
{
    Text       text = {0};
    JsonWriter w    = json_writer(&text, 2);
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
    json_put_number(&w, "seconds", r->seconds);
    json_put_number(&w, "images_per_second", r->images_per_second);
    json_put_string(&w, "model", r->model);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

Status verb_train(const Verb *verb, int argc, char **argv)
{
    const char *data = NULL, *out = NULL, *resume = NULL, *init = NULL, *name = NULL;
    bool        keys = false, no_evaluation = false;
    Option      options[] = {
        {"data", OPTION_TEXT, &data, "DIR", "VOCdevkit, or the folder of COCO's annotations and pictures", false},
        {"out", OPTION_TEXT, &out, "RUN", "the run folder, made if absent", false},
        {"init", OPTION_TEXT, &init, "FILE", "backbone (safetensors, torchvision names); none: random weights", false},
        {"init-name", OPTION_TEXT, &name, "NAME", "row of `godwit compare`: random, supervised, moco, ...", false},
        {"resume", OPTION_TEXT, &resume, "auto|yes",
              "go on from the newest checkpoint: if there is one, or it must be there", false},
        {"no-evaluation", OPTION_FLAG, &no_evaluation, NULL, "leave the test part alone", false},
        {"keys", OPTION_FLAG, &keys, NULL, "print every recipe key with default, range and meaning", false},
    };
    CommandLine line = {.verb            = verb,
                        .options         = options,
                        .n_options       = 7,
                        .operands        = "RECIPE --data DIR --out RUN [--init FILE] [key=value ...]",
                        .max_operands    = 1,
                        .takes_overrides = true};
    Text        help = {0};
    Status      st   = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (keys) {
        detect_keys_help(&help);
        fputs(text_cstr(&help), stdout);
        goto out;
    }
    if (line.n_operands != 1 || !out || !data) {
        st = status_fail(ERR_USAGE, "godwit train: expects `godwit train %s`", line.operands);
        goto out;
    }
    run_signals_install();
    DetectTrainResult  result = {0};
    DetectTrainOptions how    = {.recipe        = line.operand[0],
                                 .overrides     = line.override,
                                 .n_overrides   = line.n_overrides,
                                 .data          = data,
                                 .run_dir       = out,
                                 .device        = line.common.device,
                                 .resume        = resume,
                                 .init          = init,
                                 .init_name     = name,
                                 .no_evaluation = no_evaluation};
    how.folders               = recipe_folders(&how.n_folders);
    TRY_OUT(detect_train(&result, &how));
    printf("%lld steps, loss %.4f (rpn %.3f %.3f  roi %.3f %.3f), %.1f images/s\n%s\n", result.steps, result.loss,
           result.rpn_class, result.rpn_box, result.roi_class, result.roi_box, result.images_per_second, result.model);
    if (!isnan(result.ap))
        printf("AP50 %.1f  AP %.1f  AP75 %.1f\n", 100 * result.ap50, 100 * result.ap, 100 * result.ap75);
    if (line.common.json)
        TRY_OUT(save_result(line.common.json, &result));
out:
    text_release(&help);
    options_release(&line);
    return st;
}
