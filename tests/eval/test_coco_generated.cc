/* COCO, LVIS and poses: a generated set whose numbers come from pycocotools 2.0.11 and lvis-api 0.5.3 */
#include "coco_set.h"
#include <algorithm>
#include <cstring>
extern "C" {
#include "base/threads.h"
}

/* The generated set of the evaluation contract (12.2): x, y, boxes and polygons from a linear congruential generator. */
class Generated : public ::testing::Test {
  protected:
    CocoSet  s, masks;
    uint64_t state = 2020;
    int      draw(int n)
    {
        state = (1103515245 * state + 12345) & 0x7fffffff;
        return (int)((state >> 8) % (uint64_t)n);
    }
    void make(bool lvis)
    {
        static const char F[3] = {'f', 'c', 'r'};
        s.categories = "";
        for (int c = 1; c <= 3; c++)
            append(&s.categories,
                   format("{\"id\":%d,\"name\":\"c%d\",\"frequency\":\"%c\"}", c, c, F[c - 1]));
        for (int i = 1; i <= 12; i++) {
            std::string federated =
                format(",\"neg_category_ids\":[%d],\"not_exhaustive_category_ids\":[%s]", 1 + i % 3,
                       i % 2 ? "" : format("%d", 1 + (i + 1) % 3).c_str());
            append(&s.images,
                   format("{\"id\":%d,\"width\":160,\"height\":120%s}", i, federated.c_str()));
            for (int n = draw(7); n > 0; n--) {
                int cat = 1 + draw(3), x = draw(120), y = draw(80), w = 4 + draw(60),
                    h = 4 + draw(50);
                bool        crowd = draw(10) == 0;
                std::string polygon =
                    format(",\"segmentation\":[[%d,%d,%d,%d,%d,%d,%.17g,%.17g,%d,%d]]", x, y, x + w,
                           y, x + w, y + h, x + w / 2.0, y + .75 * h, x, y + h);
                s.truth(i, x, y, w, h, polygon, .875 * w * h, crowd && !lvis, cat);
                for (int k = draw(3); k > 0; k--) {
                    int    c = draw(8) == 0 ? 1 + draw(3) : cat;
                    int    dx = draw(7) - 3, dy = draw(7) - 3, dw = draw(9) - 4, dh = draw(9) - 4;
                    double score = draw(100) / 100.0;
                    s.result(i, score, x + dx, y + dy, std::max(1, w + dw), std::max(1, h + dh), c);
                }
            }
            for (int n = draw(4); n > 0; n--) {
                int c = 1 + draw(3), x = draw(140), y = draw(100), w = 1 + draw(40),
                    h = 1 + draw(40);
                double score = draw(100) / 100.0;
                s.result(i, score, x, y, w, h, c);
            }
        }
    }
    void expect(std::vector<double> want)
    {
        ASSERT_EQ(OK, s.evaluate()) << status_text();
        EXPECT_EQ(want, s.stats);
    }
};

