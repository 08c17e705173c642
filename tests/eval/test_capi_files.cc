/* The installed C interface: arrays and files of the same set give the same numbers */
#include "capi_set.h"

#include <cmath>
#include <fstream>
#include <string>

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
