/* recipes: the published numbers (recipes.md 2.1, 4.2) are what the files say */
#include "pretrain/formula.h"
#include <filesystem>
extern "C" {
#include "base/log.h"
#include "pretrain/train_config.h"
}

namespace {

struct Loaded {
    PretrainConfig c;
    Status         status;
    explicit Loaded(const std::string &name)
    {
        std::string path = std::string(GODWIT_SOURCE_DIR) + "/pretrain/recipes/" + name + ".json";
        log_set_level(LOG_QUIET);
        RecipeSource source = {path.c_str(), nullptr, 0, nullptr, 0};
        status = pretrain_config_load(&c, &source);
        log_set_level(LOG_INFO);
        EXPECT_EQ(OK, status) << name << ": " << status_text();
    }
    ~Loaded()
    {
        pretrain_config_release(&c);
    }
};

TEST(Recipes, AllLoad)
{
    int n = 0;
    for (const auto &f : std::filesystem::directory_iterator(std::string(GODWIT_SOURCE_DIR) +
                                                             "/pretrain/recipes")) {
        Loaded l(f.path().stem().string());
        n++;
    }
    EXPECT_GE(n, 15);
}

TEST(Recipes, V1FallsByTenAtEpochs120And160)
{
    Loaded l("moco_v1_r50_in1m");
    EXPECT_EQ(65536, l.c.moco.K);
    EXPECT_EQ(0.999, l.c.moco.m);
    EXPECT_EQ(0.07, l.c.moco.T);
    EXPECT_EQ(200 * 5004, config_steps(&l.c, 5004));
    EXPECT_DOUBLE_EQ(0.03, config_lr(&l.c, 120 * 5004 - 1, 5004));
    EXPECT_NEAR(0.003, config_lr(&l.c, 120 * 5004, 5004), 1e-12);
    EXPECT_NEAR(0.0003, config_lr(&l.c, 160 * 5004, 5004), 1e-12);
}

TEST(Recipes, V2IsV1WithFourChanges)
{
    Loaded     l("moco_v2_r50_in1m_200ep");
    MocoConfig m;
    ASSERT_EQ(OK, config_moco(&m, &l.c));
    EXPECT_EQ(HEAD_MLP, m.head);
    EXPECT_FLOAT_EQ(0.2f, m.T);
    EXPECT_EQ(AUGMENT_V2, config_augment(&l.c).order);
    EXPECT_FLOAT_EQ(0.1f, config_augment(&l.c).hue);
    EXPECT_NEAR(0.015, config_lr(&l.c, 100 * 5004 + 17, 5004), 1e-12); // cosine, by epoch
    EXPECT_EQ(800, Loaded("moco_v2_r50_in1m_800ep").c.solver.epochs);
}

TEST(Recipes, Ig1bFallsByATenthEvery62500Steps)
{
    Loaded l("moco_v1_r50_ig1b");
    EXPECT_EQ(1250000, config_steps(&l.c, 917968));
    EXPECT_DOUBLE_EQ(0.12, config_lr(&l.c, 62499, 917968));
    EXPECT_NEAR(0.12 * 0.9, config_lr(&l.c, 62500, 917968), 1e-12);
    EXPECT_EQ(64, l.c.model.bn_groups);
}

TEST(Recipes, CifarCosineEndsAtZeroInTheLastEpoch)
{
    Loaded l("moco_cifar10");
    EXPECT_NEAR(0.03 * (1 + std::cos(M_PI / 200)), config_lr(&l.c, 0, 97), 1e-12);
    EXPECT_NEAR(0, config_lr(&l.c, 199 * 97, 97), 1e-12);
    EXPECT_NEAR(5e-4, l.c.solver.decay, 1e-12);
    EXPECT_FLOAT_EQ(0.4914f, config_augment(&l.c).mean[0]);
    EXPECT_EQ(0, config_augment_test(&l.c).resize);
}

TEST(Recipes, DemoIsThePrototypes)
{
    Loaded       l("moco_demo");
    ResNetConfig net;
    ASSERT_EQ(OK, config_net(&net, &l.c));
    EXPECT_EQ(128, resnet_channels(&net, 4));
    EXPECT_EQ(64, l.c.model.dim);
    AugmentOptions a = config_augment(&l.c);
    EXPECT_EQ(48, a.crop);
    EXPECT_FLOAT_EQ(0.35f, a.scale[0]);
    EXPECT_FLOAT_EQ(0.5f, a.hue);
    EXPECT_FLOAT_EQ(0.8f, a.jitter_p);
    EXPECT_LT(config_lr(&l.c, 0, 39), 0.001);
    EXPECT_NEAR(0.06, config_lr(&l.c, 30, 39), 1e-4);
}

} // namespace
