/* densepose_set.h -- a surface of 2,400 vertices, 100 a part, distance .01 |i - j|; persons and results on it */
#pragma once
#include "png_support.h"
extern "C" {
#include "eval/densepose.h"
}
#include <cmath>
#include <cstring>

namespace {

const int PER_PART = 100, VERTICES = 24 * PER_PART;

/* Vertex k of a part lies at u = (k / 10) / 9, v = (k % 10) / 9. */
double u_of(int vertex)
{
    return (vertex % PER_PART / 10) / 9.0;
}
double v_of(int vertex)
{
    return (vertex % PER_PART % 10) / 9.0;
}

std::string surface_bytes()
{
    std::string s = "GWSURF1\n";
    auto        put = [&](const void *p, size_t n) { s.append((const char *)p, n); };
    uint32_t    head[6] = {VERTICES, VERTICES, 8, 0, 0, 0};
    put(head, sizeof head);
    std::vector<double>   x(VERTICES);
    std::vector<uint32_t> w(VERTICES);
    for (int i = 0; i < VERTICES; i++)
        x[i] = u_of(i);
    put(x.data(), 8 * x.size());
    for (int i = 0; i < VERTICES; i++)
        x[i] = v_of(i);
    put(x.data(), 8 * x.size());
    for (int i = 0; i < VERTICES; i++)
        w[i] = (uint32_t)(1 + i / PER_PART);
    put(w.data(), 4 * w.size());
    for (int i = 0; i < VERTICES; i++)
        w[i] = (uint32_t)i;
    put(w.data(), 4 * w.size());
    for (int i = 1; i < VERTICES; i++) {
        x.resize((size_t)i);
        for (int j = 0; j < i; j++)
            x[j] = .01 * (i - j);
        put(x.data(), 8 * x.size());
    }
    return s;
}

struct Point {
    double x, y; // 0 .. 255 of the box
    int    vertex;
};

struct Person {
    double             box[4] = {20, 20, 60, 60};
    std::vector<Point> points = {{100, 100, 105}, {50, 60, 5}, {200, 150, 830}};
    bool               has_points = true, full_masks = true;
    int                id = 1, image = 1, crowd = 0;
    double             area = 12000;
    std::string        extra;
};

struct Found {
    double             box[4] = {20, 20, 60, 60};
    std::vector<Point> points = {{100, 100, 105}, {50, 60, 5}, {200, 150, 830}};
    int                image = 1, background = 1; // part everywhere else
    double             score = .9, du = 0;
    int                part = 0; // instead of the points' parts
};

std::string base64(const std::string &in)
{
    const char *digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (size_t i = 0; i < in.size(); i += 3) {
        uint32_t b = 0;
        for (size_t k = 0; k < 3; k++)
            b = b << 8 | (i + k < in.size() ? (uint8_t)in[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out += i + k <= in.size() ? digit[b >> (18 - 6 * k) & 63] : '=';
        if (i % 57 == 54)
            out += "\\n";
    }
    return out;
}

std::string number(double x)
{
    char t[40];
    snprintf(t, sizeof t, "%.17g", x);
    return t;
}

template <typename F>
std::string list(size_t n, F f)
{
    std::string s = "[";
    for (size_t i = 0; i < n; i++)
        s += (i ? "," : "") + f(i);
    return s + "]";
}

class DenseposeTest : public ::testing::Test {
  protected:
    static Folder          *home;
    static DenseposeSurface surface;
    Folder                  dir;
    DenseposeData           data = {};
    Arena                   a = {};
    std::vector<Person>     persons = {Person()};
    std::vector<Found>      found = {Found()};
    DenseposeOptions        options = {};
    DenseposeResult         r = {};

    static void SetUpTestSuite()
    {
        home = new Folder;
        write_text(*home / "surface", surface_bytes());
        ASSERT_EQ(OK, densepose_surface_open(&surface, (*home / "surface").c_str()))
            << status_text();
    }
    static void TearDownTestSuite()
    {
        densepose_surface_close(&surface);
        delete home;
    }
    ~DenseposeTest() override
    {
        arena_release(&a);
        densepose_release(&data);
    }

    std::string truth_json() const
    {
        std::string s = "{\"images\":[{\"id\":1,\"height\":120,\"width\":160},{\"id\":2,\"height\":"
                        "120,\"width\":160}],"
                        "\"categories\":[{\"id\":1,\"name\":\"person\"}],\"annotations\":";
        return s +
               list(persons.size(),
                    [&](size_t i) {
                        const Person &p = persons[i];
                        std::string   o =
                            "{\"id\":" + std::to_string(p.id) +
                            ",\"image_id\":" + std::to_string(p.image) +
                            ",\"category_id\":1,\"iscrowd\":" + std::to_string(p.crowd) +
                            ",\"area\":" + number(p.area) +
                            ",\"bbox\":" + list(4, [&](size_t k) { return number(p.box[k]); });
                        auto column = [&](const char *key, auto f) {
                            o += ",\"" + std::string(key) +
                                 "\":" + list(p.points.size(), [&](size_t k) {
                                     return number(f(p.points[k]));
                                 });
                        };
                        if (p.has_points) {
                            column("dp_x", [](const Point &q) { return q.x; });
                            column("dp_y", [](const Point &q) { return q.y; });
                            column("dp_I", [](const Point &q) {
                                return (double)(q.vertex < 0 ? 0 : 1 + q.vertex / PER_PART);
                            });
                            column("dp_U",
                                   [](const Point &q) { return u_of(std::max(q.vertex, 0)); });
                            column("dp_V",
                                   [](const Point &q) { return v_of(std::max(q.vertex, 0)); });
                        }
                        if (p.full_masks)
                            o += ",\"dp_masks\":[{\"size\":[256,256],\"counts\":[0,65536]},[],[]]";
                        return o + p.extra + "}";
                    }) +
               "}";
    }
    std::string found_json()
    {
        return list(found.size(), [&](size_t i) {
            const Found         &f = found[i];
            int                  w = std::max((int)f.box[2], 1), h = std::max((int)f.box[3], 1);
            std::vector<uint8_t> iuv((size_t)(3 * w * h));
            for (int k = 0; k < w * h; k++)
                iuv[3 * k] = (uint8_t)f.background;
            for (const Point &p : f.points) {
                int x = (int)(p.x * f.box[2] / 255), y = (int)(p.y * f.box[3] / 255);
                if (x >= w || y >= h)
                    continue;
                uint8_t *at = &iuv[(size_t)(3 * (y * w + x))];
                at[0] = (uint8_t)(f.part ? f.part : p.vertex < 0 ? 0 : 1 + p.vertex / PER_PART);
                at[1] = (uint8_t)(255 * (u_of(std::max(p.vertex, 0)) + f.du));
                at[2] = (uint8_t)(255 * v_of(std::max(p.vertex, 0)));
            }
            std::string path = dir / "grid.png", bytes;
            write_png(path, w, h, SPNG_COLOR_TYPE_TRUECOLOR, 8, iuv.data(), iuv.size());
            FILE *file = fopen(path.c_str(), "rb");
            int   c;
            while ((c = fgetc(file)) != EOF)
                bytes += (char)c;
            fclose(file);
            return "{\"image_id\":" + std::to_string(f.image) +
                   ",\"category_id\":1,\"score\":" + number(f.score) +
                   ",\"bbox\":" + list(4, [&](size_t k) { return number(f.box[k]); }) +
                   ",\"uv_shape\":[3," + std::to_string(h) + "," + std::to_string(w) +
                   "],\"uv_data\":\"" + base64(bytes) + "\"}";
        });
    }
    Status read()
    {
        densepose_release(&data);
        write_text(dir / "gt.json", truth_json());
        write_text(dir / "dt.json", found_json());
        return densepose_read(&data, (dir / "gt.json").c_str(), (dir / "dt.json").c_str());
    }
    double ap(DenseposeMode mode = DENSEPOSE_GPS)
    {
        EXPECT_EQ(OK, read()) << status_text();
        options.mode = mode;
        EXPECT_EQ(OK, densepose_evaluate(&a, &options, &r, &data, &surface)) << status_text();
        return r.stat[0];
    }
    double gps()
    {
        EXPECT_EQ(OK, read()) << status_text();
        uint8_t *iuv = nullptr;
        double   g = -1;
        EXPECT_EQ(OK, densepose_grid(&a, &iuv, &data.found[0])) << status_text();
        EXPECT_EQ(OK, densepose_gps(&g, &surface, &data.truth[0], &data.found[0], iuv))
            << status_text();
        return g;
    }
    double mask_iou()
    {
        EXPECT_EQ(OK, read()) << status_text();
        uint8_t *iuv = nullptr;
        Rle      t, f;
        EXPECT_EQ(OK, densepose_grid(&a, &iuv, &data.found[0]));
        EXPECT_EQ(OK, densepose_truth_mask(&a, &t, &data.truth[0], 120, 160));
        EXPECT_EQ(OK, densepose_found_mask(&a, &f, &data.found[0], iuv, 120, 160));
        return rle_iou(&f, &t, false);
    }
    static void set(double *box, double x, double y, double w, double h)
    {
        box[0] = x;
        box[1] = y;
        box[2] = w;
        box[3] = h;
    }
    Found elsewhere(double score)
    {
        Found f;
        set(f.box, 90, 20, 60, 60);
        f.score = score;
        return f;
    }
};

Folder          *DenseposeTest::home;
DenseposeSurface DenseposeTest::surface;

} // namespace
