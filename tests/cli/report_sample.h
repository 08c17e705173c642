/* report_sample.h -- a report made of invented numbers, with everything a page can hold */
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

extern "C" {
#include "base/rng.h"
#include "cli/report.h"
#include "datasets/image.h"
#include "datasets/scene.h"
}

class ReportSample {
  public:
    static constexpr int ROWS = 3, CLASSES = SCENE_DETECTION_CLASSES, PICTURES = 12, PAIRS = 4;

    Report report{};

    explicit ReportSample(const char *first_class = nullptr)
    {
        rng_ = rng_at(5, RNG_TEST, 0, 0);
        rows();
        charts();
        classes(first_class);
        pictures();
        words();
    }

  private:
    Rng                                 rng_;
    std::vector<std::vector<double>>    keep_;
    std::vector<std::vector<uint8_t>>   bytes_;
    std::vector<std::vector<ReportBox>> boxes_;
    std::vector<std::string>            names_;
    std::vector<ReportRow>              row_;
    std::vector<ReportChart>            chart_;
    std::vector<std::vector<Series>>    series_;
    std::vector<ReportClass>            class_;
    std::vector<ReportPicture>          picture_;
    std::vector<ReportPair>             pair_;
    std::vector<ReportFact>             fact_;
    std::vector<Phase>                  phase_;
    std::vector<const char *>           command_;
    std::vector<PublishedTable>         published_;

    const double *keep(std::vector<double> v)
    {
        keep_.push_back(std::move(v));
        return keep_.back().data();
    }
    double noise(double size)
    {
        return size * rng_normal(&rng_);
    }

    void rows()
    {
        keep_.reserve(512);
        row_ = {{"random", 0, keep({3.9, 5.2, 3.3}), keep({9.6, 12.0, 8.1}), keep({2.8, 3.5, 1.8}),
                 3, false},
                {"supervised", 1, keep({14.9, 15.8, 14.2}), keep({29.0, 30.1, 28.2}),
                 keep({13.1, 13.9, 12.5}), 3, true},
                {"MoCo", 2, keep({9.0, 9.4, 7.5}), keep({19.0, 20.2, 16.7}), keep({7.6, 6.7, 5.1}),
                 3, false}};
        report.row = row_.data();
        report.n_rows = ROWS;
    }

    Series curve(const char *name, int colour, int n, double scale, double from, double to,
                 double speed, double jitter)
    {
        std::vector<double> x, y;
        for (int i = 0; i < n; i++) {
            double t = (double)i / n;
            x.push_back(t * scale);
            y.push_back(to + (from - to) * std::exp(-speed * t) + noise(jitter));
        }
        Series s{};
        s.name = name;
        s.x = keep(x);
        s.y = keep(y);
        s.n = n;
        s.colour = colour;
        return s;
    }

    void add_chart(std::vector<Series> series, LineChart c, const char *caption)
    {
        series_.push_back(std::move(series));
        c.series = series_.back().data();
        c.n_series = (int)series_.back().size();
        chart_.push_back({c, caption});
    }

