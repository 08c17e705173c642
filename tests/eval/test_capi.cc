/* The installed C interface, as a program that links libgodwit.so sees it; and both examples, run. */
#include <godwit.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Output {
    int         code;
    std::string text;
};

Output run(const std::string &command)
{
    Output o = {-1, ""};
    FILE  *p = popen((command + " 2>&1").c_str(), "r");
    char   buffer[4096];
    size_t n;
    while ((n = fread(buffer, 1, sizeof buffer, p)) > 0)
        o.text.append(buffer, n);
    int status = pclose(p);
    o.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return o;
}

/* Three objects on two images, four results. */
struct Boxes {
    std::vector<int64_t> images = {1, 2}, categories = {7, 9};
    std::vector<int64_t> gt_image = {1, 1, 2}, gt_category = {7, 9, 7};
    std::vector<double>  gt_box = {10, 10, 50, 50, 80, 20, 40, 40, 5, 5, 100, 60};
    std::vector<int64_t> dt_image = {1, 1, 1, 2}, dt_category = {7, 7, 9, 7};
    std::vector<double>  score = {.9, .6, .8, .7};
    std::vector<double>  dt_box = {10, 10, 50, 50, 10, 10, 48, 52, 160, 20, 40, 40, 5, 5, 100, 60};

    gw_coco_gt_columns gt() const
    {
        gw_coco_gt_columns c = {};
        c.n_images = (int64_t)images.size();
        c.images = images.data();
        c.n_categories = (int64_t)categories.size();
        c.categories = categories.data();
        c.n = (int64_t)gt_image.size();
        c.image_id = gt_image.data();
        c.category_id = gt_category.data();
        c.box = gt_box.data();
        return c;
    }
    gw_coco_dt_columns dt() const
    {
        gw_coco_dt_columns c = {};
        c.n = (int64_t)dt_image.size();
        c.image_id = dt_image.data();
        c.category_id = dt_category.data();
        c.score = score.data();
        c.box = dt_box.data();
        return c;
    }
};

class CapiTest : public ::testing::Test {
  protected:
    gw_coco_gt   *gt = nullptr;
    gw_coco_dt   *dt = nullptr;
    gw_coco_eval *ev = nullptr;
    void          free_handles()
    {
        gw_coco_eval_free(ev);
        gw_coco_dt_free(dt);
        gw_coco_gt_free(gt);
        ev = nullptr;
        dt = nullptr;
        gt = nullptr;
    }
    ~CapiTest() override
    {
        free_handles();
    }
};

} // namespace

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

/* The same set twice: as arrays, and written to files. */
struct Twice : CapiTest, testing::WithParamInterface<gw_iou> {
    std::vector<int64_t>   images = {5, 3, 900000000000}, categories = {2, 1};
    std::vector<int64_t>   gt_image, gt_category, dt_image, dt_category;
    std::vector<double>    gt_box, dt_box, score;
    std::vector<uint8_t>   crowd;
    std::vector<gw_mask *> gt_mask, dt_mask;
    uint64_t               state = 2020;