TEST_F(Generated, BoxesHaveTheReferenceNumbers)
{
    make(false);
    expect({0.11318920078821068, 0.2591593225256591, 0.08556921626228556, 0.08433390958143433,
            0.30357535753575354, -1, 0.1085137085137085, 0.22940115440115438, 0.22940115440115438,
            0.18916666666666668, 0.40555555555555556, -1});
    s.opt.ignore_categories = true;
    expect({0.07766619519094767, 0.17072135785007073, 0.05841584158415842, 0.05667088375504217,
            0.2246874687468747, -1, 0.043333333333333335, 0.22666666666666666, 0.22666666666666666,
            0.1782608695652174, 0.3857142857142857, -1});
}
TEST_F(Generated, OwnAreaRangesAndThresholdsHaveTheReferenceNumbers)
{
    make(false);
    const char  *name[4] = {"all", "tiny", "small", "big"};
    const double range[4][2] = {{0, 1e10}, {0, 256}, {256, 1024}, {1024, 1e10}};
    memcpy(s.opt.area, range, sizeof range);
    for (int i = 0; i < 4; i++)
        s.opt.area_name[i] = name[i];
    s.opt.n_areas = 4;
    s.opt.n_thresholds = 3;
    s.opt.threshold[0] = .3;
    s.opt.threshold[1] = .5;
    s.opt.threshold[2] = .75;
    s.look = [](Arena *, CocoResult *r, CocoTruth *, CocoResults *) {
        const double all[3] = {0.25214521452145217, 0.2339462517680339, 0.130997715156131},
                     tiny[3] = {0.04768976897689769, 0.6666666666666666, 0},
                     big[3] = {0.8074807480748074, 0.3366336633663366, 0.08415841584158416};
        EXPECT_EQ(1, r->task->main) << "the threshold of analyses is .5";
        for (int k = 0; k < 3; k++) {
            EXPECT_DOUBLE_EQ(all[k], r->per_class[k].ap);
            EXPECT_DOUBLE_EQ(tiny[k], r->per_class[k].ap_area[1]);
            EXPECT_DOUBLE_EQ(big[k], r->per_class[k].ap_area[3]);
        }
    };
    expect({0.20569639381520569, 0.2591593225256591, 0.08556921626228556, 0.2124129079574624, -1,
            -1, 0.17736892736892737, 0.3718133718133718, 0.3718133718133718, 0.3592592592592592, -1,
            -1});
    s.look = nullptr;
    s.opt.area_name[0] = "tiny";
    s.opt.area_name[1] = "all";
    EXPECT_EQ(ERR_USAGE, s.evaluate());
    s.opt.n_areas = 0;
    s.opt.threshold[1] = .2;
    EXPECT_EQ(ERR_USAGE, s.evaluate()) << "not ascending";
}
TEST_F(Generated, ChosenImagesAndCategoriesHaveTheReferenceNumbers)
{
    make(false);
    const int64_t images[5] = {2, 3, 5, 7, 11}, categories[2] = {1, 3};
    s.opt.image_id = images;
    s.opt.n_image_ids = 5;
    s.opt.category_id = categories;
    s.opt.n_category_ids = 2;
    expect({0.20517837498035518, 0.3642149929278643, 0.19236209335219231, 0.21084158415841583,
            0.4426402640264026, -1, 0.24166666666666664, 0.31666666666666665, 0.31666666666666665,
            0.29333333333333333, 0.5333333333333333, -1});
}
TEST_F(Generated, OrderOfResultsDoesNotMatterWithoutTies)
{
    make(false);
    std::vector<std::string> rows;
    size_t                   at = 0, n = 0;
    for (size_t end; (end = s.found.find("},{", at)) != std::string::npos; at = end + 2)
        rows.push_back(s.found.substr(at, end + 1 - at));
    rows.push_back(s.found.substr(at));
    for (std::string &row : rows) { // a score of its own for each
        size_t score = row.find("\"score\":");
        row =
            row.substr(0, score) + format("\"score\":%.17g}", .3 + .01 * (double)(n++ * 37 % 101));
    }
    std::vector<double> first;
    for (int turn = 0; turn < 4; turn++) {
        s.found = "";
        for (const std::string &row : rows)
            append(&s.found, row);
        ASSERT_EQ(OK, s.evaluate()) << status_text();
        if (turn == 0)
            first = s.precision;
        EXPECT_EQ(first, s.precision);
        for (size_t i = rows.size() - 1; i > 0; i--)
            std::swap(rows[i], rows[(size_t)draw((int)i + 1)]);
    }
}
TEST_F(Generated, MasksOfBoxResultsHaveTheReferenceNumbers)
{
    make(false);
    s.opt.iou = COCO_SEGM;
    expect({0.08806652643286306, 0.24143183549124142, 0.027671997969027667, 0.06468384933731468,
            0.27381738173817377, -1, 0.08434343434343435, 0.18380230880230877, 0.18380230880230877,
            0.14833333333333334, 0.35, -1});
}
TEST_F(Generated, LvisHasTheReferenceNumbers)
{
    make(true);
    s.read.lvis = true;
    s.lvis.max_per_image = 300;
    expect({0.13582318671427582, 0.31606160616061607, 0.07214182956757213, 0.10949394939493949,
            0.34074807480748076, -1, 0.09990999099909989, 0.11103253182461102, 0.19652703731911653,
            0.22488344988344988, 0.18472222222222223, 0.40555555555555556, -1});
    s.lvis.max_per_image = 5;
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(0.12425585415684424, s.stats[0]);
    EXPECT_EQ(0.09900990099009899, s.stats[6]);
    EXPECT_EQ(0.11103253182461102, s.stats[7]);
    EXPECT_EQ(0.16272512965582273, s.stats[8]);
    EXPECT_EQ(0.20134032634032634, s.stats[9]);
    s.lvis.max_per_image = 300;
    s.opt.iou = s.lvis.iou = COCO_SEGM;
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(0.10278327832783278, s.stats[0]);
    EXPECT_EQ(0.09884488448844884, s.stats[7]);
}
TEST_F(Generated, BytesAreTheSameForAnyNumberOfThreads)
{
    make(false);
    ASSERT_EQ(OK, s.evaluate());
    std::vector<double> precision = s.precision, recall = s.recall, scores = s.scores,
                        stats = s.stats;
    for (int n : {1, 2, 7, 16}) {
        threads_set(n);
        ASSERT_EQ(OK, s.evaluate());
        EXPECT_TRUE(precision == s.precision && recall == s.recall && scores == s.scores &&
                    stats == s.stats)
            << n;
    }
    threads_set(0);
}

