/* rng.h -- addressed random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
 * as easy as 1, 2, 3")
 *
 * A draw is a pure function of its address (seed, purpose, a, b, counter). Nothing is consumed, so
 * results depend neither on the number of threads nor on what was drawn before, and a resumed run
 * continues bit for bit.
 *
 *      key     = seed (64 bit)
 *      counter = { index, a, b | purpose << 24, ... }        see rng_at
 *
 * Typical addresses: augmentation (RNG_AUGMENT, epoch, sample), sampler (RNG_SHUFFLE, epoch, 0),
 * initial weights (RNG_INIT, hash of the name, 0), RoI sampling (RNG_SAMPLE, iteration, image).
 */
#pragma once
#include <stdint.h>

#ifdef __CUDACC__
#define GW_HD __host__ __device__
#else
#define GW_HD
#endif

typedef enum RngPurpose {
    RNG_INIT = 1,   // initial weights and queue
    RNG_SHUFFLE,    // order of an epoch
    RNG_AUGMENT,    // transforms of one sample
    RNG_SHUFFLE_BN, // permutation of the key batch
    RNG_SAMPLE,     // anchors and regions of one image
    RNG_SCENE,      // generated photographs
    RNG_BOOTSTRAP,  // confidence intervals
    RNG_TEST,
    RNG_BENCH, // operands of what is timed
} RngPurpose;

/* A stream: draws number `next` of one address. Copying it copies the position. */
typedef struct Rng {
    uint32_t key[2];
    uint32_t address[3];
    uint32_t next;     // index of the next 32-bit draw
    uint32_t block[4]; // the four draws of block next / 4
} Rng;

/* out[4] = Philox4x32-10 of counter[4] under key[2]. Known answer: zeros give 6627e8d5 e169c58d
 * bc57ac4c 9b00dbd8. */
static inline GW_HD void philox4x32(uint32_t out[4], const uint32_t counter[4],
                                    const uint32_t key[2])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The stream at (seed, purpose, a, b). a: 0 .. 2^64-1 (an epoch, a step, a hash); b: 0 .. 2^24-1
 * stays distinct for each purpose; larger b are folded in but may meet another purpose's stream. */
static inline GW_HD Rng rng_at(uint64_t seed, RngPurpose purpose, uint64_t a, uint64_t b)
{
    Rng r;
    r.key[0] = (uint32_t)seed;
    r.key[1] = (uint32_t)(seed >> 32) ^ (uint32_t)(b >> 24) * 0x85EBCA6Bu;
    r.address[0] = (uint32_t)a;
    r.address[1] = (uint32_t)(a >> 32);
    r.address[2] = ((uint32_t)b & 0xFFFFFFu) | (uint32_t)purpose << 24;
    r.next = 0;
    return r;
}

/* The next 32 random bits. */
static inline GW_HD uint32_t rng_u32(Rng *r)
{
    if (r->next % 4 == 0) {
        uint32_t counter[4] = {r->next / 4, r->address[0], r->address[1], r->address[2]};
        philox4x32(r->block, counter, r->key);
    }
    return r->block[r->next++ % 4];
}

/* Uniform in [0, 1): the upper 24 bits, so every value is exact in float32. */
static inline GW_HD float rng_uniform(Rng *r)
{
    return (float)(rng_u32(r) >> 8) * 0x1p-24f;
}

/* Uniform in [lo, hi). */
static inline GW_HD double rng_range(Rng *r, double lo, double hi)
{
    return lo + (hi - lo) * (double)rng_uniform(r);
}

/* Uniform integer in [0, n), n >= 1; bias below 2^-32 * n is removed by rejection. */
static inline GW_HD uint32_t rng_below(Rng *r, uint32_t n)
{
    uint32_t threshold = (0u - n) % n;
    for (;;) {
        uint64_t m = (uint64_t)rng_u32(r) * n;
        if ((uint32_t)m >= threshold)
            return (uint32_t)(m >> 32);
    }
}

/* Standard normal by Box-Muller; uses two draws and returns one value. */
float rng_normal(Rng *r);

/* perm[0..n-1] = a uniform permutation of 0..n-1 (Fisher-Yates), n < 2^32. */
void rng_permutation(Rng *r, int64_t *perm, int64_t n);
