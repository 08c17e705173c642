#include "kernels/cuda/lib_cudnn_plan.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/key_table.h"
#include "kernels/cuda/lib_cudnn_engines.h"
#include "kernels/cuda/lib_workspace.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TIMED = 16,
    MOST_COMPILED = 2, // of those timed, engines that are compiled for the purpose
    MANY_SIZES = 8,    // of pictures and batches: those behind take the heuristics' first engine
    MOST_PLANS = 182 * 182, // kept at a time, 42 kB of the host's memory each
    TIMED_RUNS = 3,
    MODE_STRIDE = 1000,
};

struct ConvPlan {
    ConvKey                  key;
    ConvGraph                graph;
    cudnnBackendDescriptor_t config, plan; // plan is NULL where cuDNN has none
};

static CudnnTarget target;
static PlanCache  *cache;
static ConvPlan   *plans[MOST_PLANS];
static int         n_plans;
static KeyTable    place_of_key = {.key_bytes = sizeof(ConvKey)};   // in plans
static KeyTable    sizes_of_layer = {.key_bytes = sizeof(ConvKey)}; // how many it has met
static bool        is_told;                                         // what is chosen

Status conv_plan_open(void)
{
    struct cudaDeviceProp prop;
    char                  name[320];
    int                   driver = 0;
    if (cudnnGetVersion() < 90000)
        return status_fail(ERR_DEVICE,
                           "device cuda: cuDNN %zu.%zu was loaded, 9.0 or later is "
                           "wanted",
                           cudnnGetVersion() / 10000, cudnnGetVersion() / 100 % 100);
    TRY(lib_cudnn_check("opening the device", cudnnCreate(&target.handle)));
    TRY(lib_cudnn_check("opening the device", cudnnSetStream(target.handle, gpu_stream())));
    TRY(gpu_check("opening the device", cudaGetDeviceProperties(&prop, 0)));
    TRY(gpu_check("opening the device", cudaDriverGetVersion(&driver)));
    snprintf(name, sizeof name, "%s_cudnn%zu_driver%d", prop.name, cudnnGetVersion(), driver);
    cache = plan_cache_open(name);
    const char *tell = getenv("GODWIT_PLANS");
    is_told = tell && strcmp(tell, "1") == 0;
    return OK;
}

PlanCache *conv_plan_cache(void)
{
    return cache;
}

/* One plan on its tensors. */
typedef struct Trial {
    const char          *op;
    const ConvPlan      *plan;
    const ConvAddresses *on;
} Trial;

static Status run_trial(void *trial)
{
    const Trial *t = trial;
    return conv_plan_run(t->op, t->plan, t->on);
}

/* One run is enough where it takes twice the best time so far (0: there is none). */
static Status time_of(float *ms, Trial t, float best_ms)
{
    TRY(run_trial(&t)); // loads the kernels
    TRY(gpu_time(ms, t.op, 1, run_trial, &t));
    return best_ms > 0 && *ms > 2 * best_ms ? OK : gpu_time(ms, t.op, TIMED_RUNS, run_trial, &t);
}

/* How a plan is looked for. */
typedef struct Search {
    int wanted; // only this number; -1: any
    int most;   // candidates that run; one is not timed
} Search;

/* A plan can be had whose engine cannot run: each is run, also where nothing is timed. */
static Status attempt(float *ms, Trial t, Search how, float best_ms)
{
    return how.most > 1 ? time_of(ms, t, best_ms) : run_trial(&t);
}