    void charts()
    {
        series_.reserve(8);
        LineChart loss{};
        loss.title = "MoCo pretraining loss";
        loss.x_label = "step";
        loss.y_label = "cross entropy, nats";
        loss.mark_label = "chance, ln(1025)";
        loss.mark = std::log(1025.0);
        Series moco = curve("MoCo", 2, 3000, 3000, 7.0, 4.3, 3, 0.15);
        moco.smooth = 0.97;
        add_chart({moco}, loss, "The faint line is every step, the strong one their running mean.");

        LineChart knn{};
        knn.title = "kNN accuracy of the features";
        knn.x_label = "step";
        knn.y_label = "%";
        knn.y_hi = 100;
        add_chart({curve("supervised", 1, 16, 3000, 12, 70, 5, 1),
                   curve("MoCo", 2, 16, 3000, 12, 46, 2.2, 1),
                   curve("random", 0, 16, 3000, 12, 12, 1, 0.3)},
                  knn,
                  "One vote of the 20 nearest training pictures; no weight is trained for it.");

        LineChart fine{};
        fine.title = "Fine-tuning loss";
        fine.x_label = "iteration";
        fine.log_y = true;
        std::vector<Series> three{curve("random", 0, 200, 200, 3, 1.1, 4, 0.1),
                                  curve("supervised", 1, 200, 200, 3, .55, 6, .05),
                                  curve("MoCo", 2, 200, 200, 3, .8, 5, .07)};
        for (Series &s : three)
            s.smooth = 0.9;
        add_chart(three, fine, "Sum of the five terms, logarithmic.");

        LineChart logits{};
        logits.title = "Similarity of query and keys";
        logits.x_label = "step";
        logits.y_label = "cosine";
        Series negative = curve("other pictures", 4, 300, 3000, .6, .05, 7, .01);
        negative.is_dashed = true;
        add_chart({curve("same picture", 2, 300, 3000, .9, .62, 4, .01), negative}, logits,
                  "The two must part; if both rise to 1 the features have collapsed.");
        report.chart = chart_.data();
        report.n_charts = (int)chart_.size();
    }

    void classes(const char *first_class)
    {
        for (int c = 0; c < CLASSES; c++) {
            ReportClass one{};
            one.name = c == 0 && first_class ? first_class : scene_class_name(SCENE_DETECTION, c);
            for (int r = 0; r < ROWS; r++) {
                double level = (r == 0 ? .25 : r == 1 ? .8 : .6) * (0.5 + 0.5 * rng_uniform(&rng_));
                std::vector<double> recall, precision;
                for (int i = 0; i <= 40; i++) {
                    recall.push_back(i / 40.0 * level);
                    precision.push_back(
                        std::min(1.0, 1 - std::pow(i / 41.0, 3) * (1 - level) + noise(.01)));
                }
                one.curve[r] = {keep(recall), keep(precision), 41, 90 * level * level};
                one.ap[r] = 45 * level * level;
            }
            class_.push_back(one);
        }
        class_[7].ap[0] = NAN;
        class_[7].curve[0].n = 0;
        class_[7].curve[0].ap50 = NAN;
        report.class_ = class_.data();
        report.n_classes = CLASSES;
    }

    ReportView png(const Image &im)
    {
        ImageBytes b{};
        if (image_encode_png(&b, &im) == OK)
            bytes_.push_back(std::vector<uint8_t>(b.data, b.data + b.n_bytes));
        else
            bytes_.push_back({});
        image_bytes_release(&b);
        return {bytes_.back().data(), (int64_t)bytes_.back().size()};
    }

    ReportView scene(const SceneOptions &o, int64_t index, SceneTruth *truth)
    {
        Image im{};
        if (image_resize_buffer(&im, o.size, o.size) != OK ||
            scene_render(&o, im.pixels, nullptr, truth, index) != OK)
            return {nullptr, 0};
        ReportView v = png(im);
        image_release(&im);
        return v;
    }

    /* A 40-pixel crop with its channels turned, in place of the real augmentation. */
    ReportView crop(const SceneOptions &o, int64_t index, int left, int top, int turn)
    {
        SceneTruth t;
        Image      im{}, part{};
        ReportView v{};
        if (image_resize_buffer(&im, o.size, o.size) == OK &&
            image_resize_buffer(&part, 40, 40) == OK &&
            scene_render(&o, im.pixels, nullptr, &t, index) == OK) {
            for (int y = 0; y < 40; y++)
                for (int x = 0; x < 40; x++)
                    for (int c = 0; c < 3; c++)
                        part.pixels[(y * 40 + x) * 3 + c] =
                            im.pixels[((y + top) * o.size + x + left) * 3 + (c + turn) % 3];
            v = png(part);
        }
        image_release(&im);
        image_release(&part);
        return v;
    }

