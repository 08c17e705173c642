#include "kernels/cuda/lib_cudnn_plan.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib_cudnn_engines.h"
#include "kernels/cuda/lib_workspace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TIMED = 8, TIMED_RUNS = 3, MODE_STRIDE = 1000 };

struct ConvPlan {
    ConvKey                  key;
    ConvGraph                graph;
    cudnnBackendDescriptor_t config, plan; // plan is NULL where cuDNN has none
};

static CudnnTarget target;
static PlanCache  *cache;
static ConvPlan  **plans;
static int         n_plans, capacity;
static cudaEvent_t from, to;

Status conv_plan_open(void)
{
    struct cudaDeviceProp prop;
    char                  name[320];
    if (cudnnGetVersion() < 90000)
        return status_fail(ERR_DEVICE,
                           "device cuda: cuDNN %zu.%zu was loaded, 9.0 or later is "
                           "wanted",
                           cudnnGetVersion() / 10000, cudnnGetVersion() / 100 % 100);
    TRY(lib_cudnn_check("opening the device", cudnnCreate(&target.handle)));
    TRY(lib_cudnn_check("opening the device", cudnnSetStream(target.handle, gpu_stream())));
    TRY(gpu_check("opening the device", cudaEventCreateWithFlags(&from, cudaEventDefault)));
    TRY(gpu_check("opening the device", cudaEventCreateWithFlags(&to, cudaEventDefault)));
    TRY(gpu_check("opening the device", cudaGetDeviceProperties(&prop, 0)));
    snprintf(name, sizeof name, "%s_cudnn%zu", prop.name, cudnnGetVersion());
    cache = plan_cache_open(name);
    return OK;
}

PlanCache *conv_plan_cache(void)
{
    return cache;
}

static Status time_of(float *ms, const char *op, const ConvPlan *p, const ConvAddresses *on)
{
    TRY(conv_plan_run(op, p, on)); // loads the kernels
    TRY(gpu_check(op, cudaEventRecord(from, gpu_stream())));
    for (int i = 0; i < TIMED_RUNS; i++)
        TRY(conv_plan_run(op, p, on));
    TRY(gpu_check(op, cudaEventRecord(to, gpu_stream())));
    TRY(gpu_check(op, cudaEventSynchronize(to)));
    return gpu_check(op, cudaEventElapsedTime(ms, from, to));
}

/* The fastest of the first MOST_TIMED candidates goes into p; only number `wanted` is looked at when that is not
 * negative. *chosen is its number, -1 where there is none. */
static Status choose(const char *op, ConvPlan *p, int *chosen, int wanted, const ConvAddresses *on)
{
    cudnnBackendDescriptor_t best_plan = NULL, best_config = NULL;
    float                    best_ms = 0;
    int                      n_timed = 0;
    Status                   st = OK;
    *chosen = -1;
    for (int m = 0; m < CUDNN_N_MODES && st == OK && n_timed < MOST_TIMED; m++) {
        cudnnBackendDescriptor_t config[CUDNN_MOST_CONFIGS] = {NULL};
        int64_t                  n = 0;
        st = cudnn_configs(op, config, &n, &target, &p->graph, m);
        for (int i = 0; i < n && st == OK && n_timed < MOST_TIMED; i++) {
            int number = m * MODE_STRIDE + i;
            if ((wanted >= 0 && number != wanted) || !cudnn_is_exact_enough(config[i], &p->key))
                continue;
            p->plan = cudnn_plan_of(&target, config[i]);
            if (!p->plan)
                continue;
            float ms = 0;
            if (wanted < 0)
                st = time_of(&ms, op, p, on);
            n_timed++;
            if (st == OK && (!best_plan || ms < best_ms)) {
                cudnn_forget(&best_plan);
                cudnn_forget(&best_config);
                best_plan = p->plan;
                best_config = config[i];
                config[i] = NULL;
                best_ms = ms;
                *chosen = number;
            } else {
                cudnn_forget(&p->plan);
            }
        }
        for (int i = 0; i < CUDNN_MOST_CONFIGS; i++)
            cudnn_forget(&config[i]);
    }
    p->plan = best_plan;
    p->config = best_config;
    return st;
}

