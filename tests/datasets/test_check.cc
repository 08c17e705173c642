// checks: each fault is found, named and counted; clean sets give no error
#include "voc_folder.h"
extern "C" {
#include "datasets/check.h"
}

namespace {

struct Report {
    CheckReport r = {};
    ~Report()
    {
        check_release(&r);
    }
    int count(const std::string &kind, const char *text = "")
    {
        int n = 0;
        for (int64_t i = 0; i < r.n_problems; i++)
            n += kind == r.problem[i].kind && strstr(r.problem[i].text, text) != nullptr;
        return n;
    }
};

} // namespace

TEST(CheckVoc, FindsNothingWrongInACleanSetAndCountsItsClasses)
{
    VocFolder f("CELLS");
    f.add("1", 20, 20, object("a", 1, 1, 5, 5) + object("a", 2, 2, 6, 6, 1));
    f.add("2", 20, 20, object("b", 1, 1, 5, 5) + object("a", 1, 1, 20, 20));
    Report c;
    ASSERT_OK(check_voc(&c.r, nullptr, f.root.c_str(), "train"));
    EXPECT_EQ(0, c.r.n_errors);
    EXPECT_EQ(0, c.r.n_warnings);
    ASSERT_EQ(2, c.r.n_classes);
    EXPECT_STREQ("a", c.r.class_row[0].name);
    EXPECT_EQ(2, c.r.class_row[0].n_images);
    EXPECT_EQ(3, c.r.class_row[0].n_objects);
    EXPECT_EQ(1, c.r.class_row[0].n_difficult);
    EXPECT_EQ(4, c.r.n_objects);
}

TEST(CheckVoc, NamesEveryFault)
{
    VocFolder f;
    f.add("boxes", 20, 20,
          object("dog", 9, 1, 5, 5) + object("dog", 3, 3, 3, 9) + object("dog", 30, 1, 40, 9) +
              object("dog", 1, 1, 25, 9) + object("yeti", 1, 1, 5, 5));
    f.add("size", 30, 20, object("dog", 1, 1, 5, 5), 20, 30);
    f.add("broken", 20, 20, object("dog", 1, 1, 5, 5));
    f.add("gone", 20, 20, object("dog", 1, 1, 5, 5));
    f.add("xml", 20, 20, "<object>");
    f.add("xml", 20, 20, "<object>");
    spill(f.root + "/JPEGImages/broken.jpg", std::string("<html>"));
    std::filesystem::remove(f.root + "/JPEGImages/gone.jpg");
    Report       c;
    CheckOptions o = {};
    o.decode = true;
    ASSERT_OK(check_voc(&c.r, &o, f.root.c_str(), "train"));
    EXPECT_EQ(1, c.count("box-inverted"));
    EXPECT_EQ(1, c.count("box-empty"));
    EXPECT_EQ(1, c.count("box-outside", "lies outside"));
    EXPECT_EQ(1, c.count("box-outside", "clipped"));
    EXPECT_EQ(1, c.count("unknown-class", "yeti"));
    EXPECT_EQ(1, c.count("size-mismatch", "30 x 20"));
    EXPECT_EQ(1, c.count("bad-image", "HTML"));
    EXPECT_EQ(1, c.count("missing-image"));
    EXPECT_EQ(2, c.count("bad-xml"));
    EXPECT_EQ(1, c.count("duplicate-id", "xml"));
    EXPECT_EQ(20, c.r.n_classes);
}

TEST(CheckVoc, WarnsOfClassesBesideVocsTwenty)
{
    VocFolder f("MINE"), g("VOC2007");
    f.add("1", 20, 20, object("dog", 1, 1, 5, 5) + object("yeti", 1, 1, 5, 5));
    g.add("1", 20, 20, object("dog", 1, 1, 5, 5));
    Report mine, voc;
    ASSERT_OK(check_voc(&mine.r, nullptr, f.root.c_str(), "train"));
    EXPECT_EQ(0, mine.r.n_errors);
    EXPECT_EQ(1, mine.count("unknown-class", "1 classes are not among VOC's twenty: 'yeti';"));
    ASSERT_OK(check_voc(&voc.r, nullptr, g.root.c_str(), "train"));
    EXPECT_EQ(0, voc.r.n_warnings);
}

