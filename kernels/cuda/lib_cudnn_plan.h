/* lib_cudnn_plan.h -- the plan that runs a convolution: chosen once per shape, kept
 *
 * The first few of the engines that compute as they should (lib_cudnn_engines.h) are timed on the shape itself; the
 * fastest is noted in memory and on disk (plan_cache.h). A layer that meets pictures of many sizes, as in detection, has
 * the first eight timed; for the others the heuristics' first engine that runs is taken at once. GODWIT_PLANS=1 logs what
 * is chosen, how fast it is and how long that took.
 */
#pragma once
#include "kernels/cuda/lib_cudnn_graph.h"
#include "kernels/cuda/plan_cache.h"

typedef struct ConvPlan ConvPlan;

/* Where a plan finds its tensors. */
typedef struct ConvAddresses {
    const void *x, *w, *y; // one of them is written
} ConvAddresses;

Status conv_plan_open(void);

/* The key of a convolution; `adds` and `is_choice` are the caller's. */
ConvKey conv_key(ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *y,
                 const Conv2d *op);

/* What was chosen before; ERR_DEVICE while a graph is captured, when nothing can be timed. */
PlanCache *conv_plan_cache(void);
Status     conv_plan_may_measure(const char *op);

/* The plan of a key, found now if need be by running candidates on `on`: their output there is lost. ERR_UNSUPPORTED when
 * cuDNN has none; asked for again, it says so at once. */
Status conv_plan_find(const char *op, const ConvPlan **plan, const ConvKey *key,
                      const ConvAddresses *on);

/* Whether the key's layer has met so few sizes of pictures that a further one is worth its timing; counts it. */
bool conv_is_worth_timing(const ConvKey *key);

/* Keeps a choice for later processes. */
void conv_note(const ConvKey *key, int32_t number);

/* One line about a choice that began at that time of clock_seconds. */
void conv_tell(const ConvKey *key, const char *what, int number, float ms, double began);

/* Whether conv_plan_find would answer without running anything. */
bool conv_plan_is_known(const ConvKey *key);

Status conv_plan_run(const char *op, const ConvPlan *plan, const ConvAddresses *on);
