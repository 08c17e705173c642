// godwit plan: what it prints, for both kinds of recipe, with and without a device
#include "cli/run_program.h"

#include <gtest/gtest.h>

TEST(PlanVerb, TellsWhatARecipeTakes)
{
    TempDir dir;
    Ran     r = godwit("plan pretrain moco_v2_r50_in1m_200ep dtype=bf16 --device cuda --json " +
                       (dir / "plan.json"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("MoCo, resnet50, bf16, batch 256 at 224 px\n"));
    EXPECT_NE(std::string::npos, r.out.find("GB\n"));
    std::string json = slurp(dir / "plan.json");
    for (const char *key : {"\"state_bytes\"", "\"step_bytes\"", "\"total_bytes\""})
        EXPECT_NE(std::string::npos, json.find(key)) << json;
}

TEST(PlanVerb, TakesTheLargestPicturesOfADetectionRecipe)
{
    Ran r = godwit("plan train voc_r50_c4_24k data.batch=2 --device cpu");
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos,
              r.out.find("Faster R-CNN C4, resnet50, f32, 2 pictures of 1333 x 800 px at once\n"))
        << r.out;
    Ran small = godwit("plan train demo_c4 --device ref");
    ASSERT_EQ(0, small.code) << small.err;
    EXPECT_NE(std::string::npos, small.out.find("4 pictures of 213 x 160 px at once")) << small.out;
}

TEST(PlanVerb, RefusesOtherWords)
{
    EXPECT_EQ(64, godwit("plan pretrain").code);
    EXPECT_EQ(64, godwit("plan eval moco_tiny").code);
    EXPECT_EQ(78, godwit("plan pretrain moco_tiny data.batch=0").code);
    Ran r = godwit("plan pretrain no_such_recipe");
    EXPECT_EQ(66, r.code);
    EXPECT_NE(std::string::npos, r.err.find("no_such_recipe"));
}
