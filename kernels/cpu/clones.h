/* clones.h -- one loop, compiled for several instruction sets; the fitting one is chosen when the program starts
 *
 * The build forbids contraction, so every clone gives the same bits. Sanitizers do not go with ifuncs: one clone there.
 */
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CPU_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CPU_CLONES
#endif
