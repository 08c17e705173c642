/* size.h -- products and sums of sizes that cannot wrap
 *
 * Every size that comes from a file or from tensor dims goes through these before it reaches an
 * allocation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* *out = a * b; false (and *out untouched) when a or b is negative or the product exceeds
 * INT64_MAX. */
static inline bool size_mul(int64_t *out, int64_t a, int64_t b)
{
    int64_t product;
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product))
        return false;
    *out = product;
    return true;
}

/* *out = a + b; false (and *out untouched) when a or b is negative or the sum exceeds INT64_MAX. */
static inline bool size_add(int64_t *out, int64_t a, int64_t b)
{
    int64_t sum;
    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

/* *out = dim[0] * ... * dim[n-1] (1 for n = 0); false as size_mul. */
static inline bool size_product(int64_t *out, const int64_t *dim, int n)
{
    int64_t product = 1;
    for (int i = 0; i < n; i++)
        if (!size_mul(&product, product, dim[i]))
            return false;
    *out = product;
    return true;
}

static inline int64_t size_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t size_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The smallest multiple of `step` (> 0) that is >= n (>= 0). */
static inline int64_t size_round_up(int64_t n, int64_t step)
{
    return (n + step - 1) / step * step;
}
