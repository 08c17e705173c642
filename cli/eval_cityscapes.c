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

static Status score(const CommandLine *line, const Settings *s)
{
    Arena               a = {0};
    Card                card, other;
    CityscapesInstances instances;
    EvalPixels          ours, theirs;
    Status              st = OK;
    bool                is_pixel = strcmp(s->task, "pixel") == 0;
    const char         *truth = line->operand[0], *found = line->operand[1];
    if (!is_pixel && strcmp(s->task, "instance") != 0)
        TRY_OUT(status_fail(ERR_USAGE, "eval cityscapes: --task is instance or pixel, not \"%s\"",
                            s->task));
    if (!is_pixel && s->output.against)
        TRY_OUT(status_fail(ERR_USAGE, "eval cityscapes: --against goes with --task pixel only"));
    if (is_pixel) {
        TRY_OUT(score_pixels(&a, &card, &ours, truth, found));
        if (s->output.against) {
            TRY_OUT(score_pixels(&a, &other, &theirs, truth, s->output.against));
            TRY_OUT(eval_compare_pixels(&a, &card, &s->output, CITYSCAPES_LABELS, false, &ours,
                                        &theirs));
        }
    } else {
        TRY_OUT(cityscapes_instances(&instances, truth, found));
        TRY_OUT(cityscapes_instances_card(&a, &card, &instances));
    }
    card.truth = truth;
    card.found = found;
    TRY_OUT(eval_write(line, &s->output, &card));
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
                           EVAL_AGAINST_OPTIONS(s.output)};
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
