/* match.h -- from similarities to precision and recall: the frame that COCO, LVIS and VOC share
 *
 *      rows of truth, results                      cell = one image, one group (category)
 *            | sort by group, image, rank          +------------------------------------------+
 *            v                                     | results by score   x   truths            |
 *      cells, each matched greedily at all         |   similarity once, all thresholds and    |
 *      thresholds and area ranges in one pass      |   area ranges from the same row          |
 *            |                                     +------------------------------------------+
 *            v
 *      per group: one stable sort by score, then precision at the true positives of every
 *      (threshold, area range, cap)  ->  precision (T,R,K,A,M), recall (T,K,A,M), scores (T,R,K,A,M)
 *
 * T thresholds, R recall points, K groups, A area ranges, M caps. Results depend neither on the number of threads nor
 * on the order in which cells are done. Arithmetic is that of pycocotools.cocoeval 2.0.11 (evaluateImg, accumulate).
 *
 * Two rules of matching; a truth is taken once at each threshold t, crowds as often as they are found:
 *
 *   MATCH_BEST_FREE (COCO, LVIS)   a result takes the most similar truth that is still free, similarity >= t; truths
 *                                  that count come before those that do not. Equal scores: by image, then by row.
 *   MATCH_BEST_ONLY (VOC)          a result meets only its most similar truth (the first of equals), similarity > t;
 *                                  if that is taken already, the result is false. A row with a NaN meets nothing.
 *                                  Result rows come ranked: their order is the order of the ranking.
 *
 * A metric whose matching is neither (DensePose, Cityscapes) brings its own (MatchOwn) and shares all the rest.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum MatchRule { MATCH_BEST_FREE, MATCH_BEST_ONLY } MatchRule;

enum { MATCH_MAX_THRESHOLDS = 20, MATCH_MAX_AREAS = 8, MATCH_MAX_CAPS = 8 };

typedef struct MatchRows {
    int64_t        n;
    const int32_t *image; // 0 .. n_images-1; negative: the row takes no part
    const int32_t *group; // 0 .. n_groups-1; negative: the row takes no part
    const double  *area;
    const double  *score;   // results
    const uint8_t *is_free; // truths that any number of results may match (crowds); NULL: none
    const uint8_t *
        ignore; // truths that count neither way; results that count neither way when unmatched; NULL: none
    const uint8_t
        *is_miss; // truths whose match counts as none (pycocotools' annotation id 0); NULL: none
} MatchRows;

/* Similarities of one cell. `open` is called once a cell by one thread with that thread's arena (rewound after the
 * cell); `row` then fills sim[0..n_truth-1] for result k = 0, 1, ... in rank order. Values below the smallest
 * threshold may be replaced by 0. */
typedef struct MatchSimilarity {
    const void *ctx;
    Status (*open)(const void *ctx, Arena *a, void **cell, const int32_t *found, int64_t n_found,
                   const int32_t *truth, int64_t n_truth);
    Status (*row)(const void *ctx, void *cell, double *sim, int64_t k);
} MatchSimilarity;

/* How one result fared in one area range: bit t for threshold t. */
typedef struct MatchBits {
    uint32_t matched, ignored;
} MatchBits;

/* The places of one cell: results by rank after the cap, and its truths in the order of their rows. */
typedef struct MatchPlaces {
    const int32_t *found, *truth; // rows
    int64_t        n_found, n_truth;
    MatchBits     *bits; // (n_found, A) zeroed
    int32_t       *met;  // (n_found) -1
} MatchPlaces;

/* A matching of the metric's own: fills bits and met of cells that hold results. */
typedef struct MatchOwn {
    const void *ctx;
    Status (*match)(const void *ctx, Arena *a, const MatchPlaces *places);
} MatchOwn;

typedef struct MatchTask {
    MatchRule       rule;
    MatchOwn        own;     // match NULL: the rule is followed; else it only ranks
    bool            exceeds; // own: a match lies above its threshold, not at it
    int64_t         n_images, n_groups;
    bool            one_group;     // groups only order the rows of an image; K is 1
    const int32_t  *image_repeats; // (n_images) how often truths of an image count; NULL: once each
    MatchRows       truth, found;
    MatchSimilarity similarity;
    int             n_thresholds, n_recalls, n_areas, n_caps;
    int             main;      // index of the threshold that `met`, curves and analyses look at
    const double   *threshold; // ascending
    const double   *recall;    // ascending
    const double (*area)[2];   // both ends inside
    const int64_t *cap;        // ascending: results kept per cell
} MatchTask;

typedef struct MatchCell {
    int32_t image, group;
    int32_t n_found, n_truth; // n_found after the largest cap
    int64_t found_at, truth_at;
} MatchCell;

typedef struct MatchResult {
    int64_t    T, R, K, A, M;
    double    *precision, *recall, *scores; // -1 where there is no truth
    int64_t    n_cells;
    MatchCell *cell;       // by group, then image
    int64_t   *group_cell; // (K+1) first cell of each group
    int32_t   *found;      // result rows, cell by cell, by rank
    int32_t   *truth;      // truth rows, cell by cell
    MatchBits *bits;       // (found places, A)
    int32_t
        *met; // (found places) truth row of the match at the main threshold, area range 0; -1: none
    int64_t *n_positive; // (K,A) truths that count
} MatchResult;

/* Everything in `out` lives in `a`. */
Status match_run(Arena *a, const MatchTask *task, MatchResult *out) STATUS_MUST_USE;

/* The results of one group in the order of the ranking. */
typedef struct MatchRanking {
    int64_t  n;
    double  *score;
    int32_t *rank;  // place within its cell: cut by the caps
    int64_t *place; // index into MatchResult.found, .bits (times A) and .met
} MatchRanking;

Status match_rank(Arena *a, MatchRanking *ranking, const MatchTask *task, const MatchResult *result,
                  int64_t k) STATUS_MUST_USE;

/* The mean over defined cells of precision (or recall) for one area range and cap, in the order of NumPy: t < 0 all
 * thresholds, k < 0 all groups. -1 when none is defined. */
Status match_mean(Arena *scratch, double *out, const MatchResult *m, bool is_recall, int t,
                  int64_t k, int area, int cap) STATUS_MUST_USE;

/* Whether a truth row counts towards recall in area range `a`. */
bool match_counts(const MatchTask *task, int32_t row, int a);

/* precision or scores at (t,r,k,a,m), recall at (t,k,a,m) */
static inline int64_t match_at(const MatchResult *r, int64_t t, int64_t p, int64_t k, int64_t a,
                               int64_t m)
{
    return (((t * r->R + p) * r->K + k) * r->A + a) * r->M + m;
}
static inline int64_t match_recall_at(const MatchResult *r, int64_t t, int64_t k, int64_t a,
                                      int64_t m)
{
    return ((t * r->K + k) * r->A + a) * r->M + m;
}
