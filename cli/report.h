/* report.h -- the page at the end of a demo or of a comparison: report.html
 *
 * The caller fills a Report with what it has; absent parts (count 0, pointer NULL) leave no trace on the page. Arrays are
 * borrowed. Every text is escaped, every number may be NaN (shown as a dash). AP values are in points, 0 .. 100.
 *
 *      result      one sentence made from the rows, a strip of all trials, the table with deltas to the baseline row
 *      published   the paper's rows, apart from ours: other data, other scale
 *      training    line charts
 *      classes     AP by class, precision-recall curves
 *      pictures    test pictures with ground truth and predictions of every row, switchable
 *      views       two crops of one picture, as MoCo sees them
 *      time        when each phase ran
 *      definitions, reproduce
 */
#pragma once
#include "cli/svg.h"

enum { REPORT_MAX_ROWS = 6 };

typedef struct ReportFact {
    const char *name, *value;
} ReportFact;

/* One initialisation. Means and deviations over the trials are computed here. */
typedef struct ReportRow {
    const char   *init;             // "random", "supervised", "MoCo"
    int           colour;           // see svg.h
    const double *ap, *ap50, *ap75; // n_trials each
    int           n_trials;
    bool          is_baseline; // deltas are taken against this row
} ReportRow;

typedef struct PublishedRow {
    const char *init;
    double      ap, ap50, ap75;
} PublishedRow;

typedef struct PublishedTable {
    const char *title,
        *source; // "R50-C4, VOC07+12 -> VOC07 test, 24k iterations"; "He et al. 2020, table 2"
    const PublishedRow *row;
    int                 n_rows, baseline; // row that deltas are taken against, -1 for none
} PublishedTable;

/* The paper's VOC table for R50-C4 (He et al. 2020, tables 2 and 4, and the MoCo repository for v2). */
extern const PublishedTable REPORT_VOC0712_C4, REPORT_VOC07_C4;

typedef struct ReportChart {
    LineChart   chart;
    const char *caption;
} ReportChart;

/* Precision over recall of one class; curve r belongs to row r. Values 0 .. 1. */
typedef struct ReportCurve {
    const double *recall, *precision;
    int64_t       n;
    double        ap50; // points; NaN where the class has no object
} ReportCurve;

typedef struct ReportClass {
    const char *name;
    ReportCurve curve[REPORT_MAX_ROWS];
    double      ap[REPORT_MAX_ROWS]; // 0.50:0.95, points
} ReportClass;

typedef struct ReportBox {
    float       x1, y1, x2, y2; // pixels, edges
    const char *name;
    float       score;    // 0 .. 1; ignored for ground truth
    bool        is_right; // prediction that matches a ground truth of its class at IoU 0.5
} ReportBox;

typedef struct ReportBoxes {
    const ReportBox *box;
    int              n;
} ReportBoxes;

typedef struct ReportPicture {
    const uint8_t *jpeg; // or PNG: told apart by the first byte
    int64_t        n_bytes, width, height;
    const char    *name;
    ReportBoxes    truth, predicted[REPORT_MAX_ROWS]; // by row
} ReportPicture;

typedef struct ReportView {
    const uint8_t *jpeg; // a crop as the network saw it
    int64_t        n_bytes;
} ReportView;

typedef struct ReportPair {
    ReportView source, query, key;
} ReportPair;

typedef struct ReportTerm {
    const char *term, *meaning;
} ReportTerm;

typedef struct Report {
    const char           *title, *subtitle;
    const ReportFact     *fact;
    int                   n_facts;
    const ReportRow      *row;
    int                   n_rows; // at most REPORT_MAX_ROWS
    const char           *remark; // what a careful reader must know of the result, NULL for none
    const PublishedTable *published;
    int                   n_published;
    const ReportChart    *chart;
    int                   n_charts;
    const ReportClass    *class_;
    int                   n_classes;
    const ReportPicture  *picture;
    int                   n_pictures;
    const ReportPair     *pair;
    int                   n_pairs;
    const Phase          *phase;
    int                   n_phases;
    const ReportTerm     *term; // NULL: the usual ones, AP AP50 AP75 loss kNN
    int                   n_terms;
    const char *const    *command;
    int                   n_commands;
} Report;

/* Appends the page's sections to `h`, or writes a whole page to `path`. */
void   report_sections(Html *h, const Report *report);
Status report_write(const Report *report, const char *path) STATUS_MUST_USE;
