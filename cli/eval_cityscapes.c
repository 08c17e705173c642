/* eval_cityscapes.c -- `godwit eval cityscapes`: instances or pixels of somebody's results */
#include "cli/eval.h"
#include "cli/eval_output.h"
#include "eval/cards.h"

#include <string.h>

typedef struct Settings {
    const char *task;
    EvalOutput  output;
} Settings;

static Status score_pixels(Arena *a, Card *card, EvalPixels *out, const char *truth,
                           const char *found)
{
    CityscapesPixels *r = ARENA_NEW(a, CityscapesPixels);
    if (!r)
        return status_no_memory("cityscapes", (long long)sizeof *r);
    TRY(cityscapes_pixels(a, r, truth, found));
    TRY(cityscapes_pixels_card(a, card, r)); // borrows the matrix
    *out = (EvalPixels){card, r->n_images, r->image, r->mean_iou};
    return OK;
}

static Status pixel_task(Arena *a, const CommandLine *line, const Settings *s)
{
    Card        card, other;
    EvalPixels  ours, theirs;
    const char *truth = line->operand[0];
    TRY(score_pixels(a, &card, &ours, truth, line->operand[1]));
    if (s->output.against) {
        TRY(score_pixels(a, &other, &theirs, truth, s->output.against));
        TRY(eval_compare_pixels(a, &card, &s->output, CITYSCAPES_LABELS, false, &ours, &theirs));
    }
    card.truth = truth;
    card.found = line->operand[1];
    return eval_write(line, &s->output, &card);
}

/* One folder of lists. `records` is released by the caller. */
static Status score_instances(Arena *a, EvalScored *out, Card *card, CityscapesRecords *records,
                              const Settings *s, const char *truth, const char *found)
{
    CityscapesInstances *r = ARENA_NEW(a, CityscapesInstances);
    CityscapesMatch     *match;
    if (!r)
        return status_no_memory("cityscapes", (long long)sizeof *r);
    TRY(cityscapes_records_read(records, truth, found));
    TRY(cityscapes_instances(r, records));
    TRY(cityscapes_instances_card(a, card, r)); // borrows the thresholds
    card->truth = truth;
    card->found = found;
    if (!eval_wants_analysis(&s->output))
        return OK;
    TRY(cityscapes_match(a, &match, records));
    *out = (EvalScored){card, &match->task, &match->result, match->overlap};
    return OK;
}

static Status instance_task(Arena *a, const CommandLine *line, const Settings *s)
{
    Card              card, other;
    EvalScored        ours, theirs;
    CityscapesRecords records = {0}, other_records = {0};
    const char       *truth = line->operand[0], *against = s->output.against;
    Status            st = OK;
    TRY_OUT(score_instances(a, &ours, &card, &records, s, truth, line->operand[1]));
    if (against)
        TRY_OUT(score_instances(a, &theirs, &other, &other_records, s, truth, against));
    if (eval_wants_analysis(&s->output))
        TRY_OUT(
            eval_analyse(a, &card, &s->output, AGAINST_TRAPEZES, &ours, against ? &theirs : NULL));
    TRY_OUT(eval_write(line, &s->output, &card));
out:
    cityscapes_records_release(&records);
    cityscapes_records_release(&other_records);
    return st;
}

static Status score(const CommandLine *line, const Settings *s)
{
    Arena  a = {0};
    Status st = OK;
    bool   is_pixel = strcmp(s->task, "pixel") == 0;
    if (!is_pixel && strcmp(s->task, "instance") != 0)
        TRY_OUT(status_fail(ERR_USAGE, "eval cityscapes: --task is instance or pixel, not \"%s\"",
                            s->task));
    if (is_pixel && s->output.analyse)
        TRY_OUT(status_fail(ERR_USAGE, "eval cityscapes: --analyse goes with --task instance only: "
                                       "label images have no scores, and always come with their "
                                       "confusion matrix"));
    TRY_OUT((is_pixel ? pixel_task : instance_task)(&a, line, s));
out:
    arena_release(&a);
    return st;
}

Status eval_cityscapes(const Verb *verb, int argc, char **argv)
{
    Settings    s = {.task = "instance", .output = EVAL_OUTPUT_DEFAULTS};
    Option      table[] = {{"task", OPTION_TEXT, &s.task, "NAME",
                            "instance: AP of masks; pixel: IoU of label images (default instance)",
                            false},
                           EVAL_FILE_OPTIONS(s.output),
                           EVAL_ANALYSIS_OPTIONS(s.output)};
    CommandLine line = {.verb = verb,
                        .options = table,
                        .n_options = sizeof table / sizeof *table,
                        .operands = "GT_DIR PRED_DIR",
                        .min_operands = 2,
                        .max_operands = 2};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    TRY_OUT(eval_check_output(verb, &s.output, false));
    TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}
