#include "pretrain/plan.h"
#include "kernels/ops/augment.h"
#include "kernels/optim/sgd.h"
#include "pretrain/moco_graph.h"
#include "pretrain/supervised.h"
#include "pretrain/train_config.h"
#include <stdio.h>

enum { STEPS = 6 }; // memory settles, a graph is kept and used

static const char NEVER_READ[1]; // host memory of a device that takes nothing from it

typedef struct Steps {
    PretrainConfig config;
    const Backend *be;
    DType          dtype;
    int64_t        batch, side;
    Moco           moco;
    MocoGraph      graph;
    Supervised     sup;
    Feed           feed; // of it
    Tape           tape;
    bool           has_tape, on_device; // the device finishes crops, which come as bytes
} Steps;

static bool is_moco(const Steps *s)
{
    return s->config.run.method == METHOD_MOCO;
}

static Status open_steps(Steps *s, const RecipeSource *recipe, const Backend *like,
                         int64_t n_classes)
{
    const PretrainConfig *c = &s->config;
    ResNetConfig          net;
    MocoConfig            moco;
    TRY(pretrain_config_load(&s->config, recipe));
    s->be = s->feed.be = plan_backend(like);
    s->dtype = c->run.dtype == 1 ? BF16 : F32;
    s->batch = c->data.batch;
    s->side = config_augment(c).crop;
    s->on_device = config_augments_on_device(c, s->be);
    if (is_moco(s)) {
        TRY(config_moco(&moco, c));
        TRY(moco_init(&s->moco, s->be, s->dtype, &moco));
    } else {
        TRY(config_net(&net, c));
        TRY(supervised_init(&s->sup, s->be, s->dtype, &net, n_classes, 0));
    }
    TRY(tape_init(&s->tape, s->be, s->dtype));
    s->has_tape = true;
    return OK;
}

static void close_steps(Steps *s)
{
    moco_graph_release(&s->graph);
    feed_release(&s->feed);
    if (s->has_tape)
        tape_release(&s->tape);
    if (s->moco.params_q.be)
        moco_release(&s->moco);
    if (s->sup.params.be)
        supervised_release(&s->sup);
    pretrain_config_release(&s->config);
}

static Status moco_step(Steps *s, int64_t step)
{
    const void *host = NEVER_READ;
    int64_t     dim[4] = {s->batch, s->side, s->side, 3};
    MocoView    view =
        s->on_device ? (MocoView){.crops = host, .plans = host} : (MocoView){.pixels = host};
    return moco_graph_step(&s->graph, &s->tape, &s->moco, dim, (MocoView[2]){view, view}, step);
}

static Status supervised_step(Steps *s)
{
    Tape       *t = &s->tape;
    Feed       *f = &s->feed;
    PixelStats  stats = {.std = {1, 1, 1}};
    const void *host = NEVER_READ;
    int64_t     n = s->batch, side = s->side;
    Tensor     *right, *x, *plans = NULL;
    tape_reset(t, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&s->sup.params);
    Tensor *labels = feed_input(f, t, I32, 1, &n, host);
    if (s->on_device) {
        x = feed_input(f, t, U8, 4, (int64_t[]){n, 3, side, side}, host);
        plans = feed_input(f, t, I32, 2, (int64_t[]){n, PIXEL_PLAN_WORDS}, host);
    } else {
        x = feed_input(f, t, F32, 4, (int64_t[]){n, side, side, 3}, host);
    }
    TRY(feed_end(f));
    if (s->on_device)
        x = augment(t, x, plans, &stats);
    return tape_backward(t, supervised_loss(t, &s->sup, &right, x, labels));
}

static Status take_steps(Steps *s)
{
    ParamSet  *ps = is_moco(s) ? &s->moco.params_q : &s->sup.params;
    SgdOptions sgd = config_sgd(&s->config);
    for (int64_t i = 0; i < STEPS; i++) {
        TRY(is_moco(s) ? moco_step(s, i) : supervised_step(s));
        TRY(params_finish_grads(ps));
        TRY(sgd_step(ps, &sgd, 0.1, i == 0));
        if (is_moco(s))
            TRY(moco_enqueue(&s->moco));
    }
    return OK;
}

Status pretrain_plan(MemoryPlan *out, const RecipeSource *recipe, const Backend *like,
                     int64_t n_classes)
{
    Steps  s = {0};
    Status st = OK;
    *out = (MemoryPlan){0};
    TRY_OUT(open_steps(&s, recipe, like, n_classes));
    out->state_bytes = plan_bytes();
    TRY_OUT(take_steps(&s));
    out->step_bytes = plan_peak() - out->state_bytes;
    snprintf(out->what, sizeof out->what, "%s, %s, %s, batch %lld at %lld px",
             is_moco(&s) ? "MoCo" : "supervised", s.config.model.arch, dtype_name(s.dtype),
             (long long)s.batch, (long long)s.side);
out:
    close_steps(&s);
    return st;
}