/* The fastest of the first candidates goes into p. *chosen is its number, -1 where there is none. */
static Status choose(const char *op, ConvPlan *p, int *chosen, float *best_ms, Search how,
                     const ConvAddresses *on)
{
    cudnnBackendDescriptor_t best_plan = NULL, best_config = NULL;
    int                      n_tried = 0, n_compiled = 0;
    Status                   st = OK;
    *chosen = -1;
    *best_ms = 0;
    for (int m = 0; m < CUDNN_N_MODES && st == OK && n_tried < how.most; m++) {
        cudnnBackendDescriptor_t config[CUDNN_MOST_CONFIGS] = {NULL};
        int64_t                  n = 0;
        st = cudnn_configs(op, config, &n, &target, &p->graph, m);
        for (int i = 0; i < n && st == OK && n_tried < how.most; i++) {
            int number = m * MODE_STRIDE + i;
            if ((how.wanted >= 0 && number != how.wanted) ||
                !cudnn_is_exact_enough(config[i], &p->key))
                continue;
            bool is_compiled = cudnn_is_compiled_late(config[i]);
            if (how.wanted < 0 && is_compiled && n_compiled == MOST_COMPILED)
                continue;
            p->plan = cudnn_plan_of(&target, config[i]);
            if (!p->plan)
                continue;
            float ms = 0;
            st = attempt(&ms, (Trial){op, p, on}, how, *best_ms);
            n_tried += st == OK;
            n_compiled += is_compiled;
            if (st == ERR_UNSUPPORTED) {
                st = OK;
                cudnn_forget(&p->plan);
            } else if (st == OK && (!best_plan || ms < *best_ms)) {
                cudnn_forget(&best_plan);
                cudnn_forget(&best_config);
                best_plan = p->plan;
                best_config = config[i];
                config[i] = NULL;
                *best_ms = ms;
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

bool conv_is_worth_timing(const ConvKey *key)
{
    ConvKey layer = *key;
    layer.N = layer.H = layer.W = layer.P = layer.Q = 0;
    int32_t n = key_table_find(&sizes_of_layer, &layer);
    n = n < 0 ? 0 : n;
    return n < MANY_SIZES && key_table_put(&sizes_of_layer, &layer, n + 1);
}

/* Times of ops that wait for themselves are no times to keep. */
void conv_note(const ConvKey *key, int32_t number)
{
    if (!gpu_waits())
        plan_cache_note(cache, key, (int64_t)sizeof *key, number);
}

void conv_tell(const ConvKey *k, const char *what, int number, float ms, double began)
{
    static const char *const kind[] = {"forward", "data", "weights"};
    if (is_told)
        log_info("%s, x (%d,%d,%d,%d) w (%d,%d,%d,%d) stride %d%s, %s: %s %d, %.3f ms; took %.2f s",
                 kind[k->kind], k->N, k->H, k->W, k->Ci, k->Co, k->kh, k->kw, k->ci, k->stride,
                 k->adds ? ", added" : "", dtype_name((DType)k->type), what, number, (double)ms,
                 clock_seconds() - began);
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

static void release(ConvPlan *p)
{
    if (!p)
        return;
    cudnn_forget(&p->plan);
    cudnn_forget(&p->config);
    conv_graph_release(&p->graph);
    free(p);
}

/* Notes of untimed choices too, and sizes counted though their plan be noted: a run that is repeated or resumed then chooses
 * alike, whatever was met in between. */
static Status fill(const char *op, ConvPlan *p, const ConvAddresses *on)
{
    double began = clock_seconds();
    float  ms = 0;
    int    number = -1, noted = plan_cache_find(cache, &p->key, (int64_t)sizeof p->key);
    bool   is_timed = conv_is_worth_timing(&p->key);
    TRY(conv_graph_make(op, &p->graph, target.handle, &p->key));
    if (noted >= 0)
        TRY(choose(op, p, &number, &ms, (Search){noted, 1}, on));
    if (number < 0) {
        TRY(choose(op, p, &number, &ms, (Search){-1, is_timed ? MOST_TIMED : 1}, on));
        if (number >= 0)
            conv_note(&p->key, number);
        conv_tell(&p->key, "plan", number, ms, began);
    }
    return OK;
}

static Status make(const char *op, ConvPlan **made, const ConvKey *key, const ConvAddresses *on)
{
    TRY(conv_plan_may_measure(op));
    ConvPlan *p = calloc(1, sizeof *p);
    if (!p)
        return status_no_memory(op, (long long)sizeof *p);
    p->key = *key;
    Status st = fill(op, p, on);
    if (st == OK || st == ERR_UNSUPPORTED) { // the latter is remembered as a key without a plan
        *made = p;
        return OK;
    }
    release(p);
    return st;
}

/* Room for one more; all are forgotten when there are too many, which pictures of very many sizes can bring about. */
static Status make_room(const char *op)
{
    if (n_plans < MOST_PLANS)
        return OK;
    TRY(gpu_wait(op)); // none is in use
    while (n_plans > 0)
        release(plans[--n_plans]);
    key_table_release(&place_of_key);
    return OK;
}

bool conv_plan_is_known(const ConvKey *key)
{
    return key_table_find(&place_of_key, key) >= 0;
}

Status conv_plan_find(const char *op, const ConvPlan **plan, const ConvKey *key,
                      const ConvAddresses *on)
{
    int32_t   i = key_table_find(&place_of_key, key);
    ConvPlan *p = i >= 0 ? plans[i] : NULL;
    if (!p) {
        TRY(make_room(op));
        TRY(make(op, &p, key, on));
        if (!key_table_put(&place_of_key, key, n_plans)) {
            release(p);
            return status_no_memory(op, (long long)sizeof *p);
        }
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
    int64_t                  uid[3] = {UID_X, UID_W, UID_Y}, n = 3;
    void                    *address[3] = {(void *)(uintptr_t)on->x, (void *)(uintptr_t)on->w,
                                           (void *)(uintptr_t)on->y};
    void                    *workspace = lib_workspace();
    cudnnBackendDescriptor_t pack = NULL;
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
