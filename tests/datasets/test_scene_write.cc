/* scene writers: what lies on disk is what was rendered */
#include <gtest/gtest.h>

#include <algorithm>
#include <cJSON.h>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

extern "C" {
#include "base/threads.h"
#include "datasets/detection.h"
#include "datasets/image.h"
#include "datasets/scene.h"
#include "datasets/source.h"
}

namespace {
namespace fs = std::filesystem;

class SceneWrite : public testing::Test {
  protected:
    std::string dir;

    void SetUp() override
    {
        char name[] = "/tmp/godwit-scenes-XXXXXX";
        ASSERT_NE(nullptr, mkdtemp(name));
        dir = name;
    }
    void TearDown() override
    {
        fs::remove_all(dir);
    }

    std::string voc(const std::string &rest) const
    {
        return dir + "/VOCdevkit/Scenes/" + rest;
    }
};

std::string slurp(const std::string &path)
{
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
}

std::vector<std::string> lines(const std::string &path)
{
    std::vector<std::string> out;
    std::ifstream            in(path);
    for (std::string line; std::getline(in, line);)
        out.push_back(line);
    return out;
}

std::map<std::string, std::string> tree(const std::string &dir)
{
    std::map<std::string, std::string> out;
    for (auto &entry : fs::recursive_directory_iterator(dir))
        if (entry.is_regular_file())
            out[fs::relative(entry.path(), dir)] = slurp(entry.path());
    return out;
}

SceneOptions scenes(uint64_t seed)
{
    SceneOptions o = scene_defaults(SCENE_DETECTION);
    o.size = 96;
    o.seed = seed;
    return o;
}

SceneOptions objects(uint64_t seed)
{
    SceneOptions o = scene_defaults(SCENE_OBJECT);
    o.size = 32;
    o.seed = seed;
    return o;
}

SceneTruth truth_of(const SceneOptions &o, int64_t index, std::vector<uint8_t> *rgb,
                    std::vector<uint8_t> *owner)
{
    SceneTruth t;
    rgb->resize(o.size * o.size * 3);
    owner->resize(o.size * o.size);
    EXPECT_EQ(OK, scene_render(&o, rgb->data(), owner->data(), &t, index));
    return t;
}

/* Every value of <tag>..</tag>, in order. */
std::vector<std::string> values(const std::string &xml, const std::string &tag)
{
    std::vector<std::string> out;
    std::string              open = "<" + tag + ">";
    for (size_t at = xml.find(open); at != std::string::npos; at = xml.find(open, at + 1)) {
        size_t begin = at + open.size();
        out.push_back(xml.substr(begin, xml.find('<', begin) - begin));
    }
    return out;
}

TEST_F(SceneWrite, VocListsSplitThePicturesWithoutOverlap)
{
    SceneOptions o = scenes(1);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {7, 3, 5})) << status_text();
    auto train = lines(voc("ImageSets/Main/train.txt")), val = lines(voc("ImageSets/Main/val.txt")),
         both = lines(voc("ImageSets/Main/trainval.txt")),
         test = lines(voc("ImageSets/Main/test.txt"));
    EXPECT_EQ(7u, train.size());
    EXPECT_EQ(3u, val.size());
    EXPECT_EQ(5u, test.size());
    train.insert(train.end(), val.begin(), val.end());
    EXPECT_EQ(both, train);
    EXPECT_EQ("000001", both.front());
    EXPECT_EQ("000015", test.back());
    for (auto &id : test)
        EXPECT_TRUE(fs::exists(voc("JPEGImages/" + id + ".jpg")) &&
                    fs::exists(voc("Annotations/" + id + ".xml")));
}

TEST_F(SceneWrite, VocAnnotationsAreOneBasedAndInclusive)
{
    SceneOptions o = scenes(2);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {6, 0, 0})) << status_text();
    for (int i = 0; i < 6; i++) {
        std::vector<uint8_t> rgb, owner;
        SceneTruth           t = truth_of(o, i, &rgb, &owner);
        std::string          xml = slurp(voc("Annotations/00000" + std::to_string(i + 1) + ".xml"));
        auto name = values(xml, "name"), x1 = values(xml, "xmin"), y1 = values(xml, "ymin"),
             x2 = values(xml, "xmax"), y2 = values(xml, "ymax"), cut = values(xml, "truncated");
        ASSERT_EQ(t.n_objects, (int)name.size());
        EXPECT_EQ(std::vector<std::string>({"96"}), values(xml, "width"));
        for (int k = 0; k < t.n_objects; k++) {
            EXPECT_EQ(scene_class_name(SCENE_DETECTION, t.object[k].class_id), name[k]);
            EXPECT_EQ(t.object[k].box[0] + 1, stoi(x1[k]));
            EXPECT_EQ(t.object[k].box[1] + 1, stoi(y1[k]));
            EXPECT_EQ(t.object[k].box[2], stoi(x2[k]));
            EXPECT_EQ(t.object[k].box[3], stoi(y2[k]));
            EXPECT_EQ(t.object[k].is_truncated, stoi(cut[k]));
            EXPECT_TRUE(1 <= stoi(x1[k]) && stoi(x2[k]) <= 96 && 1 <= stoi(y1[k]) &&
                        stoi(y2[k]) <= 96);
        }
    }
}

