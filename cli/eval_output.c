/* eval_output.c -- see eval_output.h */
#include "cli/eval_output.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/eval_page.h"

#include <stdio.h>

Status eval_take_files(const CommandLine *line, const char **truth, const char **found)
{
    for (int i = 0; i < line->n_operands; i++)
        if (!*truth)
            *truth = line->operand[i];
        else if (!*found)
            *found = line->operand[i];
        else
            return status_fail(ERR_USAGE, "%s: one ground truth and one result, found also \"%s\"",
                               line->verb->name, line->operand[i]);
    return OK;
}

bool eval_wants_analysis(const EvalOutput *o)
{
    return o->analyse || o->html || o->against;
}

Status eval_check_output(const Verb *verb, const EvalOutput *o, bool bug_compatible)
{
    if (bug_compatible && eval_wants_analysis(o))
        return status_fail(ERR_USAGE,
                           "%s: --analyse, --against and --html do not go with --bug-compatible",
                           verb->name);
    if (o->against && (o->resamples < 1 || o->resamples > 100000))
        return status_fail(ERR_USAGE, "%s: --resamples expects 1 to 100000, found %lld", verb->name,
                           (long long)o->resamples);
    return OK;
}

Status eval_analyse(Arena *a, Card *card, const EvalOutput *o, AgainstAverage average,
                    const EvalScored *ours, const EvalScored *theirs)
{
    Analysis       *analysis = ARENA_NEW(a, Analysis);
    Against        *against = ARENA_NEW(a, Against);
    AnalysisOptions how = {.confusion_score = o->confusion_score};
    AnalysisInput   input = {ours->task, ours->match, ours->overlap};
    if (!analysis || !against)
        return status_no_memory("analysis", (long long)sizeof *analysis);
    if (o->analyse || o->html) {
        TRY(analysis_run(a, &how, analysis, &input));
        TRY(card_add_analysis(a, card, analysis, ours->task, ours->match,
                              theirs ? theirs->match : NULL));
    }
    if (!theirs)
        return OK;
    AgainstOptions draw = {.resamples = o->resamples, .average = average};
    AgainstSide    mine = {ours->task, ours->match, ours->card->table[0].column[0].value};
    AgainstSide    other = {theirs->task, theirs->match, theirs->card->table[0].column[0].value};
    TRY(against_run(a, &draw, against, &mine, &other));
    card->against = against;
    card->against_name = o->against;
    return OK;
}

static AgainstPixelsSide pixels_side(const EvalPixels *p)
{
    return (AgainstPixelsSide){p->n_images, p->image, p->card->table[0].column[0].value,
                               p->mean_iou};
}

Status eval_compare_pixels(Arena *a, Card *card, const EvalOutput *o, int64_t n_labels,
                           bool needs_truth, const EvalPixels *ours, const EvalPixels *theirs)
{
    const CardTable     *classes = &ours->card->table[0];
    Against             *against = ARENA_NEW(a, Against);
    AgainstPixelsSide    mine = pixels_side(ours), other = pixels_side(theirs);
    AgainstPixelsOptions how = {.resamples = o->resamples,
                                .n_labels = n_labels,
                                .K = classes->n_rows,
                                .label = classes->id,
                                .needs_truth = needs_truth};
    if (!against)
        return status_no_memory("against", (long long)sizeof *against);
    TRY(against_pixels(a, &how, against, &mine, &other));
    card->against = against;
    card->against_name = o->against;
    return OK;
}

Status eval_write(const CommandLine *line, const EvalOutput *o, const Card *card)
{
    Text   text = {0};
    Status st = OK;
    card_text(&text, card);
    TRY_OUT(text_status(&text));
    fputs(text_cstr(&text), stdout);
    text_clear(&text);
    if (line->common.json) {
        TRY_OUT(card_json(&text, card));
        TRY_OUT(json_save(&text, line->common.json));
        text_clear(&text);
    }
    if (o->csv) {
        card_csv(&text, card);
        TRY_OUT(text_status(&text));
        TRY_OUT(file_write(o->csv, text.data, text.len));
    }
    if (o->html)
        TRY_OUT(eval_page_write(card, o->html));
    if (!line->common.quiet)
        fprintf(stderr, "peak memory %.0f MB\n", (double)memory_peak_rss() / 1e6);
out:
    text_release(&text);
    return st;
}
