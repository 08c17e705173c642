/* A resample is the same as scoring the images that were drawn, copied as often as they were drawn. */
#include <gtest/gtest.h>
#include <cmath>
#include "eval/voc_set.h"
extern "C" {
#include "base/rng.h"
#include "eval/against.h"
}

namespace {
enum { IMAGES = 12, CLASSES = 2 };

/* Boxes on a row of places; every score occurs once, so that no tie depends on the order of images. */
struct Scene {
    struct Box {
        int    image, label;
        double x, y;
        bool   difficult;
        double score;
    };
    std::vector<Box> truth, found, other;
    uint32_t         state = 7;

    uint32_t draw(uint32_t n)
    {
        state = state * 1664525u + 1013904223u;
        return (state >> 8) % n;
    }
    Scene()
    {
        for (int i = 0; i < IMAGES; i++)
            for (uint32_t k = draw(5); k > 0; k--) {
                Box b = {i, (int)draw(CLASSES), 100.0 * k, 10, draw(6) == 0, 0};
                truth.push_back(b);
                for (auto *list : {&found, &other})
                    for (uint32_t n = draw(3); n > 0; n--)
                        list->push_back({i, b.label, b.x + draw(30), b.y + draw(20), false, 0});
            }
        for (auto *list : {&found, &other})
            for (size_t i = 0; i < list->size(); i++)
                (*list)[i].score =
                    (double)((i * 37) % 101) / 101; // 37 and 101 have no common factor
    }
    /* Image i stands weight[i] times in the set. */
    VocTestSet set(const std::vector<Box> &results, const std::vector<int> &weight) const
    {
        VocTestSet       s;
        std::vector<int> first(IMAGES + 1, 0);
        for (int i = 0; i < IMAGES; i++)
            first[i + 1] = first[i] + weight[i];
        s.n_images = first[IMAGES];
        s.n_classes = CLASSES;
        for (const Box &b : truth)
            for (int w = 0; w < weight[b.image]; w++)
                s.truth(b.x, b.y, b.x + 50, b.y + 50, b.difficult, first[b.image] + w, b.label);
        for (const Box &b : results)
            for (int w = 0; w < weight[b.image]; w++)
                s.found(b.score, b.x, b.y, b.x + 50, b.y + 50, first[b.image] + w, b.label);
        return s;
    }
};

/* AP of every class by one average. */
std::vector<double> averages(const VocResult &r, AgainstAverage average)
{
    std::vector<double> ap;
    for (int k = 0; k < CLASSES; k++) {
        double sum = 0;
        int    n = 0;
        for (int t = 0; t < VOC_THRESHOLDS; t++) {
            const VocClass &c = r.per_class[k];
            for (int p = 0; p < VOC_RECALLS && average == AGAINST_POINTS; p++, n++)
                sum += r.match.precision[match_at(&r.match, t, p, k, 0, 0)];
            if (average != AGAINST_POINTS) {
                sum += average == AGAINST_AREA ? c.ap_area[t] : c.ap_11_point[t];
                n++;
            }
        }
        ap.push_back(sum / n);
    }
    return ap;
}

void expect_drawn_set(AgainstAverage average)
{
    Scene            scene;
    Arena            a = {};
    VocEvalOptions   opt = {};
    VocResult        whole[2], drawn[2];
    std::vector<int> once(IMAGES, 1), weight(IMAGES, 0);
    const uint64_t   seed = 3;
    Rng              rng = rng_at(seed, RNG_BOOTSTRAP, 0, 0);
    for (int i = 0; i < IMAGES; i++)
        weight[rng_below(&rng, IMAGES)]++;
    VocTestSet sets[4] = {scene.set(scene.found, once), scene.set(scene.other, once),
                          scene.set(scene.found, weight), scene.set(scene.other, weight)};
    VocSet     views[4];
    for (int i = 0; i < 4; i++) {
        views[i] = sets[i].set();
        ASSERT_EQ(OK, voc_evaluate(&a, &opt, i < 2 ? &whole[i] : &drawn[i - 2], &views[i]))
            << status_text();
    }
    std::vector<double> ap = averages(whole[0], average), other = averages(whole[1], average);
    std::vector<double> ap_drawn = averages(drawn[0], average),
                        other_drawn = averages(drawn[1], average);
    AgainstOptions how = {1, seed, average};
    AgainstSide    ours = {whole[0].task, &whole[0].match, ap.data()},
                theirs = {whole[1].task, &whole[1].match, other.data()};
    Against x;
    ASSERT_EQ(OK, against_run(&a, &how, &x, &ours, &theirs)) << status_text();
    double all = 0;
    for (int k = 0; k < CLASSES; k++) {
        EXPECT_EQ(ap[k] - other[k], x.per_class[k].difference);
        EXPECT_GT(std::fabs(x.per_class[k].low - x.per_class[k].difference), 1e-3); // another set
        EXPECT_EQ(x.per_class[k].low, x.per_class[k].high);
        EXPECT_NEAR(ap_drawn[k] - other_drawn[k], x.per_class[k].low, 1e-12)
            << k; // eps of precision
        all += (ap_drawn[k] - other_drawn[k]) / CLASSES;
    }
    EXPECT_NEAR(all, x.all.low, 1e-12);
    arena_release(&a);
}
} // namespace

TEST(Against, AResampleIsTheSetDrawnAtRecallPoints)
{
    expect_drawn_set(AGAINST_POINTS);
}
TEST(Against, AResampleIsTheSetDrawnAtElevenPoints)
{
    expect_drawn_set(AGAINST_11_POINTS);
}
TEST(Against, AResampleIsTheSetDrawnUnderTheCurve)
{
    expect_drawn_set(AGAINST_AREA);
}
TEST(Against, AClassOnOneImageHasNoInterval)
{
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r;
    VocTestSet     s;
    s.n_images = 5;
    s.truth(10, 10, 50, 50);
    s.found(.9, 10, 10, 50, 50);
    VocSet set = s.set();
    ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r, &set));
    double         ap = 1;
    AgainstOptions how = {50, 1, AGAINST_AREA};
    AgainstSide    side = {r.task, &r.match, &ap};
    Against        x;
    ASSERT_EQ(OK, against_run(&a, &how, &x, &side, &side));
    EXPECT_EQ(0, x.per_class[0].difference);
    EXPECT_TRUE(std::isnan(x.per_class[0].low) && std::isnan(x.per_class[0].high));
    arena_release(&a);
}
TEST(Against, SetsOfOtherShapesAreRefused)
{
    Arena          a = {};
    VocEvalOptions opt = {};
    VocResult      r[2];
    for (int i = 0; i < 2; i++) {
        VocTestSet s;
        s.n_images = 3 + i;
        s.truth(10, 10, 50, 50);
        VocSet set = s.set();
        ASSERT_EQ(OK, voc_evaluate(&a, &opt, &r[i], &set));
    }
    double         ap = 0;
    AgainstOptions how = {50, 1, AGAINST_AREA};
    AgainstSide    ours = {r[0].task, &r[0].match, &ap}, theirs = {r[1].task, &r[1].match, &ap};
    Against        x;
    EXPECT_EQ(ERR_USAGE, against_run(&a, &how, &x, &ours, &theirs));
    arena_release(&a);
}
