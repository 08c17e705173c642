/* eval_cityscapes.c -- `godwit eval cityscapes`: instances or pixels of somebody's results */
#include "cli/eval.h"
#include "base/file.h"
#include "eval/cityscapes_report.h"

#include <stdio.h>
#include <string.h>

typedef struct Settings {
    const char *task, *csv;
} Settings;

static Status score_instances(Text *table, Text *json, Text *csv, const char *truth,
                              const char *found)
{
    CityscapesInstances r;
    TRY(cityscapes_instances(&r, truth, found));
    cityscapes_instances_text(table, &r);
    cityscapes_instances_csv(csv, &r);
    return cityscapes_instances_json(json, &r);
}

static Status score_pixels(Text *table, Text *json, Text *csv, const char *truth, const char *found)
{
    CityscapesPixels r;
    TRY(cityscapes_pixels(&r, truth, found));
    cityscapes_pixels_text(table, &r);
    cityscapes_pixels_csv(csv, &r);
    return cityscapes_pixels_json(json, &r);
}

static Status score(const CommandLine *line, const Settings *s)
{
    Text   table = {0}, json = {0}, csv = {0};
    Status st = OK;
    bool   is_pixel = strcmp(s->task, "pixel") == 0;
    if (!is_pixel && strcmp(s->task, "instance") != 0)
        TRY_OUT(status_fail(ERR_USAGE, "eval cityscapes: --task is instance or pixel, not \"%s\"",
                            s->task));
    TRY_OUT((is_pixel ? score_pixels : score_instances)(&table, &json, &csv, line->operand[0],
                                                        line->operand[1]));
    TRY_OUT(text_status(&table));
    fputs(text_cstr(&table), stdout);
    if (line->common.json)
        TRY_OUT(json_save(&json, line->common.json));
    TRY_OUT(text_status(&csv));
    if (s->csv)
        TRY_OUT(file_write(s->csv, csv.data, csv.len));
out:
    text_release(&table);
    text_release(&json);
    text_release(&csv);
    return st;
}

Status eval_cityscapes(const Verb *verb, int argc, char **argv)
{
    Settings    s = {.task = "instance"};
    Option      table[] = {{"task", OPTION_TEXT, &s.task, "NAME",
                            "instance: AP of masks; pixel: IoU of label images (default instance)",
                            false},
                           {"csv", OPTION_TEXT, &s.csv, "FILE", "also write one line a class", false}};
    CommandLine line = {.verb = verb,
                        .options = table,
                        .n_options = sizeof table / sizeof *table,
                        .operands = "GT_DIR PRED_DIR",
                        .min_operands = 2,
                        .max_operands = 2};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (!line.is_help)
        TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}
