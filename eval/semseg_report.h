/* semseg_report.h -- mean IoU as a table for people, as JSON and as CSV
 *
 * Tables are in per cent; JSON and CSV hold fractions in full precision, null or empty where
 * undefined.
 */
#pragma once
#include "base/json.h"
#include "base/text.h"
#include "eval/semseg.h"

/* class_name (N) may be NULL: classes are then called by their number. */
void   semseg_report_text(Text *out, const SemsegResult *r, const char *const *class_name);
/* class,IoU,IoU_devkit,accuracy,truth_pixels,found_pixels,both_pixels */
void   semseg_report_csv(Text *out, const SemsegResult *r, const char *const *class_name);
/* {"metric", "definition", "mIoU", "mIoU_devkit", ..., "per_class", "confusion"} */
Status semseg_report_json(Text *out, const SemsegResult *r,
                          const char *const *class_name) STATUS_MUST_USE;
