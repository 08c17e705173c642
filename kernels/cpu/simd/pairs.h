/* pairs.h -- products of bf16 as the machine has them (AVX512-BF16); included once by loops.c
 *
 * vdpbf16ps adds two products of a pair to a lane's f32 sum, each addition rounded to nearest even. It differs from
 * f32 multiply-adds only where numbers are below 2^-126: it reads them as zero and writes zero for them, whatever the
 * control register says. vcvtneps2bf16 does the same.
 */
#include <immintrin.h>

typedef uint32_t Pair __attribute__((aligned(2), may_alias)); // rows of bf16 start anywhere

#define WIDEN(p)                                                                                   \
    (V) _mm512_castsi512_ps(                                                                       \
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)(p))), 16))
#define ROUND_ONE(to, v) _mm256_storeu_si256((void *)(to), (__m256i)_mm512_cvtneps_pbh((__m512)(v)))
#define ROUND_TWO(to, v0, v1)                                                                      \
    _mm512_storeu_si512((to), (__m512i)_mm512_cvtne2ps_pbh((__m512)(v1), (__m512)(v0)))

#define UNIT Pair
#define SPREAD(p) (V) _mm512_castsi512_ps(_mm512_set1_epi32((int)*(p)))
#define MULTIPLY_ADD(sum, x, b) (V) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(b))
#define NAME(x) x##_pairs
#include "kernels/cpu/simd/gemm.h"

#define ELEMENT uint16_t
#define UNIT Pair
#define PAIR 2
#define UNIT_OF(a, b) ((uint32_t)(a) | (uint32_t)(b) << 16)
#define NAME(x) x##_pairs
#include "kernels/cpu/simd/pack.h"
