/* gaps.h -- entries of the table that no kernel fills */
#pragma once
#include "kernels/backend.h"

/* Puts a function into every empty entry that fails with ERR_UNSUPPORTED and names the entry. */
void gaps_fill(Backend *be);

/* Their names, ended by NULL. */
const char *const *gaps_names(void);
