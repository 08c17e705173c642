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
