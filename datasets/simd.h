/* simd.h -- loops compiled several times, the best chosen when the program starts (internal)
 *
 * Marked loops are plain C over bytes, ints and floats. Integer results are the same everywhere; float loops use no
 * fused multiply-add (-ffp-contract=off), so theirs are too. Sanitizer builds keep one version.
 */
#pragma once
#include <stdint.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define SIMD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SIMD_CLONES
#endif
#define SIMD_INLINE static inline __attribute__((always_inline))

/* Sixteen lanes; split by the compiler where registers are narrower. */
typedef uint8_t  Bytes16 __attribute__((vector_size(16)));
typedef int32_t  Ints16 __attribute__((vector_size(64)));
typedef uint32_t Words16 __attribute__((vector_size(64)));
typedef uint8_t  Bytes4 __attribute__((vector_size(4)));
typedef int32_t  Ints4 __attribute__((vector_size(16)));
