/* The installed C interface, as a program that links libgodwit.so sees it */
#include "capi_set.h"

#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <unistd.h>

TEST_F(CapiTest, ArraysGiveTheNumbersOneCanCountByHand)
{
    Boxes b;
    auto  g = b.gt();
    auto  d = b.dt();
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_BBOX)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    double stats[16];
    int    n = 0;
    gw_coco_stats(ev, stats, &n);
    ASSERT_EQ(12, n);
    EXPECT_NEAR(.5, stats[0], 1e-9); // category 7 is perfect, category 9 missed
    EXPECT_NEAR(.5, stats[8], 1e-9);
    EXPECT_EQ(-1, stats[3]); // nothing is small
    int64_t dims[5], recall_dims[4];
    EXPECT_NE(nullptr, gw_coco_precision(ev, dims));
    EXPECT_EQ((std::vector<int64_t>{10, 101, 2, 4, 3}), std::vector<int64_t>(dims, dims + 5));
    const double *recall = gw_coco_recall(ev, recall_dims);
    EXPECT_EQ((std::vector<int64_t>{10, 2, 4, 3}),
              std::vector<int64_t>(recall_dims, recall_dims + 4));
    EXPECT_EQ(1.0, recall[2]); // threshold .5, category 7, all areas, 100 results
    EXPECT_NE(nullptr, strstr(gw_coco_summary(ev), "Average Precision"));
}

TEST_F(CapiTest, MasksFromArraysAreScoredAsMasks)
{
    Boxes                        b;
    std::vector<const gw_mask *> masks;
    for (size_t i = 0; i < 3; i++) {
        gw_mask *m = nullptr;
        ASSERT_EQ(GW_OK, gw_mask_from_box(&m, &b.gt_box[4 * i], 120, 160)) << gw_status_text();
        masks.push_back(m);
    }
    b.dt_image = b.gt_image;
    b.dt_category = b.gt_category;
    b.score.resize(3);
    auto g = b.gt();
    auto d = b.dt();
    g.mask = d.mask = masks.data();
    EXPECT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_SEGM)) << gw_status_text();
    EXPECT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    EXPECT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    double stats[16] = {0};
    int    n = 0;
    gw_coco_stats(ev, stats, &n);
    EXPECT_NEAR(1, stats[0], 1e-9);
    for (auto m : masks)
        gw_mask_free(const_cast<gw_mask *>(m));
}

TEST_F(CapiTest, ImagesMayHaveMasksOfDifferentSizes)
{
    const double       whole[4] = {0, 0, 8, 8};
    gw_mask           *mask[2] = {};
    const int64_t      id[2] = {1, 2}, one[2] = {1, 1};
    const double       score[2] = {.9, .8}, box[8] = {0, 0, 8, 8, 0, 0, 8, 8};
    gw_coco_gt_columns g = {};
    gw_coco_dt_columns d = {};
    ASSERT_EQ(GW_OK, gw_mask_from_box(&mask[0], whole, 10, 12));
    ASSERT_EQ(GW_OK, gw_mask_from_box(&mask[1], whole, 300, 200));
    g.n_images = g.n = d.n = 2;
    g.n_categories = 1;
    g.images = g.image_id = d.image_id = id;
    g.categories = g.category_id = d.category_id = one;
    g.box = box;
    g.mask = d.mask = mask;
    d.score = score;
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_SEGM)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    double stats[16];
    int    n;
    gw_coco_stats(ev, stats, &n);
    EXPECT_EQ(1, stats[0]);
    for (gw_mask *m : mask)
        gw_mask_free(m);
}

