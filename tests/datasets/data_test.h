// data_test.h -- pictures that tests draw by formula, hashes, folders that vanish
#pragma once
#include <gtest/gtest.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
extern "C" {
#include "base/status.h"
#include "datasets/augment.h"
#include "datasets/image.h"
#include "datasets/transform.h"
}

#define ASSERT_OK(expr) ASSERT_EQ(OK, (expr)) << status_text()
#define EXPECT_OK(expr) EXPECT_EQ(OK, (expr)) << status_text()

inline uint64_t fnv(const void *bytes, size_t n, uint64_t h = 0xCBF29CE484222325ull)
{
    const uint8_t *p = static_cast<const uint8_t *>(bytes);
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001B3ull;
    return h;
}

struct Picture { // an Image that releases itself
    Image im = {};
    Picture() = default;
    Picture(int w, int h, bool smooth = false)
    {
        EXPECT_EQ(OK, image_resize_buffer(&im, w, h));
        uint8_t *p = im.pixels;
        for (uint64_t y = 0; y < (uint64_t)h; y++)
            for (uint64_t x = 0; x < (uint64_t)w; x++)
                for (uint64_t c = 0; c < 3; c++) {
                    uint32_t n = (uint32_t)(x * 374761393 + y * 668265263 + c * 2147483647);
                    n = (n ^ (n >> 13)) * 1274126177u;
                    n = (n ^ (n >> 16)) & 63;
                    *p++ = smooth ? (uint8_t)(x * 9 + y * (3 + 2 * c) + 60 * c)
                                  : (uint8_t)(x * 7 + y * 5 + c * 50 + n);
                }
    }
    ~Picture()
    {
        image_release(&im);
    }
    Picture(const Picture &) = delete;
    uint64_t hash() const
    {
        return fnv(im.pixels, (size_t)(3 * im.width * im.height));
    }
};

struct Flat { // Planes that release themselves
    Planes p = {};
    Flat() = default;
    explicit Flat(const Picture &from)
    {
        EXPECT_EQ(OK, planes_from_image(&p, &from.im));
    }
    ~Flat()
    {
        planes_release(&p);
    }
    Flat(const Flat &) = delete;
    uint64_t hash() const
    {
        Picture out;
        EXPECT_EQ(OK, planes_to_image(&out.im, &p));
        return out.hash();
    }
};

inline std::vector<uint8_t> from_hex(const char *hex)
{
    std::vector<uint8_t> out;
    for (; *hex; hex += 2) {
        char two[3] = {hex[0], hex[1], 0};
        out.push_back((uint8_t)strtol(two, nullptr, 16));
    }
    return out;
}

inline std::vector<uint8_t> encoded(const Image &im, int quality = 80,
                                    JpegSubsampling sampling = JPEG_420)
{
    ImageBytes b = {};
    EXPECT_EQ(OK, image_encode_jpeg(&b, &im, quality, sampling)) << status_text();
    std::vector<uint8_t> out(b.data, b.data + b.n_bytes);
    image_bytes_release(&b);
    return out;
}

inline void spill(const std::string &path, const void *bytes, size_t n)
{
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary).write(static_cast<const char *>(bytes), (long)n);
}
inline void spill(const std::string &path, const std::vector<uint8_t> &b)
{
    spill(path, b.data(), b.size());
}
inline void spill(const std::string &path, const std::string &b)
{
    spill(path, b.data(), b.size());
}

struct TempDir {
    std::string path;
    TempDir()
    {
        char name[] = "/tmp/godwit-test-XXXXXX";
        path = mkdtemp(name);
    }
    ~TempDir()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

/* Of a plain tar file, which ends with END. */
inline std::string tar_member(const std::string &name, const std::string &data, char type = '0')
{
    std::string h(512, '\0');
    memcpy(&h[0], name.data(), name.size());
    snprintf(&h[100], 8, "0000644");
    snprintf(&h[124], 12, "%011zo", data.size());
    snprintf(&h[136], 12, "00000000000");
    memcpy(&h[148], "        ", 8);
    h[156] = type;
    memcpy(&h[257], "ustar\00000", 8);
    unsigned sum = 0;
    for (char c : h)
        sum += (unsigned char)c;
    snprintf(&h[148], 8, "%06o", sum);
    return h + data + std::string((512 - data.size() % 512) % 512, '\0');
}
inline const std::string END(1024, '\0');
