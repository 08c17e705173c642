/* How often a run waits for the device: for its lines, its checkpoints and its end, however many steps lie between */
#include "device_under_test.h"
#include "fake_gpu/watch.h"
#include "pretrain/pictures.h"
extern "C" {
#include "base/log.h"
#include "pretrain/train.h"
}

namespace {

/* Of a run of n steps that logs and saves at its end. */
long waits_of(const TempDir &dir, std::vector<const char *> overrides, int n)
{
    static int  number;
    std::string recipe = std::string(GODWIT_SOURCE_DIR) + "/pretrain/recipes/moco_tiny.json";
    std::string data = dir / "data", out = dir / std::to_string(number++);
    std::string iters = "solver.iters=" + std::to_string(n);
    overrides.insert(overrides.end(), {iters.c_str(), "log_every=100", "checkpoint_every=100"});
    JobOptions o = {};
    o.recipe = recipe.c_str();
    o.data = data.c_str();
    o.run_dir = out.c_str();
    o.device = "cuda";
    o.overrides = overrides.data();
    o.n_overrides = (int)overrides.size();
    long before = fake_stream(FAKE_COMPUTE).n_waits;
    EXPECT_EQ(OK, pretrain_run(nullptr, &o)) << status_text();
    return fake_stream(FAKE_COMPUTE).n_waits - before;
}

TEST(Waits, AStepOfPretrainingAddsNone)
{
    TempDir dir;
    (void)device_under_test();
    if (!is_device_emulated())
        GTEST_SKIP() << "only the emulated device counts waits";
    setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
    log_set_level(LOG_QUIET);
    write_pictures(dir / "data", 32); // 12 steps an epoch
    for (const char *augment : {"data.augment=device", "data.augment=host"})
        for (const char *method : {"method=supervised", "method=moco"})
            EXPECT_EQ(waits_of(dir, {method, augment}, 6), waits_of(dir, {method, augment}, 11))
                << method << " " << augment;
    log_set_level(LOG_INFO);
}

} // namespace
