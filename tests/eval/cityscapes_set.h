/* cityscapes_set.h -- small Cityscapes folders: the generated set of the specification, and scenes of rectangles */
#pragma once
#include "png_support.h"
extern "C" {
#include "eval/cityscapes.h"
}
#include <cmath>

namespace {

/* s <- (1103515245 s + 12345) mod 2^31; r(n) = (s >> 8) mod n */
struct Draw {
    uint32_t s;
    int      operator()(int n)
    {
        s = (1103515245u * s + 12345u) & 0x7fffffffu;
        return (int)((s >> 8) % (uint32_t)n);
    }
};

struct Rect {
    int x, y, w, h, label;
};

const int W = 64, H = 48;

template <typename T>
void paint(std::vector<T> &image, Rect r, T value)
{
    for (int y = std::max(r.y, 0); y < std::min(r.y + r.h, H); y++)
        for (int x = std::max(r.x, 0); x < std::min(r.x + r.w, W); x++)
            image[(size_t)(y * W + x)] = value;
}

/* One image under construction: ids, masks with labels and scores. */
class Scene {
  public:
    std::vector<uint16_t> ids = std::vector<uint16_t>(W * H, 7);
    std::string           list;
    int                   n = 0;

    void add(const Folder &dir, const std::string &base, const std::vector<uint8_t> &mask,
             const std::string &label, const std::string &score)
    {
        std::string name = base + "_" + std::to_string(n++) + ".png";
        write_gray(dir / ("dt/masks/" + name), W, H, mask);
        list += "masks/" + name + " " + label + " " + score + "\n";
    }
    void add(const Folder &dir, const std::string &base, Rect r, const std::string &score)
    {
        std::vector<uint8_t> mask(W * H);
        paint<uint8_t>(mask, r, 255);
        add(dir, base, mask, std::to_string(r.label), score);
    }
    void write(const Folder &dir, const std::string &base) const
    {
        std::vector<uint8_t> labels(W * H), shifted(W * H);
        for (size_t i = 0; i < ids.size(); i++)
            labels[i] = (uint8_t)(ids[i] < 1000 ? ids[i] : ids[i] / 1000);
        for (int i = 0; i < W * H; i++)
            shifted[(size_t)i] = labels[(size_t)(i % W ? i - 1 : i)];
        write_gray16(dir / ("gt/" + base + "_gtFine_instanceIds.png"), W, H, ids);
        write_gray(dir / ("gt/" + base + "_gtFine_labelIds.png"), W, H, labels);
        write_gray(dir / ("px/" + base + "_pred.png"), W, H, shifted);
        write_text(dir / ("dt/" + base + "_leftImg8bit.txt"), list);
    }
};

inline void make_generated_set(const Folder &dir)
{
    Draw r = {9};
    for (int i = 0; i < 6; i++) {
        std::string       base = "syn_00000" + std::to_string(i) + "_000019";
        Scene             scene;
        std::vector<Rect> numbered;
        int               counter[34] = {0}, n = 3 + r(5);
        for (int k = 0; k < n; k++) {
            int  kind = r(8), label = r(2) == 0 ? 24 : 26;
            Rect b = {r(50), 0, 0, 0, label};
            b.y = r(36);
            b.w = 6 + r(24);
            b.h = 6 + r(20);
            int value = kind == 0   ? 26
                        : kind == 1 ? 0
                        : kind == 2 ? 29000
                                    : label * 1000 + counter[label]++;
            paint<uint16_t>(scene.ids, b, (uint16_t)value);
            if (kind > 2)
                numbered.push_back(b);
        }
        char score[16];
        for (Rect b : numbered) {
            if (r(4) == 0)
                continue;
            b.x += r(5) - 2;
            b.y += r(5) - 2;
            snprintf(score, sizeof score, "%.2f", (1 + r(99)) / 100.0);
            scene.add(dir, base, b, score);
        }
        for (int k = 0; k < 2; k++) {
            Rect b = {0, 0, 0, 0, r(2) == 0 ? 24 : 26};
            b.x = r(50);
            b.y = r(36);
            b.w = 6 + r(24);
            b.h = 6 + r(20);
            snprintf(score, sizeof score, "%.2f", (1 + r(99)) / 100.0);
            scene.add(dir, base, b, score);
        }
        scene.write(dir, base);
    }
}

class CityscapesTest : public ::testing::Test {
  protected:
    Folder              dir;
    Scene               scene;
    const std::string   base = "town_000000_000019";
    CityscapesInstances r = {};
    CityscapesPixels    p = {};
    Arena               a = {};
    CityscapesRecords   records = {};

    ~CityscapesTest() override
    {
        cityscapes_records_release(&records);
        arena_release(&a);
    }
    Status instances_of(const std::string &folder)
    {
        cityscapes_records_release(&records);
        Status st =
            cityscapes_records_read(&records, (folder + "/gt").c_str(), (folder + "/dt").c_str());
        return st == OK ? cityscapes_instances(&r, &records) : st;
    }
    Status instances()
    {
        return instances_of(dir.path);
    }
    Status pixels()
    {
        return cityscapes_pixels(&a, &p, (dir.path + "/gt").c_str(), (dir.path + "/px").c_str());
    }
    void truth(Rect b, int value)
    {
        paint<uint16_t>(scene.ids, b, (uint16_t)value);
    }
    void found(Rect b, const std::string &score = "0.9")
    {
        scene.add(dir, base, b, score);
    }
    /* AP and AP50 of cars, -1 for NaN. */
    std::pair<double, double> car()
    {
        scene.write(dir, base);
        EXPECT_EQ(OK, instances()) << status_text();
        auto plain = [](double x) { return std::isnan(x) ? -1 : std::round(x * 1e10) / 1e10; };
        return {plain(r.class_ap[2]), plain(r.class_ap50[2])};
    }
    Status run()
    {
        scene.write(dir, base);
        return instances();
    }
    using Pair = std::pair<double, double>;
};

const Rect A = {2, 2, 20, 20, 26}, B = {30, 2, 20, 20, 26}, C = {2, 26, 20, 20, 26};

} // namespace
