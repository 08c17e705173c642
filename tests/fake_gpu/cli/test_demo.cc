/* godwit demo on the GPU, with recipes of a size for the emulated one: pictures, two backbones, three detectors, the report */
#include "cli/run_program.h"

#include <cjson/cJSON.h>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <string>

TEST(DemoOnGpu, ComparesThreeInitialisationsAndLeavesAReport)
{
    TempDir dir;
    setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
    setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
    setenv("GODWIT_RECIPES", GODWIT_SOURCE_DIR "/tests/fake_gpu/cli/recipes", 1);
    Ran r =
        godwit("demo --device cuda --threads 1 --scale 0.05 --trials 1 --out " + (dir / "demo"));
    ASSERT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("8 test scenes, 5 labelled scenes")) << r.out;

    std::unique_ptr<cJSON, decltype(&cJSON_Delete)> table(
        cJSON_Parse(slurp(dir / "demo/compare.json").c_str()), cJSON_Delete);
    const cJSON          *row = nullptr, *rows = cJSON_GetObjectItem(table.get(), "rows");
    std::set<std::string> names;
    cJSON_ArrayForEach(row, rows)
    {
        names.insert(cJSON_GetStringValue(cJSON_GetObjectItem(row, "init")));
        for (const char *key : {"AP", "AP50", "AP75"}) {
            const cJSON *ap = cJSON_GetObjectItemCaseSensitive(row, key);
            ASSERT_TRUE(cJSON_IsNumber(ap)) << key;
            EXPECT_TRUE(ap->valuedouble >= 0 && ap->valuedouble <= 100) << ap->valuedouble;
        }
    }
    EXPECT_EQ(3, cJSON_GetArraySize(rows));
    EXPECT_EQ((std::set<std::string>{"random", "supervised", "moco"}), names);

    std::string page = slurp(dir / "demo/report.html");
    EXPECT_NE(std::string::npos, page.find("</html>"));
    for (const char *run : {"moco-backbone", "supervised-backbone"})
        EXPECT_FALSE(slurp(dir / ("demo/" + std::string(run) + "/backbone.safetensors")).empty());
}
