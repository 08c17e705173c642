/* Cityscapes: the generated set of the specification, and its edge cases. */
#include "cityscapes_set.h"
extern "C" {
#include "base/threads.h"
#include "eval/cards.h"
}
#include <cstring>

TEST_F(CityscapesTest, InstanceApOfTheGeneratedSetIsThatOfTheScripts)
{
    make_generated_set(dir);
    ASSERT_EQ(OK, instances()) << status_text();
    const double person[10] = {0.3696031746031746,
                               0.3696031746031746,
                               0.3696031746031746,
                               0.22327380952380954,
                               0.22327380952380954,
                               0.22327380952380954,
                               0.026785714285714288,
                               0.007142857142857143,
                               0,
                               0};
    const double car[10] = {0.4354383116883116,
                            0.4354383116883116,
                            0.3573593073593073,
                            0.3426873126873127,
                            0.2227930402930403,
                            0.04576770451770451,
                            0,
                            0,
                            0,
                            0};
    for (int t = 0; t < 10; t++) {
        EXPECT_NEAR(person[t], r.ap[0][t], 1e-12) << t;
        EXPECT_NEAR(car[t], r.ap[2][t], 1e-12) << t;
        EXPECT_TRUE(std::isnan(r.ap[1][t]));
    }
    EXPECT_NEAR(0.18260217560217556, r.all_ap, 1e-12);
    EXPECT_NEAR(0.4025207431457431, r.all_ap50, 1e-12);
    EXPECT_EQ(6, r.n_images);
}

static const char INSTANCE_LINES[] = "##################################################\n"
                                     "what           :             AP         AP_50%\n"
                                     "##################################################\n"
                                     "person         :          0.181          0.370\n"
                                     "rider          :            nan            nan\n"
                                     "car            :          0.184          0.435\n"
                                     "truck          :            nan            nan\n"
                                     "bus            :            nan            nan\n"
                                     "train          :            nan            nan\n"
                                     "motorcycle     :            nan            nan\n"
                                     "bicycle        :            nan            nan\n"
                                     "--------------------------------------------------\n"
                                     "average        :          0.183          0.403\n";

static const char PIXEL_LINES[] = "classes          IoU      nIoU\n"
                                  "--------------------------------\n"
                                  "road          : 0.950      nan\n"
                                  "sidewalk      :   nan      nan\n"
                                  "building      :   nan      nan\n"
                                  "wall          :   nan      nan\n"
                                  "fence         :   nan      nan\n"
                                  "pole          :   nan      nan\n"
                                  "traffic light :   nan      nan\n"
                                  "traffic sign  :   nan      nan\n"
                                  "vegetation    :   nan      nan\n"
                                  "terrain       :   nan      nan\n"
                                  "sky           :   nan      nan\n"
                                  "person        : 0.894    0.926\n"
                                  "rider         :   nan      nan\n"
                                  "car           : 0.893    0.935\n"
                                  "truck         :   nan      nan\n"
                                  "bus           :   nan      nan\n"
                                  "train         :   nan      nan\n"
                                  "motorcycle    :   nan      nan\n"
                                  "bicycle       :   nan      nan\n"
                                  "--------------------------------\n"
                                  "Score Average : 0.912    0.930\n"
                                  "--------------------------------\n"
                                  "\n"
                                  "\n"
                                  "categories       IoU      nIoU\n"
                                  "--------------------------------\n"
                                  "flat          : 0.950      nan\n"
                                  "construction  :   nan      nan\n"
                                  "object        :   nan      nan\n"
                                  "nature        :   nan      nan\n"
                                  "sky           :   nan      nan\n"
                                  "human         : 0.894    0.926\n"
                                  "vehicle       : 0.893    0.935\n"
                                  "--------------------------------\n"
                                  "Score Average : 0.912    0.930\n"
                                  "--------------------------------\n";

TEST_F(CityscapesTest, SummaryLinesAreThoseOfTheScripts)
{
    make_generated_set(dir);
    ASSERT_EQ(OK, instances()) << status_text();
    ASSERT_EQ(OK, pixels()) << status_text();
    Card card;
    ASSERT_EQ(OK, cityscapes_instances_card(&a, &card, &r));
    EXPECT_STREQ(INSTANCE_LINES, card.summary); // printResults
    ASSERT_EQ(OK, cityscapes_pixels_card(&a, &card, &p));
    EXPECT_STREQ(PIXEL_LINES, card.summary); // evaluateImgLists
}

