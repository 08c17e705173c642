/* card.h -- the answer of any metric in one form
 *
 *      voc_card  coco_card  lvis_card  cityscapes_*_card  semseg_card  densepose_card        one maker a metric
 *            \________|__________|_____________|______________|____________/
 *                                    Card
 *             ________________________|_______________________
 *         card_text   card_csv   card_json   card_arrays   a page (cli/eval_page.h)         one writer a form
 *
 * Numbers are fractions 0 .. 1, NaN where undefined. Text shows per cent with one decimal, JSON and CSV full
 * precision, null or nothing where undefined (-1 in JSON under bug_compatible). Everything is borrowed or lives in the
 * arena of the maker.
 */
#pragma once
#include "base/json.h"
#include "base/text.h"
#include "eval/against.h"
#include "eval/analysis.h"

enum { CARD_MAX_STATS = 16, CARD_MAX_SIZES = 12, CARD_MAX_COLUMNS = 16, CARD_MAX_TABLES = 3 };

/* One number of the headline, in the order of the reference. */
typedef struct CardStat {
    const char *name; // "AP50": also its JSON member
    double      value;
    const char *meaning;
} CardStat;

/* How large a set is that the numbers rest on. */
typedef struct CardSize {
    const char *key, *label; // "crowd", "crowd annotations"
    int64_t     n;
} CardSize;

typedef enum CardKind { CARD_PERCENT, CARD_COUNT, CARD_WORD } CardKind;

typedef struct CardColumn {
    const char        *name; // heading, JSON member, CSV field
    CardKind           kind;
    const char        *meaning;
    int                per_row; // 1; n_thresholds: a list, shown in JSON and CSV only
    double            *value;   // (n_rows, per_row); NULL for words
    const char *const *word;    // (n_rows)
} CardColumn;

typedef struct CardTable {
    const char        *key, *row_name; // JSON member, heading of the names
    const char        *title;
    int64_t            n_rows;
    const char *const *row;      // (n_rows) names
    const int64_t     *id;       // (n_rows); NULL: rows have none
    bool               is_keyed; // JSON: an object whose members are the rows, instead of an array
    int                n_columns;
    CardColumn         column[CARD_MAX_COLUMNS];
} CardTable;

/* counts (n_rows, n_columns) [annotated][found] */
typedef struct CardMatrix {
    const int64_t     *counts; // NULL: there is none
    int64_t            n_rows, n_columns;
    const char *const *row, *const *column; // names
    const char *unit;                       // "results", "pixels"
    double      score; // results below it are left out; NaN: there are no scores
} CardMatrix;

/* The curve as it is, one point a result in rank order. */
typedef struct CardPoints {
    int64_t       n;
    const double *recall, *precision, *score; // (n)
} CardPoints;

/* Interpolated precision at overlap .5 of each row of the first table. */
typedef struct CardCurves {
    int64_t       n_points;
    const double *recall; // (n_points); NULL: there are none
    const double *precision,
        *other_precision; // (n_rows, n_points) NaN: undefined; other: of `against`, or NULL
} CardCurves;

typedef struct Card {
    const char       *metric;                // "coco"
    const char       *variant_key, *variant; // "iou", "bbox"; NULL: none
    const char       *title;                 // "COCO boxes"
    const char       *definition;
    const char       *similarity;     // what overlaps are called: "IoU", "OKS"
    const char       *truth, *found;  // paths
    const char       *note;           // what a careful reader must know; NULL: nothing
    const char       *summary;        // the reference's own lines; NULL: the stats are listed
    bool              summary_is_all; // it says what every number means: they are not listed again
    bool              bug_compatible;
    int               n_stats, n_sizes, n_tables, n_thresholds;
    CardStat          stat[CARD_MAX_STATS];
    CardSize          size[CARD_MAX_SIZES];
    CardTable         table[CARD_MAX_TABLES]; // the first: classes
    const double     *threshold;              // (n_thresholds) of list columns
    CardMatrix        confusion;
    CardCurves        curves;
    const CardPoints *points;   // (rows of the first table), in JSON alone; NULL: not kept
    const Analysis   *analysis; // NULL: not asked for
    const Against    *against;  // NULL: not asked for
    const char       *against_name;
} Card;

/* ---- making ---- */

void card_stat(Card *card, const char *name, double value, const char *meaning); // -1 becomes NaN
void card_size(Card *card, const char *key, const char *label, int64_t n);

/* A table without columns. `row` is borrowed. */
CardTable *card_table(Card *card, const char *key, const char *title, const char *row_name,
                      const char *const *row, int64_t n_rows);

/* Room for the values of a new column, zeroed; NULL when memory is short. */
double *card_column(Arena *a, CardTable *table, const char *name, CardKind kind,
                    const char *meaning, int per_row);

/* The reference's own lines; `lines` is released. */
Status card_summary(Arena *a, Card *card, Text *lines) STATUS_MUST_USE;

/* -1 (undefined in the reference's arrays) as NaN. */
double card_defined(double value);

/* Curves at the main threshold, area range 0 and the largest cap; confusion and errors from the analysis. `other`: the match
 * of the file compared with, or NULL. */
Status card_add_analysis(Arena *a, Card *card, const Analysis *analysis, const MatchTask *task,
                         const MatchResult *match, const MatchResult *other) STATUS_MUST_USE;

/* ---- writing ---- */

void   card_text(Text *out, const Card *card);
void   card_csv(Text *out, const Card *card); // one line a row of each table
Status card_json(Text *out, const Card *card) STATUS_MUST_USE;

/* A safetensors file with precision (T,R,K,A,M), recall (T,K,A,M) and scores (T,R,K,A,M) in float64; with
 * has_caps false the axis M is left out, as lvis-api has it. */
Status card_arrays(const char *path, const MatchResult *match, bool has_caps) STATUS_MUST_USE;