TEST(CheckVoc, NamesTheSplitsOrTheFoldersThatThereAre)
{
    VocFolder f;
    Report    c;
    f.add("1", 20, 20, object("dog", 1, 1, 5, 5));
    for (const char *list : {"val", "dog_train", "dog_val", "my_list"})
        spill(f.root + "/ImageSets/Main/" + list + ".txt", std::string("1\n"));
    EXPECT_EQ(ERR_MISSING, check_voc(&c.r, nullptr, f.root.c_str(), "trainval"));
    EXPECT_NE(nullptr, strstr(status_text(), "Main/trainval.txt: there is no such list; the split "
                                             "is one of my_list, train, val"))
        << status_text();
    EXPECT_EQ(ERR_MISSING, check_voc(&c.r, nullptr, f.dir.path.c_str(), "train"));
    EXPECT_NE(nullptr, strstr(status_text(), ("name one of them: " + f.root).c_str()))
        << status_text();
    EXPECT_EQ(ERR_MISSING, check_voc(&c.r, nullptr, (f.root + "/none").c_str(), "train"));
    EXPECT_NE(nullptr, strstr(status_text(), "cannot open")) << status_text();
}

TEST(CheckVoc, FindsPicturesOfEverySuffixThatTrainingFinds)
{
    VocFolder   f;
    const char *suffix[] = {"png", "jpeg", "JPG", "JPEG", "Jpg"};
    for (int i = 0; i < 5; i++) {
        std::string id = std::to_string(i), stem = f.root + "/JPEGImages/" + id + ".";
        f.add(id, 20, 20, object("dog", 1, 1, 5, 5));
        std::filesystem::rename(stem + "jpg", stem + suffix[i]);
    }
    Report c;
    ASSERT_OK(check_voc(&c.r, nullptr, f.root.c_str(), "train"));
    EXPECT_EQ(1, c.r.n_errors);
    EXPECT_EQ(1, c.count("missing-image", "JPEGImages/4.Jpg?")); // is not looked for, but proposed
}

namespace {
struct CocoFolder {
    TempDir     dir;
    std::string pictures = dir.path + "/pictures", json = dir.path + "/a.json";
    CocoFolder(const std::string &images, const std::string &annotations)
    {
        spill(pictures + "/x.jpg", encoded(Picture(20, 10).im));
        spill(pictures + "/y.jpg", encoded(Picture(20, 10).im));
        spill(json, "{\"images\":[" + images + "],\"annotations\":[" + annotations +
                        R"(],"categories":[{"id":7,"name":"dog"},{"id":2,"name":"cat"}]})");
    }
};

std::string image(int id, const char *file, int w, int h)
{
    return "{\"id\":" + std::to_string(id) + ",\"file_name\":\"" + file +
           "\",\"width\":" + std::to_string(w) + ",\"height\":" + std::to_string(h) + "}";
}
std::string dog(int image, const char *box)
{
    return "{\"image_id\":" + std::to_string(image) + ",\"category_id\":7,\"bbox\":[" + box + "]}";
}
} // namespace

TEST(CheckCoco, CountsWhatTrainingReads)
{
    CocoFolder f(image(1, "x.jpg", 20, 10) + "," + image(2, "y.jpg", 20, 10),
                 dog(1, "0,0,5,5") + "," + dog(1, "2,2,18.01,8") + "," + dog(1, "3,3,0,5"));
    Report     c;
    ASSERT_OK(check_coco(&c.r, nullptr, f.json.c_str(), f.pictures.c_str()));
    EXPECT_EQ(0, c.r.n_errors);
    EXPECT_EQ(2, c.r.n_warnings);
    EXPECT_EQ(1, c.count("box-empty", "1 boxes"));
    EXPECT_EQ(1, c.count("no-objects", "1 pictures"));
    EXPECT_EQ(2, c.r.n_images);
    EXPECT_EQ(2, c.r.n_objects);
    ASSERT_EQ(2, c.r.n_classes);
    EXPECT_STREQ("dog", c.r.class_row[1].name);
    EXPECT_EQ(1, c.r.class_row[1].n_images);
    EXPECT_EQ(2, c.r.class_row[1].n_objects);
}

