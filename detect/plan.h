/* plan.h -- the memory that a detection recipe takes on a device, from steps that compute nothing */
#pragma once
#include "base/recipe.h"
#include "kernels/plan.h"

/* Of steps with pictures of the largest size that data.sizes and data.max_size allow. `like`: plan_backend's. n_classes: of
 * the data, which is not opened. ERR_RECIPE, ERR_MISSING. */
Status detect_plan(MemoryPlan *out, const RecipeSource *recipe, const Backend *like,
                   int64_t n_classes);
