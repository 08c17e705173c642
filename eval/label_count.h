/* label_count.h -- how often each pair of labels meets in two images, at memory speed
 *
 * Label images are made of long runs of one value. Eight pixels are compared with the run at hand
 * in one step; only where a run ends is a pixel looked at by itself.
 */
#pragma once
#include <stdint.h>
#include <string.h>

/* pairs[256 * g + p] += number of pixels with g in truth and p in found. */
static inline void label_count_pairs(int64_t *pairs, const uint8_t *truth, const uint8_t *found,
                                     int64_t n)
{
    const uint64_t ones = 0x0101010101010101u;
    for (int64_t i = 0; i < n;) {
        uint64_t tw, fw, t8 = ones * truth[i], f8 = ones * found[i];
        int64_t  start = i;
        for (i++; i + 8 <= n; i += 8) {
            memcpy(&tw, truth + i, 8);
            memcpy(&fw, found + i, 8);
            uint64_t differ = (tw ^ t8) | (fw ^ f8);
            if (differ) {
                i += __builtin_ctzll(differ) /
                     8; // little-endian: the lowest byte is the first pixel
                break;
            }
        }
        while (i < n && truth[i] == truth[start] && found[i] == found[start])
            i++;
        pairs[256 * truth[start] + found[start]] += i - start;
    }
}

/* The end of the run of pixels that have the values of pixel `at` in both images. */
static inline int64_t label_run_end(const uint16_t *wide, const uint8_t *narrow, int64_t at,
                                    int64_t n)
{
    const uint16_t v = wide[at];
    const uint8_t  p = narrow[at];
    const uint64_t v4 = 0x0001000100010001u * v;
    const uint32_t p4 = 0x01010101u * p;
    int64_t        i = at + 1;
    for (; i + 4 <= n; i += 4) {
        uint64_t vw;
        uint32_t pw;
        memcpy(&vw, wide + i, 8);
        memcpy(&pw, narrow + i, 4);
        if (vw != v4 || pw != p4)
            break;
    }
    while (i < n && wide[i] == v && narrow[i] == p)
        i++;
    return i;
}