TEST(CheckCoco, NamesEveryFault)
{
    CocoFolder f(image(1, "x.jpg", 20, 10) + "," + image(2, "y.jpg", 10, 10) + "," +
                     image(3, "z.jpg", 20, 10),
                 dog(1, "30,0,5,5") + "," + dog(1, "10,0,15,5") + "," + dog(3, "0,0,5,5"));
    Report     c;
    ASSERT_OK(check_coco(&c.r, nullptr, f.json.c_str(), f.pictures.c_str()));
    EXPECT_EQ(1, c.count("box-outside", "lies outside"));
    EXPECT_EQ(1, c.count("box-outside", "clipped"));
    EXPECT_EQ(1, c.count("size-mismatch", "says 10 x 10, the picture has 20 x 10"));
    EXPECT_EQ(1, c.count("missing-image", "z.jpg"));
    EXPECT_EQ(3, c.r.n_errors);
}

TEST(CheckCoco, SaysWhyAnnotationsCannotBeRead)
{
    CocoFolder f(image(1, "x.jpg", 20, 10), dog(4, "0,0,5,5"));
    Report     c, missing;
    ASSERT_OK(check_coco(&c.r, nullptr, f.json.c_str(), f.pictures.c_str()));
    EXPECT_EQ(1, c.r.n_errors);
    EXPECT_EQ(1, c.count("bad-annotations", "no image has the id 4"));
    std::string nowhere = f.dir.path + "/nowhere";
    EXPECT_EQ(ERR_MISSING, check_coco(&missing.r, nullptr, nowhere.c_str(), f.pictures.c_str()));
    EXPECT_EQ(ERR_MISSING, check_coco(&missing.r, nullptr, f.json.c_str(), nowhere.c_str()));
}

TEST(CheckImages, NamesBrokenPictures)
{
    TempDir d;
    spill(d.path + "/a/1.jpg", encoded(Picture(20, 20).im));
    std::vector<uint8_t> cut = encoded(Picture(20, 20).im);
    cut.resize(cut.size() - 40);
    spill(d.path + "/b/2.jpg", cut);
    Report       c;
    CheckOptions o = {};
    o.decode = true;
    ASSERT_OK(check_images(&c.r, &o, d.path.c_str()));
    EXPECT_EQ(1, c.r.n_errors);
    EXPECT_EQ(1, c.count("bad-image", "2.jpg"));
    EXPECT_EQ(2, c.r.n_images);
    ASSERT_EQ(2, c.r.n_classes);
    EXPECT_STREQ("b", c.r.class_row[1].name);
}

TEST(CheckImages, CountsClassesByTheirNumbersWhateverTheyAreCalled)
{
    TempDir              d;
    std::vector<uint8_t> jpeg = encoded(Picture(20, 20).im);
    std::string          bytes(jpeg.begin(), jpeg.end());
    spill(d.path + "/a.tar", tar_member("a.jpg", bytes) + tar_member("a.cls", "1") +
                                 tar_member("b.jpg", bytes) + tar_member("b.cls", "2") + END);
    spill(d.path + "/classes.txt", std::string("crane\ncrane\n"));
    Report c;
    ASSERT_OK(check_images(&c.r, nullptr, (d.path + "/a.tar").c_str()));
    ASSERT_EQ(3, c.r.n_classes);
    for (int64_t k = 0; k < 3; k++) {
        EXPECT_STREQ(k < 2 ? "crane" : "2", c.r.class_row[k].name);
        EXPECT_EQ(k > 0, c.r.class_row[k].n_images);
    }
}

TEST(CheckImages, TakesMemoryInProportionToTheClasses)
{
    TempDir              d;
    std::vector<uint8_t> jpeg = encoded(Picture(20, 20).im);
    spill(d.path + "/a.tar", tar_member("a.jpg", std::string(jpeg.begin(), jpeg.end())) +
                                 tar_member("a.cls", "3999") + END);
    Report c;
    ASSERT_OK(check_images(&c.r, nullptr, (d.path + "/a.tar").c_str()));
    ASSERT_EQ(4000, c.r.n_classes);
    EXPECT_EQ(3999, c.r.n_warnings); // of classes without pictures
    EXPECT_LT(c.r.arena.used_bytes, 1 << 20);
}