TEST_F(CapiTest, OptionsChooseImagesThresholdsAndAreas)
{
    Boxes           b;
    auto            g = b.gt();
    auto            d = b.dt();
    gw_coco_options o = {};
    const double    ranges[4] = {0, 1e10, 0, 50}, thresholds[2] = {.5, .9};
    const char     *names[2] = {"all", "tiny"};
    const int64_t   none = 999;
    int64_t         dims[5];
    double          stats[16];
    int             n;
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_BBOX)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    o.area_ranges = ranges;
    o.area_names = names;
    o.n_area_ranges = 2;
    o.thresholds = thresholds;
    o.n_thresholds = 2;
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, &o)) << gw_status_text();
    gw_coco_precision(ev, dims);
    EXPECT_EQ(2, dims[0]);
    EXPECT_EQ(2, dims[3]);
    gw_coco_eval_free(ev);
    o = {};
    o.images = &none;
    o.n_images = 1;
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, &o)) << gw_status_text();
    gw_coco_stats(ev, stats, &n);
    EXPECT_EQ(-1, stats[0]);
    gw_coco_eval_free(ev);
    o = {};
    o.area_ranges = ranges;
    o.n_area_ranges = 2;
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_evaluate(&ev, gt, dt, &o)) << "no names";
    o = {};
    o.thresholds = thresholds;
    o.n_thresholds = 21;
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_evaluate(&ev, gt, dt, &o));
}

/* Category 2 is listed as negative on image 1 and annotated on image 2: of its two results one is right, the higher one is
 * not, so its AP is .5 (APc); category 1 is perfect (APf). */
TEST_F(CapiTest, LvisFilesFollowLvisRules)
{
    std::string path =
        ::testing::TempDir() + "godwit_capi_lvis_" + std::to_string(getpid()) + ".json";
    auto write = [&](const std::string &text) { std::ofstream(path) << text; };
    auto image = [](int id, const char *negative) {
        std::string n = std::to_string(id);
        return "{\"id\":" + n + ",\"width\":200,\"height\":200,\"neg_category_ids\":[" + negative +
               "],\"not_exhaustive_category_ids\":[]}";
    };
    auto truth = [](int id) {
        std::string n = std::to_string(id);
        return "{\"id\":" + n + ",\"image_id\":" + n + ",\"category_id\":" + n +
               ",\"bbox\":[10,10,50,50],\"area\":2500}";
    };
    const std::string categories =
        "\"categories\":[{\"id\":1,\"frequency\":\"f\"},{\"id\":2,\"frequency\":\"c\"}]";
    write("{\"images\":[" + image(1, "2") + "," + image(2, "") + "],\"annotations\":[" + truth(1) +
          "," + truth(2) + "]," + categories + "}");
    ASSERT_EQ(GW_OK, gw_lvis_gt_read(&gt, path.c_str(), GW_BBOX)) << gw_status_text();

    const int64_t      image_id[3] = {1, 1, 2}, category_id[3] = {2, 1, 2};
    const double       score[3] = {.95, .9, .8};
    const double       box[12] = {100, 100, 20, 20, 10, 10, 50, 50, 10, 10, 50, 50};
    gw_coco_dt_columns d = {};
    d.n = 3;
    d.image_id = image_id;
    d.category_id = category_id;
    d.score = score;
    d.box = box;
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    double  stats[16];
    int     n = 0;
    int64_t dims[5];
    gw_coco_stats(ev, stats, &n);
    ASSERT_EQ(13, n);
    EXPECT_EQ(-1, stats[6]); // no category is rare
    EXPECT_EQ(.5, stats[7]);
    EXPECT_NEAR(1, stats[8], 1e-15);
    gw_coco_precision(ev, dims);
    EXPECT_EQ((std::vector<int64_t>{10, 101, 2, 4, 1}), std::vector<int64_t>(dims, dims + 5));
    EXPECT_NE(nullptr, strstr(gw_coco_summary(ev), "maxDets=300 catIds=  c] = 0.500"))
        << gw_coco_summary(ev);
    gw_coco_eval_free(ev);

    gw_coco_options o = {};
    const int64_t   one = 1;
    o.max_detections = &one; // of image 1 only the wrong result is left
    o.n_max_detections = 1;
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, &o)) << gw_status_text();
    gw_coco_stats(ev, stats, &n);
    EXPECT_EQ(0, stats[8]);
    gw_coco_eval_free(ev);
    o.ignore_categories = 1;
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_evaluate(&ev, gt, dt, &o));
    free_handles();

    EXPECT_EQ(GW_ERR_USAGE, gw_lvis_gt_read(&gt, path.c_str(), GW_KEYPOINTS));
    write("{\"images\":[{\"id\":1,\"width\":9,\"height\":9}],\"annotations\":[]," + categories +
          "}");
    EXPECT_EQ(GW_ERR_FORMAT, gw_lvis_gt_read(&gt, path.c_str(), GW_BBOX)) << "a COCO file";
    EXPECT_EQ(nullptr, gt);
    remove(path.c_str());
}

