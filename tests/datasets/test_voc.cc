// VOC folders: lists, boxes, difficult, classes, and every fault named
#include "data_test.h"
#include "voc_folder.h"
extern "C" {
#include "base/file.h"
}

TEST(Voc, ReadsImagesInTheOrderOfTheListWithZeroBasedHalfOpenBoxes)
{
    VocFolder f;
    f.add("b", 40, 30, object("dog", 5, 6, 20, 30) + object("person", 1, 1, 40, 30, 1));
    f.add("a", 30, 40, "");
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    ASSERT_EQ(2, set.n_images);
    EXPECT_STREQ("b", set.image[0].id);
    EXPECT_EQ(40, set.image[0].width);
    ASSERT_EQ(2, set.image[0].n_objects);
    const DetObject &d = set.image[0].object[0];
    EXPECT_EQ(4, d.x1);
    EXPECT_EQ(5, d.y1);
    EXPECT_EQ(20, d.x2);
    EXPECT_EQ(30, d.y2);
    EXPECT_EQ(11, d.class_index) << "dog is the 12th of VOC's classes";
    EXPECT_FALSE(d.is_difficult);
    EXPECT_TRUE(set.image[0].object[1].is_difficult);
    EXPECT_EQ(0, set.image[1].n_objects);
    detset_release(&set);
}

TEST(Voc, JoinsTwoYears)
{
    VocFolder a, b;
    a.add("1", 10, 10, object("cat", 1, 1, 5, 5));
    b.add("2", 10, 10, object("tvmonitor", 1, 1, 5, 5));
    DetSet set = {};
    ASSERT_OK(a.load(&set));
    ASSERT_OK(b.load(&set));
    ASSERT_EQ(2, set.n_images);
    EXPECT_EQ(7, set.image[0].object[0].class_index);
    EXPECT_EQ(19, set.image[1].object[0].class_index);
    detset_release(&set);
}

TEST(Voc, FindsTheClassesOfOtherSetsSorted)
{
    VocFolder f("CELLS");
    f.add("1", 10, 10, object("WBC", 1, 1, 5, 5) + object("RBC", 2, 2, 4, 4));
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    ASSERT_EQ(2, set.n_classes);
    EXPECT_STREQ("RBC", set.class_name[0]);
    EXPECT_EQ(1, set.image[0].object[0].class_index);
    detset_release(&set);
}

TEST(Voc, TakesFractionsAndDropsBoxesWithoutExtent)
{
    VocFolder f;
    f.add("1", 10, 10, object("cat", 1.5, 1, 5.25, 5) + object("cat", 4, 4, 4, 4));
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    EXPECT_EQ(0.5f, set.image[0].object[0].x1);
    EXPECT_EQ(1, set.image[0].n_objects);
    EXPECT_EQ(1, set.n_dropped);
    detset_release(&set);
}

TEST(Voc, TakesObjectsThatDoNotSayHowDifficultTheyAre)
{
    VocFolder   f;
    std::string plain = object("cat", 1, 1, 5, 5), difficult = "<difficult>0</difficult>";
    plain.erase(plain.find(difficult), difficult.size());
    f.add("1", 10, 10, plain);
    DetSet set = {};
    ASSERT_OK(f.load(&set));
    ASSERT_EQ(1, set.image[0].n_objects);
    EXPECT_FALSE(set.image[0].object[0].is_difficult);
    detset_release(&set);
}

TEST(Voc, RefusesInvertedBoxesAndUnknownClassesNamingTheLine)
{
    VocFolder f;
    DetSet    set = {};
    f.add("1", 10, 10, object("cat", 6, 1, 5, 5));
    EXPECT_EQ(ERR_FORMAT, f.load(&set));
    EXPECT_NE(nullptr, strstr(status_text(), "1.xml:")) << status_text();
    EXPECT_NE(nullptr, strstr(status_text(), "inverted"));
    detset_release(&set);

    VocFolder g;
    g.add("1", 10, 10, object("unicorn", 1, 1, 5, 5));
    EXPECT_EQ(ERR_FORMAT, g.load(&set));
    EXPECT_NE(nullptr, strstr(status_text(), "data.classes")) << status_text();
    EXPECT_NE(nullptr, strstr(status_text(), "unicorn"));
    detset_release(&set);
    VocOptions o = {};
    o.ignore_unknown = true;
    ASSERT_OK(voc_load(&set, &o, g.root.c_str(), "train"));
    EXPECT_EQ(1, set.n_ignored);
    EXPECT_EQ(0, set.image[0].n_objects);
    detset_release(&set);
}

