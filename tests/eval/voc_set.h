/* voc_set.h -- builds VocSets for the tests: one image and class unless said otherwise */
#pragma once
#include <vector>
extern "C" {
#include "eval/voc.h"
}

struct VocTestSet {
    std::vector<int32_t> g_image, g_label, d_image, d_label, repeats;
    std::vector<double>  g_box, d_box, d_score;
    std::vector<uint8_t> g_difficult;
    int64_t              n_images = 1, n_classes = 1;

    void truth(double x1, double y1, double x2, double y2, bool difficult = false, int image = 0,
               int label = 0)
    {
        g_image.push_back(image);
        g_label.push_back(label);
        g_box.insert(g_box.end(), {x1, y1, x2, y2});
        g_difficult.push_back(difficult);
    }
    void found(double score, double x1, double y1, double x2, double y2, int image = 0,
               int label = 0)
    {
        d_image.push_back(image);
        d_label.push_back(label);
        d_box.insert(d_box.end(), {x1, y1, x2, y2});
        d_score.push_back(score);
    }
    VocSet set() const
    {
        VocSet s = {};
        s.n_images = n_images;
        s.n_classes = n_classes;
        s.image_repeats = repeats.empty() ? nullptr : repeats.data();
        s.truth = {(int64_t)g_image.size(), g_image.data(), g_label.data(), g_box.data(), nullptr,
                   g_difficult.data()};
        s.found = {(int64_t)d_image.size(), d_image.data(), d_label.data(), d_box.data(),
                   d_score.data(),          nullptr};
        return s;
    }
};
