/* capi_set.h -- the installed C interface in the tests: handles that free themselves, and a small set as arrays */
#pragma once
#include <godwit.h>
#include <gtest/gtest.h>

#include <vector>

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
