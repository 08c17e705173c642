/* bench: what is counted is what runs, and a device is measured by its own ceilings */
#include "cli/run_program.h"

#include <cjson/cJSON.h>
#include <gtest/gtest.h>
#include <memory>

extern "C" {
#include "cli/bench.h"
#include "kernels/backend_entries.h"
#include "kernels/meter.h"
#include "kernels/ops/losses.h"
}

namespace {

typedef std::unique_ptr<cJSON, decltype(&cJSON_Delete)> Json;

double number(const Json &json, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(json.get(), key);
    EXPECT_TRUE(cJSON_IsNumber(v)) << key;
    return v ? v->valuedouble : 0;
}

/* Multiply-adds of a bottleneck stage on an h x w map: widths in, middle, out, stride in the 3x3. */
double stage(int blocks, double in, double mid, double out, double h, double w, double stride)
{
    double H = h / stride, W = w / stride;
    double macs = in * mid * h * w + 9 * mid * mid * H * W + mid * out * H * W + in * out * H * W;
    return macs + (blocks - 1) * (out * mid + 9 * mid * mid + mid * out) * H * W;
}

TEST(Bench, CountsTheMultiplyAddsOfResNet50)
{
    ParamSet     params = {};
    ResNet       net = {};
    ResNetConfig config = {};
    params_init(&params, backend_ref(), true);
    ASSERT_EQ(OK, resnet_config(&config, "resnet50"));
    ASSERT_EQ(OK, resnet_register(&net, &params, &config, "", HEAD_NONE, 0));
    // torchvision: 4.089 G with the classifier's 2048 x 1000
    EXPECT_EQ(4087136256.0, bench_resnet_macs(&net, 224));
    params_release(&params);
}

/* A backend whose operations do nothing but say that gradients are there, on tensors that have no memory. */
template <typename T>
void is_written(T)
{
}
void is_written(Tensor *x)
{
    if (x)
        (void)tensor_beta(x);
}
void is_written(const NormTerm *term)
{
    for (Tensor *x : {term->dx, term->dgamma, term->dbeta})
        is_written(x);
}
template <typename... A>
Status nothing(A... arguments)
{
    (is_written(arguments), ...);
    return OK;
}
template <typename... A>
void fill(Status (*&entry)(A...))
{
    entry = nothing<A...>;
}
template <typename... A>
void fill(void (*&entry)(A...))
{
    entry = [](A...) {};
}
/* What joins several passes in one. */
enum Joins { NOTHING, MASKS, PAIRS, POOLING };

const Backend *no_backend(Joins up_to)
{
    static Backend table;
    table = {};
    table.name = "none";
    table.has_norm_masks = up_to >= MASKS;
#define FILL(entry) fill(table.entry);
    BACKEND_ENTRIES(FILL)
    if (up_to >= PAIRS) {
        fill(table.norm_pair_train_forward);
        fill(table.norm_pair_train_backward);
    }
    if (up_to >= POOLING) {
        fill(table.norm_pool_train_forward);
        fill(table.norm_pool_train_backward);
    }
    table.alloc = [](void **memory, int64_t) {
        static char somewhere[64];
        *memory = somewhere;
        return OK;
    };
    return &table;
}

/* Bytes of forward and backward pass of a batch in bf16. */
double bytes_of(const ResNet *net, const Backend *be, int64_t batch)
{
    Tape    t = {};
    int64_t dim[] = {batch, 224, 224, 3}, before = meter_bytes();
    EXPECT_EQ(OK, tape_init(&t, be, BF16));
    tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
    Tensor *x = tape_tensor(&t, BF16, 4, dim), *label = tape_tensor(&t, I32, 1, dim);
    Tensor *logits = resnet_head(&t, net, resnet_features(&t, net, x));
    EXPECT_EQ(OK, tape_backward(&t, softmax_cross_entropy(&t, logits, label, 0))) << status_text();
    tape_release(&t);
    return (double)(meter_bytes() - before);
}

/* Against an independent sum over the layers (bf16, weights aside): 184 MB forward and 290 MB backward where batch norm,
 * ReLU and sum are passes of their own, 124 + 243 = 367 MB where they are one. That counts what batch norm reads again:
 * forward its input, for the statistics (22.2 MB, all convolutions' outputs), backward its input and dy, for the sums
 * (44.5 MB). Each operand once leaves 300 MB, of which the shortcuts' batch norms, without a ReLU, need not read 3. Nor are
 * the 8.2 MB needed that come out behind a ReLU without a sum; of the 11.0 MB behind a sum bits will do, written and read.
 * Where a shortcut's norm and its block's are one (3.01 MB for all four), the shortcut is not written and read, nor is its
 * gradient, nor are there bits. Where the stem's norm pools (1.61 MB, pooled 0.40), its map and gradient are not, but what the
 * maxima come from is. */
TEST(Bench, CountsTheBytesOfResNet50)
{
    const Backend *be = no_backend(NOTHING);
    ParamSet       params = {};
    ResNet         net = {};
    ResNetConfig   config = {};
    params_init(&params, be, false);
    ASSERT_EQ(OK, resnet_config(&config, "resnet50"));
    ASSERT_EQ(OK, resnet_register(&net, &params, &config, "", HEAD_LINEAR, 1000));
    ASSERT_EQ(OK, params_commit(&params, BF16, 0));
    const double outputs = 22.228e6; // 11.114 M numbers that its convolutions put out
    auto         an_image = [&](Joins up_to) {
        double bytes[2];
        for (int i = 0; i < 2; i++) {
            params_clear_grads(&params); // none is added to
            bytes[i] = bytes_of(&net, meter(no_backend(up_to)), 256 << i);
        }
        return (bytes[1] - bytes[0]) / 256;
    };
    double image = an_image(NOTHING), with_masks = an_image(MASKS), with_pairs = an_image(PAIRS),
           with_all = an_image(POOLING);
    params_release(&params);
    EXPECT_NEAR(289e6, image, 0.01 * 289e6);
    EXPECT_NEAR(367e6, image + 3 * outputs + 8.2e6, 0.015 * 367e6);
    EXPECT_NEAR(11.04e6 * (1 - 2.0 / 16), image - with_masks, 0.01e6);
    EXPECT_NEAR(3.011e6 * (4 + 2.0 / 16), with_masks - with_pairs, 0.01e6);
    EXPECT_NEAR(1.606e6 * 4 - 0.401e6 * 2, with_pairs - with_all, 0.01e6);
    EXPECT_NEAR(261e6, with_all, 0.5e6);
}

TEST(Bench, CountsTheMultiplyAddsOfADetectionStep)
{
    const char       *keys[] = {"model.width=0.125", "roi.batch=16"};
    BenchDetect       b = {};
    BenchDetectResult r = {};
    b.device = "cpu";
    b.dtype = "f32";
    b.overrides = keys;
    b.n_overrides = 2;
    b.batch = 2;
    b.height = 64;
    b.width = 96;
    b.objects = 3;
    b.classes = 5;
    b.reps = 1;
    ASSERT_EQ(OK, bench_detect(&r, &b)) << status_text();
    double picture = 8 * 147 * 32 * 48 + stage(3, 8, 8, 32, 16, 24, 1) +
                     stage(4, 32, 16, 64, 16, 24, 2) + stage(6, 64, 32, 128, 8, 12, 2);
    picture += (9 * 128 * 128 + 128 * 15 + 128 * 60) * 4 * 6; // RPN: 15 anchors a cell
    double region = stage(3, 128, 64, 256, 14, 14, 2) + 256 * (6 + 20);
    EXPECT_EQ(32, r.n_regions);
    EXPECT_EQ(6 * (2 * picture + 32 * region), r.cost.flops);
    EXPECT_GT(r.cost.bytes, 0);
    EXPECT_GT(r.n_proposals, 0);
    EXPECT_EQ(2 * (picture + (double)r.n_proposals * region), r.test_flops);
}

TEST(Bench, WritesRatesCeilingsAndATrace)
{
    TempDir dir;
    Ran     r =
        godwit("bench detect --device cpu --batch 2 --height 64 --width 64 --reps 2 --dtype bf16 "
               "model.width=0.125 roi.batch=8 --json " +
               (dir / "rates.json") + " --trace " + (dir / "trace.json"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("training step")) << r.out;
    Json json(cJSON_Parse(slurp(dir / "rates.json").c_str()), cJSON_Delete);
    for (const char *key :
         {"train_median", "test_median", "gflops", "share_of_peak", "peak_gflops", "traffic_bytes",
          "traffic_gb_s", "share_of_triad", "triad_gb_s", "tape_peak_bytes"})
        EXPECT_GT(number(json, key), 0) << key;
    EXPECT_NE(std::string::npos, r.out.find("memory traffic")) << r.out;
    std::string trace = slurp(dir / "trace.json");
    for (const char *op : {"conv_bn_act", "roi_align", "linear", "sum_squares", "sgd"})
        EXPECT_NE(std::string::npos, trace.find(op)) << op;
}

TEST(Bench, KnowsNoTf32OnTheHost)
{
    for (const char *what : {"model", "detect"}) {
        Ran r = godwit(std::string("bench ") + what + " --device cpu --dtype tf32");
        EXPECT_EQ(64, r.code);
        EXPECT_NE(std::string::npos, r.err.find("--dtype tf32 is a GPU's; device cpu has"))
            << r.err;
    }
    Ran r = godwit("bench model --device cpu --dtype fp8");
    EXPECT_EQ(64, r.code);
    EXPECT_EQ("--dtype expects f32, bf16 or tf32, found \"fp8\"\n", r.err);
}

TEST(Bench, NamesTheKeyThatARecipeDoesNotHave)
{
    Ran r = godwit("bench detect --device cpu roi.bach=8");
    EXPECT_EQ(78, r.code);
    EXPECT_NE(std::string::npos, r.err.find("roi.batch")) << r.err;
}

} // namespace
