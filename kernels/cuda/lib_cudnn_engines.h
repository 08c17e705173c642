/* lib_cudnn_engines.h -- what cuDNN offers for a graph, and what of it we take
 *
 * cuDNN's heuristics name configurations of engines, best guess first, in two modes: informed guesses, then whatever works.
 * Engines whose result depends on the order of atomic additions, that use Winograd's or Fourier's transforms, that reduce
 * the precision of sums, or that round f32 operands where that was not asked for, are not taken.
 */
#pragma once
#include "kernels/cuda/lib_cudnn_graph.h"
#include <stdbool.h>

enum { CUDNN_N_MODES = 2, CUDNN_MOST_CONFIGS = 64 };

/* The device that plans are for: an open one, or the description of one (cuDNN 9.8 and later), which can be planned for
 * but not run on. */
typedef struct CudnnTarget {
    cudnnHandle_t            handle;
    cudnnBackendDescriptor_t properties; // used where handle is NULL
} CudnnTarget;

/* config[0 .. *n): configurations for the graph in one mode, 0 where it has none to offer. The caller forgets all
 * CUDNN_MOST_CONFIGS of them, also after a failure. */
Status cudnn_configs(const char *op, cudnnBackendDescriptor_t config[CUDNN_MOST_CONFIGS],
                     int64_t *n, const CudnnTarget *target, const ConvGraph *g, int mode);

/* Whether a configuration's engine computes as this key demands. */
bool cudnn_is_exact_enough(cudnnBackendDescriptor_t config, const ConvKey *k);

/* Whether its kernels are compiled when a plan is made, which takes a second where others take a millisecond. */
bool cudnn_is_compiled_late(cudnnBackendDescriptor_t config);

/* A plan of the configuration, NULL where cuDNN refuses it or it wants more workspace than there is. */
cudnnBackendDescriptor_t cudnn_plan_of(const CudnnTarget *target, cudnnBackendDescriptor_t config);

/* Destroys a descriptor that may be NULL, and makes it so. */
void cudnn_forget(cudnnBackendDescriptor_t *d);
