/* godwit plan: a backend that counts what it is asked for agrees with one that has it */
#include "kernels/counted_backend.h"
#include "pretrain/pictures.h"
extern "C" {
#include "kernels/optim/sgd.h"
#include "pretrain/moco_graph.h"
#include "pretrain/plan.h"
#include "pretrain/train_config.h"
}

namespace {

struct Recipe {
    std::vector<const char *> words;
    RecipeSource              source = {};

    explicit Recipe(std::initializer_list<const char *> overrides) : words(overrides)
    {
        static const char *const folders[] = {GODWIT_SOURCE_DIR "/pretrain/recipes"};
        source.name = "moco_tiny";
        source.folders = folders;
        source.n_folders = 1;
        source.overrides = words.data();
        source.n_overrides = (int)words.size();
    }
};

MemoryPlan planned(const Recipe &r, const Backend *like, int64_t n_classes = 10)
{
    MemoryPlan p;
    EXPECT_EQ(OK, pretrain_plan(&p, &r.source, like, n_classes)) << status_text();
    return p;
}

/* Bytes that real steps of the recipe held at most. */
int64_t measured(const Recipe &r)
{
    Counted        counted;
    PretrainConfig c = {};
    MocoConfig     moco;
    Moco           m = {};
    MocoGraph      g = {};
    Tape           t;
    EXPECT_EQ(OK, pretrain_config_load(&c, &r.source)) << status_text();
    DType dtype = c.run.dtype == 1 ? BF16 : F32;
    EXPECT_EQ(OK, config_moco(&moco, &c));
    EXPECT_EQ(OK, moco_init(&m, &counted.be, dtype, &moco)) << status_text();
    EXPECT_EQ(OK, tape_init(&t, &counted.be, dtype));
    int64_t            side = config_augment(&c).crop, dim[4] = {c.data.batch, side, side, 3};
    std::vector<float> pixels((size_t)(dim[0] * side * side * 3), 0.5f);
    MocoView   view[2] = {{pixels.data(), nullptr, nullptr}, {pixels.data(), nullptr, nullptr}};
    SgdOptions sgd = config_sgd(&c);
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(OK, moco_graph_step(&g, &t, &m, dim, view, i)) << status_text();
        EXPECT_EQ(OK, params_finish_grads(&m.params_q));
        EXPECT_EQ(OK, sgd_step(&m.params_q, &sgd, 0.01, i == 0));
        EXPECT_EQ(OK, moco_enqueue(&m));
    }
    moco_graph_release(&g);
    tape_release(&t);
    moco_release(&m);
    pretrain_config_release(&c);
    EXPECT_EQ(0, Counted::now);
    return Counted::peak;
}

} // namespace

TEST(Plan, CountsWhatRealStepsHold)
{
    for (const Recipe &r : {Recipe{}, Recipe{"dtype=bf16"}, Recipe{"moco.symmetric=true"},
                            Recipe{"model.arch=resnet50", "data.crop=32"}}) {
        MemoryPlan p = planned(r, backend_ref());
        EXPECT_GT(p.state_bytes, 100000) << p.what;
        EXPECT_GT(p.step_bytes, 100000) << p.what;
        EXPECT_EQ(measured(r), p.state_bytes + p.step_bytes) << p.what;
    }
}

TEST(Plan, GrowsWithTheBatchAndShrinksWithTheType)
{
    MemoryPlan small = planned(Recipe{"data.crop=64"}, nullptr);
    MemoryPlan large = planned(Recipe{"data.crop=64", "data.batch=16"}, nullptr);
    MemoryPlan low = planned(Recipe{"data.crop=64", "dtype=bf16"}, nullptr);
    EXPECT_EQ(small.state_bytes, large.state_bytes);
    EXPECT_NEAR(2, (double)large.step_bytes / (double)small.step_bytes, 0.1);
    EXPECT_NEAR(0.5, (double)low.step_bytes / (double)small.step_bytes, 0.1);
    EXPECT_STREQ("MoCo, resnet18, bf16, batch 8 at 64 px", low.what);
}

TEST(Plan, KnowsSupervisedRunsAndTheirClasses)
{
    Recipe     r{"method=supervised"};
    MemoryPlan few = planned(r, nullptr), many = planned(r, nullptr, 1000);
    int64_t    width = 512 / 16; // of the last stage
    /* weights, gradients and momentum of 990 more rows */
    EXPECT_NEAR((double)(3 * 4 * 990 * (width + 1)), (double)(many.state_bytes - few.state_bytes),
                1024);
    EXPECT_STREQ("supervised, resnet18, f32, batch 8 at 16 px", few.what);
}

TEST(Plan, RefusesWhatARunWouldRefuse)
{
    MemoryPlan p;
    Recipe     r{"moco.K=33"};
    EXPECT_EQ(ERR_RECIPE, pretrain_plan(&p, &r.source, nullptr, 10));
    r = Recipe{"moco.KK=33"};
    EXPECT_EQ(ERR_RECIPE, pretrain_plan(&p, &r.source, nullptr, 10));
}
