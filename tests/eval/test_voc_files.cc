/* reading a VOCdevkit, result files and JSON: what is accepted, and the sentence for what is not */
#include <gtest/gtest.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
extern "C" {
#include "base/voc_xml.h"
#include "eval/voc_files.h"
}

namespace fs = std::filesystem;

class VocFiles : public ::testing::Test {
  protected:
    fs::path root;
    VocData  d = {};

    void SetUp() override
    {
        char name[] = "/tmp/voc_files_XXXXXX";
        root = fs::path(mkdtemp(name)) / "SET";
        fs::create_directories(root / "ImageSets/Main");
        fs::create_directories(root / "Annotations");
        write("ImageSets/Main/test.txt", "a1\r\n  b2  \n");
        write("Annotations/a1.xml", annotation(object("dog", "10", "20", "60", "70")));
        write("Annotations/b2.xml", annotation(object("cat", "1", "1", "9.5", "9") +
                                               object("dog", "5", "5", "8", "8", 1)));
    }
    void TearDown() override
    {
        voc_data_release(&d);
        fs::remove_all(root.parent_path());
    }
    void write(const char *name, const std::string &text)
    {
        std::ofstream(root / name) << text;
    }
    static std::string object(const char *name, const char *x1, const char *y1, const char *x2,
                              const char *y2, int difficult = 0)
    {
        return std::string("<object><name>") + name + "</name><difficult>" +
               std::to_string(difficult) + "</difficult><bndbox><xmin>" + x1 + "</xmin><ymin>" +
               y1 + "</ymin><xmax> " + x2 + " </xmax><ymax>" + y2 + "</ymax></bndbox></object>";
    }
    static std::string annotation(const std::string &inside)
    {
        return "<annotation><size><width>100</width><height>80</height><depth>3</depth></size>" +
               inside + "</annotation>";
    }
    Status open()
    {
        return voc_data_open(&d, nullptr, root.c_str(), "test");
    }
    Status results(const char *name, const std::string &text)
    {
        voc_data_release(&d);
        write(name, text);
        Status st = open();
        return st != OK ? st : voc_data_results(&d, (root / name).c_str());
    }
    void expect_sentence(const char *part)
    {
        EXPECT_NE(std::string::npos, std::string(status_text()).find(part)) << status_text();
    }
};

