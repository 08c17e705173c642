/* device.h -- words of the command line that several verbs share */
#pragma once
#include "cli/options.h"
#include "kernels/backend.h"

/* "f32" or "bf16"; ERR_USAGE for another word. */
Status device_dtype(DType *dtype, const char *word);

/* Where bare recipe names (voc_r50_c4_24k) are looked for: the folder in GODWIT_RECIPES, then the share folder beside an
 * installed program, or the source tree of an uninstalled one. */
const char *const *recipe_folders(int *n);
