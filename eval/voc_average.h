/* voc_average.h -- AP of one class from its matches, by both definitions; internal to eval/ */
#pragma once
#include "eval/voc.h"

/* tp, fp, both APs and the curve of class k; everything kept lives in `a`. */
Status voc_average(Arena *a, const VocEvalOptions *options, VocClass *out, const MatchTask *task,
                   const MatchResult *match, int64_t k) STATUS_MUST_USE;
