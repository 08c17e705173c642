#include "detect/plan.h"
#include "detect/config.h"
#include "detect/faster_rcnn_c4.h"
#include <stdio.h>

enum { STEPS = 3, OBJECTS = 8 }; // of a picture; their few bytes decide nothing

static const char NEVER_READ[1]; // host memory of a device that takes nothing from it

typedef struct Steps {
    DetectConfig config;
    DType        dtype;
    int64_t      height, width, pass; // pixels; pictures at once
    ParamSet     params;
    FasterRcnnC4 model;
    Feed         feed;
    Tape         tape;
    bool         has_params, has_tape;
} Steps;

/* The largest short side, and the longest side that goes with it; 4:3 where the recipe sets no limit. */
static void largest_picture(Steps *s)
{
    const DetectDataKeys *d = &s->config.data;
    for (int64_t i = 0; i < d->sizes.n; i++)
        s->height = d->sizes.v[i] > s->height ? d->sizes.v[i] : s->height;
    s->width = d->max_size > s->height ? d->max_size
               : d->max_size > 0       ? s->height
                                       : s->height * 4 / 3;
}

static Status open_steps(Steps *s, const RecipeSource *recipe, const Backend *like,
                         int64_t n_classes)
{
    TRY(detect_config_load(&s->config, recipe));
    const Backend *be = s->feed.be = plan_backend(like);
    s->dtype = s->config.run.dtype == 1 ? BF16 : F32;
    s->pass = detect_config_pass(&s->config);
    largest_picture(s);
    params_init(&s->params, be, false);
    s->has_params = true;
    TRY(faster_rcnn_c4_register(&s->model, &s->params, &s->config, n_classes));
    TRY(params_commit(&s->params, s->dtype, 0));
    TRY(tape_init(&s->tape, be, s->dtype));
    s->has_tape = true;
    return OK;
}

static void close_steps(Steps *s)
{
    feed_release(&s->feed);
    if (s->has_tape)
        tape_release(&s->tape);
    if (s->has_params)
        params_release(&s->params);
    detect_config_release(&s->config);
}

/* A batch of the largest pictures. */
static DetectInput input(Steps *s)
{
    static const float   box[4 * OBJECTS];
    static const int32_t label[OBJECTS];
    Tape                *t = &s->tape;
    DetBatch             b = {.n = s->pass, .height = s->height, .width = s->width};
    DetBatchImage       *image = ARENA_ARRAY(&t->arena, DetBatchImage, s->pass);
    if (!image) {
        tape_fail(t, ERR_MEMORY);
        return (DetectInput){0};
    }
    for (int64_t i = 0; i < s->pass; i++)
        image[i] = (DetBatchImage){.width = s->width,
                                   .height = s->height,
                                   .n_objects = OBJECTS,
                                   .box = box,
                                   .label = label};
    b.image = image;
    if (detect_input_loader(&s->config, true, t->be).bytes_only)
        b.bytes = (const uint8_t *)NEVER_READ;
    else
        b.pixels = (const float *)NEVER_READ;
    return detect_input(t, &s->feed, &b, 0, s->pass, 0);
}

static Status take_steps(Steps *s)
{
    SgdOptions sgd = detect_config_sgd(&s->config);
    LossTerms  terms;
    for (int i = 0; i < STEPS; i++) {
        tape_reset(&s->tape, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&s->params);
        DetectInput in = input(s);
        TRY(tape_status(&s->tape));
        TRY(tape_backward(&s->tape, faster_rcnn_c4_loss(&s->tape, &s->model, &in, &terms)));
        TRY(params_finish_grads(&s->params));
        TRY(sgd_step(&s->params, &sgd, 0.01, i == 0));
    }
    return OK;
}

Status detect_plan(MemoryPlan *out, const RecipeSource *recipe, const Backend *like,
                   int64_t n_classes)
{
    Steps  s = {0};
    Status st = OK;
    *out = (MemoryPlan){0};
    TRY_OUT(open_steps(&s, recipe, like, n_classes));
    out->state_bytes = plan_bytes();
    TRY_OUT(take_steps(&s));
    out->step_bytes = plan_peak() - out->state_bytes;
    snprintf(out->what, sizeof out->what,
             "Faster R-CNN C4, %s, %s, %lld pictures of %lld x %lld px at once",
             s.config.model.arch, dtype_name(s.dtype), (long long)s.pass, (long long)s.width,
             (long long)s.height);
out:
    close_steps(&s);
    return st;
}
