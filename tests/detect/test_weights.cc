/* Initial weights against the recipe: what a file says of itself is compared before its numbers are read. */
#include "detect/detect_test.h"
extern "C" {
#include "base/safetensors.h"
#include "detect/weights.h"
}

namespace {

/* The shapes of a ResNet-18 of a quarter of the width, as far as the check looks, with metadata. */
std::string backbone(const TempDir &dir, std::vector<SafeMeta> meta, int64_t stem = 7)
{
    static const float       zeros[16 * 3 * 7 * 7] = {};
    std::vector<std::string> names;
    std::vector<SafeTensor>  tensors = {
         {"conv1.weight", SAFE_F32, 4, {16, 3, stem, stem}, zeros, 0},
         {"layer1.0.conv2.weight", SAFE_F32, 4, {16, 16, 1, 1}, zeros, 0}};
    for (int stage = 1; stage <= 4; stage++)
        for (int block = 0; block < 2; block++)
            names.push_back("layer" + std::to_string(stage) + "." + std::to_string(block) +
                            ".conv1.weight");
    for (const std::string &name : names)
        tensors.push_back({name.c_str(), SAFE_F32, 1, {1}, zeros, 0});
    std::string path = dir.path + "/backbone.safetensors";
    EXPECT_EQ(OK, safetensors_write(path.c_str(), tensors.data(), (int64_t)tensors.size(),
                                    meta.data(), (int64_t)meta.size()))
        << status_text();
    return path;
}

/* "" when the weights fit the demo's recipe with these overrides, or the sentence. */
std::string verdict(const std::string &path, std::vector<const char *> overrides = {})
{
    DetectConfig config = {};
    const char  *folders[] = {GODWIT_SOURCE_DIR "/detect/recipes"};
    RecipeSource source = {"demo_c4", folders, 1, overrides.data(), (int)overrides.size()};
    EXPECT_EQ(OK, detect_config_load(&config, &source)) << status_text();
    Status st = detect_check_backbone(&config, path.c_str());
    detect_config_release(&config);
    EXPECT_TRUE(st == OK || st == ERR_FORMAT) << st;
    return st == OK ? "" : status_text();
}

bool says(const std::string &sentence, const char *part)
{
    return sentence.find(part) != std::string::npos;
}

} // namespace

TEST(DetectWeights, FitWhenTheyAreWhatTheRecipeWants)
{
    TempDir dir;
    EXPECT_EQ("", verdict(backbone(dir, {})));
    EXPECT_EQ("", verdict(backbone(dir, {{"stride_in_1x1", "false"}, {"channel_order", "RGB"}})));
}

TEST(DetectWeights, NameArchitectureWidthAndStemThatDiffer)
{
    TempDir     dir;
    std::string other = verdict(backbone(dir, {}), {"model.arch=resnet50"});
    EXPECT_TRUE(says(other, "holds resnet18 of width 0.25") && says(other, "resnet50")) << other;
    EXPECT_TRUE(says(verdict(backbone(dir, {}), {"model.width=1"}), "of width 1 "));
    EXPECT_TRUE(says(verdict(backbone(dir, {}, 3)), "3x3 stem"));
}

TEST(DetectWeights, NameStrideAndChannelOrderThatDiffer)
{
    TempDir dir;
    EXPECT_TRUE(
        says(verdict(backbone(dir, {{"stride_in_1x1", "true"}})), "model.stride_in_1x1=true"));
    EXPECT_TRUE(says(verdict(backbone(dir, {{"channel_order", "BGR"}})), "data.bgr=true"));
    EXPECT_TRUE(says(verdict(backbone(dir, {{"channel_order", "RGB"}}), {"data.bgr=true"}),
                     "data.bgr=false"));
}