TEST(Voc, NamesMissingFilesAndRefusesNamesThatLeaveTheFolder)
{
    VocFolder f;
    DetSet    set = {};
    f.add("1", 10, 10, "");
    EXPECT_EQ(ERR_MISSING, voc_load(&set, nullptr, f.root.c_str(), "test"));
    detset_release(&set);
    spill(f.root + "/ImageSets/Main/train.txt", std::string("1\nnot-there\n"));
    EXPECT_EQ(ERR_MISSING, voc_load(&set, nullptr, f.root.c_str(), "train"));
    EXPECT_NE(nullptr, strstr(status_text(), "not-there.xml")) << status_text();
    detset_release(&set);
    spill(f.root + "/ImageSets/Main/train.txt", std::string("../../etc/passwd\n"));
    EXPECT_EQ(ERR_FORMAT, voc_load(&set, nullptr, f.root.c_str(), "train"));
    EXPECT_NE(nullptr, strstr(status_text(), "train.txt: entry 1: path")) << status_text();
    detset_release(&set);
}

TEST(Voc, ReadsListsWithAnyLineEnds)
{
    TempDir           dir;
    const std::string list = dir.path + "/ImageSets/Main/train.txt";
    std::string       many;
    for (int i = 0; i < 1000; i++)
        many += std::to_string(i) + "\r";
    for (auto &ids : {many, std::string("a\r\nb\n\n\rc\n")}) {
        Arena   arena = {};
        char  **id = nullptr;
        int64_t n = 0;
        std::filesystem::create_directories(dir.path + "/ImageSets/Main");
        std::ofstream(list, std::ios::binary) << ids;
        ASSERT_OK(voc_read_ids(&arena, &id, &n, dir.path.c_str(), "train"));
        EXPECT_EQ(ids == many ? 1000 : 3, n);
        EXPECT_STREQ(ids == many ? "999" : "c", id[n - 1]);
        std::ofstream(list, std::ios::binary) << std::string("a\n\0b\n", 6);
        EXPECT_EQ(ERR_FORMAT, voc_read_ids(&arena, &id, &n, dir.path.c_str(), "train"));
        EXPECT_NE(nullptr, strstr(status_text(), "holds a NUL byte")) << status_text();
        arena_release(&arena);
    }
}

TEST(Voc, RefusesEntitiesAndBrokenXmlFromMemory)
{
    for (const char *xml :
         {"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation>&b;</annotation>", "<annotation>", "", "<a"}) {
        DetSet   set = {};
        DetImage image = {};
        EXPECT_EQ(ERR_FORMAT, voc_parse(&set, nullptr, &image, xml, (int64_t)strlen(xml), "x.xml"))
            << xml;
        detset_release(&set);
    }
}

TEST(Voc, ReadsTheRealSets)
{
    std::string data = std::string(GODWIT_SHARED_DIR) + "/data";
    if (!std::filesystem::exists(data + "/voc-mini"))
        GTEST_SKIP() << "no real data at " << data;
    DetSet  set = {};
    int64_t objects = 0, difficult = 0;
    for (const char *split : {"trainval", "test"})
        ASSERT_OK(voc_load(&set, nullptr, (data + "/voc-mini/VOCdevkit/VOC2007").c_str(), split));
    EXPECT_EQ(430, set.n_images);
    for (int64_t i = 0; i < set.n_images; i++) {
        objects += set.image[i].n_objects;
        for (int64_t k = 0; k < set.image[i].n_objects; k++)
            difficult += set.image[i].object[k].is_difficult;
        EXPECT_TRUE(file_exists(set.image[i].path));
    }
    EXPECT_EQ(1466, objects);
    EXPECT_EQ(333, difficult);
    detset_release(&set);

    ASSERT_OK(voc_load(&set, nullptr, (data + "/bccd/VOCdevkit/BCCD").c_str(), "train"));
    EXPECT_EQ(123, set.n_images);
    EXPECT_EQ(3, set.n_classes);
    detset_release(&set);
}
