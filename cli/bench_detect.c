/* bench_detect.c -- godwit bench detect: Faster R-CNN C4 on synthetic pictures
 *
 * train: forward through both stages, the four losses, backward, SGD, one pass over the batch.  test: detection as `godwit
 * predict` runs it, a picture at a time, with what it reads back. Weights are random, so proposals are as many as
 * suppression leaves, and all pictures lie on the device: reading files is another bench's.
 */
#include "base/memory.h"
#include "base/rng.h"
#include "cli/bench.h"
#include "cli/device.h"
#include "detect/faster_rcnn_c4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Step {
    const Backend *be;
    DetectConfig   config;
    DType          dtype;
    ParamSet       params;
    FasterRcnnC4   model;
    Tape           tape;
    bool           has_params, has_tape;
    Tensor         pictures; // (N,H,W,3) on the device
    int64_t        N, G;     // pictures, ground truths of each
    float         *box, *size;
    int32_t       *label, *start;
    int64_t        n_taken;
} Step;

/* Pictures 0 .. n-1. */
static DetectInput input(Step *s, int64_t n, bool with_truth)
{
    Tape       *t = &s->tape;
    int64_t     H = s->pictures.dim[1], W = s->pictures.dim[2], g = n * s->G;
    Tensor     *view = ARENA_NEW(&t->arena, Tensor);
    DetectInput in = {.N = n, .random = {.seed = 1, .iteration = s->n_taken}};
    in.images = in.size = &t->nothing;
    if (!view) {
        tape_fail(t, ERR_MEMORY);
        return in;
    }
    *view = s->pictures;
    view->dim[0] = n;
    in.images = reshape(t, view, 4, (int64_t[]){n, H, W, 3});
    in.size = tape_input(t, F32, 2, (int64_t[]){n, 2}, s->size);
    if (with_truth)
        in.gt = (GroundTruth){tape_input(t, F32, 2, (int64_t[]){g, 4}, s->box),
                              tape_input(t, I32, 1, &g, s->label),
                              tape_input(t, I32, 1, (int64_t[]){n + 1}, s->start)};
    return in;
}

static Status train_step(void *ctx)
{
    Step      *s = ctx;
    SgdOptions sgd = detect_config_sgd(&s->config);
    LossTerms  terms;
    tape_reset(&s->tape, TAPE_RECORD | TAPE_TRAIN);
    params_clear_grads(&s->params);
    DetectInput in = input(s, s->N, true);
    TRY(tape_backward(&s->tape, faster_rcnn_c4_loss(&s->tape, &s->model, &in, &terms)));
    TRY(params_finish_grads(&s->params));
    TRY(sgd_step(&s->params, &sgd, 1e-5, s->n_taken == 0)); // noise teaches nothing
    s->n_taken++;
    return s->be->sync();
}

static Status test_step(void *ctx)
{
    Step *s = ctx;
    tape_reset(&s->tape, 0);
    DetectInput in = input(s, 1, false);
    Detections  found = faster_rcnn_c4_detect(&s->tape, &s->model, &in, NULL);
    int32_t     count = 0;
    TRY(tape_status(&s->tape));
    return s->be->read(&count, found.count->data, sizeof count);
}

/* Regions that the second stage sees of the first picture. */
static Status count_proposals(Step *s, int64_t *n)
{
    Tape   *t = &s->tape;
    int32_t count = 0;
    tape_reset(t, 0);
    DetectInput in = input(s, 1, false);
    RpnOut      rpn = rpn_head(t, &s->model.rpn, faster_rcnn_c4_map(t, &s->model, in.images));
    Proposals   found = rpn_propose(t, &s->model.rpn, &rpn, &in);
    TRY(tape_status(t));
    TRY(s->be->read(&count, found.count->data, sizeof count));
    *n = count;
    return OK;
}

