/* scene: pictures from a seed, with exact boxes */
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "base/threads.h"
#include "datasets/scene.h"
}

namespace {

struct Shot {
    std::vector<uint8_t> rgb, owner;
    SceneTruth           truth{};
};

Shot shoot(const SceneOptions &o, int64_t index)
{
    Shot s;
    s.rgb.resize(o.size * o.size * 3);
    s.owner.resize(o.size * o.size);
    EXPECT_EQ(OK, scene_render(&o, s.rgb.data(), s.owner.data(), &s.truth, index)) << status_text();
    return s;
}

SceneOptions options(SceneKind kind, int64_t size, uint64_t seed)
{
    SceneOptions o = scene_defaults(kind);
    o.size = size;
    o.seed = seed;
    return o;
}

TEST(Scene, DependsOnlyOnSeedAndIndex)
{
    for (SceneKind kind : {SCENE_DETECTION, SCENE_OBJECT}) {
        SceneOptions o = options(kind, 48, 7);
        Shot         fifth = shoot(o, 5);
        shoot(o, 9);
        EXPECT_EQ(fifth.rgb, shoot(o, 5).rgb);
        EXPECT_NE(fifth.rgb, shoot(o, 6).rgb);
        EXPECT_NE(fifth.rgb, shoot(options(kind, 48, 8), 5).rgb);
    }
}

struct Album {
    SceneOptions      options;
    std::vector<Shot> shot;
};

void shoot_range(void *ctx, int64_t begin, int64_t end)
{
    Album *album = static_cast<Album *>(ctx);
    for (int64_t i = begin; i < end; i++)
        album->shot[i] = shoot(album->options, i);
}

TEST(Scene, IsTheSameForAnyNumberOfThreads)
{
    Album one{options(SCENE_DETECTION, 64, 3), std::vector<Shot>(24)}, four = one;
    threads_set(1);
    threads_for(24, 1, shoot_range, &one);
    threads_set(4);
    threads_for(24, 1, shoot_range, &four);
    threads_set(0);
    for (int i = 0; i < 24; i++) {
        EXPECT_EQ(one.shot[i].rgb, four.shot[i].rgb) << i;
        EXPECT_EQ(one.shot[i].truth.n_objects, four.shot[i].truth.n_objects) << i;
    }
}

TEST(Scene, BoxesEncloseTheVisibleMaskTightly)
{
    for (SceneKind kind : {SCENE_DETECTION, SCENE_OBJECT})
        for (int64_t size : {16, 64, 160}) {
            SceneOptions o = options(kind, size, 11);
            for (int64_t i = 0; i < 25; i++) {
                Shot s = shoot(o, i);
                ASSERT_LE(s.truth.n_objects, SCENE_MAX_OBJECTS);
                for (int k = 0; k < s.truth.n_objects; k++) {
                    int     x1 = size, y1 = size, x2 = 0, y2 = 0;
                    int64_t area = 0;
                    for (int y = 0; y < size; y++)
                        for (int x = 0; x < size; x++)
                            if (s.owner[y * size + x] == k + 1) {
                                x1 = std::min(x1, x), x2 = std::max(x2, x + 1);
                                y1 = std::min(y1, y), y2 = std::max(y2, y + 1);
                                area++;
                            }
                    const SceneObject &t = s.truth.object[k];
                    EXPECT_EQ(std::vector<int>({x1, y1, x2, y2}),
                              std::vector<int>(t.box, t.box + 4));
                    EXPECT_EQ(area, t.area_px2);
                    EXPECT_GT(t.visible, 0.4f);
                    EXPECT_LE(t.visible, 1.0f);
                    EXPECT_EQ(t.is_truncated, t.visible < 0.95f);
                    EXPECT_TRUE(t.class_id >= 0 && t.class_id < scene_classes(kind));
                }
            }
        }
}

TEST(Scene, ObjectClassesAreBalancedInEveryHundred)
{
    SceneOptions o = options(SCENE_OBJECT, 16, 2);
    for (int block = 0; block < 2; block++) {
        std::set<int>    seen;
        std::vector<int> order;
        for (int i = 0; i < 100; i++) {
            order.push_back(shoot(o, block * 100 + i).truth.class_id);
            seen.insert(order.back());
        }
        EXPECT_EQ(100u, seen.size());
        EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
    }
}

/* 600 scenes of 2.4 objects and 10 classes: 144 each, deviation 11.4; five deviations are 57. */
TEST(Scene, DetectionClassesAndCountsAreEven)
{
    SceneOptions       o = options(SCENE_DETECTION, 32, 4);
    std::map<int, int> by_class, by_count;
    int                n = 0, n_cut = 0;
    for (int i = 0; i < 600; i++) {
        Shot s = shoot(o, i);
        by_count[s.truth.n_objects]++;
        for (int k = 0; k < s.truth.n_objects; k++, n++) {
            by_class[s.truth.object[k].class_id]++;
            n_cut += s.truth.object[k].is_truncated;
        }
    }
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++)
        EXPECT_NEAR(by_class[c], n / 10, 57) << scene_class_name(SCENE_DETECTION, c);
    for (int count = 1; count <= 4; count++)
        EXPECT_GT(by_count[count], 60) << count;
    EXPECT_GT(n_cut, n / 20) << "some objects hide others";
    EXPECT_LT(n_cut, n / 2);
}

