/* A resample of label images is the same as scoring the images that were drawn, copied as often as they were drawn. */
#include <cmath>
#include <cstring>
#include "png_support.h"
extern "C" {
#include "base/rng.h"
#include "eval/against_pixels.h"
#include "eval/cards.h"
}

namespace {
enum { IMAGES = 6, CLASSES = 3, PIXELS = 48 };
const int64_t LABELS[CLASSES] = {0, 1, 2};

class AgainstPixels : public ::testing::Test {
  protected:
    Folder        dir;
    Arena         a = {};
    SemsegOptions opt = {CLASSES, SEMSEG_VOID, false};
    uint32_t      state = 11;

    ~AgainstPixels() override
    {
        arena_release(&a);
    }
    std::vector<uint8_t> labels()
    {
        std::vector<uint8_t> v(PIXELS);
        for (uint8_t &x : v) {
            state = state * 1664525u + 1013904223u;
            x = (uint8_t)((state >> 24) % CLASSES);
        }
        return v;
    }
    /* Image i stands weight[i] times in NAME/gt, NAME/dt and NAME/other. */
    void write(const std::string &name, const std::vector<int> &weight)
    {
        state = 11;
        for (int i = 0; i < IMAGES; i++) {
            std::vector<uint8_t> truth = labels(), found = labels(), other = labels();
            truth[i] = SEMSEG_VOID;
            for (int p = 0; p < 8 * i; p++) // the share of right pixels differs among images
                found[p] = truth[p] == SEMSEG_VOID ? 0 : truth[p];
            for (int w = 0; w < weight[i]; w++) {
                std::string file = std::to_string(i) + "_" + std::to_string(w) + ".png";
                write_gray(dir / (name + "/gt/" + file), 8, 6, truth);
                write_gray(dir / (name + "/dt/" + file), 8, 6, found);
                write_gray(dir / (name + "/other/" + file), 8, 6, other);
            }
        }
    }
    SemsegResult score(const std::string &name, const std::string &results)
    {
        SemsegResult r = {};
        EXPECT_EQ(OK, semseg_evaluate_dirs(&a, &opt, &r, (dir / (name + "/gt")).c_str(),
                                           (dir / (name + "/" + results)).c_str()))
            << status_text();
        return r;
    }
};

std::vector<double> ious(const SemsegResult &r)
{
    std::vector<double> v;
    for (int c = 0; c < CLASSES; c++)
        v.push_back(r.per_class[c].iou);
    return v;
}
} // namespace

TEST_F(AgainstPixels, AResampleIsTheSetDrawn)
{
    const uint64_t   seed = 5;
    std::vector<int> weight(IMAGES, 0);
    Rng              rng = rng_at(seed, RNG_BOOTSTRAP, 0, 0);
    for (int i = 0; i < IMAGES; i++)
        weight[rng_below(&rng, IMAGES)]++;
    write("whole", std::vector<int>(IMAGES, 1));
    write("drawn", weight);
    SemsegResult         ours = score("whole", "dt"), theirs = score("whole", "other");
    SemsegResult         drawn = score("drawn", "dt"), other = score("drawn", "other");
    std::vector<double>  x = ious(ours), y = ious(theirs);
    AgainstPixelsOptions how = {1, seed, CLASSES, CLASSES, LABELS, true};
    AgainstPixelsSide    mine = {IMAGES, ours.image, x.data(), ours.mean_iou},
                      his = {IMAGES, theirs.image, y.data(), theirs.mean_iou};
    Against d;
    ASSERT_EQ(OK, against_pixels(&a, &how, &d, &mine, &his)) << status_text();
    for (int c = 0; c < CLASSES; c++) {
        EXPECT_EQ(x[c] - y[c], d.per_class[c].difference);
        EXPECT_EQ(drawn.per_class[c].iou - other.per_class[c].iou, d.per_class[c].low);
        EXPECT_EQ(d.per_class[c].low, d.per_class[c].high);
        EXPECT_NE(d.per_class[c].low, d.per_class[c].difference); // another set was drawn
    }
    EXPECT_EQ(ours.mean_iou - theirs.mean_iou, d.all.difference);
    EXPECT_NEAR(drawn.mean_iou - other.mean_iou, d.all.low, 1e-15); // the mean's order of sums
}

TEST_F(AgainstPixels, TheIntervalHoldsTheDifferenceAndStandsInTextAndJson)
{
    const char *const name[] = {"sky", "road", "tree"};
    write("whole", std::vector<int>(IMAGES, 1));
    SemsegResult         ours = score("whole", "dt"), theirs = score("whole", "other");
    std::vector<double>  x = ious(ours), y = ious(theirs);
    AgainstPixelsOptions how = {200, 0, CLASSES, CLASSES, LABELS, true};
    AgainstPixelsSide    mine = {IMAGES, ours.image, x.data(), ours.mean_iou},
                      his = {IMAGES, theirs.image, y.data(), theirs.mean_iou};
    Against d;
    Card    card;
    Text    text = {};
    ASSERT_EQ(OK, against_pixels(&a, &how, &d, &mine, &his)) << status_text();
    EXPECT_GT(d.all.difference, 0); // half the pixels were set right
    EXPECT_LT(d.all.low, d.all.difference);
    EXPECT_GT(d.all.high, d.all.difference);
    ASSERT_EQ(OK, semseg_card(&a, &card, &ours, name));
    card.truth = "gt";
    card.found = "dt";
    card.against = &d;
    card.against_name = "other";
    card_text(&text, &card);
    EXPECT_NE(nullptr, strstr(text_cstr(&text), "against other: IoU of both"));
    text_clear(&text);
    ASSERT_EQ(OK, card_json(&text, &card));
    EXPECT_NE(nullptr, strstr(text_cstr(&text), "\"other_IoU\""));
    text_release(&text);
}

TEST_F(AgainstPixels, AClassOnOneImageHasNoIntervalAndAnAbsentOneNoDifference)
{
    const PixelCount     first[] = {{0, 4, 5, 3}, {1, 4, 3, 2}}, second[] = {{0, 6, 6, 6}};
    const PixelImage     image[] = {{2, first}, {1, second}};
    const double         iou[] = {9. / 12, 2. / 5, NAN};
    AgainstPixelsOptions how = {50, 0, CLASSES, CLASSES, LABELS, true};
    AgainstPixelsSide    side = {2, image, iou, (iou[0] + iou[1]) / 2};
    Against              d;
    ASSERT_EQ(OK, against_pixels(&a, &how, &d, &side, &side));
    EXPECT_EQ(0, d.per_class[0].low);
    EXPECT_EQ(0, d.per_class[1].difference);
    EXPECT_TRUE(std::isnan(d.per_class[1].low) && std::isnan(d.per_class[1].high));
    EXPECT_TRUE(std::isnan(d.per_class[2].difference));
}

TEST_F(AgainstPixels, OtherImagesAndNoResamplesAreRefused)
{
    const PixelImage     image[2] = {};
    const double         iou[CLASSES] = {};
    AgainstPixelsOptions how = {10, 0, CLASSES, CLASSES, LABELS, true};
    AgainstPixelsSide    two = {2, image, iou, 0}, one = {1, image, iou, 0};
    Against              d;
    EXPECT_EQ(ERR_USAGE, against_pixels(&a, &how, &d, &two, &one));
    how.resamples = 0;
    EXPECT_EQ(ERR_USAGE, against_pixels(&a, &how, &d, &two, &two));
}
