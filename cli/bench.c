/* bench.c -- godwit bench model|detect|data|op|eval */
#include "cli/bench.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/bench_eval.h"
#include "cli/device.h"
#include "cli/verbs.h"
#include "datasets/bench.h"
#include "kernels/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Status bench_model_verb(const Verb *verb, int argc, char **argv)
{
    const char *what = "supervised";
    BenchModel  b = {.arch = "resnet50",
                     .dtype = "f32",
                     .width = 1,
                     .batch = 16,
                     .size = 224,
                     .reps = 9,
                     .bn_groups = 1};
    Option      options[] = {
             {"arch", OPTION_TEXT, &b.arch, "NAME", "resnet18, resnet50, ... (default resnet50)", false},
             {"what", OPTION_TEXT, &what, "NAME", "supervised or moco (default supervised)", false},
             {"width", OPTION_FLOAT, &b.width, "X", "factor on every width (default 1)", false},
             {"batch", OPTION_INT, &b.batch, "N", "pictures a step (default 16)", false},
             {"size", OPTION_INT, &b.size, "PIXELS", "side of the pictures (default 224)", false},
             {"dtype", OPTION_TEXT, &b.dtype, "TYPE", "f32, bf16, or tf32 on a GPU (default f32)",
              false},
             {"bn-groups", OPTION_INT, &b.bn_groups, "G", "batch-norm groups (default 1)", false},
             {"reps", OPTION_INT, &b.reps, "N", "timed steps (default 9)", false},
             {"trace", OPTION_TEXT, &b.trace, "FILE", "also one step op by op, as a Chrome trace",
              false},
    };
    CommandLine line = {
        .verb = verb, .options = options, .n_options = 9, .operands = "[--arch NAME] [--batch N]"};
    Status st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    b.device = line.common.device;
    b.is_moco = strcmp(what, "moco") == 0;
    if (!b.is_moco && strcmp(what, "supervised") != 0) {
        st = status_fail(
            ERR_USAGE, "godwit bench model: --what expects supervised or moco, found \"%s\"", what);
        goto out;
    }
    if (b.batch < 1 || b.batch > 65536 || b.size < 16 || b.size > 4096 || b.reps < 1 ||
        b.reps > 1000 || b.bn_groups < 1 || b.batch % b.bn_groups || !(b.width > 0)) {
        st = status_fail(ERR_USAGE, "godwit bench model: --batch 1..65536, --size 16..4096, --reps "
                                    "1..1000, --width above 0, "
                                    "--bn-groups a divisor of the batch");
        goto out;
    }
    BenchModelResult r = {0};
    TRY_OUT(bench_model(&r, &b));
    bench_model_print(&r, &b);
    if (line.common.json)
        TRY_OUT(bench_model_save(&r, &b, line.common.json));
out:
    options_release(&line);
    return st;
}

static Status bench_detect_verb(const Verb *verb, int argc, char **argv)
{
    BenchDetect b = {.batch = 2,
                     .height = 800,
                     .width = 1066,
                     .objects = 4,
                     .classes = 20,
                     .reps = 9,
                     .dtype = "f32"};
    Option      options[] = {
             {"batch", OPTION_INT, &b.batch, "N",
              "pictures a step (default 2, what one of the paper's GPUs had)", false},
             {"height", OPTION_INT, &b.height, "PIXELS", "of the pictures (default 800)", false},
             {"width", OPTION_INT, &b.width, "PIXELS", "of the pictures (default 1066)", false},
             {"dtype", OPTION_TEXT, &b.dtype, "TYPE", "f32, bf16, or tf32 on a GPU (default f32)",
              false},
             {"objects", OPTION_INT, &b.objects, "N", "ground truths of a picture (default 4)", false},
             {"classes", OPTION_INT, &b.classes, "N", "(default 20, VOC's)", false},
             {"reps", OPTION_INT, &b.reps, "N", "timed steps (default 9)", false},
             {"trace", OPTION_TEXT, &b.trace, "FILE",
              "also one training step op by op, as a Chrome trace", false},
    };
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = 8,
                        .operands = "[RECIPE] [--batch N] [key=value ...]",
                        .max_operands = 1,
                        .takes_overrides = true};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (b.batch < 1 || b.batch > 1024 || b.height < 32 || b.height > 4096 || b.width < 32 ||
        b.width > 4096 || b.objects < 1 || b.objects > 1000 || b.classes < 1 || b.classes > 10000 ||
        b.reps < 1 || b.reps > 1000) {
        st = status_fail(ERR_USAGE, "godwit bench detect: --batch 1..1024, --height and --width "
                                    "32..4096, --objects 1..1000, "
                                    "--classes 1..10000, --reps 1..1000");
        goto out;
    }
    b.recipe = line.n_operands > 0 ? line.operand[0] : NULL;
    b.device = line.common.device;
    b.overrides = line.override;
    b.n_overrides = line.n_overrides;
    BenchDetectResult r = {0};
    TRY_OUT(bench_detect(&r, &b));
    bench_detect_print(&r, &b);
    if (line.common.json)
        TRY_OUT(bench_detect_save(&r, &b, line.common.json));