/* Boxes of 40 pixels and more, or of what the picture has. */
static void draw_truth(Step *s, int64_t height, int64_t width, int64_t n_classes)
{
    Rng   r = rng_at(1, RNG_TEST, 0, 0);
    float least = 40, W = (float)width, H = (float)height;
    for (int64_t i = 0; i < s->N; i++) {
        s->size[2 * i] = W;
        s->size[2 * i + 1] = H;
        s->start[i + 1] = (int32_t)((i + 1) * s->G);
    }
    for (int64_t i = 0; i < s->N * s->G; i++) {
        float *b = s->box + 4 * i;
        b[0] = rng_uniform(&r) * 0.6f * W;
        b[1] = rng_uniform(&r) * 0.6f * H;
        b[2] = b[0] + least + rng_uniform(&r) * 0.35f * W;
        b[3] = b[1] + least + rng_uniform(&r) * 0.35f * H;
        b[2] = b[2] < W ? b[2] : W;
        b[3] = b[3] < H ? b[3] : H;
        s->label[i] = (int32_t)rng_below(&r, (uint32_t)n_classes);
    }
}

static Status make_pictures(Step *s, const BenchDetect *b)
{
    int64_t n = b->batch * b->height * b->width * 3, bytes = n * (int64_t)sizeof(float);
    float  *host = malloc((size_t)bytes);
    if (!host)
        return status_no_memory("godwit bench", bytes);
    Rng r = rng_at(0, RNG_TEST, 0, 0);
    for (int64_t i = 0; i < n; i++)
        host[i] = rng_uniform(&r) * 4 - 2;
    s->pictures = (Tensor){.dtype = F32, .ndim = 4, .dim = {b->batch, b->height, b->width, 3}};
    Status st = backend_alloc(s->be, &s->pictures.data, bytes, "the pictures");
    if (st == OK)
        st = s->be->write(s->pictures.data, host, bytes);
    free(host);
    return st;
}

static Status load_config(Step *s, const BenchDetect *b)
{
    char         batch[48], dtype[32];
    RecipeSource source = {.name = b->recipe, .n_overrides = b->n_overrides + 2};
    Status       st = OK;
    const char **all = malloc(sizeof *all * (size_t)source.n_overrides);
    if (!all)
        return status_no_memory("godwit bench", 0);
    snprintf(batch, sizeof batch, "data.batch=%lld", (long long)b->batch);
    TRY_OUT(bench_dtype(&s->dtype, b->dtype));
    snprintf(dtype, sizeof dtype, "dtype=%s", dtype_name(s->dtype));
    all[0] = batch;
    all[1] = dtype;
    for (int i = 0; i < b->n_overrides; i++)
        all[2 + i] = b->overrides[i];
    source.overrides = all;
    source.folders = recipe_folders(&source.n_folders);
    st = detect_config_load(&s->config, &source);
    s->dtype = s->config.run.dtype == 1 ? BF16 : F32;
out:
    free(all);
    return st;
}

static Status step_open(Step *s, const BenchDetect *b)
{
    s->N = b->batch;
    s->G = b->objects;
    s->box = calloc((size_t)(4 * s->N * s->G), sizeof *s->box);
    s->label = calloc((size_t)(s->N * s->G), sizeof *s->label);
    s->size = calloc((size_t)(2 * s->N), sizeof *s->size);
    s->start = calloc((size_t)s->N + 1, sizeof *s->start);
    if (!s->box || !s->label || !s->size || !s->start)
        return status_no_memory("godwit bench", s->N * s->G * 20);
    draw_truth(s, b->height, b->width, b->classes);
    TRY(load_config(s, b));
    TRY(bench_backend(&s->be, b->device, b->dtype));
    params_init(&s->params, s->be, false);
    s->has_params = true;
    TRY(faster_rcnn_c4_register(&s->model, &s->params, &s->config, b->classes));
    TRY(params_commit(&s->params, s->dtype, 0));
    TRY(tape_init(&s->tape, s->be, s->dtype));
    s->has_tape = true;
    return make_pictures(s, b);
}

static void step_release(Step *s)
{
    if (s->be && s->pictures.data)
        s->be->free(s->pictures.data);
    if (s->has_tape)
        tape_release(&s->tape);
    if (s->has_params)
        params_release(&s->params);
    detect_config_release(&s->config);
    free(s->box);
    free(s->label);
    free(s->size);
    free(s->start);
}

