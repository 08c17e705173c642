/* analysis_report.h -- the analysis and the comparison as text and JSON members; used by coco_report.c */
#pragma once
#include "base/json.h"
#include "eval/against.h"
#include "eval/analysis.h"

/* The category's name for k, "background" for k = K. */
const char *analysis_class_name(const CocoResult *result, const CocoTruth *truth, int64_t k);

void analysis_text(Text *out, const Analysis *analysis, const CocoResult *result,
                   const CocoTruth *truth);
void analysis_json(JsonWriter *w, const Analysis *analysis, const CocoResult *result,
                   const CocoTruth *truth);
void against_text(Text *out, const Against *against, const char *other, const CocoResult *result,
                  const CocoTruth *truth);
void against_json(JsonWriter *w, const Against *against, const char *other,
                  const CocoResult *result, const CocoTruth *truth);