TEST_F(CityscapesTest, PixelIouOfTheGeneratedSetIsThatOfTheScripts)
{
    make_generated_set(dir);
    ASSERT_EQ(OK, pixels()) << status_text();
    EXPECT_EQ(0.9502158780509296, p.class_iou[7]);
    EXPECT_EQ(0.8940983606557377, p.class_iou[24]);
    EXPECT_EQ(0.8931799506984388, p.class_iou[26]);
    EXPECT_EQ(0.9124980631350352, p.mean_iou);
    EXPECT_EQ(0.9260196781105509, p.class_iiou[24]);
    EXPECT_EQ(0.9346814120718414, p.class_iiou[26]);
    EXPECT_EQ(0.9303505450911962, p.mean_iiou);
    EXPECT_EQ(p.mean_iou, p.mean_category_iou);
    EXPECT_EQ(p.mean_iiou, p.mean_category_iiou);
}

TEST_F(CityscapesTest, NumbersDoNotDependOnTheNumberOfThreads)
{
    make_generated_set(dir);
    ASSERT_EQ(OK, instances());
    ASSERT_EQ(OK, pixels());
    CityscapesInstances r1 = r;
    CityscapesPixels    p1 = p;
    p1.image = nullptr;
    for (int n : {1, 2, 7, 16}) {
        threads_set(n);
        ASSERT_EQ(OK, instances());
        ASSERT_EQ(OK, pixels());
        EXPECT_EQ(0, memcmp(&r1, &r, sizeof r));
        p.image = nullptr; // where it lies; its counts: the next test
        EXPECT_EQ(0, memcmp(&p1, &p, sizeof p));
    }
    threads_set(0);
}

TEST_F(CityscapesTest, TheCountsOfTheImagesAddUpToEveryIou)
{
    make_generated_set(dir);
    for (int n : {1, 7}) {
        threads_set(n);
        ASSERT_EQ(OK, pixels()) << status_text();
        std::vector<PixelCount> sum(CITYSCAPES_LABELS);
        for (int64_t i = 0; i < p.n_images; i++)
            for (int64_t k = 0; k < p.image[i].n; k++) {
                const PixelCount &c = p.image[i].count[k];
                sum[c.label].truth += c.truth;
                sum[c.label].found += c.found;
                sum[c.label].both += c.both;
            }
        for (int c : {7, 24, 26})
            EXPECT_EQ(p.class_iou[c],
                      (double)sum[c].both / (double)(sum[c].truth + sum[c].found - sum[c].both));
        EXPECT_GT(p.image[0].n, 1);
    }
    threads_set(0);
}

TEST_F(CityscapesTest, PerfectIsOne)
{
    truth(A, 26000);
    found(A);
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, TruthWithoutPredictionIsZeroAndPredictionWithoutTruthUndefined)
{
    truth(A, 26000);
    EXPECT_EQ(Pair(0, 0), car());
    Folder other;
    Scene  empty;
    empty.add(other, base, A, "0.9");
    empty.write(other, base);
    ASSERT_EQ(OK, instances_of(other.path));
    EXPECT_TRUE(std::isnan(r.class_ap[2]));
    EXPECT_TRUE(std::isnan(r.all_ap));
}

TEST_F(CityscapesTest, WhereTheScriptCrashesApIsZero)
{
    truth(A, 26000);
    truth(B, 26); // a group excuses the only prediction, and A is missed
    found(B);
    EXPECT_EQ(Pair(0, 0), car());
}

TEST_F(CityscapesTest, AGroupPredictionAboveAHitCostsNothing)
{
    truth(A, 26000);
    truth(B, 26);
    found(A, "0.9");
    found(B, "0.95");
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, FalsePositivesCostByTheirRank)
{
    truth(A, 26000);
    found(A, "0.9");
    found(B, "0.95");
    EXPECT_EQ(Pair(.25, .25), car());
}

TEST_F(CityscapesTest, FalsePositivesBelowTheHitAreFreeAndTiedOnesCostHalf)
{
    truth(A, 26000);
    found(A, "0.9");
    found(B, "0.5");
    EXPECT_EQ(Pair(1, 1), car());
    found(C, "0.9");
    EXPECT_EQ(Pair(.75, .75), car());
}

TEST_F(CityscapesTest, TheLowerOfTwoPredictionsOfOneInstanceIsFalse)
{
    truth(A, 26000);
    found(A, "0.5");
    found(A, "0.9");
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, SmallInstancesAreIgnoredBothWays)
{
    truth(A, 26000);
    found(A);
    truth({30, 2, 9, 9, 26}, 26001);
    found({30, 2, 9, 9, 26}, "0.95");
    EXPECT_EQ(Pair(1, 1), car());
    truth({45, 2, 10, 10, 26}, 26002); // 100 pixels: counts, and is missed
    EXPECT_EQ(Pair(.5, .5), car());
}

TEST_F(CityscapesTest, OnlyASmallInstanceIsUndefined)
{
    truth({30, 2, 9, 9, 26}, 26001);
    EXPECT_EQ(Pair(-1, -1), car());
}

