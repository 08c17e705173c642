/* godwit plan of a detector agrees with steps that hold their memory */
#include "kernels/counted_backend.h"
#include <gtest/gtest.h>
#include <vector>
extern "C" {
#include "detect/config.h"
#include "detect/faster_rcnn_c4.h"
#include "detect/plan.h"
#include "kernels/optim/sgd.h"
}

namespace {

const int64_t OBJECTS = 8, CLASSES = 10;

struct Recipe {
    std::vector<const char *> words;
    RecipeSource              source = {};

    explicit Recipe(std::initializer_list<const char *> overrides) : words(overrides)
    {
        static const char *const folders[] = {GODWIT_SOURCE_DIR "/detect/recipes"};
        source.name = "demo_c4";
        source.folders = folders;
        source.n_folders = 1;
        source.overrides = words.data();
        source.n_overrides = (int)words.size();
    }
};

/* Bytes that real steps hold at most, on pictures of height x width. */
int64_t measured(const Recipe &r, int64_t height, int64_t width)
{
    Counted      counted;
    DetectConfig c = {};
    ParamSet     params = {};
    FasterRcnnC4 model = {};
    Tape         t;
    EXPECT_EQ(OK, detect_config_load(&c, &r.source)) << status_text();
    DType dtype = c.run.dtype == 1 ? BF16 : F32;
    params_init(&params, &counted.be, false);
    EXPECT_EQ(OK, faster_rcnn_c4_register(&model, &params, &c, CLASSES)) << status_text();
    EXPECT_EQ(OK, params_commit(&params, dtype, 0));
    EXPECT_EQ(OK, tape_init(&t, &counted.be, dtype));
    int64_t              n = detect_config_pass(&c), g = n * OBJECTS, n_starts = n + 1;
    std::vector<float>   pixels((size_t)(n * height * width * 3)), size, box;
    std::vector<int32_t> label((size_t)g, 3), start;
    for (size_t i = 0; i < pixels.size(); i++)
        pixels[i] = (float)(i * 37 % 251) / 125 - 1;
    for (int64_t i = 0; i <= n; i++)
        start.push_back((int32_t)(i * OBJECTS));
    for (int64_t i = 0; i < n; i++)
        size.insert(size.end(), {(float)width, (float)height});
    for (int64_t i = 0; i < g; i++)
        box.insert(box.end(), {(float)(i % 8), 2, (float)(30 + i), 50});
    SgdOptions sgd = detect_config_sgd(&c);
    LossTerms  terms;
    for (int i = 0; i < 3; i++) {
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        params_clear_grads(&params);
        int64_t     image_dim[] = {n, height, width, 3}, size_dim[] = {n, 2}, box_dim[] = {g, 4};
        DetectInput in = {};
        in.N = n;
        in.images = tape_input(&t, F32, 4, image_dim, pixels.data());
        in.size = tape_input(&t, F32, 2, size_dim, size.data());
        in.gt = {tape_input(&t, F32, 2, box_dim, box.data()),
                 tape_input(&t, I32, 1, &g, label.data()),
                 tape_input(&t, I32, 1, &n_starts, start.data())};
        in.random.iteration = (uint64_t)i;
        EXPECT_EQ(OK, tape_backward(&t, faster_rcnn_c4_loss(&t, &model, &in, &terms)))
            << status_text();
        EXPECT_EQ(OK, params_finish_grads(&params));
        EXPECT_EQ(OK, sgd_step(&params, &sgd, 1e-5, i == 0));
    }
    tape_release(&t);
    params_release(&params);
    detect_config_release(&c);
    EXPECT_EQ(0, Counted::now);
    return Counted::peak;
}

} // namespace

TEST(Plan, OfADetectorCountsWhatRealStepsHold)
{
    for (const Recipe &r :
         {Recipe{"model.width=0.125", "data.sizes=[48, 64]", "data.max_size=90", "data.batch=2"},
          Recipe{"model.width=0.125", "data.sizes=[64]", "data.max_size=90", "dtype=bf16",
                 "model.bn_sync=group", "solver.images_per_group=2"}}) {
        MemoryPlan p;
        ASSERT_EQ(OK, detect_plan(&p, &r.source, backend_ref(), CLASSES)) << status_text();
        EXPECT_EQ(measured(r, 64, 90), p.state_bytes + p.step_bytes) << p.what;
    }
}
