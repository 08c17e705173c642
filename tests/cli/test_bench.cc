/* bench: what is counted is what runs, and a device is measured by its own ceilings */
#include "cli/run_program.h"

#include <cjson/cJSON.h>
#include <gtest/gtest.h>
#include <memory>

extern "C" {
#include "cli/bench.h"
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
    for (const char *key : {"train_median", "test_median", "gflops", "share_of_peak", "peak_gflops",
                            "tape_peak_bytes"})
        EXPECT_GT(number(json, key), 0) << key;
    std::string trace = slurp(dir / "trace.json");
    for (const char *op : {"conv_bn_act", "roi_align", "linear"})
        EXPECT_NE(std::string::npos, trace.find(op)) << op;
}

TEST(Bench, NamesTheKeyThatARecipeDoesNotHave)
{
    Ran r = godwit("bench detect --device cpu roi.bach=8");
    EXPECT_EQ(78, r.code);
    EXPECT_NE(std::string::npos, r.err.find("roi.batch")) << r.err;
}

} // namespace
