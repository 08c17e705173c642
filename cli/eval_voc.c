/* eval_voc.c -- `godwit eval voc`: a VOCdevkit and somebody's results */
#include "cli/eval.h"
#include "cli/eval_output.h"
#include "eval/cards.h"
#include "eval/voc_files.h"

#include <stdio.h>
#include <string.h>

typedef struct Settings {
    const char *truth, *found, *split, *definition, *classes;
    bool        introsort, exact, skip_empty, ignore_unknown;
    EvalOutput  output;
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

/* "cat,dog": what category_id 1, 2, ... mean. */
static Status read_classes(Arena *a, VocReadOptions *read, const char *list)
{
    char *text = list ? arena_strdup(a, list) : NULL, *place = NULL;
    if (!list)
        return OK;
    const char **name = ARENA_ARRAY(a, const char *, (int64_t)strlen(list) / 2 + 1);
    if (!text || !name)
        return ERR_MEMORY;
    for (char *word = strtok_r(text, ",", &place); word; word = strtok_r(NULL, ",", &place))
        name[read->n_classes++] = word;
    read->class_name = name;
    return read->n_classes > 0
               ? OK
               : status_fail(ERR_USAGE,
                             "eval voc: --classes names no class; expected NAME,NAME,...");
}

/* One result file on the ground truth; two are opened separately, as each reader owns its columns. */
typedef struct Scored {
    VocData    data;
    VocResult  result;
    Card       card;
    EvalScored scored;
} Scored;

static Status score_file(Arena *a, Scored *out, const Settings *s, const char *path)
{
    VocReadOptions read = {.ignore_unknown = s->ignore_unknown};
    TRY(read_classes(a, &read, s->classes));
    VocEvalOptions opt = {0};
    bool           uses_area = false, is_quantised;
    TRY(choose(s, &opt, &uses_area));
    TRY(voc_data_open(&out->data, &read, s->truth, s->split));
    TRY(voc_data_results(&out->data, path));
    is_quantised = out->data.boxes == VOC_BOXES_DETECTRON2 && !s->exact;
    opt.boxes =
        out->data.boxes == VOC_BOXES_DETECTRON2 && s->exact ? VOC_BOXES_HALF_OPEN : out->data.boxes;
    TRY(voc_evaluate(a, &opt, &out->result, &out->data.set));
    TRY(voc_card(a, &out->card, &out->result, out->data.class_name, uses_area));
    if (is_quantised)
        out->card.note =
            "boxes rounded to 0.1 and scores to 0.001 before scoring, as detectron2 does";
    if (out->data.n_ignored > 0)
        card_size(&out->card, "left_out", "rows of unlisted images or classes left out",
                  out->data.n_ignored);
    out->scored = (EvalScored){&out->card, out->result.task, &out->result.match,
                               out->result.task->similarity};
    return OK;
}

static Status score(const CommandLine *line, const Settings *s)
{
    Arena          a = {0};
    Scored         ours = {0}, theirs = {0};
    AgainstAverage average;
    Status         st = OK;
    TRY_OUT(score_file(&a, &ours, s, s->found));
    ours.card.truth = s->truth;
    ours.card.found = s->found;
    average = strcmp(ours.card.variant, "area") == 0 ? AGAINST_AREA : AGAINST_11_POINTS;
    if (s->output.against)
        TRY_OUT(score_file(&a, &theirs, s, s->output.against));
    if (eval_wants_analysis(&s->output))
        TRY_OUT(eval_analyse(&a, &ours.card, &s->output, average, &ours.scored,
                             s->output.against ? &theirs.scored : NULL));
    TRY_OUT(eval_write(line, &s->output, &ours.card));
out:
    arena_release(&a);
    voc_data_release(&ours.data);
    voc_data_release(&theirs.data);
    return st;
}

Status eval_voc(const Verb *verb, int argc, char **argv)
{
    Settings s = {.split = "test", .definition = "auto", .output = EVAL_OUTPUT_DEFAULTS};
    Option   table[] = {
          {"gt", OPTION_TEXT, &s.truth, "DIR", "ground truth: .../VOCdevkit/VOC2007", false},
          {"dt", OPTION_TEXT, &s.found, "FILE",
           "results: COCO-style .json, comp4_det_*.txt, or a folder of those", false},
          {"split", OPTION_TEXT, &s.split, "NAME",
           "image set: ImageSets/Main/NAME.txt (default test)", false},
          {"definition", OPTION_TEXT, &s.definition, "NAME",
           "which AP heads the table: 11-point, area, or auto: 11-point for VOC2007 (default auto)",
           false},
          {"classes", OPTION_TEXT, &s.classes, "NAMES",
           "what category_id 1, 2, ... mean, separated by commas (default VOC's twenty for a folder "
             "VOC20.., else the classes found in the split, sorted)",
           false},
          EVAL_FILE_OPTIONS(s.output),
          EVAL_ANALYSIS_OPTIONS(s.output),
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
    TRY_OUT(eval_take_files(&line, &s.truth, &s.found));
    if (!s.truth || !s.found)
        TRY_OUT(status_fail(ERR_USAGE, "eval voc: needs %s; try `godwit eval voc --help`",
                            s.truth ? "results: --dt FILE"
                                    : "a ground truth: --gt .../VOCdevkit/VOC2007"));
    TRY_OUT(eval_check_output(verb, &s.output, false));
    TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}
