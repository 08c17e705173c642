/* voc_report.h -- VOC results as a table for people, as JSON and as CSV
 *
 * The table is in per cent with one decimal; JSON holds fractions in full precision, null where undefined.
 */
#pragma once
#include "base/json.h"
#include "base/text.h"
#include "eval/voc.h"

typedef struct VocReport {
    const VocResult   *result;
    const char *const *class_name;    // (n_classes)
    bool               uses_area;     // which definition heads the report
    bool               is_quantised;  // boxes and scores were rounded as detectron2 does
    const char        *truth, *found; // where they came from
} VocReport;

void voc_report_text(Text *out, const VocReport *report);

/* {"metric", "definition", "AP", "AP50", "AP75", "sizes", "means": {...}, "per_class": [{"name", ..., "curve"}]} */
Status voc_report_json(Text *out, const VocReport *report) STATUS_MUST_USE;

/* One line a class and threshold: class,threshold,AP_11_point,AP_area,truths,difficult,detections,TP,FP */
void voc_report_csv(Text *out, const VocReport *report);
