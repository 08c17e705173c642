/* graph.c -- calls of a step captured as a CUDA graph
 *
 * A launch of a graph costs one call where a step costs hundreds. Scratch memory that ops take and give back inside the
 * capture becomes the graph's own.
 */
#include "kernels/cuda/cuda.h"
#include "kernels/cuda/device.h"

static bool is_capturing;

bool cuda_is_capturing(void)
{
    return is_capturing;
}

Status cuda_graph_begin(void)
{
    if (is_capturing)
        return status_fail(ERR_USAGE, "graph: one is being captured already");
    TRY(gpu_check("graph", cudaStreamBeginCapture(gpu_stream(), cudaStreamCaptureModeThreadLocal)));
    is_capturing = true;
    return OK;
}

/* The failure inside has said its sentence, and may have ended the capture. */
static Status forget(void)
{
    cudaGraph_t captured = NULL;
    (void)cudaStreamEndCapture(gpu_stream(), &captured);
    (void)cudaGetLastError();
    if (captured)
        cudaGraphDestroy(captured);
    return OK;
}

Status cuda_graph_end(void **graph)
{
    cudaGraph_t     captured = NULL;
    cudaGraphExec_t executable = NULL;
    is_capturing = false;
    if (!graph)
        return forget();
    *graph = NULL;
    TRY(gpu_check("graph", cudaStreamEndCapture(gpu_stream(), &captured)));
    /* memory taken but not given back inside belongs to the next launch again */
    Status st = gpu_check("graph", cudaGraphInstantiate(&executable, captured,
                                                        cudaGraphInstantiateFlagAutoFreeOnLaunch));
    cudaGraphDestroy(captured);
    *graph = executable;
    return st;
}

Status cuda_graph_launch(void *graph)
{
    return gpu_check("graph", cudaGraphLaunch(graph, gpu_stream()));
}

void cuda_graph_free(void *graph)
{
    if (graph)
        cudaGraphExecDestroy(graph);
}