TEST(CocoDetection, MapsCategoriesAndBoxesAndLeavesOutCrowdsAndEmptyPictures)
{
    TempDir     d;
    std::string path = d.path + "/a.json";
    spill(path,
          std::string(R"({"images": [{"id": 9, "file_name": "x.jpg", "width": 40, "height": 30},
        {"id": 3, "file_name": "y.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 7, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [{"id": 0, "image_id": 9, "category_id": 7, "bbox": [1.5, 2, 3, 4], "iscrowd": 0},
        {"id": 1, "image_id": 3, "category_id": 2, "bbox": [0, 0, 5, 5], "iscrowd": 1},
        {"id": 2, "image_id": 9, "category_id": 2, "bbox": [0, 0, 0, 5]}]})"));
    DetSet set = {};
    ASSERT_OK(coco_load(&set, nullptr, path.c_str(), "pictures"));
    ASSERT_EQ(1, set.n_images);
    EXPECT_STREQ("pictures/x.jpg", set.image[0].path);
    EXPECT_EQ(9, set.image[0].coco_id);
    ASSERT_EQ(2, set.n_classes);
    EXPECT_STREQ("cat", set.class_name[0]);
    EXPECT_EQ(7, set.class_id[1]);
    ASSERT_EQ(1, set.image[0].n_objects);
    EXPECT_EQ(1, set.image[0].object[0].class_index);
    EXPECT_EQ(1.5f, set.image[0].object[0].x1);
    EXPECT_EQ(4.5f, set.image[0].object[0].x2);
    EXPECT_EQ(6.0f, set.image[0].object[0].y2);
    EXPECT_EQ(1, set.n_dropped);
    detset_release(&set);
    CocoOptions all = {true, true};
    ASSERT_OK(coco_load(&set, &all, path.c_str(), "pictures"));
    ASSERT_EQ(2, set.n_images);
    EXPECT_TRUE(set.image[1].object[0].is_crowd);
    detset_release(&set);
}

TEST(CocoDetection, RefusesUnknownIdsRepeatedIdsAndPathsThatLeave)
{
    TempDir     d;
    std::string path = d.path + "/a.json";
    for (
        const char *text :
        {R"({"images":[{"id":1,"file_name":"a"}],"categories":[{"id":1,"name":"c"}],
              "annotations":[{"image_id":2,"category_id":1,"bbox":[0,0,1,1]}]})",
         R"({"images":[{"id":1,"file_name":"a"},{"id":1,"file_name":"b"}],"categories":[],"annotations":[]})",
         R"({"images":[{"id":1,"file_name":"../a"}],"categories":[],"annotations":[]})",
         R"({"images":[{"id":1,"file_name":"a"}],"categories":[{"id":1,"name":"c"}],
              "annotations":[{"image_id":1,"category_id":1,"bbox":[0,0,1]}]})",
         R"({"images":[]})"}) {
        DetSet set = {};
        spill(path, std::string(text));
        EXPECT_EQ(ERR_FORMAT, coco_load(&set, nullptr, path.c_str(), "")) << text;
        detset_release(&set);
    }
}

TEST(CocoDetection, ReadsTheRealSet)
{
    std::string data = std::string(GODWIT_SHARED_DIR) + "/data/coco-mini";
    if (!std::filesystem::exists(data))
        GTEST_SKIP() << "no real data at " << data;
    DetSet      set = {};
    CocoOptions all = {true, true};
    int64_t     objects = 0, crowds = 0;
    ASSERT_OK(coco_load(&set, &all, (data + "/annotations/instances_train2017.json").c_str(),
                        (data + "/train2017").c_str()));
    for (int64_t i = 0; i < set.n_images; i++) {
        objects += set.image[i].n_objects;
        for (int64_t k = 0; k < set.image[i].n_objects; k++)
            crowds += set.image[i].object[k].is_crowd;
    }
    EXPECT_EQ(160, set.n_images);
    EXPECT_EQ(1429, objects + set.n_dropped);
    EXPECT_EQ(14, crowds);
    detset_release(&set);
}