/* Each shape and each texture serves exactly two detection classes, so neither decides. */
TEST(Scene, EveryShapeAndTextureServesTwoDetectionClasses)
{
    std::map<std::string, int> shape, texture;
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++) {
        std::string name = scene_class_name(SCENE_DETECTION, c);
        texture[name.substr(0, name.find('_'))]++;
        shape[name.substr(name.find('_') + 1)]++;
    }
    EXPECT_EQ(5u, shape.size());
    EXPECT_EQ(5u, texture.size());
    for (auto &entry : shape)
        EXPECT_EQ(2, entry.second) << entry.first;
    for (auto &entry : texture)
        EXPECT_EQ(2, entry.second) << entry.first;
}

TEST(Scene, ClassNamesAreDistinctAndEndWithTheRange)
{
    for (SceneKind kind : {SCENE_DETECTION, SCENE_OBJECT}) {
        std::set<std::string> names;
        for (int c = 0; c < scene_classes(kind); c++)
            names.insert(scene_class_name(kind, c));
        EXPECT_EQ(scene_classes(kind), (int)names.size());
        EXPECT_EQ(nullptr, scene_class_name(kind, -1));
        EXPECT_EQ(nullptr, scene_class_name(kind, scene_classes(kind)));
    }
}

TEST(Scene, UsesTheWholeRangeOfTones)
{
    SceneOptions o = options(SCENE_DETECTION, 64, 1);
    double       sum = 0;
    int          dark = 0, bright = 0;
    for (int i = 0; i < 40; i++)
        for (uint8_t v : shoot(o, i).rgb) {
            sum += v;
            dark += v < 25;
            bright += v > 230;
        }
    double mean = sum / (40.0 * 64 * 64 * 3);
    EXPECT_GT(mean, 60);
    EXPECT_LT(mean, 160);
    EXPECT_GT(dark, 1000);
    EXPECT_GT(bright, 1000);
}

TEST(Scene, RefusesSizesAndIndicesOutsideTheRange)
{
    SceneTruth   t;
    uint8_t      byte = 0;
    SceneOptions o = options(SCENE_DETECTION, SCENE_MAX_SIZE + 1, 0);
    EXPECT_EQ(ERR_USAGE, scene_render(&o, &byte, nullptr, &t, 0));
    EXPECT_NE(nullptr, strstr(status_text(), "2049"));
    o.size = 15;
    EXPECT_EQ(ERR_USAGE, scene_render(&o, &byte, nullptr, &t, 0));
    o.size = 16;
    EXPECT_EQ(ERR_USAGE, scene_render(&o, &byte, nullptr, &t, -1));
}

} // namespace
