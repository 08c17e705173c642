/* Every verb that takes --device, on the GPU beside cpu: networks and pictures of seconds (demo, bench model and bench detect
 * have files of their own, MoCo has pretrain/test_moco_run.cc) */
#include "cli/run_program.h"

#include <algorithm>
#include <cjson/cJSON.h>
#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

extern "C" {
#include "base/safetensors.h"
}

class VerbsOnGpu : public ::testing::Test {
  protected:
    TempDir dir;

    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        setenv("FAKE_GPU_RACES", "0", 0); // test_kernels_gpu looks for races
        setenv("GODWIT_RECIPES", GODWIT_SOURCE_DIR "/tests/fake_gpu/cli/recipes", 1);
    }
    void run(const std::string &words)
    {
        Ran r = godwit(words + " --threads 1");
        ASSERT_EQ(0, r.code) << words << "\n" << r.err;
    }
    /* n pictures in the folders a and b by turns: two classes, which a class of a picture each would not be. */
    void pictures(const std::string &name, int n, int seed)
    {
        run("scenes --kind object --layout folder --size 20 --val 0 --test 0 --train " +
            std::to_string(n) + " --seed " + std::to_string(seed) + " --out " + (dir / "drawn"));
        for (const char *c : {"/a", "/b"})
            std::filesystem::create_directories(dir / (name + c));
        std::vector<std::filesystem::path> drawn;
        for (const auto &e : std::filesystem::recursive_directory_iterator(dir / "drawn/train"))
            if (e.is_regular_file())
                drawn.push_back(e.path());
        std::sort(drawn.begin(), drawn.end());
        for (size_t i = 0; i < drawn.size(); i++)
            std::filesystem::rename(
                drawn[i], dir / (name + (i % 2 ? "/b/" : "/a/") + std::to_string(i) + ".jpg"));
        std::filesystem::remove_all(dir / "drawn");
    }
    std::string pretrain(const std::string &name, const std::string &how)
    {
        return "pretrain " GODWIT_SOURCE_DIR "/pretrain/recipes/moco_tiny.json method=supervised "
               "solver.iters=6 solver.warmup_iters=4 --data " +
               (dir / "bank") + " --out " + (dir / name) + " " + how;
    }
    std::string train(const std::string &name, const std::string &how)
    {
        return "train demo_c4 solver.iters=6 'data.train=[\"Scenes/train\"]' --no-evaluation "
               "--data " +
               (dir / "scenes/VOCdevkit") + " --out " + (dir / name) + " " + how;
    }
    void scenes()
    {
        run("scenes --size 64 --train 6 --val 0 --test 2 --out " + (dir / "scenes"));
    }
};

static void collect(std::vector<double> *found, const cJSON *node, const std::string &key)
{
    const cJSON *child = nullptr, *item = nullptr;
    cJSON_ArrayForEach(child, node)
    {
        if (!child->string || key != child->string)
            collect(found, child, key);
        else if (cJSON_IsNumber(child))
            found->push_back(child->valuedouble);
        else
            cJSON_ArrayForEach(item, child) found->push_back(item->valuedouble);
    }
}

/* All numbers behind a key of a JSON file, in order. */
static std::vector<double> numbers(const std::string &path, const std::string &key)
{
    std::vector<double> found;
    cJSON              *root = cJSON_Parse(slurp(path).c_str());
    EXPECT_NE(nullptr, root) << path;
    collect(&found, root, key);
    cJSON_Delete(root);
    return found;
}

static void expect_near(const std::vector<double> &a, const std::vector<double> &b, double tol)
{
    ASSERT_EQ(a.size(), b.size());
    ASSERT_FALSE(a.empty());
    double most = 0;
    for (double v : a)
        most = std::max(most, std::fabs(v));
    for (size_t i = 0; i < a.size(); i++)
        ASSERT_NEAR(a[i], b[i], tol * most) << i;
}

TEST_F(VerbsOnGpu, PretrainsOnLabelsAsCpuDoes)
{
    pictures("bank", 24, 1);
    run(pretrain("cpu", "--device cpu"));
    run(pretrain("gpu", "--device cuda"));
    std::vector<double> cpu = losses_of(dir / "cpu"), gpu = losses_of(dir / "gpu");
    ASSERT_EQ((size_t)6, cpu.size());
    ASSERT_EQ((size_t)6, gpu.size());
    /* until an activation near 0 falls on the other side of its ReLU: pretrain/test_moco_run.cc */
    const double tolerance[6] = {1e-5, 1e-3, 1e-2, 0.1, 0.1, 0.1};
    for (int i = 0; i < 6; i++)
        EXPECT_NEAR(cpu[i], gpu[i], tolerance[i] * cpu[i]) << "step " << i + 1;

    EXPECT_TRUE(godwit_killed_at(pretrain("killed", "--device cuda --threads 1 checkpoint_every=1"),
                                 dir / "killed/checkpoints/step_0000001.safetensors"));
    run(pretrain("killed", "--device cuda checkpoint_every=1 --resume auto"));
    EXPECT_TRUE(slurp(dir / "gpu/encoder.safetensors") ==
                slurp(dir / "killed/encoder.safetensors"));
    EXPECT_EQ(gpu, losses_of(dir / "killed"));
}

static std::vector<double> features(const std::string &path)
{
    SafeFile            f = {};
    std::vector<double> v;
    EXPECT_EQ(OK, safetensors_open(&f, path.c_str())) << status_text();
    for (int64_t i = 0; i < f.n; i++)
        if (std::string(f.tensor[i].name) == "features") {
            const float *x = (const float *)f.tensor[i].data;
            v.assign(x, x + safetensors_count(f.tensor + i));
        }
    safetensors_close(&f);
    return v;
}

