/* analysis.h -- where the average precision goes: best thresholds, confusions, kinds of error
 *
 *   a result at overlap .5 is                                 after Bolya et al. 2020 (TIDE), overlaps f = .5, b = .1
 *     true          it took an annotation of its category
 *     localisation  best overlap with its own category lies in b .. f
 *     class         overlap >= f with an annotation of another category
 *     duplicate     overlap >= f with its own category, which a better result took
 *     background    no overlap reaches b
 *     both          the rest: wrong category and overlap b .. f
 *   an annotation is missed when no result took it and no localisation or class error points at it.
 *
 * Any metric that match.h matches can be analysed: boxes, masks and poses (overlap is then OKS), COCO, LVIS and VOC
 * (f is then exceeded, not reached). What the metric leaves out is left out here: results that count neither way
 * (on crowds, on difficult objects, in categories that LVIS did not annotate exhaustively) and annotations that do
 * not count. Shares are counts over all categories; unlike TIDE, AP is not recomputed with each kind mended.
 */
#pragma once
#include "eval/match.h"

typedef enum ErrorKind {
    ERROR_LOCALISATION,
    ERROR_CLASS,
    ERROR_BOTH,
    ERROR_DUPLICATE,
    ERROR_BACKGROUND,
    ERROR_MISSED,
    ERROR_KINDS,
} ErrorKind;

extern const char *const ERROR_NAME[ERROR_KINDS], *const ERROR_MEANING[ERROR_KINDS];

/* The score at which F1 is largest, overlap .5. NaN where the category has no annotation or no true result. */
typedef struct BestF1 {
    double score, f1, precision, recall;
} BestF1;

typedef struct AnalysisOptions {
    double confusion_score; // results below it do not enter the confusion matrix; usual: .5
} AnalysisOptions;

/* A finished match, and similarities between any results and truths of one image, all values from .1 up. */
typedef struct AnalysisInput {
    const MatchTask   *task;
    const MatchResult *match;
    MatchSimilarity    overlap;
} AnalysisInput;

typedef struct Analysis {
    int64_t  K;
    BestF1  *best;                // (K)
    int64_t  errors[ERROR_KINDS]; // over all categories
    int64_t *class_errors;        // (K, ERROR_KINDS)
    int64_t  n_true, n_false;     // n_false: results of the first five kinds
    double   confusion_score;
    int64_t *confusion; // (K+1, K+1) [annotated][found]; index K is background
} Analysis;

/* ERR_USAGE unless .5 is the main threshold. Everything in `out` lives in `a`. */
Status analysis_run(Arena *a, const AnalysisOptions *options, Analysis *out,
                    const AnalysisInput *input) STATUS_MUST_USE;
