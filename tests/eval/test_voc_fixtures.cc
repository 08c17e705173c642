/* VOC AP on real detector outputs against the numbers that pascal_voc_evaluation.py gave for them */
#include <gtest/gtest.h>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <cjson/cJSON.h>
#include "eval/voc_set.h"

namespace {
struct Fixture {
    VocTestSet                 s;
    std::map<std::string, int> image, label;
    std::string                dir;

    bool open(const char *name)
    {
        dir = std::string(GODWIT_SHARED_DIR) + "/data/eval-fixtures/" + name;
        return std::ifstream(dir + "/gt.txt").good();
    }
    int index(std::map<std::string, int> &m, const std::string &key)
    {
        return m.emplace(key, (int)m.size()).first->second;
    }
    void devkit(const std::string &split)
    {
        std::ifstream images(dir + "/images.txt"), gt(dir + "/gt.txt");
        std::string   line, id, name;
        while (std::getline(images, id))
            index(image, id);
        while (std::getline(gt, line)) {
            int    difficult;
            double b[4];
            if (line[0] == '#')
                continue;
            std::istringstream(line) >> id >> name >> difficult >> b[0] >> b[1] >> b[2] >> b[3];
            s.truth(b[0], b[1], b[2], b[3], difficult != 0, index(image, id), index(label, name));
        }
        for (auto &[cls, c] : label) {
            std::ifstream dt(dir + "/comp4_det_" + split + "_" + cls + ".txt");
            while (std::getline(dt, line)) {
                double score, b[4];
                std::istringstream(line) >> id >> score >> b[0] >> b[1] >> b[2] >> b[3];
                s.found(score, b[0], b[1], b[2], b[3], index(image, id), c);
            }
        }
        s.n_images = (int64_t)image.size();
        s.n_classes = (int64_t)label.size();
    }
    cJSON *expected() const
    {
        std::ifstream      in(dir + "/expected.json");
        std::ostringstream text;
        text << in.rdbuf();
        return cJSON_Parse(text.str().c_str());
    }
};

void expect_devkit(const char *name, const char *split)
{
    Fixture f;
    if (!f.open(name))
        GTEST_SKIP() << "no " << f.dir;
    f.devkit(split);
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r;
    VocSet         set = f.s.set();
    ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &set)) << status_text();
    cJSON *want = f.expected();
    int    checked = 0;
    for (auto &[cls, c] : f.label) {
        cJSON *e = cJSON_GetObjectItem(cJSON_GetObjectItem(want, "per_class"), cls.c_str());
        ASSERT_TRUE(e) << cls;
        for (int t = 0; t < VOC_THRESHOLDS; t++) {
            char key[8];
            snprintf(key, sizeof key, "%.2f", r.thresholds[t]);
            cJSON *ap07 = cJSON_GetObjectItem(cJSON_GetObjectItem(e, "AP07"), key);
            cJSON *area = cJSON_GetObjectItem(cJSON_GetObjectItem(e, "AParea"), key);
            ASSERT_TRUE(ap07 && area) << cls << " " << key;
            EXPECT_NEAR(ap07->valuedouble, r.per_class[c].ap_11_point[t], 1e-12)
                << cls << " " << key;
            EXPECT_NEAR(area->valuedouble, r.per_class[c].ap_area[t], 1e-12) << cls << " " << key;
            checked += 2;
        }
    }
    EXPECT_EQ((int)f.label.size() * 20, checked);
    cJSON_Delete(want);
    arena_release(&a);
}
} // namespace

TEST(VocFixtures, Ssd512OnVoc2007TestAgrees)
{
    expect_devkit("voc07-test-ssd512", "test");
}
TEST(VocFixtures, SixtyImagesOfVoc2012Agree)
{
    expect_devkit("voc12-padilla-60", "val");
}

/* Its evaluator matches at overlap >= t, ours above t; no overlap of the case equals a threshold. */
TEST(VocFixtures, PadillaCaseOneAgreesAtHalf)
{
    Fixture f;
    if (!f.open("voc-padilla-case1"))
        GTEST_SKIP() << "no " << f.dir;
    for (const char *file : {"/gt.txt", "/dt.txt"}) {
        std::ifstream in(f.dir + file);
        std::string   line, id, name;
        while (std::getline(in, line)) {
            double v[5];
            bool   found = file[1] == 'd';
            if (line.empty() || line[0] == '#')
                continue;
            std::istringstream row(line);
            row >> id >> name;
            for (int k = 0; k < (found ? 5 : 4); k++)
                row >> v[k];
            double *b = found ? v + 1 : v;
            int     i = f.index(f.image, id);
            if (found)
                f.s.found(v[0], b[0], b[1], b[0] + b[2], b[1] + b[3], i);
            else
                f.s.truth(b[0], b[1], b[0] + b[2], b[1] + b[3], false, i);
        }
    }
    f.s.n_images = (int64_t)f.image.size();
    ASSERT_EQ(15u, f.s.g_image.size());
    ASSERT_EQ(24u, f.s.d_image.size());
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r;
    VocSet         set = f.s.set();
    ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &set)) << status_text();
    EXPECT_NEAR(0.0303030303, r.per_class[0].ap_11_point[0], 1e-10);
    EXPECT_NEAR(0.0222222222, r.per_class[0].ap_area[0], 1e-10);
    EXPECT_NEAR(0.0, r.per_class[0].ap_area[5], 1e-10);
    arena_release(&a);
}