TEST_F(SceneWrite, ClassListsSayWhichPicturesHoldTheClass)
{
    SceneOptions o = scenes(3);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {12, 0, 0})) << status_text();
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++) {
        std::string name = scene_class_name(SCENE_DETECTION, c);
        auto        list = lines(voc("ImageSets/Main/" + name + "_trainval.txt"));
        ASSERT_EQ(12u, list.size());
        for (auto &line : list) {
            auto names = values(slurp(voc("Annotations/" + line.substr(0, 6) + ".xml")), "name");
            bool is_there = std::count(names.begin(), names.end(), name) > 0;
            EXPECT_EQ(is_there ? " 1" : "-1", line.substr(7)) << name;
        }
    }
}

TEST_F(SceneWrite, JpegsShowTheRenderedScene)
{
    SceneOptions o = scenes(4);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {3, 0, 0})) << status_text();
    for (int i = 0; i < 3; i++) {
        std::vector<uint8_t> rgb, owner;
        truth_of(o, i, &rgb, &owner);
        Image       im{};
        std::string path = voc("JPEGImages/00000" + std::to_string(i + 1) + ".jpg");
        ASSERT_EQ(OK, image_read(&im, nullptr, path.c_str())) << status_text();
        ASSERT_EQ(96, im.width);
        ASSERT_EQ(96, im.height);
        double error = 0;
        for (size_t k = 0; k < rgb.size(); k++)
            error += abs(im.pixels[k] - rgb[k]);
        EXPECT_LT(error / rgb.size(), 12) << "mean difference after JPEG with halved chroma";
        image_release(&im);
    }
}

/* Crossing-number test of a pixel's centre against the outline. */
bool is_inside(const std::vector<double> &p, double x, double y)
{
    bool   in = false;
    size_t n = p.size() / 2;
    for (size_t i = 0, j = n - 1; i < n; j = i++)
        if ((p[2 * i + 1] > y) != (p[2 * j + 1] > y) &&
            x < (p[2 * j] - p[2 * i]) * (y - p[2 * i + 1]) / (p[2 * j + 1] - p[2 * i + 1]) +
                    p[2 * i])
            in = !in;
    return in;
}

TEST_F(SceneWrite, CocoPolygonsCoverTheVisiblePixels)
{
    SceneOptions o = scenes(5);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {0, 0, 20})) << status_text();
    cJSON *json = cJSON_Parse(slurp(dir + "/annotations/instances_test.json").c_str());
    ASSERT_NE(nullptr, json);
    EXPECT_EQ(20, cJSON_GetArraySize(cJSON_GetObjectItem(json, "images")));
    EXPECT_EQ(SCENE_DETECTION_CLASSES, cJSON_GetArraySize(cJSON_GetObjectItem(json, "categories")));

    int          next_id = 1, k = 0, image = 0, filled = 0, n = 0;
    const cJSON *a;
    cJSON_ArrayForEach(a, cJSON_GetObjectItem(json, "annotations"))
    {
        auto number = [&](const char *key) { return cJSON_GetObjectItem(a, key)->valueint; };
        EXPECT_EQ(next_id++, number("id"));
        k = number("image_id") == image ? k + 1 : 0;
        image = number("image_id");
        std::vector<uint8_t> rgb, owner;
        SceneTruth           t = truth_of(o, image - 1, &rgb, &owner);
        ASSERT_LT(k, t.n_objects);
        EXPECT_EQ(t.object[k].class_id + 1, number("category_id"));
        EXPECT_EQ(t.object[k].area_px2, number("area"));
        EXPECT_EQ(0, number("iscrowd"));
        const cJSON *box = cJSON_GetObjectItem(a, "bbox");
        EXPECT_EQ(t.object[k].box[0], cJSON_GetArrayItem(box, 0)->valueint);
        EXPECT_EQ(t.object[k].box[2] - t.object[k].box[0], cJSON_GetArrayItem(box, 2)->valueint);

        std::vector<std::vector<double>> polygon;
        const cJSON                     *one, *v;
        cJSON_ArrayForEach(one, cJSON_GetObjectItem(a, "segmentation"))
        {
            polygon.push_back({});
            cJSON_ArrayForEach(v, one) polygon.back().push_back(v->valuedouble);
            EXPECT_GE(polygon.back().size(), 8u);
            EXPECT_EQ(0u, polygon.back().size() % 2);
        }
        int missed = 0, extra = 0;
        for (int y = 0; y < 96; y++)
            for (int x = 0; x < 96; x++) {
                bool is_mask = owner[y * 96 + x] == k + 1, is_poly = false;
                for (auto &p : polygon)
                    is_poly |= is_inside(p, x + 0.5, y + 0.5);
                missed += is_mask && !is_poly;
                extra += !is_mask && is_poly; // an occluder's hole, filled by the outline
            }
        EXPECT_EQ(0, missed) << "image " << image << " object " << k;
        filled += extra > 0;
        n++;
    }
    EXPECT_GT(n, 25);
    EXPECT_LT(filled, n / 4) << "outlines are exact where nothing lies wholly inside";
    cJSON_Delete(json);
}

