/* eval_semseg.c -- `godwit eval semseg`: mean IoU of label images */
#include "cli/eval.h"
#include "base/file.h"
#include "cli/eval_output.h"
#include "eval/cards.h"

#include <string.h>

typedef struct Settings {
    int64_t     n_classes, void_label;
    const char *names;
    bool        allow_void;
    EvalOutput  output;
} Settings;

/* One class a line; the file also says how many there are. */
static Status read_names(Arena *a, Settings *s, const char ***names)
{
    char   *bytes = NULL;
    int64_t n = 0, lines = 0;
    *names = NULL;
    if (!s->names)
        return OK;
    TRY(file_read(a, &bytes, &n, s->names, 1 << 20));
    *names = ARENA_ARRAY(a, const char *, SEMSEG_MAX_CLASSES);
    if (!*names)
        return ERR_MEMORY;
    for (char *p = bytes, *end; *p; p = end) {
        end = p + strcspn(p, "\r\n");
        char *next = end + strspn(end, "\r\n");
        *end = 0;
        end = next;
        if (*p == 0)
            continue;
        if (lines == SEMSEG_MAX_CLASSES)
            return status_fail(ERR_FORMAT, "%s: more than %d classes", s->names,
                               SEMSEG_MAX_CLASSES);
        (*names)[lines++] = p;
    }
    if (s->n_classes != 0 && s->n_classes != lines)
        return status_fail(ERR_USAGE, "eval semseg: --classes %lld, but %s names %lld",
                           (long long)s->n_classes, s->names, (long long)lines);
    s->n_classes = lines;
    return OK;
}

static Status score_folder(Arena *a, Card *card, EvalPixels *out, const SemsegOptions *opt,
                           const char *const *names, const char *truth, const char *found)
{
    SemsegResult r;
    TRY(semseg_evaluate_dirs(a, opt, &r, truth, found));
    TRY(semseg_card(a, card, &r, names));
    card->truth = truth;
    card->found = found;
    *out = (EvalPixels){card, r.n_images, r.image, r.mean_iou};
    return OK;
}

static Status score(const CommandLine *line, Settings *s)
{
    Arena        a = {0};
    Card         card, other;
    EvalPixels   ours, theirs;
    const char **names = NULL;
    Status       st = OK;

    TRY_OUT(read_names(&a, s, &names));
    if (s->n_classes == 0)
        TRY_OUT(status_fail(ERR_USAGE, "eval semseg: needs --classes N or --names FILE"));
    SemsegOptions opt = {.n_classes = s->n_classes,
                         .void_label = s->void_label,
                         .allow_void_in_prediction = s->allow_void};
    TRY_OUT(score_folder(&a, &card, &ours, &opt, names, line->operand[0], line->operand[1]));
    if (s->output.against) {
        TRY_OUT(
            score_folder(&a, &other, &theirs, &opt, names, line->operand[0], s->output.against));
        TRY_OUT(eval_compare_pixels(&a, &card, &s->output, s->n_classes, true, &ours, &theirs));
    }
    TRY_OUT(eval_write(line, &s->output, &card));
out:
    arena_release(&a);
    return st;
}

Status eval_semseg(const Verb *verb, int argc, char **argv)
{
    Settings    s = {.void_label = SEMSEG_VOID, .output = EVAL_OUTPUT_DEFAULTS};
    Option      table[] = {{"classes", OPTION_INT, &s.n_classes, "N", "labels are 0 .. N-1", false},
                           {"names", OPTION_TEXT, &s.names, "FILE",
                            "class names, one a line, in the order of labels", false},
                           {"void", OPTION_INT, &s.void_label, "LABEL",
                            "ground truth label left out; -1: none (default 255)", false},
                           {"allow-void", OPTION_FLAG, &s.allow_void, NULL,
                            "a predicted void label counts as a miss instead of an error", false},
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
