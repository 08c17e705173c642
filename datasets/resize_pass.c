/* resize_pass.c -- weighted sums of bytes, plainly and with AVX2; the same integers either way
 *
 * A weight w (up to 2^22) times a byte needs 30 bits; the fast multiplier takes 16-bit pairs. So w = 2^11 h + l, both
 * fit, and sum w p = 2^11 sum h p + sum l p exactly. One multiplication then serves two taps of a channel.
 */
#include "datasets/resize_pass.h"
#include "datasets/simd.h"
#include <string.h>

#define HALF_BITS 11
#define ROUND (1 << (RESIZE_BITS - 1))

void resize_pack(ResizeAxis *axis, int64_t n_out)
{
    int64_t groups = resize_groups(axis->n_taps);
    memset(axis->packed, 0, (size_t)(n_out * groups * RESIZE_GROUP_BYTES));
    for (int64_t o = 0; o < n_out; o++)
        for (int64_t k = 0; k < axis->n_taps; k++) {
            int32_t  w = axis->weight[o * axis->n_taps + k];
            int16_t *to = axis->packed + (o * groups + k / 4) * (RESIZE_GROUP_BYTES / 2);
            int64_t  lane = k % 4 / 2 * 8 + k % 2; // two taps a lane, side by side for each channel
            for (int64_t c = 0; c < 3; c++) {
                to[lane + 2 * c] = (int16_t)(w >> HALF_BITS);
                to[16 + lane + 2 * c] = (int16_t)(w & ((1 << HALF_BITS) - 1));
            }
        }
}

static void row_plain(uint8_t *to, const uint8_t *from, const ResizeAxis *axis, int64_t width)
{
    for (int64_t o = 0; o < width; o++, to += 4) {
        const uint8_t *p = from + 3 * axis->first[o];
        const int32_t *weight = axis->weight + o * axis->n_taps;
        int32_t        sum[3] = {ROUND, ROUND, ROUND};
        for (int64_t k = 0; k < axis->count[o]; k++, p += 3)
            for (int c = 0; c < 3; c++)
                sum[c] += weight[k] * p[c];
        for (int c = 0; c < 3; c++)
            to[c] = (uint8_t)(sum[c] >> RESIZE_BITS);
        to[3] = 0;
    }
}

static void column_plain(uint8_t *to, const uint8_t *from, int64_t stride, const int32_t *weight,
                         int64_t n_taps, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int32_t sum = ROUND;
        for (int64_t k = 0; k < n_taps; k++)
            sum += weight[k] * from[k * stride + i];
        to[i] = (uint8_t)(sum >> RESIZE_BITS);
    }
}

#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2")))

/* Sums of one output pixel: R G B 0, rounded and shifted. */
AVX2 SIMD_INLINE __m128i pixel_avx2(const uint8_t *p, const int16_t *w, int64_t groups)
{
    /* bytes of taps 0 and 1 side by side for each channel, then of taps 2 and 3; -1 gives zero */
    const __m256i pairs =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, //
                         6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    __m256i high = _mm256_setzero_si256(), low = _mm256_setzero_si256();
    for (int64_t g = 0; g < groups; g++, p += 12, w += 32) {
        __m256i four = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
        four = _mm256_shuffle_epi8(four, pairs);
        high =
            _mm256_add_epi32(high, _mm256_madd_epi16(four, _mm256_load_si256((const __m256i *)w)));
        low = _mm256_add_epi32(
            low, _mm256_madd_epi16(four, _mm256_load_si256((const __m256i *)(w + 16))));
    }
    __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, HALF_BITS), low);
    __m128i all = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    return _mm_srai_epi32(_mm_add_epi32(all, _mm_set1_epi32(ROUND)), RESIZE_BITS);
}

/* Output o; only the groups that hold its taps are read, so at most 13 bytes behind the last. */
AVX2 SIMD_INLINE __m128i output_avx2(const uint8_t *from, const ResizeAxis *axis, int64_t o)
{
    const int16_t *w = axis->packed + o * resize_groups(axis->n_taps) * (RESIZE_GROUP_BYTES / 2);
    return pixel_avx2(from + 3 * axis->first[o], w, resize_groups(axis->count[o]));
}