TEST_F(SceneWrite, GivesTheSameBytesForAnyNumberOfThreads)
{
    SceneOptions o = scenes(6), p = objects(6);
    for (int n : {1, 3}) {
        threads_set(n);
        std::string to = dir + "/" + std::to_string(n);
        ASSERT_EQ(OK, scene_write_voc(&o, (to + "/voc").c_str(), {70, 5, 3})) << status_text();
        ASSERT_EQ(OK, scene_write_shards(&p, (to + "/shards").c_str(), {70, 0, 3}, 40))
            << status_text();
    }
    threads_set(0);
    auto one = tree(dir + "/1"), three = tree(dir + "/3");
    EXPECT_EQ(one.size(), three.size());
    EXPECT_TRUE(one == three);
}

TEST_F(SceneWrite, SeedsGiveDifferentPictures)
{
    SceneOptions o = scenes(7), p = scenes(8);
    ASSERT_EQ(OK, scene_write_voc(&o, (dir + "/a").c_str(), {2, 0, 0}));
    ASSERT_EQ(OK, scene_write_voc(&p, (dir + "/b").c_str(), {2, 0, 0}));
    auto a = tree(dir + "/a"), b = tree(dir + "/b");
    for (auto &entry : a)
        if (entry.first.find(".jpg") != std::string::npos) {
            EXPECT_NE(entry.second, b[entry.first]) << entry.first;
        }
}

TEST_F(SceneWrite, FoldersHoldEachClassOnceInAHundred)
{
    SceneOptions o = objects(9);
    ASSERT_EQ(OK, scene_write_folder(&o, dir.c_str(), {200, 0, 100})) << status_text();
    EXPECT_FALSE(fs::exists(dir + "/val"));
    std::map<std::string, int> by_class;
    for (auto &entry : tree(dir + "/train"))
        by_class[entry.first.substr(0, entry.first.find('/'))]++;
    EXPECT_EQ(100u, by_class.size());
    for (auto &entry : by_class)
        EXPECT_EQ(2, entry.second) << entry.first;
    EXPECT_EQ(100u, tree(dir + "/test").size());
}

/* The members of a ustar file, their checksums proved (POSIX.1-1988). */
std::vector<std::pair<std::string, std::string>> untar(const std::string &tar)
{
    std::vector<std::pair<std::string, std::string>> out;
    size_t                                           at = 0;
    for (; at + 512 <= tar.size() && tar[at]; at += 512) {
        std::string header = tar.substr(at, 512);
        long        size = strtol(header.substr(124, 11).c_str(), nullptr, 8), sum = 0;
        for (int i = 0; i < 512; i++)
            sum += i >= 148 && i < 156 ? ' ' : (unsigned char)header[i];
        EXPECT_EQ(sum, strtol(header.substr(148, 6).c_str(), nullptr, 8));
        EXPECT_EQ(std::string("ustar\00000", 8), header.substr(257, 8));
        out.push_back({header.c_str(), tar.substr(at + 512, size)});
        at += (size + 511) / 512 * 512;
    }
    EXPECT_EQ(tar.size(), at + 1024) << "two empty blocks end the file";
    return out;
}

TEST_F(SceneWrite, ShardsHoldPictureAndLabelByKey)
{
    SceneOptions o = objects(10);
    ASSERT_EQ(OK, scene_write_shards(&o, dir.c_str(), {25, 0, 5}, 10)) << status_text();
    EXPECT_EQ(5u, tree(dir).size()) << "train 10 + 10 + 5, test 5, classes.txt";
    EXPECT_EQ(100u, lines(dir + "/classes.txt").size());
    int64_t index = 0;
    for (const char *name :
         {"train-000000.tar", "train-000001.tar", "train-000002.tar", "test-000000.tar"}) {
        auto member = untar(slurp(dir + "/" + name));
        ASSERT_EQ(strchr(name, '2') || name[1] == 'e' ? 10u : 20u, member.size()) << name;
        for (size_t i = 0; i < member.size(); i += 2, index++) {
            std::vector<uint8_t> rgb, owner;
            SceneTruth           t = truth_of(o, index, &rgb, &owner);
            std::string          key = member[i].first.substr(0, 9);
            EXPECT_EQ(index + 1, stoi(key));
            EXPECT_EQ(key + ".jpg", member[i].first);
            EXPECT_EQ(key + ".cls", member[i + 1].first);
            EXPECT_EQ(std::to_string(t.class_id), member[i + 1].second);
            Image im{};
            ASSERT_EQ(OK, image_decode(&im, nullptr, member[i].second.data(),
                                       (int64_t)member[i].second.size(), name))
                << status_text();
            EXPECT_EQ(32, im.width);
            image_release(&im);
        }
    }
}

