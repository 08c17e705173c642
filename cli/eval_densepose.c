/* eval_densepose.c -- `godwit eval densepose`: GPS, GPSm or mask IoU of somebody's results */
#include "cli/eval.h"
#include "cli/eval_output.h"
#include "eval/cards.h"

#include <string.h>

typedef struct Settings {
    const char *surface, *mode;
    double      least;
    bool        bug_compatible;
    EvalOutput  output;
} Settings;

static Status choose(DenseposeOptions *opt, const Settings *s)
{
    *opt = (DenseposeOptions){.least = s->least, .bug_compatible = s->bug_compatible};
    if (strcmp(s->mode, "gps") == 0)
        opt->mode = DENSEPOSE_GPS;
    else if (strcmp(s->mode, "gpsm") == 0)
        opt->mode = DENSEPOSE_GPSM;
    else if (strcmp(s->mode, "iou") == 0)
        opt->mode = DENSEPOSE_IOU;
    else
        return status_fail(ERR_USAGE, "eval densepose: --mode is gps, gpsm or iou, not \"%s\"",
                           s->mode);
    return OK;
}

static Status score_results(Arena *a, EvalScored *out, Card *card, DenseposeResult *r,
                            const DenseposeOptions *opt, const DenseposeData *data,
                            const DenseposeSurface *surface)
{
    TRY(densepose_evaluate(a, opt, r, data, surface));
    TRY(densepose_card(a, card, opt, r, data));
    *out = (EvalScored){card, r->task, &r->match, r->overlap};
    return OK;
}

static Status score(const CommandLine *line, const Settings *s)
{
    DenseposeOptions opt;
    DenseposeData    data = {0}, other = {0};
    DenseposeSurface surface = {0};
    DenseposeResult  r, other_r;
    Arena            a = {0};
    Card             card, other_card;
    EvalScored       ours, theirs;
    Status           st = OK;
    TRY_OUT(choose(&opt, s));
    TRY_OUT(densepose_surface_open(&surface, s->surface));
    TRY_OUT(densepose_read(&data, line->operand[0], line->operand[1]));
    TRY_OUT(score_results(&a, &ours, &card, &r, &opt, &data, &surface));
    card.truth = line->operand[0];
    card.found = line->operand[1];
    if (s->output.against) {
        TRY_OUT(densepose_read_other(&other, &data, s->output.against));
        TRY_OUT(score_results(&a, &theirs, &other_card, &other_r, &opt, &other, &surface));
    }
    if (eval_wants_analysis(&s->output))
        TRY_OUT(eval_analyse(&a, &card, &s->output, AGAINST_POINTS, &ours,
                             s->output.against ? &theirs : NULL));
    TRY_OUT(eval_write(line, &s->output, &card));
out:
    arena_release(&a);
    densepose_release(&other);
    densepose_release(&data);
    densepose_surface_close(&surface);
    return st;
}

Status eval_densepose(const Verb *verb, int argc, char **argv)
{
    Settings s = {.mode = "gps", .output = EVAL_OUTPUT_DEFAULTS};
    Option   table[] = {
          {"surface", OPTION_TEXT, &s.surface, "FILE",
           "body surface made by the converter of docs/densepose-surface.md", true},
          {"mode", OPTION_TEXT, &s.mode, "NAME", "gps, gpsm or iou (default gps)", false},
          {"min-threshold", OPTION_FLOAT, &s.least, "X", "smallest similarity threshold (default .5)",
           false},
          EVAL_FILE_OPTIONS(s.output),
          EVAL_ANALYSIS_OPTIONS(s.output),
          {"bug-compatible", OPTION_FLAG, &s.bug_compatible, NULL,
           "a match with annotation id 0 counts as a miss; -1 where undefined", false}};
    CommandLine line = {.verb = verb,
                        .options = table,
                        .n_options = sizeof table / sizeof *table,
                        .operands = "GT DT",
                        .min_operands = 2,
                        .max_operands = 2};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    TRY_OUT(eval_check_output(verb, &s.output, s.bug_compatible));
    TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}
