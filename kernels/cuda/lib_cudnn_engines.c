#include "kernels/cuda/lib_cudnn_engines.h"
#include "kernels/cuda/lib_workspace.h"

static const cudnnBackendHeurMode_t MODES[CUDNN_N_MODES] = {CUDNN_HEUR_MODE_A,
                                                            CUDNN_HEUR_MODE_FALLBACK};

static bool is_note_refused(cudnnBackendNumericalNote_t note, const ConvKey *k)
{
    bool is_full_f32 = k->type == F32 && !k->tf32;
    switch (note) {
    case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
    case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
    case CUDNN_NUMERICAL_NOTE_FFT:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6:
    case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
        return true;
    case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
    case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
        return is_full_f32;
    default:
        return false;
    }
}

/* The notes of one kind that the configuration's engine carries; false when cuDNN does not say, or says more than `most`,
 * which only a later one than its header can. */
static bool notes_of(cudnnBackendDescriptor_t config, cudnnBackendAttributeName_t kind,
                     cudnnBackendAttributeType_t type, int64_t most, void *note, int64_t *n)
{
    cudnnBackendDescriptor_t engine = NULL;
    bool                     is_told = false;
    *n = 0;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) !=
        CUDNN_STATUS_SUCCESS)
        return false;
    is_told =
        cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                 1, n, &engine) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendGetAttribute(engine, kind, type, most, n, note) == CUDNN_STATUS_SUCCESS &&
        *n <= most;
    cudnnBackendDestroyDescriptor(engine);
    return is_told;
}

bool cudnn_is_exact_enough(cudnnBackendDescriptor_t config, const ConvKey *k)
{
    cudnnBackendNumericalNote_t note[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t                     n = 0;
    bool is_fine = notes_of(config, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                            CUDNN_NUMERICAL_NOTE_TYPE_COUNT, note, &n);
    for (int64_t i = 0; is_fine && i < n; i++)
        is_fine = !is_note_refused(note[i], k);
    return is_fine;
}

bool cudnn_is_compiled_late(cudnnBackendDescriptor_t config)
{
    cudnnBackendBehaviorNote_t note[CUDNN_BEHAVIOR_NOTE_TYPE_COUNT];
    int64_t                    n = 0;
    bool                       is_late = false;
    if (!notes_of(config, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
                  CUDNN_BEHAVIOR_NOTE_TYPE_COUNT, note, &n))
        return false;
    for (int64_t i = 0; i < n; i++)
        is_late = is_late || note[i] == CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION;
    return is_late;
}

cudnnBackendDescriptor_t cudnn_plan_of(const CudnnTarget *target, cudnnBackendDescriptor_t config)
{
    cudnnBackendDescriptor_t plan = NULL;
    int64_t                  workspace = 0, n = 0;
    if (cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan) !=
        CUDNN_STATUS_SUCCESS)
        return NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" // versions before 9.8 want the handle
    cudnnBackendAttributeName_t with_handle = CUDNN_ATTR_EXECUTION_PLAN_HANDLE;
#pragma GCC diagnostic pop
    cudnnStatus_t on_target =
        target->handle
            ? cudnnBackendSetAttribute(plan, with_handle, CUDNN_TYPE_HANDLE, 1, &target->handle)
            : cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP,
                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &target->properties);
    if (on_target == CUDNN_STATUS_SUCCESS &&
        cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                 &config) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendFinalize(plan) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64,
                                 1, &n, &workspace) == CUDNN_STATUS_SUCCESS &&
        workspace <= LIB_WORKSPACE_BYTES)
        return plan;
    cudnnBackendDestroyDescriptor(plan);
    return NULL;
}

void cudnn_forget(cudnnBackendDescriptor_t *d)
{
    if (*d)
        cudnnBackendDestroyDescriptor(*d);
    *d = NULL;
}

Status cudnn_configs(const char *op, cudnnBackendDescriptor_t config[CUDNN_MOST_CONFIGS],
                     int64_t *n, const CudnnTarget *target, const ConvGraph *g, int mode)
{
    cudnnBackendDescriptor_t guess = NULL;
    *n = 0;
    TRY(cudnn_make(op, &guess, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR));
    Status st = cudnn_set(op, guess, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH,
                          CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &g->graph);
    if (st == OK)
        st =
            cudnn_set(op, guess, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &MODES[mode]);
    if (st == OK && !target->handle)
        st = cudnn_set(op, guess, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                       1, &target->properties);
    bool knows = st == OK && cudnnBackendFinalize(guess) == CUDNN_STATUS_SUCCESS;
    for (int i = 0; knows && st == OK && i < CUDNN_MOST_CONFIGS; i++)
        st = cudnn_make(op, &config[i], CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    if (knows && st == OK &&
        cudnnBackendGetAttribute(guess, CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDNN_MOST_CONFIGS, n,
                                 config) != CUDNN_STATUS_SUCCESS)
        *n = 0;
    cudnn_forget(&guess);
    return st;
}
