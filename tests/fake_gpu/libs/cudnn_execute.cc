/* cudnn_execute.cc -- a plan of the fake cuDNN run on its tensors, in stream order */
#include "fake_gpu/libs/convolve.h"
#include "fake_gpu/libs/cudnn_descriptor.h"
#include "fake_gpu/memory.h"
#include "fake_gpu/stream.h"

#include <algorithm>
#include <string.h>

/* A run as it is queued. */
struct Job {
    FakeConv   conv;
    FakeEngine engine;
    Span       tensor[3], workspace; // x, w, y
};

static int64_t elements(const FakeConv &c, int tensor)
{
    return tensor == 0   ? c.N * c.H * c.W * c.Ci
           : tensor == 1 ? c.Co * c.kh * c.kw * c.ci
                         : c.N * c.P * c.Q * c.Co;
}

static int output_of(const FakeConv &c)
{
    return c.kind == CONV_FORWARD ? 2 : c.kind == CONV_DATA ? 0 : 1;
}

static bool overlap(const Span &a, const Span &b)
{
    return a.p < b.p + b.bytes && b.p < a.p + a.bytes;
}

/* The tensors' places from the pack, by id. */
static cudnnStatus_t place(Job *j, const FakeOperation &o, const Descriptor *pack)
{
    int64_t n = pack->values.at(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).n;
    if (n != 3)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a pack of %lld tensors for a graph of 3",
                            (long long)n);
    for (int t = 0; t < 3; t++) {
        int64_t at = -1;
        for (int64_t i = 0; i < n; i++)
            if (pack->get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, i) == o.uid[t])
                at = i;
        if (at < 0)
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "tensor %lld is not in the pack",
                                (long long)o.uid[t]);
        j->tensor[t] = {pack->get<char *>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, at),
                        (size_t)(elements(o.conv, t) * dtype_bytes(o.conv.dtype))};
        if ((uintptr_t)j->tensor[t].p % (uintptr_t)o.alignment[t] != 0)
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER,
                                "tensor %lld at %p is not aligned to %lld bytes",
                                (long long)o.uid[t], (void *)j->tensor[t].p,
                                (long long)o.alignment[t]);
    }
    return CUDNN_STATUS_SUCCESS;
}

static cudnnStatus_t place_workspace(Job *j, const Descriptor *pack)
{
    j->workspace = {nullptr, (size_t)j->engine.workspace};
    if (j->engine.workspace == 0)
        return CUDNN_STATUS_SUCCESS;
    if (pack->has(CUDNN_ATTR_VARIANT_PACK_WORKSPACE))
        j->workspace.p = pack->get<char *>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
    return j->workspace.p ? CUDNN_STATUS_SUCCESS
                          : cudnn_misuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER,
                                         "a plan that wants a workspace gets none");
}

/* Now and when the work runs: what lies there may have been freed on the way. */
static cudnnStatus_t check_memory(const Job &j)
{
    const Span *all[] = {&j.tensor[0], &j.tensor[1], &j.tensor[2], &j.workspace};
    const Span *out = all[output_of(j.conv)];
    for (const Span *s : all) {
        if (s->bytes > 0 && !memory_is_device(s->p, s->bytes))
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND,
                                "%zu bytes at %p are not one allocation's of the device", s->bytes,
                                (void *)s->p);
        if (s != out && (overlap(*s, *out) || (s != &j.workspace && overlap(*s, j.workspace))))
            return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "output or workspace lies over a tensor");
    }
    return CUDNN_STATUS_SUCCESS;
}

/* The plan, and all that it was made of, are still there. */
static cudnnStatus_t check_plan(Descriptor **plan, const FakeOperation **o, cudnnHandle_t handle,
                                cudnnBackendDescriptor_t descriptor)
{
    cudnnStatus_t s;
    *plan = cudnn_final(&s, descriptor, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    if (!*plan)
        return s;
    if ((*plan)->get<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE) != handle)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a plan runs on another handle than its own");
    const Descriptor *graph =
        cudnn_final(&s, (*plan)->config.graph, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    if (!graph)
        return s;
    *o = &graph->operation;
    if (!cudnn_descriptor(
            (*plan)->get<cudnnBackendDescriptor_t>(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)) ||
        !cudnn_descriptor(graph->get<cudnnBackendDescriptor_t>(CUDNN_ATTR_OPERATIONGRAPH_OPS)))
        return CUDNN_STATUS_BAD_PARAM;
    for (cudnnBackendDescriptor_t part : (*o)->part)
        if (!cudnn_descriptor(part))
            return CUDNN_STATUS_BAD_PARAM;
    return CUDNN_STATUS_SUCCESS;
}

static bool has_note(const FakeEngine &e, int note)
{
    return std::count(e.numerical.begin(), e.numerical.end(), note) > 0;
}

static bool run(const Job &j)
{
    Liberties taken = {};
    if (check_memory(j) != CUDNN_STATUS_SUCCESS)
        return false;
    taken.rounds = has_note(j.engine, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS);
    for (int note = CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
         note <= CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13; note++)
        taken.is_off = taken.is_off || has_note(j.engine, note);
    if (j.workspace.bytes > 0)
        memset(j.workspace.p, 0xff, j.workspace.bytes);
    convolve(j.conv, j.tensor, taken);
    fake_gpu_spend((double)j.engine.ms);
    return true;
}

/* Where a plan's first run would load its kernels, which ends a capture. */
static cudnnStatus_t check_capture(bool *is_captured, cudaStream_t stream, const Descriptor *plan)
{
    enum cudaStreamCaptureStatus status;
    if (cudaStreamIsCapturing(stream, &status) != cudaSuccess)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "the stream is gone");
    *is_captured = status != cudaStreamCaptureStatusNone;
    return *is_captured && !plan->has_run
               ? cudnn_misuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART,
                              "a plan's first run loads its kernels, which ends the capture")
               : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack)
{
    Descriptor          *p = nullptr;
    const FakeOperation *o = nullptr;
    bool                 is_captured = false;
    if (!cudnn_is_handle(handle) || !handle->has_stream)
        return cudnn_misuse(CUDNN_STATUS_BAD_PARAM, "a plan runs on a handle without a stream");
    cudnnStatus_t s = check_plan(&p, &o, handle, plan);
    if (s != CUDNN_STATUS_SUCCESS)
        return s;
    const Descriptor *v = cudnn_final(&s, pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    if (!v)
        return s;
    Job j = {o->conv, p->config.engine, {}, {}};
    s = place(&j, *o, v);
    if (s == CUDNN_STATUS_SUCCESS)
        s = place_workspace(&j, v);
    if (s == CUDNN_STATUS_SUCCESS)
        s = check_memory(j);
    if (s == CUDNN_STATUS_SUCCESS && j.engine.cannot_run)
        s = cudnn_refuse("an engine that was planned and cannot run");
    if (s == CUDNN_STATUS_SUCCESS)
        s = check_capture(&is_captured, handle->stream, p);
    if (s != CUDNN_STATUS_SUCCESS)
        return s;
    p->has_run = true;
    fake_libs()->runs.push_back({o->conv, p->config.number, is_captured});
    return fake_gpu_enqueue(handle->stream, [j] { return run(j); }) == cudaSuccess
               ? CUDNN_STATUS_SUCCESS
               : CUDNN_STATUS_EXECUTION_FAILED;
}
