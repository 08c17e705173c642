/* eval_output.h -- what every metric of `godwit eval` asks of the command line and does with its card
 *
 * The printed table goes to stdout, --json, --csv and --html to files. Metrics that match results with truths (VOC,
 * COCO, LVIS, Cityscapes instances, DensePose) also take --analyse and --against; those of label images (semseg,
 * Cityscapes pixels) --against.
 */
#pragma once
#include "cli/options.h"
#include "eval/against_pixels.h"
#include "eval/card.h"

typedef struct EvalOutput {
    const char *csv, *html;
    bool        analyse; // --html implies it
    double      confusion_score;
    const char *against;
    int64_t     resamples;
} EvalOutput;

#define EVAL_OUTPUT_DEFAULTS                                                                       \
    {                                                                                              \
        .confusion_score = .5, .resamples = 1000                                                   \
    }

/* Rows of an option table; `o` is an EvalOutput. */
#define EVAL_FILE_OPTIONS(o)                                                                       \
    {"csv", OPTION_TEXT, &(o).csv, "FILE", "also write the tables, one line a row", false},        \
    {                                                                                              \
        "html", OPTION_TEXT, &(o).html, "FILE",                                                    \
            "also write a self-contained page: tables, curves, confusions", false                  \
    }

#define EVAL_ANALYSIS_OPTIONS(o)                                                                   \
    {"analyse",                                                                                    \
     OPTION_FLAG,                                                                                  \
     &(o).analyse,                                                                                 \
     NULL,                                                                                         \
     "best F1 thresholds, kinds of error, confusion matrix (--html: too)",                         \
     false},                                                                                       \
        {"confusion-score",                                                                        \
         OPTION_FLOAT,                                                                             \
         &(o).confusion_score,                                                                     \
         "X",                                                                                      \
         "least score in the confusion matrix (default 0.5)",                                      \
         false},                                                                                   \
        EVAL_AGAINST_OPTIONS(o)

#define EVAL_AGAINST_OPTIONS(o)                                                                    \
    {"against",                                                                                    \
     OPTION_TEXT,                                                                                  \
     &(o).against,                                                                                 \
     "RESULTS",                                                                                    \
     "compare with these results, per category, with 95 % intervals",                              \
     false},                                                                                       \
    {                                                                                              \
        "resamples", OPTION_INT, &(o).resamples, "N",                                              \
            "bootstrap resamples of the images for --against (default 1000)", false                \
    }

/* A scored result file; its card's first table starts with the column AP. */
typedef struct EvalScored {
    const Card        *card;
    const MatchTask   *task;
    const MatchResult *match;
    MatchSimilarity    overlap;
} EvalScored;

/* The operands of a verb that also takes its two files by option: what no option named, the truth first. ERR_USAGE: more. */
Status eval_take_files(const CommandLine *line, const char **truth,
                       const char **found) STATUS_MUST_USE;

/* Whether an analysis or a comparison was asked for. eval_check_output: ERR_USAGE where it does not go with
 * --bug-compatible, or --resamples is out of range. */
bool   eval_wants_analysis(const EvalOutput *o);
Status eval_check_output(const Verb *verb, const EvalOutput *o,
                         bool bug_compatible) STATUS_MUST_USE;

/* Fills analysis and comparison of `card` as asked; `theirs` is NULL without --against. */
Status eval_analyse(Arena *a, Card *card, const EvalOutput *o, AgainstAverage average,
                    const EvalScored *ours, const EvalScored *theirs) STATUS_MUST_USE;

/* Scored label images; the card's first table starts with the column IoU and has the labels as its ids. */
typedef struct EvalPixels {
    const Card       *card;
    int64_t           n_images;
    const PixelImage *image; // (n_images)
    double            mean_iou;
} EvalPixels;

/* Adds the comparison with `theirs` to `card`. needs_truth: see against_pixels.h. */
Status eval_compare_pixels(Arena *a, Card *card, const EvalOutput *o, int64_t n_labels,
                           bool needs_truth, const EvalPixels *ours,
                           const EvalPixels *theirs) STATUS_MUST_USE;

/* Prints the card, writes the files asked for, and says how much memory it took (stderr, unless --quiet). */
Status eval_write(const CommandLine *line, const EvalOutput *o, const Card *card) STATUS_MUST_USE;