TEST_F(VocFiles, ClassesFoundAreSorted)
{
    ASSERT_EQ(OK, open()) << status_text();
    ASSERT_EQ(2, d.set.n_classes);
    EXPECT_STREQ("cat", d.class_name[0]);
    EXPECT_EQ(3, d.set.truth.n);
    EXPECT_EQ(9.5, d.set.truth.box[6]);
    EXPECT_EQ(1, d.set.truth.difficult[2]);
}
TEST_F(VocFiles, ImageListedTwiceIsCountedTwice)
{
    write("ImageSets/Main/test.txt", "a1\nb2\na1\n");
    ASSERT_EQ(OK, open());
    EXPECT_EQ(2, d.set.n_images);
    EXPECT_EQ(2, d.set.image_repeats[0]);
}
TEST_F(VocFiles, BadSetLinesAreNamed)
{
    for (const char *bad : {"a1\n\nb2\n", "a1 1\n", "../a1\n", ""}) {
        write("ImageSets/Main/test.txt", bad);
        EXPECT_EQ(ERR_FORMAT, open()) << bad;
        voc_data_release(&d);
    }
    write("ImageSets/Main/test.txt", "zz\n");
    EXPECT_EQ(ERR_MISSING, open());
}
TEST_F(VocFiles, AnotherSplitOrFolderIsNamed)
{
    EXPECT_EQ(ERR_MISSING, voc_data_open(&d, nullptr, root.c_str(), "val"));
    expect_sentence("SET/ImageSets/Main/val.txt: there is no such list; the split is one of test");
    voc_data_release(&d);
    EXPECT_EQ(ERR_MISSING, voc_data_open(&d, nullptr, root.parent_path().c_str(), "test"));
    expect_sentence(("holds VOC folders; name one of them: " + root.string()).c_str());
}
TEST_F(VocFiles, UnlistedImagesAndClassesNameTheWayOut)
{
    EXPECT_EQ(ERR_FORMAT, results("comp4_det_test_dog.txt", "zz 0.9 1 1 2 2\n"));
    expect_sentence("not in the image set; --ignore-unknown leaves");
    for (const char *image : {"9", "\"zz\""}) {
        EXPECT_EQ(ERR_FORMAT, results("r.json", std::string("[{\"image_id\":") + image + "}]"));
        expect_sentence("not in the image set; --ignore-unknown leaves");
    }
    for (const char *label : {"\"category\":\"cow\"", "\"category_id\":3"}) {
        EXPECT_EQ(ERR_FORMAT, results("r.json", std::string("[{") + label +
                                                    ",\"image_id\":1,\"bbox\":[0,0,1,1],"
                                                    "\"score\":1}]"));
        expect_sentence("the class list; name all with --classes, or --ignore-unknown");
    }
    voc_data_release(&d);
    const char    *cat[] = {"cat"};
    VocReadOptions only = {};
    only.class_name = cat;
    only.n_classes = 1;
    EXPECT_EQ(ERR_FORMAT, voc_data_open(&d, &only, root.c_str(), "test"));
    expect_sentence("\"dog\" is not in the class list; name all with --classes, or");
}
TEST_F(VocFiles, JsonTakesIdsAsTextOrNumber)
{
    ASSERT_EQ(
        OK, results("r.json",
                    "[{\"image_id\":\"a1\",\"category_id\":2,\"bbox\":[9,19,51,51],\"score\":0.5},"
                    "{\"image_id\":2,\"category\":\"cat\",\"bbox\":[0,0,9,9],\"score\":1}]"))
        << status_text();
    ASSERT_EQ(2, d.set.found.n);
    EXPECT_EQ(1, d.set.found.image[1]);
    EXPECT_EQ(0, d.set.found.label[1]);
    EXPECT_EQ(VOC_BOXES_DETECTRON2, d.boxes);
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r;
    opt.boxes = d.boxes;
    ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &d.set));
    EXPECT_EQ(1.0, r.per_class[1].ap_area[9]); // 0-based 9,19 51 wide is 1-based 10,20 .. 60,70
    arena_release(&a);
}
TEST_F(VocFiles, ANameGoesBeforeANumberThatMeansAnotherClass)
{
    ASSERT_EQ(OK, results("r.json",
                          "[{\"category_name\":\"cat\",\"image_id\":\"a1\",\"category_id\":2,"
                          "\"bbox\":[9,19,51,51],\"score\":0.5},"
                          "{\"image_id\":2,\"category_id\":21,\"category_name\":\"dog\","
                          "\"bbox\":[0,0,9,9],\"score\":1},"
                          "{\"image_id\":2,\"category_id\":1,\"bbox\":[0,0,9,9],\"score\":1}]"))
        << status_text();
    ASSERT_EQ(3, d.set.found.n);
    EXPECT_EQ(0, d.set.found.label[0]);
    EXPECT_EQ(1, d.set.found.label[1]);
    EXPECT_EQ(0, d.set.found.label[2]);
}
TEST_F(VocFiles, BadJsonIsNamed)
{
    for (const char *bad :
         {"{}", "[1]", "[{\"image_id\":\"a1\"}]",
          "[{\"image_id\":9,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":1}]",
          "[{\"image_id\":1,\"category_id\":3,\"bbox\":[0,0,1,1],\"score\":1}]",
          "[{\"image_id\":1,\"category_id\":1,\"category_name\":\"cow\",\"bbox\":[0,0,1,1],"
          "\"score\":1}]",
          "[{\"image_id\":1,\"category_id\":1,\"category_name\":1,\"bbox\":[0,0,1,1],\"score\":1}]",
          "[{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1],\"score\":1}]",
          "[{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":\"x\"}]",
          "[{\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1e200],\"score\":1}]",
          "[{\"image_id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[0,0,1,1],\"score\":1}]", "[",
          ""})
        EXPECT_EQ(ERR_FORMAT, results("r.json", bad)) << bad;
}
TEST_F(VocFiles, ResultFilesAreReadByClass)
{
    ASSERT_EQ(OK, results("comp4_det_test_dog.txt", "a1 0.9 10 20 60 70\r\nb2 0.5 5 5 8 8\n"))
        << status_text();
    EXPECT_EQ(2, d.set.found.n);
    EXPECT_EQ(1, d.set.found.label[0]);
    EXPECT_EQ(VOC_BOXES_PIXELS, d.boxes);
    fs::create_directories(root / "out");
    fs::copy_file(root / "comp4_det_test_dog.txt", root / "out/comp4_det_test_dog.txt");
    voc_data_release(&d);
    ASSERT_EQ(OK, open());
    ASSERT_EQ(OK, voc_data_results(&d, (root / "out").c_str())) << status_text();
    EXPECT_EQ(2, d.set.found.n);
}
TEST_F(VocFiles, BadResultLinesAreNamed)
{
    for (const char *bad : {"a1 0.9 10 20 60\n", "a1  0.9 10 20 60 70\n", "a1 0.9 10 20 60 70 5\n",
                            "\n", "a1 x 1 1 2 2\n", "a1 nan 1 1 2 2\n", "zz 0.9 1 1 2 2\n"})
        EXPECT_EQ(ERR_FORMAT, results("comp4_det_test_dog.txt", bad)) << bad;
    expect_sentence("comp4_det_test_dog.txt:1");
    EXPECT_EQ(ERR_FORMAT, results("comp4_det_test_horse.txt", "a1 0.9 1 1 2 2\n"));
}

