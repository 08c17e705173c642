/* coco_set.h -- COCO sets as JSON text for the tests */
#pragma once
#include <gtest/gtest.h>
#include <cstdarg>
#include <string>
#include <vector>
#include <functional>
extern "C" {
#include "eval/against.h"
#include "eval/analysis.h"
#include "eval/coco.h"
#include "eval/lvis.h"
}

static inline std::string format(const char *fmt, ...)
{
    char    text[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return text;
}

static inline void append(std::string *list, const std::string &item)
{
    *list += (list->empty() ? "" : ",") + item;
}

/* Collects records, evaluates them, keeps the stats. */
struct CocoSet {
    std::string         images, truths, found, categories = "{\"id\":1,\"name\":\"one\"}";
    int                 next_id = 1;
    CocoReadOptions     read = {};
    CocoEvalOptions     opt = {};
    LvisOptions         lvis = {};
    std::vector<double> stats;
    std::vector<double> precision, recall, scores;
    std::string         warnings;
    std::function<void(Arena *, CocoResult *, CocoTruth *, CocoResults *)>
                                               look; // before all is released
    std::function<void(Arena *, LvisResult *)> look_lvis;

    void image(int id, const std::string &more = "")
    {
        append(&images, format("{\"id\":%d,\"width\":200,\"height\":200%s}", id, more.c_str()));
    }
    void truth(int image, double x, double y, double w, double h, const std::string &more = "",
               double area = -1, int crowd = 0, int category = 1)
    {
        append(
            &truths,
            format(
                "{\"id\":%d,\"image_id\":%d,\"category_id\":%d,\"bbox\":[%.17g,%.17g,%.17g,%.17g],"
                "\"area\":%.17g,\"iscrowd\":%d%s}",
                next_id++, image, category, x, y, w, h, area < 0 ? w * h : area, crowd,
                more.c_str()));
    }
    void result(int image, double score, double x, double y, double w, double h, int category = 1)
    {
        append(&found, format("{\"image_id\":%d,\"category_id\":%d,\"bbox\":[%.17g,%.17g,%.17g,%."
                              "17g],\"score\":%.17g}",
                              image, category, x, y, w, h, score));
    }
    Status evaluate()
    {
        Arena       a = {};
        CocoTruth   t = {};
        CocoResults d = {};
        CocoResult  r = {};
        LvisResult  l = {};
        std::string gt = "{\"images\":[" + images + "],\"annotations\":[" + truths +
                         "],\"categories\":[" + categories + "]}";
        std::string dt = "[" + found + "]";
        read.iou = opt.iou;
        read.bug_compatible = opt.bug_compatible;
        Status st = coco_truth_parse(&t, &read, gt.data(), (int64_t)gt.size(), "gt");
        if (st == OK)
            st = coco_results_parse(&d, &read, &t, dt.data(), (int64_t)dt.size(), "dt");
        if (st == OK)
            st = read.lvis ? lvis_evaluate(&a, &lvis, &l, &t, &d)
                           : coco_evaluate(&a, &opt, &r, &t, &d);
        stats.clear();
        if (st == OK) {
            const MatchResult *m = read.lvis ? &l.match : &r.match;
            for (int i = 0; i < (read.lvis ? l.n_stats : r.n_stats); i++)
                stats.push_back(read.lvis ? l.stat[i].value : r.stat[i].value);
            int64_t n = m->T * m->K * m->A * m->M;
            precision.assign(m->precision, m->precision + n * m->R);
            scores.assign(m->scores, m->scores + n * m->R);
            recall.assign(m->recall, m->recall + n);
            warnings = std::string(text_cstr(&t.warnings)) + text_cstr(&d.warnings);
        }
        if (st == OK && look && !read.lvis)
            look(&a, &r, &t, &d);
        if (st == OK && look_lvis && read.lvis)
            look_lvis(&a, &l);
        coco_truth_release(&t);
        coco_results_release(&d);
        arena_release(&a);
        return st;
    }
    void expect(double ap, double ap50, double ap75)
    {
        ASSERT_EQ(OK, evaluate()) << status_text();
        EXPECT_EQ(ap, stats[0]);
        EXPECT_EQ(ap50, stats[1]);
        EXPECT_EQ(ap75, stats[2]);
    }
};

/* Cases a person can check. */
class Coco : public ::testing::Test {
  protected:
    CocoSet s;
    void    one()
    {
        s.image(1);
        s.truth(1, 10, 10, 50, 50);
        s.result(1, .9, 10, 10, 50, 50);
    }
    void expect_error(const char *part)
    {
        EXPECT_EQ(ERR_FORMAT, s.evaluate());
        EXPECT_NE(std::string::npos, std::string(status_text()).find(part)) << status_text();
    }
};

static const double P1 = 0.9999999999999998,
                    P2 = 0.9999999999999999; // tp / (tp + eps), and its mean
