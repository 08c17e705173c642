/* plan.h -- the memory that a pretraining recipe takes on a device, from steps that compute nothing */
#pragma once
#include "base/recipe.h"
#include "kernels/plan.h"

/* `like`: plan_backend's. n_classes: of supervised training, which no data says here. ERR_RECIPE, ERR_MISSING. */
Status pretrain_plan(MemoryPlan *out, const RecipeSource *recipe, const Backend *like,
                     int64_t n_classes);