/* Multiply-adds of one picture's map and RPN, and of one region's second stage. */
static void count_macs(double *picture, double *region, const FasterRcnnC4 *m, int64_t height,
                       int64_t width)
{
    int64_t h = height, w = width, p = m->pool.P, q = m->pool.P;
    *picture = bench_stem_macs(&m->body, &h, &w);
    for (int stage = 1; stage <= 3; stage++)
        *picture += bench_stage_macs(&m->body, stage, &h, &w);
    const ConvLayer *head[] = {&m->rpn.conv, &m->rpn.logit, &m->rpn.delta};
    for (int i = 0; i < 3; i++)
        *picture += bench_conv_macs(head[i]->weight, &head[i]->op, &h, &w);
    *region = bench_stage_macs(&m->body, 4, &p, &q);
    *region += (double)(tensor_count(m->head.score.weight) + tensor_count(m->head.delta.weight));
}

Status bench_detect(BenchDetectResult *out, const BenchDetect *b)
{
    Step   s = {0};
    Status st = OK;
    double picture, region;
    TRY_OUT(step_open(&s, b));
    TRY_OUT(bench_time(&out->train, s.be, train_step, &s, b->reps));
    out->dtype = s.dtype == F32 && strcmp(b->dtype, "tf32") == 0 ? "tf32" : dtype_name(s.dtype);
    TRY_OUT(bench_cost(&out->cost, &s.tape, s.dtype, &out->train));
    if (b->trace)
        TRY_OUT(bench_trace(&s.tape, train_step, &s, b->trace));
    TRY_OUT(count_proposals(&s, &out->n_proposals));
    TRY_OUT(bench_time(&out->test, s.be, test_step, &s, b->reps));

    count_macs(&picture, &region, &s.model, b->height, b->width);
    out->n_regions = s.N * s.config.roi.batch;
    /* Backward costs two forwards. */
    out->cost.flops = 2 * 3 * ((double)s.N * picture + (double)out->n_regions * region);
    out->test_flops = 2 * (picture + (double)out->n_proposals * region);
out:
    step_release(&s);
    return st;
}

Status bench_detect_save(const BenchDetectResult *r, const BenchDetect *b, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "what", "faster_rcnn_c4");
    json_put_string(&w, "recipe", b->recipe ? b->recipe : "");
    json_put_int(&w, "batch", b->batch);
    json_put_int(&w, "height", b->height);
    json_put_int(&w, "width", b->width);
    json_put_string(&w, "dtype", r->dtype);
    json_put_number(&w, "train_median", 1e3 * (double)b->batch / r->train.median_ms);
    json_put_number(&w, "train_best", 1e3 * (double)b->batch / r->train.best_ms);
    json_put_number(&w, "test_median", 1e3 / r->test.median_ms);
    json_put_number(&w, "test_best", 1e3 / r->test.best_ms);
    json_put_int(&w, "regions", r->n_regions);
    json_put_int(&w, "proposals", r->n_proposals);
    json_put_number(&w, "test_gflops", r->test_flops / r->test.median_ms / 1e6);
    bench_put_cost(&w, &r->cost, r->train.median_ms);
    json_close_object(&w);
    return bench_save(&text, path);
}

void bench_detect_print(const BenchDetectResult *r, const BenchDetect *b)
{
    double n = 1e3 * (double)b->batch;
    printf("Faster R-CNN C4%s%s, %lld x %lld px, %s: images a second, median (best)\n",
           b->recipe ? " " : "", b->recipe ? b->recipe : "", (long long)b->width,
           (long long)b->height, r->dtype);
    printf("  training step   %8.2f (%.2f)   %.1f ms for %lld pictures, %lld regions\n",
           n / r->train.median_ms, n / r->train.best_ms, r->train.median_ms, (long long)b->batch,
           (long long)r->n_regions);
    printf("  detection       %8.2f (%.2f)   %.1f ms a picture, %lld regions\n",
           1e3 / r->test.median_ms, 1e3 / r->test.best_ms, r->test.median_ms,
           (long long)r->n_proposals);
    bench_print_cost(&r->cost, r->train.median_ms);
}