TEST_F(CapiTest, WrongArraysAreRefusedWithASentence)
{
    Boxes b;
    auto  g = b.gt();
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_BBOX)) << gw_status_text();
    b.dt_image[2] = 99;
    auto d = b.dt();
    EXPECT_EQ(GW_ERR_FORMAT, gw_coco_dt_arrays(&dt, gt, &d));
    EXPECT_EQ(nullptr, dt);
    EXPECT_NE(nullptr, strstr(gw_status_text(), "99"));
    b.dt_image[2] = 1;
    b.score[1] = std::nan("");
    d = b.dt();
    EXPECT_EQ(GW_ERR_NONFINITE, gw_coco_dt_arrays(&dt, gt, &d));
    EXPECT_STREQ("row 1: score is not finite", gw_status_text());
    b.score[1] = .5;
    d = b.dt();
    d.box = nullptr;
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_dt_arrays(&dt, gt, &d));
    gw_coco_gt *other = nullptr;
    b.gt_box[6] = 1e10;
    g = b.gt();
    EXPECT_EQ(GW_ERR_FORMAT, gw_coco_gt_arrays(&other, &g, GW_BBOX));
    EXPECT_STREQ("row 1: box is 1e+10; more than 1e+09 is refused", gw_status_text());
    EXPECT_EQ(GW_ERR_MISSING, gw_coco_gt_read(&other, "/nowhere/gt.json", GW_BBOX));
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_gt_read(&other, "/nowhere/gt.json", (gw_iou)9));
    EXPECT_EQ(nullptr, other);
}

TEST_F(CapiTest, AMaskGoesThroughEveryFormUnchanged)
{
    const uint8_t pixels[6] = {0, 1, 1, 0, 1, 0}; // 2 rows, 3 columns
    gw_mask      *m = nullptr, *again = nullptr, *sum = nullptr;
    ASSERT_EQ(GW_OK, gw_mask_encode(&m, pixels, 2, 3, 1));
    EXPECT_EQ(3, gw_mask_area(m));
    const uint32_t *counts = nullptr;
    int64_t         n = gw_mask_counts(m, &counts);
    EXPECT_EQ((std::vector<uint32_t>{2, 3, 1}), std::vector<uint32_t>(counts, counts + n));
    EXPECT_STREQ("231", gw_mask_string(m));
    double box[4];
    gw_mask_box(m, box);
    EXPECT_EQ((std::vector<double>{1, 0, 2, 2}), std::vector<double>(box, box + 4));
    ASSERT_EQ(GW_OK, gw_mask_from_string(&again, "231", -1, 2, 3));
    uint8_t back[6];
    gw_mask_decode(again, back, 1);
    EXPECT_EQ(0, memcmp(pixels, back, 6));
    const gw_mask *both[] = {m, again};
    ASSERT_EQ(GW_OK, gw_mask_merge(&sum, both, 2, 0));
    EXPECT_STREQ("231", gw_mask_string(sum));
    double iou[4];
    gw_mask_iou(iou, both, 2, both, 2, nullptr);
    EXPECT_EQ((std::vector<double>{1, 1, 1, 1}), std::vector<double>(iou, iou + 4));
    gw_mask_free(sum);
    sum = nullptr;
    EXPECT_EQ(GW_ERR_FORMAT, gw_mask_from_string(&sum, "PPPP", -1, 2, 3));
    EXPECT_EQ(nullptr, sum);
    gw_mask_free(again);
    gw_mask_free(m);
}