TEST_F(SceneWrite, OurVocReaderFindsTheRenderedObjects)
{
    SceneOptions o = scenes(11);
    ASSERT_EQ(OK, scene_write_voc(&o, dir.c_str(), {10, 2, 4})) << status_text();
    const char *name[SCENE_DETECTION_CLASSES];
    for (int c = 0; c < SCENE_DETECTION_CLASSES; c++)
        name[c] = scene_class_name(SCENE_DETECTION, c);
    VocOptions options{};
    options.class_name = name;
    options.n_classes = SCENE_DETECTION_CLASSES;
    DetSet set{};
    ASSERT_EQ(OK, voc_load(&set, &options, voc("").c_str(), "trainval")) << status_text();
    ASSERT_EQ(12, set.n_images);
    for (int64_t i = 0; i < set.n_images; i++) {
        std::vector<uint8_t> rgb, owner;
        SceneTruth           t = truth_of(o, i, &rgb, &owner);
        ASSERT_EQ(t.n_objects, set.image[i].n_objects);
        for (int k = 0; k < t.n_objects; k++) {
            const DetObject &d = set.image[i].object[k];
            EXPECT_EQ(t.object[k].class_id, d.class_index);
            EXPECT_EQ((float)t.object[k].box[0], d.x1);
            EXPECT_EQ((float)t.object[k].box[1], d.y1);
            EXPECT_EQ((float)t.object[k].box[2], d.x2);
            EXPECT_EQ((float)t.object[k].box[3], d.y2);
        }
    }
    EXPECT_EQ(0, set.n_dropped);
    detset_release(&set);
}

TEST_F(SceneWrite, OurSourcesFindFoldersAndShards)
{
    SceneOptions o = objects(12);
    ASSERT_EQ(OK, scene_write_folder(&o, (dir + "/f").c_str(), {100, 0, 0})) << status_text();
    ASSERT_EQ(OK, scene_write_shards(&o, (dir + "/s").c_str(), {100, 0, 10}, 40)) << status_text();
    Source *folder, *shards;
    ASSERT_EQ(OK, source_open(&folder, (dir + "/f/train").c_str())) << status_text();
    ASSERT_EQ(OK, source_open(&shards, (dir + "/s/train-{000000..000002}.tar").c_str()))
        << status_text();
    EXPECT_EQ(100, source_count(folder));
    EXPECT_EQ(100, source_n_classes(folder));
    EXPECT_EQ(100, source_count(shards));
    EXPECT_EQ(100, source_n_classes(shards));
    for (int64_t i = 0; i < 100; i++) {
        std::vector<uint8_t> rgb, owner;
        EXPECT_EQ(truth_of(o, i, &rgb, &owner).class_id, source_label(shards, i));
        EXPECT_STREQ(scene_class_name(SCENE_OBJECT, (int)i), source_class_name(shards, i));
    }
    source_close(folder);
    source_close(shards);
}

TEST_F(SceneWrite, RefusesWhatItCannotWrite)
{
    SceneOptions o = scenes(0), p = objects(0);
    EXPECT_EQ(ERR_USAGE, scene_write_voc(&p, dir.c_str(), {1, 0, 0}));
    EXPECT_EQ(ERR_USAGE, scene_write_folder(&o, dir.c_str(), {1, 0, 0}));
    EXPECT_EQ(ERR_USAGE, scene_write_folder(&p, dir.c_str(), {-1, 0, 0}));
    EXPECT_EQ(ERR_USAGE, scene_write_shards(&p, dir.c_str(), {1, 0, 0}, 0));
    o.size = 5000;
    EXPECT_EQ(ERR_USAGE, scene_write_voc(&o, dir.c_str(), {1, 0, 0}));
    o.size = 64;
    std::ofstream(dir + "/file") << "in the way";
    EXPECT_EQ(ERR_CREATE, scene_write_voc(&o, (dir + "/file/below").c_str(), {1, 0, 0}));
    EXPECT_NE(nullptr, strstr(status_text(), "/file"));
}

} // namespace