    int draw(int n)
    {
        state = (1103515245 * state + 12345) & 0x7fffffff;
        return (int)((state >> 8) % (uint64_t)n);
    }
    void add(std::vector<double> *boxes, std::vector<gw_mask *> *masks)
    {
        double   box[4] = {draw(90) + draw(10) / 7., (double)draw(60), 1 + draw(60) / 3.,
                           1. + draw(50)};
        gw_mask *m = nullptr;
        boxes->insert(boxes->end(), box, box + 4);
        ASSERT_EQ(GW_OK, gw_mask_from_box(&m, box, 120, 160));
        masks->push_back(m);
    }
    void SetUp() override
    {
        for (int i = 0; i < 60; i++) {
            gt_image.push_back(images[(size_t)draw(3)]);
            gt_category.push_back(categories[(size_t)draw(2)]);
            crowd.push_back(draw(8) == 0);
            add(&gt_box, &gt_mask);
            for (int k = draw(4); k > 0; k--) {
                dt_image.push_back(gt_image.back());
                dt_category.push_back(gt_category.back());
                score.push_back(draw(20) / 20.);
                add(&dt_box, &dt_mask);
                if (draw(3)) {
                    std::copy_n(gt_box.end() - 4, 4, dt_box.end() - 4);
                    dt_box.back() *= .7 + draw(4) / 10.;
                }
            }
        }
        for (size_t i = 0; i < dt_mask.size(); i++) { // boxes may have changed since
            gw_mask_free(dt_mask[i]);
            ASSERT_EQ(GW_OK, gw_mask_from_box(&dt_mask[i], &dt_box[4 * i], 120, 160));
        }
    }
    void TearDown() override
    {
        for (auto list : {&gt_mask, &dt_mask})
            for (gw_mask *m : *list)
                gw_mask_free(m);
    }
    static std::string record(int64_t image, int64_t category, const double *box, const gw_mask *m,
                              bool is_truth, const std::string &more)
    {
        char text[1024];
        bool wants_box = is_truth || !m;
        snprintf(text, sizeof text, "{\"image_id\": %lld, \"category_id\": %lld, ",
                 (long long)image, (long long)category);
        std::string r = text;
        snprintf(text, sizeof text, "\"bbox\": [%.17g, %.17g, %.17g, %.17g], ", box[0], box[1],
                 box[2], box[3]);
        r += wants_box ? text : "";
        if (m) {
            std::string counts; // a backslash is the one character of theirs that JSON escapes
            for (const char *c = gw_mask_string(m); *c; c++)
                counts += std::string(*c == '\\' ? "\\" : "") + *c;
            r += "\"segmentation\": {\"size\": [120, 160], \"counts\": \"" + counts + "\"}, ";
        }
        return r + more + "}";
    }
    void write_files(const std::string &gt_path, const std::string &dt_path)
    {
        bool        is_segm = GetParam() == GW_SEGM;
        std::string text = "{\"images\": [", sep;
        for (int64_t id : images)
            text += (id == images[0] ? "{\"id\": " : ", {\"id\": ") + std::to_string(id) +
                    ", \"height\": 120, \"width\": 160}";
        text += "], \"categories\": [{\"id\": 2}, {\"id\": 1}], \"annotations\": [";
        for (size_t i = 0; i < gt_image.size(); i++, sep = ", ") {
            char more[128];
            snprintf(more, sizeof more, "\"id\": %d, \"iscrowd\": %d, \"area\": %.17g", (int)i + 1,
                     crowd[i],
                     is_segm ? (double)gw_mask_area(gt_mask[i])
                             : gt_box[4 * i + 2] * gt_box[4 * i + 3]);
            text += sep + record(gt_image[i], gt_category[i], &gt_box[4 * i],
                                 is_segm ? gt_mask[i] : nullptr, true, more);
        }
        std::ofstream(gt_path) << text << "]}";
        text = "[";
        sep = "";
        for (size_t i = 0; i < dt_image.size(); i++, sep = ", ") {
            char more[64];
            snprintf(more, sizeof more, "\"score\": %.17g", score[i]);
            text += sep + record(dt_image[i], dt_category[i], &dt_box[4 * i],
                                 is_segm ? dt_mask[i] : nullptr, false, more);
        }
        std::ofstream(dt_path) << text << "]";
    }
    static std::string numbers(const gw_coco_eval *e)
    {
        double  stats[16];
        int     n = 0;
        int64_t d[5], r[4];
        gw_coco_stats(e, stats, &n);
        std::string   all(reinterpret_cast<char *>(stats), (size_t)n * 8);
        const double *p = gw_coco_precision(e, d), *s = gw_coco_scores(e, d);
        size_t        bytes = 8 * (size_t)(d[0] * d[1] * d[2] * d[3] * d[4]);
        all.append(reinterpret_cast<const char *>(p), bytes)
            .append(reinterpret_cast<const char *>(s), bytes);
        const double *recall = gw_coco_recall(e, r);
        return all.append(reinterpret_cast<const char *>(recall),
                          8 * (size_t)(r[0] * r[1] * r[2] * r[3]));
    }
};