TEST(CocoKeypoints, GeneratedPosesHaveTheReferenceNumbers)
{
    CocoSet  s;
    uint64_t state = 77;
    auto     draw = [&](int n) {
        state = (1103515245 * state + 12345) & 0x7fffffff;
        return (int)((state >> 8) % (uint64_t)n);
    };
    for (int i = 1; i <= 6; i++) {
        s.image(i);
        for (int n = draw(4); n > 0; n--) {
            int bx = draw(80), by = draw(60), bw = 20 + draw(60), bh = 20 + draw(60), visible = 0;
            std::vector<int> kp;
            std::string      list;
            for (int k = 0; k < 17; k++) {
                int x = bx + draw(bw), y = by + draw(bh), v = draw(3);
                visible += v > 0;
                kp.insert(kp.end(), {v ? x : 0, v ? y : 0, v});
                append(&list, format("%d,%d,%d", v ? x : 0, v ? y : 0, v));
            }
            s.truth(i, bx, by, bw, bh,
                    format(",\"num_keypoints\":%d,\"keypoints\":[", visible) + list + "]",
                    .5 * bw * bh);
            for (int d = 1 + draw(2); d > 0; d--) {
                std::string pose;
                for (int k = 0; k < 17; k++) {
                    int ex = draw(9) - 4, ey = draw(9) - 4;
                    append(&pose, format("%d,%d,1", kp[3 * k] + ex, kp[3 * k + 1] + ey));
                }
                double score = draw(100) / 100.0;
                append(&s.found,
                       format("{\"image_id\":%d,\"category_id\":1,\"score\":%.17g,\"keypoints\":[",
                              i, score) +
                           pose + "]}");
            }
        }
    }
    s.opt.iou = COCO_KEYPOINTS;
    ASSERT_EQ(OK, s.evaluate()) << status_text();
    const double want[10] = {0.27519138589683145,
                             0.6073876618431074,
                             0.05153592282305153,
                             0.3414254062768914,
                             -1,
                             0.39,
                             0.8,
                             0.2,
                             0.5166666666666667,
                             -1};
    for (int i = 0; i < 10; i++)
        EXPECT_NEAR(want[i], s.stats[i], 1e-12) << i;
    s.opt.ignore_categories = true; // the reference finds no similarities then
    ASSERT_EQ(OK, s.evaluate());
    EXPECT_EQ(0, s.stats[0]);
}

static const char LVIS_LINES[] =
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=all] = 0.136\n"
    " Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=300 catIds=all] = 0.316\n"
    " Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=300 catIds=all] = 0.072\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=     s | maxDets=300 catIds=all] = 0.109\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=     m | maxDets=300 catIds=all] = 0.341\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=     l | maxDets=300 catIds=all] = -1.000\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=  r] = 0.100\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=  c] = 0.111\n"
    " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=  f] = 0.197\n"
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=300 catIds=all] = 0.225\n"
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=     s | maxDets=300 catIds=all] = 0.185\n"
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=     m | maxDets=300 catIds=all] = 0.406\n"
    " Average Recall     (AR) @[ IoU=0.50:0.95 | area=     l | maxDets=300 catIds=all] = -1.000\n";

TEST_F(Generated, LvisSummaryLinesAreThoseOfTheApi)
{
    make(true);
    s.read.lvis = true;
    s.lvis.max_per_image = 300;
    std::string lines;
    s.look_lvis = [&](Arena *, LvisResult *r) {
        Text text = {};
        lvis_summary(&text, r);
        lines = text_cstr(&text);
        text_release(&text);
    };
    ASSERT_EQ(OK, s.evaluate()) << status_text();
    EXPECT_EQ(LVIS_LINES, lines); // LVISEval.print_results()
}
