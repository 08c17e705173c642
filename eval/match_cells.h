/* match_cells.h -- the two halves of match_run; internal to eval/ */
#pragma once
#include "eval/match.h"

/* Fills found, truth, cell, group_cell; makes room for bits and n_positive. */
Status match_make_cells(Arena *a, const MatchTask *task, MatchResult *out) STATUS_MUST_USE;

/* Ranks and matches every cell: bits, n_positive, n_found cut to the largest cap. */
Status match_all_cells(Arena *a, const MatchTask *task, MatchResult *out) STATUS_MUST_USE;