out:
    options_release(&line);
    return st;
}

static Status save_rates(const DataBench *b, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    for (int64_t i = 0; i < b->n_rates; i++) {
        json_open_object(&w, b->rate[i].name);
        json_put_number(&w, "median", b->rate[i].median);
        json_put_number(&w, "best", b->rate[i].best);
        json_close_object(&w);
    }
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

static Status bench_data_verb(const Verb *verb, int argc, char **argv)
{
    int64_t reps = 7, n = 60;
    Option  options[] = {
         {"reps", OPTION_INT, &reps, "N", "interleaved rounds (default 7)", false},
         {"n", OPTION_INT, &n, "N", "pictures, or pairs, a round (default 60)", false},
    };
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = 2,
                        .operands = "FILE.jpg...",
                        .min_operands = 1,
                        .max_operands = -1};
    DataBench   bench = {0};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (reps < 1 || n < 1) {
        st = status_fail(ERR_USAGE, "godwit bench data: --reps and --n must be at least 1");
        goto out;
    }
    TRY_OUT(data_bench(&bench, line.operand, line.n_operands, reps, n));
    printf("one core, %d file%s, a second: median (best)\n", line.n_operands,
           line.n_operands == 1 ? "" : "s");
    for (int64_t i = 0; i < bench.n_rates; i++)
        printf("  %-16s %8.1f (%.1f)\n", bench.rate[i].name, bench.rate[i].median,
               bench.rate[i].best);
    if (line.common.json)
        TRY_OUT(save_rates(&bench, line.common.json));
out:
    options_release(&line);
    return st;
}