AVX2 static void row_avx2(uint8_t *to, const uint8_t *from, const ResizeAxis *axis, int64_t width)
{
    int64_t o = 0;
    for (; o + 4 <= width; o += 4) {
        __m128i ab = _mm_packs_epi32(output_avx2(from, axis, o), output_avx2(from, axis, o + 1));
        __m128i cd =
            _mm_packs_epi32(output_avx2(from, axis, o + 2), output_avx2(from, axis, o + 3));
        _mm_storeu_si128((__m128i *)(to + 4 * o), _mm_packus_epi16(ab, cd));
    }
    for (; o < width; o++) {
        __m128i a = output_avx2(from, axis, o);
        a = _mm_packus_epi16(_mm_packs_epi32(a, a), a);
        int32_t x = _mm_cvtsi128_si32(a);
        memcpy(to + 4 * o, &x, 4);
    }
}

/* 8 sums of two rows: high and low are added to. */
AVX2 SIMD_INLINE void two_rows(__m256i *high, __m256i *low, __m128i rows, __m256i wh, __m256i wl)
{
    __m256i p = _mm256_cvtepu8_epi16(rows);
    *high = _mm256_add_epi32(*high, _mm256_madd_epi16(p, wh));
    *low = _mm256_add_epi32(*low, _mm256_madd_epi16(p, wl));
}

AVX2 SIMD_INLINE __m256i finish_avx2(__m256i high, __m256i low)
{
    __m256i sum = _mm256_add_epi32(_mm256_slli_epi32(high, HALF_BITS), low);
    return _mm256_srai_epi32(_mm256_add_epi32(sum, _mm256_set1_epi32(ROUND)), RESIZE_BITS);
}

AVX2 static void column_avx2(uint8_t *to, const uint8_t *from, int64_t stride,
                             const int32_t *weight, int64_t n_taps, int64_t n)
{
    for (int64_t i = 0; i < n; i += 16) {
        __m256i h0 = _mm256_setzero_si256(), l0 = h0, h1 = h0, l1 = h0;
        for (int64_t k = 0; k < n_taps; k += 2) {
            /* an odd last tap is paired with itself under weight zero */
            int64_t        j = k + 1 < n_taps ? k + 1 : k;
            int32_t        v = k + 1 < n_taps ? weight[k + 1] : 0, u = weight[k];
            const __m256i  wh = _mm256_set1_epi32((u >> HALF_BITS) | (v >> HALF_BITS) << 16);
            const int32_t  m = (1 << HALF_BITS) - 1;
            const __m256i  wl = _mm256_set1_epi32((u & m) | (v & m) << 16);
            const uint8_t *at = from + i;
            __m128i        a = _mm_loadu_si128((const __m128i *)(at + k * stride));
            __m128i        b = _mm_loadu_si128((const __m128i *)(at + j * stride));
            two_rows(&h0, &l0, _mm_unpacklo_epi8(a, b), wh, wl);
            two_rows(&h1, &l1, _mm_unpackhi_epi8(a, b), wh, wl);
        }
        __m256i x = _mm256_packs_epi32(finish_avx2(h0, l0), finish_avx2(h1, l1));
        x = _mm256_permute4x64_epi64(x, 0xD8); // packs works within lanes
        __m128i y = _mm_packus_epi16(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
        _mm_storeu_si128((__m128i *)(to + i), y);
    }
}
#endif

void resize_row(uint8_t *to, const uint8_t *from, const ResizeAxis *axis, int64_t width)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        row_avx2(to, from, axis, width);
        return;
    }
#endif
    row_plain(to, from, axis, width);
}

void resize_column(uint8_t *to, const uint8_t *from, int64_t stride, const int32_t *weight,
                   int64_t n_taps, int64_t n)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        column_avx2(to, from, stride, weight, n_taps, n);
        return;
    }
#endif
    column_plain(to, from, stride, weight, n_taps, n);
}
