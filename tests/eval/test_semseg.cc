/* Mean IoU of label images, both definitions, and every way a label PNG may be stored. */
#include "png_support.h"
extern "C" {
#include "eval/label_png.h"
#include "eval/semseg.h"
}
#include <cmath>
#include <cstring>

class SemsegTest : public ::testing::Test {
  protected:
    Folder        dir;
    Arena         a = {};
    SemsegOptions opt = {3, SEMSEG_VOID, false};
    SemsegResult  r = {};
    ~SemsegTest() override
    {
        arena_release(&a);
    }
    Status evaluate()
    {
        return semseg_evaluate_dirs(&a, &opt, &r, (dir.path + "/gt").c_str(),
                                    (dir.path + "/dt").c_str());
    }
    void pair(const std::string &name, int w, int h, const std::vector<uint8_t> &gt,
              const std::vector<uint8_t> &dt)
    {
        write_gray(dir / ("gt/" + name), w, h, gt);
        write_gray(dir / ("dt/" + name), w, h, dt);
    }
};

TEST_F(SemsegTest, BothDefinitionsGiveTheirTextbookNumbers)
{
    pair("a.png", 6, 1, {0, 0, 0, 1, 1, 255}, {0, 0, 1, 1, 2, 2});
    ASSERT_EQ(OK, evaluate()) << status_text();
    EXPECT_EQ(2.0 / 3, r.per_class[0].iou);
    EXPECT_EQ(1.0 / 3, r.per_class[1].iou);
    EXPECT_TRUE(std::isnan(r.per_class[2].iou));
    EXPECT_EQ(0.0, r.per_class[2].iou_devkit);
    EXPECT_DOUBLE_EQ(.5, r.mean_iou);
    EXPECT_DOUBLE_EQ(1.0 / 3, r.mean_iou_devkit);
    EXPECT_NEAR(.5333, r.frequency_weighted_iou, 1e-4);
    EXPECT_NEAR(.5833, r.mean_accuracy, 1e-4);
    EXPECT_DOUBLE_EQ(.6, r.pixel_accuracy);
    EXPECT_EQ(1, r.n_void);
    EXPECT_EQ(5, r.n_pixels);
}

TEST_F(SemsegTest, CountsAddUpBeforeTheDivision)
{
    pair("city/a.png", 4, 1, {0, 0, 0, 0}, {0, 0, 0, 0});
    pair("city/b.png", 4, 1, {0, 1, 1, 1}, {1, 1, 1, 1});
    ASSERT_EQ(OK, evaluate()) << status_text();
    EXPECT_EQ(4.0 / 5, r.per_class[0].iou); // the mean of per-image values would be 1 / 2
    EXPECT_EQ(2, r.n_images);
}

TEST_F(SemsegTest, EverythingVoidIsUndefined)
{
    pair("a.png", 2, 1, {255, 255}, {0, 1});
    ASSERT_EQ(OK, evaluate()) << status_text();
    EXPECT_TRUE(std::isnan(r.mean_iou));
    EXPECT_TRUE(std::isnan(r.mean_iou_devkit));
    EXPECT_TRUE(std::isnan(r.pixel_accuracy));
}

TEST_F(SemsegTest, LabelsOutOfRangeAndOtherSizesAreRefusedByName)
{
    pair("a.png", 2, 1, {0, 1}, {0, 3});
    EXPECT_EQ(ERR_FORMAT, evaluate());
    EXPECT_NE(nullptr, strstr(status_text(), "dt/a.png: predicted label 3"));
    EXPECT_EQ(nullptr, strstr(status_text(), "--allow-void")) << "3 is not the void label";
    pair("a.png", 2, 1, {0, 7}, {0, 1});
    EXPECT_EQ(ERR_FORMAT, evaluate());
    pair("a.png", 2, 1, {0, 1}, {0, 255});
    EXPECT_EQ(ERR_FORMAT, evaluate());
    EXPECT_NE(nullptr, strstr(status_text(), "--allow-void")) << status_text();
    opt.allow_void_in_prediction = true;
    ASSERT_EQ(OK, evaluate()) << status_text();
    EXPECT_EQ(1.0, r.per_class[0].iou_devkit); // class 0 is right
    EXPECT_EQ(0.0, r.per_class[1].iou_devkit); // class 1 is missed
    EXPECT_EQ(1, r.confusion[1 * 4 + 3]);
    write_gray(dir / "dt/a.png", 1, 2, {0, 1});
    EXPECT_EQ(ERR_FORMAT, evaluate());
    std::filesystem::remove(dir / "dt/a.png");
    EXPECT_EQ(ERR_MISSING, evaluate());
}

