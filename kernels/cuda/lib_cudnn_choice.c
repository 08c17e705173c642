/* lib_cudnn_choice.c -- which of several ways to one result is the fastest, by shape */
#include "kernels/cuda/device.h"
#include "kernels/cuda/key_table.h"
#include "kernels/cuda/lib_cudnn_plan.h"

#include "base/clock.h"

enum { TIMED_RUNS = 3 };
static const float BY_FAR = 0.97f;

static KeyTable choices = {.key_bytes = sizeof(ConvKey)};

/* One way, over and over. */
typedef struct Trial {
    Status (*run)(void *ctx, int way);
    void *ctx;
    int   way;
} Trial;

static Status run_trial(void *trial)
{
    const Trial *t = trial;
    return t->run(t->ctx, t->way);
}

/* The fastest of those that are not unsupported; untimed, the first. had_room: false where one found no memory, which is no
 * reason to pass it over in another run. */
static Status find(int *found, bool *had_room, const ConvKey *key, int n, Trial t, bool is_timed)
{
    const char *op = "choosing a convolution";
    double      began = clock_seconds();
    float       best = 0;
    Status      none = OK;
    *found = -1;
    *had_room = true;
    TRY(conv_plan_may_measure(op));
    for (t.way = 0; t.way < n && (is_timed || *found < 0); t.way++) {
        float  ms = 0;
        Status st = run_trial(&t); // chooses its plans, loads the kernels
        if (st == ERR_UNSUPPORTED || (st == ERR_MEMORY && t.way > 0)) {
            none = st;
            *had_room = *had_room && st != ERR_MEMORY;
            continue;
        }
        TRY(st);
        if (is_timed) {
            TRY(gpu_time(&ms, op, TIMED_RUNS, run_trial, &t));
            conv_tell(key, "way", t.way, ms, began);
        }
        if (*found < 0 || ms < BY_FAR * best) {
            *found = t.way;
            best = ms;
        }
    }
    return *found < 0 ? none : OK;
}

Status lib_conv2d_choose(int *way, ConvKind kind, const Tensor *x, const Tensor *w, const Tensor *y,
                         const Conv2d *op, int n, Status (*run)(void *, int), void *ctx)
{
    ConvKey key = conv_key(kind, x, w, y, op);
    key.is_choice = 1;
    *way = key_table_find(&choices, &key);
    if (*way >= 0)
        return OK;
    bool is_timed = conv_is_worth_timing(&key), had_room = true;
    *way = plan_cache_find(conv_plan_cache(), &key, (int64_t)sizeof key);
    if (*way < 0 || *way >= n) {
        TRY(find(way, &had_room, &key, n, (Trial){run, ctx, 0}, is_timed));
        if (had_room)
            conv_note(&key, *way);
    }
    (void)key_table_put(&choices, &key, *way); // without memory it is looked up again
    return OK;
}