static Status save_ops(const OpBench *row, int n, const BenchCeilings *c, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "device", c->device);
    json_put_number(&w, "peak_gflops", c->peak_gflops > 0 ? c->peak_gflops : NAN);
    json_put_number(&w, "triad_gb_s", c->triad_gb_per_s > 0 ? c->triad_gb_per_s : NAN);
    json_open_array(&w, "ops");
    for (int i = 0; i < n; i++) {
        json_open_object(&w, NULL);
        json_put_string(&w, "name", row[i].name);
        json_put_number(&w, "forward_ms", row[i].forward_ms);
        json_put_number(&w, "backward_ms", row[i].backward_ms);
        json_put_number(&w, "gflop", row[i].gflop);
        json_put_number(&w, "mbytes", row[i].mbytes);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

/* "f32 peak 1063 GFLOP/s, triad 30.1 GB/s", or a device's product and copy, as far as it had room to measure them. */
static void print_ceilings(const BenchCeilings *c, DType dtype)
{
    bool is_host = !c->device[0];
    if (is_host)
        printf("f32 peak");
    else
        printf("%s: product in %s", c->device, dtype_name(dtype));
    if (c->peak_gflops > 0)
        printf(" %.0f GFLOP/s, ", c->peak_gflops);
    else
        printf(" not measured: no room, ");
    if (c->triad_gb_per_s > 0)
        printf("%s %.1f GB/s", is_host ? "triad" : "copy", c->triad_gb_per_s);
    else
        printf("copy not measured: no room");
}

static void print_ops(const OpBench *row, int n, const BenchCeilings *c, DType dtype)
{
    print_ceilings(c, dtype);
    printf("; best of the runs\n%-44s %10s %10s %9s %9s %7s\n", "op", "forward ms", "backward",
           "GFLOP/s", "GB/s", "% peak");
    for (int i = 0; i < n; i++) {
        double rate = row[i].gflop / row[i].forward_ms * 1e3;
        char   share[16] = "-";
        if (c->peak_gflops > 0)
            snprintf(share, sizeof share, "%.1f", 100 * rate / c->peak_gflops);
        printf("%-44s %10.3f %10.3f %9.1f %9.1f %7s\n", row[i].name, row[i].forward_ms,
               row[i].backward_ms, rate, row[i].mbytes / row[i].forward_ms, share);
    }
}

static Status bench_op_verb(const Verb *verb, int argc, char **argv)
{
    enum { MOST_OPS = 128 };
    const char *dtype_word = "f32";
    int64_t     batch = 16, reps = 5;
    Option      options[] = {
             {"batch", OPTION_INT, &batch, "N", "pictures of 224 x 224 (default 16)", false},
             {"dtype", OPTION_TEXT, &dtype_word, "TYPE", "f32 or bf16 (default f32)", false},
             {"reps", OPTION_INT, &reps, "N", "runs of each, the best counts (default 5)", false},
    };
    CommandLine line = {
        .verb = verb, .options = options, .n_options = 3, .operands = "[--batch N] [--dtype TYPE]"};
    OpBench       *row = NULL;
    const Backend *be = NULL;
    DType          dtype = F32;
    int            n = 0;
    BenchCeilings  ceilings;
    Status         st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (batch < 1 || batch > 4096 || reps < 1 || reps > 1000) {
        st = status_fail(ERR_USAGE, "godwit bench op: --batch 1..4096, --reps 1..1000");
        goto out;
    }
    row = calloc(MOST_OPS, sizeof *row);
    if (!row) {
        st = status_no_memory("godwit bench op", MOST_OPS * (long long)sizeof *row);
        goto out;
    }
    TRY_OUT(device_dtype(&dtype, dtype_word));
    TRY_OUT(backend_open(&be, line.common.device, dtype));
    backend_log_device(be);
    TRY_OUT(bench_ceilings(&ceilings, be, dtype));
    TRY_OUT(bench_ops(row, &n, MOST_OPS, be, dtype, batch, (int)reps));
    print_ops(row, n, &ceilings, dtype);
    if (line.common.json)
        TRY_OUT(save_ops(row, n, &ceilings, line.common.json));
out:
    free(row);
    options_release(&line);
    return st;
}

typedef struct Kind {
    const char *name, *sentence;
    Status (*run)(const Verb *verb, int argc, char **argv);
} Kind;

static const Kind kinds[] = {
    {"model", "a whole training step on synthetic pictures", bench_model_verb},
    {"detect", "a training step and detection of Faster R-CNN C4", bench_detect_verb},
    {"data", "decoding and augmentation on one core", bench_data_verb},
    {"op", "single ops on the shapes of real networks", bench_op_verb},
    {"eval", "COCO and LVIS evaluation beside installed peers", bench_eval_verb},
};

Status verb_bench(const Verb *verb, int argc, char **argv)
{
    enum { KINDS = sizeof kinds / sizeof *kinds };
    for (int i = 0; argc > 1 && i < KINDS; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) {
            char name[32];
            snprintf(name, sizeof name, "bench %s", kinds[i].name);
            Verb sub = {name, kinds[i].sentence, kinds[i].run, NULL};
            (void)verb;
            return sub.run(&sub, argc - 1, argv + 1);
        }
    if (argc > 1 && strncmp(argv[1], "-h", 2) != 0 && strcmp(argv[1], "--help") != 0)
        return status_fail(ERR_USAGE,
                           "godwit bench: expects model, detect, data, op or eval, found \"%s\"",
                           argv[1]);
    printf("usage: godwit bench KIND ...\n\n");
    for (int i = 0; i < KINDS; i++)
        printf("  %-8s %s\n", kinds[i].name, kinds[i].sentence);
    printf("\n`godwit bench KIND --help` lists the options of each.\n");
    return argc > 1
               ? OK
               : status_fail(ERR_USAGE, "godwit bench: expects model, detect, data, op or eval");
}