class VocXmlTest : public ::testing::Test {
  protected:
    Arena  a = {};
    VocXml x = {};
    void   TearDown() override
    {
        arena_release(&a);
    }
    Status parse(const std::string &text)
    {
        return voc_xml_parse(&a, &x, text.data(), (int64_t)text.size(), "x.xml");
    }
};
TEST_F(VocXmlTest, PartsAreNoObjects)
{
    ASSERT_EQ(OK, parse("<annotation><object><name>person</name><bndbox><xmin>1</xmin><ymin>2</"
                        "ymin><xmax>3</xmax><ymax>4"
                        "</ymax></bndbox><part><name>head</name><bndbox><xmin>9</xmin></bndbox></"
                        "part></object></annotation>"))
        << status_text();
    ASSERT_EQ(1, x.n_objects);
    EXPECT_STREQ("person", x.object[0].name);
    EXPECT_EQ(4, x.object[0].box[3]);
    EXPECT_FALSE(x.object[0].is_difficult);
}
TEST_F(VocXmlTest, HostileFilesAreRefused)
{
    const std::string box =
        "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox>";
    std::string deep = "<annotation>";
    for (int i = 0; i < 1000; i++)
        deep += "<a>";
    for (const std::string &bad :
         {std::string(""), std::string("<x/>"), std::string("<annotation>"),
          std::string("<!DOCTYPE a [<!ENTITY b \"c\">]><annotation>&b;</annotation>"),
          std::string("<!DOCTYPE a SYSTEM \"/etc/passwd\"><annotation/>"), deep,
          "<annotation><object>" + box + "</object></annotation>",
          std::string("<annotation><object><name>a</name></object></annotation>"),
          "<annotation><object><name>a</name>" + box + box + "</object></annotation>",
          std::string("<annotation><object><name>a</name><bndbox><xmin>x</xmin></bndbox></object></"
                      "annotation>"),
          std::string("<annotation><size><width>1</width></size><size><width>1</width></size></"
                      "annotation>"),
          "<annotation><object><name>" + std::string(5000, 'n') + "</name>" + box +
              "</object></annotation>"})
        EXPECT_EQ(ERR_FORMAT, parse(bad)) << bad.substr(0, 80);
}
