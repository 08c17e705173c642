/* coco_report.h -- COCO and LVIS results as tables, JSON, CSV and arrays
 *
 * Text is for people: the reference's summary lines, then one line a category, per cent. JSON holds fractions in full
 * precision; undefined numbers are null, or -1 in the bug-compatible mode.
 */
#pragma once
#include "base/json.h"
#include "base/text.h"
#include "eval/against.h"
#include "eval/analysis.h"
#include "eval/coco.h"
#include "eval/lvis.h"

/* What else was computed; NULL members were not. */
typedef struct CocoExtras {
    const Analysis *analysis;
    const Against  *against;
    const char     *against_name; // the other result file
} CocoExtras;

void   coco_report_text(Text *out, const CocoResult *result, const CocoTruth *truth,
                        const CocoExtras *extras);
Status coco_report_json(Text *out, const CocoResult *result, const CocoTruth *truth,
                        bool bug_compatible, const CocoExtras *extras) STATUS_MUST_USE;
void   coco_report_csv(Text *out, const CocoResult *result, const CocoTruth *truth);

void   lvis_report_text(Text *out, const LvisResult *result);
Status lvis_report_json(Text *out, const LvisResult *result, const CocoTruth *truth,
                        bool bug_compatible) STATUS_MUST_USE;

/* A safetensors file with precision (T,R,K,A,M), recall (T,K,A,M) and scores (T,R,K,A,M) in float64; with
 * has_caps false the axis M is left out, as lvis-api has it. */
Status coco_report_arrays(const char *path, const MatchResult *match,
                          bool has_caps) STATUS_MUST_USE;
