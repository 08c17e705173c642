/* gaps.h -- entries of the table that no kernel fills */
#pragma once
#include "kernels/backend.h"

/* Puts a function into every empty entry that fails with ERR_UNSUPPORTED and names the entry; optional ones stay empty. */
void gaps_fill(Backend *be);

/* All that were empty and why, ended by an entry NULL; NULL before gaps_fill. */
const BackendGap *gaps_list(void);