    ReportBoxes jittered(const SceneTruth &t, double spread, double miss, double wrong)
    {
        std::vector<ReportBox> out;
        for (int k = 0; k < t.n_objects; k++) {
            if (rng_uniform(&rng_) < miss)
                continue;
            const int *b = t.object[k].box;
            bool       is_wrong = rng_uniform(&rng_) < wrong;
            int        id = is_wrong ? (t.object[k].class_id + 3) % 10 : t.object[k].class_id;
            out.push_back({(float)(b[0] + noise(spread)), (float)(b[1] + noise(spread)),
                           (float)(b[2] + noise(spread)), (float)(b[3] + noise(spread)),
                           scene_class_name(SCENE_DETECTION, id),
                           (float)(is_wrong ? .4 : .93) - 0.1f * rng_uniform(&rng_), !is_wrong});
        }
        boxes_.push_back(out);
        return {boxes_.back().data(), (int)out.size()};
    }

    void pictures()
    {
        SceneOptions o = scene_defaults(SCENE_DETECTION), small = scene_defaults(SCENE_OBJECT);
        o.seed = small.seed = 20;
        names_.reserve(PICTURES);
        for (int i = 0; i < PICTURES; i++) {
            SceneTruth    t;
            ReportView    v = scene(o, i, &t);
            ReportPicture p{};
            names_.push_back("test/0009" + std::to_string(10 + i) + ".jpg");
            p.jpeg = v.jpeg;
            p.n_bytes = v.n_bytes;
            p.width = p.height = o.size;
            p.name = names_.back().c_str();
            p.truth = jittered(t, 0, 0, 0);
            p.predicted[0] = jittered(t, 6, .5, .6);
            p.predicted[1] = jittered(t, 1.5, .05, .1);
            p.predicted[2] = jittered(t, 2.5, .15, .25);
            picture_.push_back(p);
        }
        for (int i = 0; i < PAIRS; i++) {
            SceneTruth t;
            ReportView whole = scene(small, i, &t);
            pair_.push_back({whole, crop(small, i, 4, 6, 1), crop(small, i, 22, 18, 2)});
        }
        report.picture = picture_.data();
        report.n_pictures = PICTURES;
        report.pair = pair_.data();
        report.n_pairs = PAIRS;
    }

    void words()
    {
        report.title = "Does a detector learn faster from features that needed no labels?";
        report.subtitle = "MoCo in miniature: pretraining on generated photographs without labels, "
                          "then fine-tuning the same small "
                          "Faster R-CNN from three kinds of initial weights.";
        report.remark = "All rows use the same recipe, schedule and seeds; only the initial "
                        "weights of the backbone differ.";
        fact_ = {{"machine", "2 cores, AVX-512, bf16"},
                 {"time", "7 min 12 s"},
                 {"peak memory", "1.31 GB"},
                 {"seed", "0"},
                 {"version", "godwit 0.1.0"},
                 {"pretraining", "5000 pictures, 3000 steps of 128"},
                 {"fine-tuning", "100 scenes, 200 steps of 4, 3 trials"},
                 {"test", "150 scenes, 10 classes"}};
        phase_ = {{"generate pictures", 0, 14, 3},
                  {"MoCo pretraining", 14, 262, 2},
                  {"supervised pretraining", 276, 51, 1},
                  {"fine-tune random, 3 trials", 327, 34, 0},
                  {"fine-tune supervised, 3 trials", 361, 34, 1},
                  {"fine-tune MoCo, 3 trials", 395, 34, 2},
                  {"report", 429, 0.4, 4}};
        command_ = {"make demo", "build/release/godwit demo --out runs/demo --seed 0"};
        published_ = {REPORT_VOC0712_C4, REPORT_VOC07_C4};
        report.fact = fact_.data();
        report.n_facts = (int)fact_.size();
        report.phase = phase_.data();
        report.n_phases = (int)phase_.size();
        report.command = command_.data();
        report.n_commands = (int)command_.size();
        report.published = published_.data();
        report.n_published = (int)published_.size();
    }
};