TEST_F(CityscapesTest, NumberedCaravansDoNotExcuseAndTheirGroupDoes)
{
    truth(A, 26000);
    found(A, "0.9");
    truth(B, 29000);
    found(B, "0.95");
    EXPECT_EQ(Pair(.25, .25), car());
    truth(B, 29);
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, OverlapMustExceedTheThreshold)
{
    truth({2, 2, 20, 10, 26}, 26000);
    found({2, 2, 20, 20, 26});
    EXPECT_EQ(Pair(0, 0), car()); // IoU exactly .5
}

TEST_F(CityscapesTest, AnOverlapOfThreeQuartersMatchesFiveThresholds)
{
    truth({2, 2, 20, 15, 26}, 26000);
    found({2, 2, 20, 20, 26});
    EXPECT_EQ(Pair(.5, 1), car());
}

TEST_F(CityscapesTest, ASmallGroupExcusesTwice)
{
    truth(A, 26000);
    found(A, "0.9");
    truth({30, 2, 10, 6, 26}, 26); // 60 of 200 pixels, counted twice: .6
    found({30, 2, 10, 20, 26}, "0.95");
    EXPECT_EQ(Pair(.4, 1), car());
}

TEST_F(CityscapesTest, OddConfidencesAndLabelsReadAsPythonReadsThem)
{
    for (std::string score : {"-3", "inf", "-Infinity", "nan", "1e-3", ".5"}) {
        scene = Scene();
        truth(A, 26000);
        found(A, score);
        EXPECT_EQ(Pair(1, 1), car()) << score;
    }
    scene = Scene();
    truth(A, 26000);
    std::vector<uint8_t> mask(W * H);
    paint<uint8_t>(mask, A, 1);
    scene.add(dir, base, mask, "26.9", "0.9");
    scene.list.pop_back(); // no newline at the end
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, EmptyMasksAndOtherLabelsAreSkipped)
{
    truth(A, 26000);
    found({0, 0, 0, 0, 26}, "0.95");
    for (int label : {29, 7, -1})
        found({2, 2, 20, 20, label}, "0.95");
    EXPECT_EQ(Pair(0, 0), car());
    EXPECT_EQ(0, r.n_found[2]);
}

TEST_F(CityscapesTest, TheLastLineOfARepeatedMaskWins)
{
    truth(A, 26000);
    found(A, "0.9");
    found(B, "0.95");
    scene.list += "masks/" + base + "_1.png 26 0.5\n"; // the false positive sinks below the hit
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, ColouredMasksCountWhereTheyAreNotBlackInGray)
{
    struct {
        spng_plte_entry colour;
        double          ap;
    } cases[] = {{{0, 0, 1, 255}, 0}, {{255, 0, 0, 255}, 1}, {{0, 1, 0, 255}, 1}};
    for (auto &c : cases) {
        scene = Scene();
        truth(A, 26000);
        std::vector<uint8_t> mask(W * H);
        paint<uint8_t>(mask, A, 1);
        write_png(dir / "dt/masks/palette.png", W, H, SPNG_COLOR_TYPE_INDEXED, 8, mask.data(),
                  mask.size(), {{0, 0, 0, 255}, c.colour});
        std::vector<uint8_t> rgb(3 * W * H);
        for (size_t i = 0; i < mask.size(); i++)
            if (mask[i]) {
                rgb[3 * i] = c.colour.red;
                rgb[3 * i + 1] = c.colour.green;
                rgb[3 * i + 2] = c.colour.blue;
            }
        write_png(dir / "dt/masks/rgb.png", W, H, SPNG_COLOR_TYPE_TRUECOLOR, 8, rgb.data(),
                  rgb.size());
        scene.list = "masks/palette.png 26 0.9\n";
        EXPECT_EQ(Pair(c.ap, c.ap), car());
        scene.list = "masks/rgb.png 26 0.9\n";
        EXPECT_EQ(Pair(c.ap, c.ap), car());
    }
    std::vector<uint16_t> wide(W * H);
    paint<uint16_t>(wide, A, 300);
    write_gray16(dir / "dt/masks/wide.png", W, H, wide);
    scene.list = "masks/wide.png 26 0.9\n";
    EXPECT_EQ(Pair(1, 1), car());
}

