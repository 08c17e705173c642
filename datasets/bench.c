/* bench.c -- the pieces of work, interleaved, timed round by round */
#include "datasets/bench.h"
#include "base/clock.h"
#include "datasets/augment.h"
#include <stdlib.h>

#define MAX_REPS 1000

typedef struct Bench {
    const ImageBytes *file;
    int64_t           n_files;
    Augmenter         augmenter;
    AugmentView       view[2], crop[2]; // finished, and for a device to finish
    PixelPlan         plan[2];
} Bench;

/* One image (pair); sample counts up so that every call has its own draws. */
typedef Status BenchWork(Bench *b, const ImageBytes *file, int64_t sample);

static Status decode(Bench *b, const ImageBytes *file, int64_t sample)
{
    (void)sample;
    return image_decode(&b->augmenter.decoded, NULL, file->data, file->n_bytes, "bench");
}

static Status augment(Bench *b, const AugmentView *view, const ImageBytes *file, int64_t sample,
                      AugmentOrder order, int64_t n_views)
{
    AugmentOptions o = augment_options(order, 0);
    return augment_bytes(&b->augmenter, view, n_views, &o, file->data, file->n_bytes, "bench", 1, 0,
                         sample);
}

static Status supervised(Bench *b, const ImageBytes *file, int64_t sample)
{
    return augment(b, b->view, file, sample, AUGMENT_SUPERVISED, 1);
}

static Status moco_v1_pair(Bench *b, const ImageBytes *file, int64_t sample)
{
    return augment(b, b->view, file, sample, AUGMENT_V1, 2);
}

static Status moco_v2_pair(Bench *b, const ImageBytes *file, int64_t sample)
{
    return augment(b, b->view, file, sample, AUGMENT_V2, 2);
}

/* What is left for the host where a device does colours, blur and mirror. */
static Status moco_crop_pair(Bench *b, const ImageBytes *file, int64_t sample)
{
    return augment(b, b->crop, file, sample, AUGMENT_V2, 2);
}

static Status decode_crop(Bench *b, const ImageBytes *file, int64_t sample)
{
    AugmentOptions o = augment_options(AUGMENT_V2, 0);
    ImageInfo      info;
    AugmentDraw    draw;
    TRY(image_probe(&info, NULL, file->data, file->n_bytes, "bench"));
    augment_draw(&draw, &o, info.width, info.height, 1, 0, sample, 0);
    return image_decode_crop(&b->augmenter.decoded, NULL, draw.crop, file->data, file->n_bytes,
                             "bench");
}

static const struct {
    const char *name;
    BenchWork  *work;
} WORK[] = {
    {"decode", decode},
    {"decode_crop", decode_crop},
    {"supervised", supervised},
    {"moco_v1_pair", moco_v1_pair},
    {"moco_v2_pair", moco_v2_pair},
    {"moco_crop_pair", moco_crop_pair},
};
enum { N_WORK = sizeof WORK / sizeof *WORK };

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status time_round(Bench *b, double *seconds, BenchWork *work, int64_t n)
{
    double begin = clock_seconds();
    for (int64_t i = 0; i < n; i++)
        TRY(work(b, &b->file[i % b->n_files], i));
    *seconds = (clock_seconds() - begin) / (double)n;
    return OK;
}

static Status run(Bench *b, DataBench *out, int64_t reps, int64_t n)
{
    double seconds[N_WORK][MAX_REPS];
    for (int64_t r = 0; r < reps; r++)
        for (int w = 0; w < N_WORK; w++)
            TRY(time_round(b, &seconds[w][r], WORK[w].work, n));
    for (int w = 0; w < N_WORK; w++) {
        qsort(seconds[w], (size_t)reps, sizeof(double), compare);
        double middle = (seconds[w][(reps - 1) / 2] + seconds[w][reps / 2]) / 2;
        out->rate[w] = (DataBenchRate){WORK[w].name, 1 / middle, 1 / seconds[w][0]};
    }
    out->n_rates = N_WORK;
    return OK;
}

Status data_bench(DataBench *out, const char *const *files, int64_t n_files, int64_t reps,
                  int64_t n)
{
    Bench       b = {.n_files = n_files};
    ImageBytes *file = NULL;
    float      *views = NULL;
    Status      st = OK;
    *out = (DataBench){0};
    if (n_files < 1 || n_files > 1 << 20 || reps < 1 || reps > MAX_REPS || n < 1)
        return status_fail(ERR_USAGE,
                           "bench: %lld files, %lld rounds of %lld; expected at least one file and "
                           "1 to %d rounds",
                           (long long)n_files, (long long)reps, (long long)n, MAX_REPS);
    file = calloc((size_t)n_files, sizeof *file);
    views = calloc(2 * 224 * 224 * 3, sizeof *views);
    if (file == NULL || views == NULL)
        TRY_OUT(status_no_memory("a benchmark", 0));
    b.file = file;
    for (int v = 0; v < 2; v++) { // the bytes of one kind overwrite those of the other
        b.view[v].pixels = views + v * 224 * 224 * 3;
        b.crop[v] = (AugmentView){.planes = (uint8_t *)b.view[v].pixels, .plan = &b.plan[v]};
    }
    for (int64_t i = 0; i < n_files; i++)
        TRY_OUT(image_bytes_read(&file[i], files[i]));
    TRY_OUT(run(&b, out, reps, n));
out:
    for (int64_t i = 0; file != NULL && i < n_files; i++)
        image_bytes_release(&file[i]);
    free(file);
    free(views);
    augmenter_release(&b.augmenter);
    return st;
}