TEST_P(Twice, ArraysAndFilesGiveTheSameBytes)
{
    std::string dir = testing::TempDir(), gt_path = dir + "/twice_gt.json",
                dt_path = dir + "/twice_dt.json";
    gw_coco_gt_columns g = {};
    gw_coco_dt_columns d = {};
    g.n_images = 3;
    g.images = images.data();
    g.n_categories = 2;
    g.categories = categories.data();
    g.n = (int64_t)gt_image.size();
    g.image_id = gt_image.data();
    g.category_id = gt_category.data();
    g.box = gt_box.data();
    g.is_crowd = crowd.data();
    g.mask = gt_mask.data();
    d.n = (int64_t)dt_image.size();
    d.image_id = dt_image.data();
    d.category_id = dt_category.data();
    d.score = score.data();
    d.box = dt_box.data();
    d.mask = dt_mask.data();
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GetParam())) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    std::string arrays = numbers(ev);
    double      stats[16];
    int         n;
    gw_coco_stats(ev, stats, &n);
    EXPECT_GT(stats[0], .05);
    EXPECT_LT(stats[0], .95);
    free_handles();
    write_files(gt_path, dt_path);
    ASSERT_EQ(GW_OK, gw_coco_gt_read(&gt, gt_path.c_str(), GetParam())) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_read(&dt, gt, dt_path.c_str())) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    EXPECT_TRUE(numbers(ev) == arrays);
}
INSTANTIATE_TEST_SUITE_P(Iou, Twice, testing::Values(GW_BBOX, GW_SEGM));

