/* detect_test.h -- generated scenes as a data set, and a recipe small enough for a test */
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>
extern "C" {
#include "base/log.h"
#include "base/run.h"
#include "base/threads.h"
#include "datasets/scene.h"
#include "detect/data.h"
#include "detect/config.h"
#include "detect/evaluate.h"
#include "detect/train.h"
#include "eval/coco.h"
}

struct TempDir {
    std::string path;
    TempDir()
    {
        char name[] = "/tmp/godwit-detect-XXXXXX";
        path = mkdtemp(name);
    }
    ~TempDir()
    {
        std::filesystem::remove_all(path);
    }
};

inline std::string bytes_of(const std::string &path)
{
    std::ifstream     f(path, std::ios::binary);
    std::stringstream s;
    s << f.rdbuf();
    return s.str();
}

/* 6 training and 3 test scenes of 96 pixels, written once. */
inline const std::string &scenes()
{
    static TempDir dir;
    static bool    is_written = false;
    if (!is_written) {
        SceneOptions o = scene_defaults(SCENE_DETECTION);
        o.size = 96;
        EXPECT_EQ(OK, scene_write_voc(&o, dir.path.c_str(), {6, 0, 3})) << status_text();
        is_written = true;
    }
    static std::string root = dir.path + "/VOCdevkit";
    return root;
}

/* A small recipe on the demonstration's: overrides come after. */
struct Small {
    std::vector<std::string>  text;
    std::vector<const char *> list;
    DetectTrainOptions        options = {};
    std::string               recipe = GODWIT_SOURCE_DIR "/detect/recipes/demo_c4.json";
    Small(const std::string &run, std::vector<std::string> extra = {})
        : text({"data.sizes=[96]", "data.test_size=96", "data.batch=2", "model.width=0.125",
                "rpn.batch=32", "rpn.pre_train=200", "rpn.post_train=60", "rpn.post_test=20",
                "roi.batch=16", "data.train=[\"Scenes/train\"]", "solver.iters=6",
                "solver.milestones=[]", "solver.warmup_iters=2", "log_every=1",
                "checkpoint_every=100", "data.workers=2"})
    {
        for (const std::string &e : extra) { // a key may be given once
            std::string key = e.substr(0, e.find('=') + 1);
            for (size_t i = text.size(); i-- > 0;)
                if (text[i].compare(0, key.size(), key) == 0)
                    text.erase(text.begin() + (long)i);
            text.push_back(e);
        }
        for (const std::string &t : text)
            list.push_back(t.c_str());
        threads_set(
            1); // such nets are too small to share, and waiting threads spin on a busy machine
        options.job.recipe = recipe.c_str();
        options.job.overrides = list.data();
        options.job.n_overrides = (int)list.size();
        options.job.data = scenes().c_str();
        run_dir = run;
        options.job.run_dir = run_dir.c_str();
        options.job.device = "cpu";
    }
    std::string run_dir;
};