Status conv_plan_may_measure(const char *op)
{
    enum cudaStreamCaptureStatus status;
    TRY(gpu_check(op, cudaStreamIsCapturing(gpu_stream(), &status)));
    if (status == cudaStreamCaptureStatusNone)
        return OK;
    return status_fail(ERR_DEVICE,
                       "%s: a shape that no earlier step had cannot be planned while a "
                       "graph is captured",
                       op);
}

static Status make(const char *op, ConvPlan **made, const ConvKey *key, const ConvAddresses *on)
{
    int number = -1;
    TRY(conv_plan_may_measure(op));
    ConvPlan *p = calloc(1, sizeof *p);
    if (!p)
        return status_no_memory(op, (long long)sizeof *p);
    p->key = *key;
    Status st = conv_graph_make(op, &p->graph, target.handle, key);
    int    noted = plan_cache_find(cache, key, (int64_t)sizeof *key);
    if (st == OK && noted >= 0)
        st = choose(op, p, &number, noted, on);
    if (st == OK && number < 0) {
        st = choose(op, p, &number, -1, on);
        if (st == OK && number >= 0)
            plan_cache_note(cache, key, (int64_t)sizeof *key, number);
    }
    *made = p;
    return st == ERR_UNSUPPORTED ? OK : st; // remembered as a key without a plan
}

Status conv_plan_find(const char *op, const ConvPlan **plan, const ConvKey *key,
                      const ConvAddresses *on)
{
    ConvPlan *p = NULL;
    for (int i = 0; i < n_plans && !p; i++)
        if (memcmp(&plans[i]->key, key, sizeof *key) == 0)
            p = plans[i];
    if (!p && n_plans == capacity) {
        int        grown = capacity ? 2 * capacity : 128;
        ConvPlan **more = realloc(plans, (size_t)grown * sizeof *more);
        if (!more)
            return status_no_memory(op, (long long)grown);
        plans = more;
        capacity = grown;
    }
    if (!p) {
        TRY(make(op, &p, key, on));
        plans[n_plans++] = p;
    }
    *plan = p;
    if (!p->plan)
        return status_fail(ERR_UNSUPPORTED,
                           "%s: cuDNN %zu has no deterministic plan for x (%d,%d,%d,%d), w "
                           "(%d,%d,%d,%d), stride %d, pad %d, dilation %d in %s",
                           op, cudnnGetVersion(), key->N, key->H, key->W, key->Ci, key->Co, key->kh,
                           key->kw, key->ci, key->stride, key->pad, key->dilation,
                           dtype_name((DType)key->type));
    return OK;
}

Status conv_plan_run(const char *op, const ConvPlan *p, const ConvAddresses *on)
{
    int64_t                  uid[5] = {UID_X, UID_W, UID_Y, UID_SUM, UID_SQUARES};
    void                    *address[5] = {(void *)(uintptr_t)on->x, (void *)(uintptr_t)on->w,
                                           (void *)(uintptr_t)on->y, on->sum, on->squares};
    int64_t                  n = p->key.kind == CONV_STATS ? 5 : 3;
    void                    *workspace;
    cudnnBackendDescriptor_t pack = NULL;
    TRY(lib_workspace(&workspace));
    TRY(cudnn_make(op, &pack, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR));
    Status st = cudnn_set(op, pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, n, uid);
    if (st == OK)
        st = cudnn_set(op, pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, n,
                       address);
    if (st == OK)
        st = cudnn_set(op, pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
                       &workspace);
    if (st == OK)
        st = cudnn_finish(op, pack);
    if (st == OK) {
        gpu_launching(op);
        st = lib_cudnn_check(op, cudnnBackendExecute(target.handle, p->plan, pack));
        Status launched = gpu_launched(op);
        st = st == OK ? launched : st;
    }
    cudnn_forget(&pack);
    return st;
}