TEST_F(CityscapesTest, MalformedListsAreRefusedWithTheirLine)
{
    truth(A, 26000);
    found(A);
    const std::string good = scene.list;
    for (std::string bad :
         {"\n", "masks/a.png  26 0.9\n", "masks/a.png 26\n", "masks/a.png 26 0.9 1\n",
          "/masks/a.png 26 0.9\n", "../gt/a.png 26 0.9\n", "masks/../../x.png 26 0.9\n",
          "masks/a.png 99 0.9\n", "masks/a.png car 0.9\n", "masks/a.png 26 high\n",
          "C:\\x.png 26 0.9\n", "masks/a.png nan 0.9\n"}) {
        scene.list = good + bad;
        EXPECT_EQ(ERR_FORMAT, run()) << bad;
        EXPECT_NE(nullptr, strstr(status_text(), ".txt:2: ")) << bad << status_text();
    }
    scene.list = "masks/absent.png 26 0.9\n";
    EXPECT_EQ(ERR_MISSING, run());
    write_gray(dir / "dt/masks/small.png", 4, 4, std::vector<uint8_t>(16));
    scene.list = "masks/small.png 26 0.9\n";
    EXPECT_EQ(ERR_FORMAT, run());
}

TEST_F(CityscapesTest, UnknownIdsAndMissingOrRepeatedPredictionsAreRefused)
{
    truth(A, 65535);
    EXPECT_EQ(ERR_FORMAT, run());
    EXPECT_NE(nullptr, strstr(status_text(), "instanceIds.png: instance id 65535"));
    truth(A, 26000);
    EXPECT_EQ(OK, run()) << status_text();
    write_text(dir / ("dt/again/" + base + ".txt"), "");
    EXPECT_EQ(ERR_FORMAT, run());
    std::filesystem::remove_all(dir / "dt");
    std::filesystem::create_directories(dir.path + "/dt");
    EXPECT_EQ(ERR_MISSING, instances());
}

TEST_F(CityscapesTest, PixelEdgeCasesAreThoseOfTheScripts)
{
    auto predict = [&](const std::vector<uint8_t> &labels) {
        scene.write(dir, base);
        write_gray(dir / ("px/" + base + "_pred.png"), W, H, labels);
        ASSERT_EQ(OK, pixels()) << status_text();
    };
    std::vector<uint8_t> half(W * H, 7);
    predict(half); // road only, all right
    EXPECT_EQ(1.0, p.class_iou[7]);
    EXPECT_EQ(1.0, p.mean_iou);
    EXPECT_TRUE(std::isnan(p.mean_iiou));
    EXPECT_TRUE(std::isnan(p.category_iou[0]));
    std::fill(half.begin(), half.begin() + W * H / 2, (uint8_t)11);
    predict(half); // half building
    EXPECT_EQ(.5, p.class_iou[7]);
    EXPECT_EQ(0.0, p.class_iou[11]);
    EXPECT_EQ(.25, p.mean_iou);
    std::fill(half.begin(), half.begin() + W * H / 2, (uint8_t)29);
    predict(half); // half caravan: an ignored class, yet a false vehicle for iIoU
    EXPECT_EQ(.5, p.class_iou[7]);
    EXPECT_EQ(.5, p.mean_iou);
    EXPECT_TRUE(std::isnan(p.category_iou[7]));
    EXPECT_EQ(0.0, p.category_iiou[7]);
    std::fill(half.begin(), half.begin() + W * H / 2, (uint8_t)34);
    write_gray(dir / ("px/" + base + "_pred.png"), W, H, half);
    EXPECT_EQ(ERR_FORMAT, pixels());
    write_gray(dir / ("px/" + base + "_pred.png"), H, W, std::vector<uint8_t>(W * H, 7));
    EXPECT_EQ(ERR_FORMAT, pixels());
}

TEST_F(CityscapesTest, InstancesWeighInIiouAndGroupsDoNot)
{
    truth({0, 0, 10, 10, 24}, 24000);
    truth({20, 0, 10, 10, 24}, 24);
    std::vector<uint8_t> found(W * H, 7);
    paint<uint8_t>(found, {0, 0, 10, 6, 24}, 24);   // 40 % of the instance wrong
    paint<uint8_t>(found, {20, 0, 10, 10, 24}, 24); // the group right
    scene.write(dir, base);
    write_gray(dir / ("px/" + base + "_pred.png"), W, H, found);
    ASSERT_EQ(OK, pixels()) << status_text();
    EXPECT_DOUBLE_EQ(.8, p.class_iou[24]);
    EXPECT_DOUBLE_EQ(.6, p.class_iiou[24]);
    std::fill(found.begin(), found.end(), (uint8_t)7);
    paint<uint8_t>(found, {0, 0, 10, 10, 24}, 25);
    paint<uint8_t>(found, {20, 0, 10, 10, 24}, 25);
    write_gray(dir / ("px/" + base + "_pred.png"), W, H, found);
    ASSERT_EQ(OK, pixels()) << status_text();
    EXPECT_EQ(0.0, p.class_iou[24]);
    EXPECT_EQ(0.0, p.class_iou[25]);
    EXPECT_EQ(1.0, p.category_iou[6]);
}