TEST_F(VerbsOnGpu, EmbedAndKnnSeeTheFeaturesOfCpu)
{
    pictures("bank", 24, 1);
    pictures("asked", 12, 2);
    run(pretrain("run", "--device cpu"));
    for (std::string type : {"f32", "bf16"}) {
        for (std::string what : {"pooled", "head"}) {
            SCOPED_TRACE(type + " " + what);
            std::vector<double> of[2];
            for (std::string device : {"cpu", "cuda"}) {
                std::string file = dir / (device + type + what + ".safetensors");
                run("embed --weights " + (dir / "run/encoder.safetensors") + " --data " +
                    (dir / "asked") + " --features " + what + " --dtype " + type + " --device " +
                    device + " --out " + file);
                of[device == "cuda"] = features(file);
            }
            /* sums in another order; a bf16 map may round to its neighbour, 2^-8 away, in each layer */
            expect_near(of[0], of[1], type == "f32" ? 1e-5 : 2e-2);
        }
        std::vector<double> top1[2];
        for (std::string device : {"cpu", "cuda"}) {
            std::string file = dir / (device + type + ".json");
            run("knn --weights " + (dir / "run/backbone.safetensors") + " --train " +
                (dir / "bank") + " --test " + (dir / "asked") + " --k 3 --dtype " + type +
                " --device " + device + " --json " + file);
            top1[device == "cuda"] = numbers(file, "top1");
        }
        ASSERT_EQ((size_t)1, top1[0].size());
        ASSERT_EQ((size_t)1, top1[1].size());
        EXPECT_GT(top1[0][0], 0);
        EXPECT_NEAR(top1[0][0], top1[1][0], type == "f32" ? 0 : 1.001 / 12) << "one picture";
    }
}

TEST_F(VerbsOnGpu, TrainEndsWithTheSameBitsWhenItIsKilledAndResumed)
{
    scenes();
    run(train("straight", "--device cuda"));
    EXPECT_TRUE(godwit_killed_at(train("killed", "--device cuda --threads 1 checkpoint_every=1"),
                                 dir / "killed/checkpoints/step_0000001.safetensors"));
    run(train("killed", "--device cuda checkpoint_every=1 --resume auto"));
    EXPECT_FALSE(slurp(dir / "straight/model.safetensors").empty());
    EXPECT_TRUE(slurp(dir / "straight/model.safetensors") ==
                slurp(dir / "killed/model.safetensors"));
    EXPECT_EQ(losses_of(dir / "straight"), losses_of(dir / "killed"));
}

TEST_F(VerbsOnGpu, PredictFindsWhatCpuFinds)
{
    scenes();
    run(train("run", "--device cpu"));
    for (std::string device : {"cpu", "cuda"})
        run("predict --run " + (dir / "run") + " " + (dir / "scenes/VOCdevkit/Scenes/JPEGImages") +
            " --least-score 0.001 --no-pictures --device " + device + " --out " + (dir / device));
    std::string cpu = dir / "cpu/predictions.json", gpu = dir / "cuda/predictions.json";
    expect_near(numbers(cpu, "score"), numbers(gpu, "score"), 1e-4);
    expect_near(numbers(cpu, "box"), numbers(gpu, "box"), 1e-3);
}

TEST_F(VerbsOnGpu, BenchOpTimesEveryRow)
{
    std::vector<double> rows[2];
    for (std::string device : {"cpu", "cuda"}) {
        std::string file = dir / (device + ".json");
        run("bench op --batch 1 --reps 1 --dtype bf16 --device " + device + " --json " + file);
        rows[device == "cuda"] = numbers(file, "gflop");
        for (const char *key : {"forward_ms", "backward_ms"})
            for (double ms : numbers(file, key))
                EXPECT_GT(ms, 0) << device << " " << key;
    }
    EXPECT_FALSE(rows[0].empty());
    EXPECT_EQ(rows[0], rows[1]);
}

TEST_F(VerbsOnGpu, DoctorNamesTheDeviceAndItsMemory)
{
    Ran r = godwit("doctor --device cuda");
    EXPECT_EQ(0, r.code) << r.err;
    EXPECT_NE(std::string::npos, r.out.find("GB free: --device cuda")) << r.out;
    EXPECT_NE(std::string::npos, r.out.find("GPU's JPEG")) << r.out;
    bool is_emulated = std::string(getenv("GODWIT_CUDA")) == GODWIT_TEST_PLUGIN;
    EXPECT_EQ(is_emulated, r.out.find("emulated GPU, 4.") != std::string::npos) << r.out;
}

/* Not the cpu under another name. */
TEST_F(VerbsOnGpu, EachVerbAsksForTheDeviceThatItIsTold)
{
    pictures("bank", 8, 1);
    scenes();
    run(pretrain("run", "--device cpu"));
    run(train("found", "--device cpu"));
    std::string device = getenv("GODWIT_CUDA");
    setenv("GODWIT_CUDA", (dir / "nowhere.so").c_str(), 1);
    std::string of_run = " --weights " + (dir / "run/backbone.safetensors") + " ";
    for (const std::string &words :
         {pretrain("a", ""), train("b", ""),
          "knn" + of_run + "--train " + (dir / "bank") + " --test " + (dir / "bank"),
          "embed" + of_run + "--data " + (dir / "bank") + " --out " + (dir / "c.safetensors"),
          "predict --run " + (dir / "found") + " " + (dir / "bank/a"),
          std::string("bench op --batch 1 --reps 1"), std::string("bench model"),
          std::string("bench detect")}) {
        Ran r = godwit(words + " --device cuda");
        EXPECT_EQ(71, r.code) << words;
        EXPECT_NE(std::string::npos, r.err.find("nowhere.so")) << words << "\n" << r.err;
    }
    setenv("GODWIT_CUDA", device.c_str(), 1);
}