TEST_F(CapiTest, PosesFromArraysAreThoseOfFiles)
{
    std::string         dir = testing::TempDir(), poses, more;
    std::vector<double> truth, found;
    const int64_t       image[2] = {4, 9}, category[1] = {1}, image_id[3] = {4, 9, 9},
                  category_id[3] = {1, 1, 1};
    double box[12], score[3] = {.9, .8, .7};
    for (int i = 0; i < 3; i++) {
        std::string at, beside;
        for (int k = 0; k < 17; k++) {
            double x = 20 + 7 * k + i, y = 30 + 5 * ((k * 5) % 17), v = i == 2 ? 0 : k % 3;
            truth.insert(truth.end(), {x, y, v});
            found.insert(found.end(), {x + 4 + 9 * i, y + .5, 1});
            at += (k ? "," : "") + std::to_string(x) + "," + std::to_string(y) + "," +
                  std::to_string(v);
            beside += (k ? "," : "") + std::to_string(x + 4 + 9 * i) + "," +
                      std::to_string(y + .5) + ",1";
        }
        const double b[4] = {20, 30, 110, 80};
        std::copy_n(b, 4, box + 4 * i);
        more += std::string(i ? "," : "") + "{\"id\":" + std::to_string(i + 1) +
                ",\"image_id\":" + std::to_string(image_id[i]) +
                ",\"category_id\":1,\"iscrowd\":0,\"area\":8800,\"bbox\":[20,30,110,80],"
                "\"num_keypoints\":" +
                (i == 2 ? "0" : "11") + ",\"keypoints\":[" + at + "]}";
        poses += std::string(i ? "," : "") + "{\"image_id\":" + std::to_string(image_id[i]) +
                 ",\"category_id\":1,\"score\":" + std::to_string(score[i]) + ",\"keypoints\":[" +
                 beside + "]}";
    }
    std::ofstream(dir + "/poses_gt.json")
        << "{\"images\":[{\"id\":4},{\"id\":9}],\"categories\":[{\"id\":1}],\"annotations\":["
        << more << "]}";
    std::ofstream(dir + "/poses_dt.json") << "[" << poses << "]";
    gw_coco_gt_columns g = {};
    gw_coco_dt_columns d = {};
    g.n_images = 2;
    g.images = image;
    g.n_categories = 1;
    g.categories = category;
    g.n = d.n = 3;
    g.image_id = d.image_id = image_id;
    g.category_id = d.category_id = category_id;
    g.box = box;
    g.n_keypoints = d.n_keypoints = 17;
    g.keypoints = truth.data();
    d.keypoints = found.data();
    d.score = score;
    double stats[2][16];
    int    n = 0;
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_KEYPOINTS)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_arrays(&dt, gt, &d)) << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    gw_coco_stats(ev, stats[0], &n);
    EXPECT_EQ(10, n);
    EXPECT_GT(stats[0][0], .3);
    EXPECT_LT(stats[0][0], 1);
    free_handles();
    ASSERT_EQ(GW_OK, gw_coco_gt_read(&gt, (dir + "/poses_gt.json").c_str(), GW_KEYPOINTS))
        << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_dt_read(&dt, gt, (dir + "/poses_dt.json").c_str()))
        << gw_status_text();
    ASSERT_EQ(GW_OK, gw_coco_evaluate(&ev, gt, dt, nullptr)) << gw_status_text();
    gw_coco_stats(ev, stats[1], &n);
    for (int i = 0; i < n; i++)
        EXPECT_EQ(stats[0][i], stats[1][i]) << i;
    free_handles();
    g.keypoints = nullptr;
    EXPECT_EQ(GW_ERR_USAGE, gw_coco_gt_arrays(&gt, &g, GW_KEYPOINTS));
    found[4] = std::nan("");
    g.keypoints = truth.data();
    ASSERT_EQ(GW_OK, gw_coco_gt_arrays(&gt, &g, GW_KEYPOINTS));
    EXPECT_EQ(GW_ERR_NONFINITE, gw_coco_dt_arrays(&dt, gt, &d));
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

TEST_F(CapiTest, OnlyGwNamesAreVisible)
{
    Output o = run("nm -D --defined-only '" GODWIT_LIBRARY "'");
    ASSERT_EQ(0, o.code) << o.text;
    int    seen = 0;
    size_t at = 0;
    while (at < o.text.size()) {
        size_t      end = o.text.find('\n', at);
        std::string line = o.text.substr(at, end - at);
        at = end + 1;
        std::string name = line.substr(line.rfind(' ') + 1);
        EXPECT_EQ(0u, name.find("gw_")) << line;
        seen++;
    }
    EXPECT_GE(seen, 25);
}

TEST_F(CapiTest, TheExampleInCRuns)
{
    Output o = run("'" GODWIT_EXAMPLE "'");
    EXPECT_EQ(0, o.code) << o.text;
    EXPECT_NE(std::string::npos, o.text.find("areas 16 and 36, IoU 0.083333, runs \"04600000l1\""))
        << o.text;
    EXPECT_NE(std::string::npos, o.text.find("Average Precision"));
}

TEST_F(CapiTest, TheExampleInPythonRuns)
{
    std::string python;
    for (std::string p : {"python3", "/usr/bin/python3"})
        if (python.empty() && run(p + " -c 'import numpy'").code == 0)
            python = p;
    if (python.empty())
        GTEST_SKIP() << "no python3 with numpy here";
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitized library cannot be loaded into a plain python3";
#endif
    Output o = run("GODWIT_LIBRARY='" GODWIT_LIBRARY "' " + python +
                   " '" GODWIT_SOURCE_DIR "/examples/eval_arrays.py'");
    EXPECT_EQ(0, o.code) << o.text;
    EXPECT_NE(std::string::npos, o.text.find("refused as it should be")) << o.text;
}
