/* pictures.h -- a temporary folder with class folders of small pictures */
#pragma once
extern "C" {
#include "base/status.h"
#include "datasets/image.h"
}
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;

struct TempDir {
    fs::path path;
    TempDir()
    {
        char name[] = "/tmp/godwit-test-XXXXXX";
        EXPECT_NE(nullptr, mkdtemp(name));
        path = name;
    }
    ~TempDir()
    {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    std::string operator/(const std::string &name) const
    {
        return (path / name).string();
    }
};

/* A side x side picture of stripes: its class decides the direction and the colour. */
inline void write_picture(const std::string &path, int cls, int i, int64_t side)
{
    Image im = {};
    ASSERT_EQ(OK, image_resize_buffer(&im, side, side));
    for (int64_t y = 0; y < side; y++)
        for (int64_t x = 0; x < side; x++)
            for (int c = 0; c < 3; c++) {
                int64_t along = cls == 0 ? x : cls == 1 ? y : x + y;
                int64_t v =
                    40 + 50 * (c == cls) + 23 * ((along + i) % 5) + (x * 7 + y * 13 + i * 31) % 11;
                im.pixels[(y * side + x) * 3 + c] = (uint8_t)v;
            }
    ASSERT_EQ(OK, image_write(&im, path.c_str())) << status_text();
    image_release(&im);
}

/* root/a/0.png ...: n pictures of each of three classes. */
inline void write_pictures(const std::string &root, int n, int64_t side = 20)
{
    const char *const names[] = {"a", "b", "c"};
    for (int cls = 0; cls < 3; cls++) {
        fs::create_directories(fs::path(root) / names[cls]);
        for (int i = 0; i < n; i++)
            write_picture(root + "/" + names[cls] + "/" + std::to_string(100 + i) + ".png", cls, i,
                          side);
    }
}

inline std::string file_bytes(const std::string &path)
{
    std::ifstream      in(path, std::ios::binary);
    std::ostringstream all;
    EXPECT_TRUE(in.good()) << path;
    all << in.rdbuf();
    return all.str();
}
