/* eval_voc.c -- `godwit eval voc`: a VOCdevkit and somebody's results */
#include "cli/eval.h"
#include "base/file.h"
#include "eval/voc_files.h"
#include "eval/voc_report.h"

#include <stdio.h>
#include <string.h>

typedef struct Settings {
    const char *truth, *found, *split, *definition, *csv;
    bool        introsort, exact, skip_empty, ignore_unknown;
} Settings;

static Status choose(const Settings *s, VocEvalOptions *opt, bool *uses_area)
{
    const char *d = s->definition;
    if (strcmp(d, "auto") != 0 && strcmp(d, "11-point") != 0 && strcmp(d, "area") != 0)
        return status_fail(ERR_USAGE,
                           "eval voc: --definition is auto, 11-point or area, not \"%s\"", d);
    *uses_area = strcmp(d, "area") == 0 || (strcmp(d, "auto") == 0 && !strstr(s->truth, "2007"));
    opt->order = s->introsort ? VOC_ORDER_INTROSORT : VOC_ORDER_STABLE;
    opt->skip_empty_classes = s->skip_empty;
    return OK;
}

static Status write_files(const CommandLine *line, const Settings *s, const VocReport *report)
{
    Text   text = {0};
    Status st = OK;
    if (line->common.json) {
        TRY_OUT(voc_report_json(&text, report));
        TRY_OUT(json_save(&text, line->common.json));
        text_clear(&text);
    }
    if (s->csv) {
        voc_report_csv(&text, report);
        TRY_OUT(text_status(&text));
        TRY_OUT(file_write(s->csv, text.data, text.len));
    }
out:
    text_release(&text);
    return st;
}

static Status score(const CommandLine *line, const Settings *s)
{
    VocData        data = {0};
    Arena          a = {0};
    Text           text = {0};
    VocEvalOptions opt = {0};
    VocReadOptions read = {.ignore_unknown = s->ignore_unknown};
    VocResult      result;
    VocReport      report = {.result = &result, .truth = s->truth, .found = s->found};
    Status         st = OK;
    TRY_OUT(choose(s, &opt, &report.uses_area));
    TRY_OUT(voc_data_open(&data, &read, s->truth, s->split));
    TRY_OUT(voc_data_results(&data, s->found));
    opt.boxes = data.boxes == VOC_BOXES_DETECTRON2 && s->exact ? VOC_BOXES_HALF_OPEN : data.boxes;
    TRY_OUT(voc_evaluate(&a, &opt, &result, &data.set));
    report.class_name = data.class_name;
    report.is_quantised = opt.boxes == VOC_BOXES_DETECTRON2;
    voc_report_text(&text, &report);
    if (data.n_ignored > 0)
        text_printf(&text, "  %lld rows of unlisted images or classes left out\n",
                    (long long)data.n_ignored);
    TRY_OUT(text_status(&text));
    fputs(text_cstr(&text), stdout);
    TRY_OUT(write_files(line, s, &report));
out:
    text_release(&text);
    arena_release(&a);
    voc_data_release(&data);
    return st;
}

Status eval_voc(const Verb *verb, int argc, char **argv)
{
    Settings s = {.split = "test", .definition = "auto"};
    Option   table[] = {
          {"gt", OPTION_TEXT, &s.truth, "DIR", "ground truth: .../VOCdevkit/VOC2007", false},
          {"dt", OPTION_TEXT, &s.found, "FILE",
           "results: COCO-style .json, comp4_det_*.txt, or a folder of those", false},
          {"split", OPTION_TEXT, &s.split, "NAME",
           "image set: ImageSets/Main/NAME.txt (default test)", false},
          {"definition", OPTION_TEXT, &s.definition, "NAME",
           "which AP heads the table: 11-point, area, or auto: 11-point for VOC2007 (default auto)",
           false},
          {"csv", OPTION_TEXT, &s.csv, "FILE", "also write one line a class and threshold", false},
          {"numpy-introsort", OPTION_FLAG, &s.introsort, NULL,
           "rank equal scores as NumPy's scalar argsort does, instead of in file order", false},
          {"exact", OPTION_FLAG, &s.exact, NULL,
           "JSON results: do not round boxes to 0.1 and scores to 0.001 as detectron2 does", false},
          {"skip-empty-classes", OPTION_FLAG, &s.skip_empty, NULL,
           "leave classes without objects out of the means (detectron2 keeps them)", false},
          {"ignore-unknown", OPTION_FLAG, &s.ignore_unknown, NULL,
           "leave out objects and results of unlisted classes and images", false},
    };
    CommandLine line = {.verb = verb,
                        .options = table,
                        .n_options = sizeof table / sizeof *table,
                        .operands = "[GT DT]",
                        .min_operands = 0,
                        .max_operands = 2};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    for (int i = 0; i < line.n_operands; i++)
        if (!s.truth)
            s.truth = line.operand[i];
        else if (!s.found)
            s.found = line.operand[i];
        else
            TRY_OUT(status_fail(ERR_USAGE,
                                "eval voc: one ground truth and one result, found also \"%s\"",
                                line.operand[i]));
    if (!s.truth || !s.found)
        TRY_OUT(status_fail(ERR_USAGE, "eval voc: needs %s; try `godwit eval voc --help`",
                            s.truth ? "results: --dt FILE"
                                    : "a ground truth: --gt .../VOCdevkit/VOC2007"));
    TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}