TEST_F(SemsegTest, PaletteIndicesAndGrayOfAnyDepthAreTheSameLabels)
{
    write_gray(dir / "gt/a.png", 3, 1, {0, 1, 2});
    std::vector<spng_plte_entry> palette(3);
    palette[1].red = 128;
    const uint8_t  indices[] = {0, 1, 2}, two_bits[] = {0x18}; // 00 01 10
    const uint16_t wide[] = {0, 1, 2};
    auto           expect_perfect = [&] {
        ASSERT_EQ(OK, evaluate()) << status_text();
        EXPECT_EQ(1.0, r.mean_iou);
    };
    write_png(dir / "dt/a.png", 3, 1, SPNG_COLOR_TYPE_INDEXED, 8, indices, 3, palette);
    expect_perfect();
    write_png(dir / "dt/a.png", 3, 1, SPNG_COLOR_TYPE_INDEXED, 2, two_bits, 1, palette);
    expect_perfect();
    write_png(dir / "dt/a.png", 3, 1, SPNG_COLOR_TYPE_GRAYSCALE, 2, two_bits, 1);
    expect_perfect();
    write_png(dir / "dt/a.png", 3, 1, SPNG_COLOR_TYPE_GRAYSCALE, 16, wide, 6);
    expect_perfect();
    const uint8_t rgb[9] = {0};
    write_png(dir / "dt/a.png", 3, 1, SPNG_COLOR_TYPE_TRUECOLOR, 8, rgb, 9);
    EXPECT_EQ(ERR_FORMAT, evaluate());
    EXPECT_NE(nullptr, strstr(status_text(), "one channel"));
}

TEST_F(SemsegTest, DamagedAndBloatedFilesAreRefusedBeforeTheirPixelsAreAllocated)
{
    pair("a.png", 64, 64, std::vector<uint8_t>(4096, 1), std::vector<uint8_t>(4096, 1));
    std::string path = dir / "dt/a.png";
    auto        size = std::filesystem::file_size(path);
    for (uintmax_t n = 0; n + 4 <= size; n += 3) { // the last four check an empty chunk
        std::filesystem::resize_file(path, n);
        EXPECT_EQ(ERR_FORMAT, evaluate()) << n;
        pair("a.png", 64, 64, std::vector<uint8_t>(4096, 1), std::vector<uint8_t>(4096, 1));
    }
    uint8_t    head[33] = {0x89, 'P',  'N', 'G', 13,  10, 26, 10,   0,    0, 0,
                           13,   'I',  'H', 'D', 'R', 0,  0,  0x27, 0x10, 0, 0,
                           0x27, 0x10, 8,   0,   0,   0,  0,  0,    0,    0, 0};
    LabelImage image;
    EXPECT_EQ(ERR_FORMAT, label_png_parse(&a, &image, head, sizeof head, "head"));
    EXPECT_LT(a.peak_bytes, 1 << 22);
}

TEST_F(SemsegTest, TheMatrixDoesNotDependOnRuns)
{
    std::vector<uint8_t> gt(1000), dt(1000);
    std::vector<int64_t> want(12);
    uint32_t             s = 1;
    for (size_t i = 0; i < gt.size(); i++) {
        s = s * 1664525 + 1013904223;
        gt[i] = (s >> 24) % 8 ? (i ? gt[i - 1] : 0) : (uint8_t)((s >> 20) % 3);
        dt[i] = (s >> 16) % 5 ? (i ? dt[i - 1] : 0) : (uint8_t)((s >> 12) % 3);
        want[gt[i] * 4 + dt[i]]++;
    }
    pair("a.png", 40, 25, gt, dt);
    ASSERT_EQ(OK, evaluate()) << status_text();
    EXPECT_EQ(want, std::vector<int64_t>(r.confusion, r.confusion + 12));
}
