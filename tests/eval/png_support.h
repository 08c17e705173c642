/* png_support.h -- writes small PNG files for tests */
#pragma once
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <spng.h>
#include <string>
#include <unistd.h>
#include <vector>

/* pixels as the format has them: 16-bit values in host order. palette may be empty. */
inline void write_png(const std::string &path, int w, int h, int type, int depth,
                      const void *pixels, size_t n,
                      const std::vector<spng_plte_entry> &palette = {})
{
    spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
    FILE     *f = fopen(path.c_str(), "wb");
    ASSERT_TRUE(f) << path;
    spng_set_png_file(ctx, f);
    spng_ihdr ihdr = {};
    ihdr.width = (uint32_t)w;
    ihdr.height = (uint32_t)h;
    ihdr.color_type = (uint8_t)type;
    ihdr.bit_depth = (uint8_t)depth;
    spng_set_ihdr(ctx, &ihdr);
    if (!palette.empty()) {
        spng_plte p = {};
        p.n_entries = (uint32_t)palette.size();
        std::copy(palette.begin(), palette.end(), p.entries);
        spng_set_plte(ctx, &p);
    }
    EXPECT_EQ(0, spng_encode_image(ctx, pixels, n, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
    spng_ctx_free(ctx);
    fclose(f);
}

inline void write_gray(const std::string &path, int w, int h, const std::vector<uint8_t> &v)
{
    write_png(path, w, h, SPNG_COLOR_TYPE_GRAYSCALE, 8, v.data(), v.size());
}

inline void write_gray16(const std::string &path, int w, int h, const std::vector<uint16_t> &v)
{
    write_png(path, w, h, SPNG_COLOR_TYPE_GRAYSCALE, 16, v.data(), 2 * v.size());
}

inline void write_text(const std::string &path, const std::string &text)
{
    FILE *f = fopen(path.c_str(), "wb");
    ASSERT_TRUE(f) << path;
    fwrite(text.data(), 1, text.size(), f);
    fclose(f);
}

/* A folder that goes away with the test. */
struct Folder {
    std::string path;
    Folder()
    {
        char name[] = "/tmp/godwit-test-XXXXXX";
        path = mkdtemp(name) ? name : "";
        EXPECT_NE("", path);
    }
    ~Folder()
    {
        std::error_code ignored;
        if (!path.empty())
            std::filesystem::remove_all(path, ignored);
    }
    std::string operator/(const std::string &name) const
    {
        std::string full = path + "/" + name;
        std::filesystem::create_directories(std::filesystem::path(full).parent_path());
        return full;
    }
};
