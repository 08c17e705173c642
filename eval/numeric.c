/* numeric.c -- NumPy's spacing, sums and sorts; see numeric.h */
#include "eval/numeric.h"
#include <math.h>
#include <stdbool.h>
#include <string.h>

void numeric_linspace(double *out, double a, double b, int64_t n)
{
    double step = (b - a) / (double)(n - 1);
    for (int64_t i = 0; i < n; i++) {
        double product = (double)i * step;
        out[i] = product + a;
    }
    out[n - 1] = b;
}

/* One leaf of the pairwise tree: n <= 128. */
static double sum_block(const double *x, int64_t n)
{
    if (n < 8) {
        double s = 0;
        for (int64_t i = 0; i < n; i++)
            s += x[i];
        return s;
    }
    double r[8];
    memcpy(r, x, sizeof r);
    int64_t i = 8;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            r[k] += x[i + k];
    double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++)
        s += x[i];
    return s;
}

/* The recursion halves n <= CHUNK, so it is at most six deep. */
static double sum_pairwise(const double *x, int64_t n)
{
    if (n <= 128)
        return sum_block(x, n);
    int64_t half = n / 2;
    half -= half % 8;
    return sum_pairwise(x, half) + sum_pairwise(x + half, n - half);
}

/* NumPy's reductions run over buffers of 8192 elements: pairwise within one, one after the other between them. */
double numeric_sum(const double *x, int64_t n)
{
    enum { CHUNK = 8192 };
    double s = 0;
    for (int64_t i = 0; i < n; i += CHUNK)
        s += sum_pairwise(x + i, n - i < CHUNK ? n - i : CHUNK);
    return s;
}

double numeric_mean(const double *x, int64_t n)
{
    return n == 0 ? (double)NAN : numeric_sum(x, n) / (double)n;
}

double numeric_mean_defined(const double *x, double *scratch, int64_t n)
{
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++)
        if (x[i] > -1)
            scratch[k++] = x[i];
    return k == 0 ? -1 : numeric_mean(scratch, k);
}

int64_t numeric_search_left(const double *x, int64_t n, double value)
{
    int64_t lo = 0, hi = n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (x[mid] < value)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* a stands strictly before b */
static inline bool before_desc(double a, double b)
{
    return a > b || (b != b && a == a);
}

void numeric_order_desc(const double *key, int32_t *order, int32_t *scratch, int64_t n)
{
    enum { RUN = 16 };
    for (int64_t lo = 0; lo < n; lo += RUN) {
        int64_t hi = lo + RUN < n ? lo + RUN : n;
        for (int64_t i = lo; i < hi; i++) {
            int64_t j = i;
            for (; j > lo && before_desc(key[i], key[order[j - 1]]); j--)
                order[j] = order[j - 1];
            order[j] = (int32_t)i;
        }
    }
    int32_t *from = order, *to = scratch;
    for (int64_t width = RUN; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            int64_t mid = lo + width < n ? lo + width : n;
            int64_t hi = lo + 2 * width < n ? lo + 2 * width : n;
            int64_t i = lo, j = mid, k = lo;
            while (i < mid && j < hi)
                to[k++] = before_desc(key[from[j]], key[from[i]]) ? from[j++] : from[i++];
            memcpy(to + k, from + i, (size_t)(mid - i) * sizeof *to);
            k += mid - i;
            memcpy(to + k, from + j, (size_t)(hi - j) * sizeof *to);
        }
        int32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, (size_t)n * sizeof *order);
}

/* ascending, NaN last */
static inline bool before_asc(double a, double b)
{
    return a < b || (b != b && a == a);
}

static void swap_index(int32_t *order, int64_t i, int64_t j)
{
    int32_t t = order[i];
    order[i] = order[j];
    order[j] = t;
}

static void insertion(const double *v, int32_t *order, int64_t left, int64_t right)
{
    for (int64_t i = left + 1; i <= right; i++) {
        int32_t at = order[i];
        double  vp = v[at];
        int64_t j = i;
        for (; j > left && before_asc(vp, v[order[j - 1]]); j--)
            order[j] = order[j - 1];
        order[j] = at;
    }
}

static void heap_down(const double *v, int32_t *a, int64_t i,
                      int64_t n) // 1-based heap in a[-1 + i]
{
    int32_t at = a[i - 1];
    int64_t j;
    for (j = i * 2; j <= n;) {
        if (j < n && before_asc(v[a[j - 1]], v[a[j]]))
            j++;
        if (!before_asc(v[at], v[a[j - 1]]))
            break;
        a[i - 1] = a[j - 1];
        i = j;
        j += j;
    }
    a[i - 1] = at;
}

static void heap_sort(const double *v, int32_t *a, int64_t n)
{
    for (int64_t l = n / 2; l > 0; l--)
        heap_down(v, a, l, n);
    while (n > 1) {
        swap_index(a, 0, n - 1);
        heap_down(v, a, 1, --n);
    }
}

/* Partitions order[left..right] around the median of three; returns the pivot's place. */
static int64_t partition(const double *v, int32_t *order, int64_t left, int64_t right)
{
    int64_t mid = left + ((right - left) >> 1);
    if (before_asc(v[order[mid]], v[order[left]]))
        swap_index(order, mid, left);
    if (before_asc(v[order[right]], v[order[mid]]))
        swap_index(order, right, mid);
    if (before_asc(v[order[mid]], v[order[left]]))
        swap_index(order, mid, left);
    double  pivot = v[order[mid]];
    int64_t i = left, j = right - 1;
    swap_index(order, mid, j);
    for (;;) {
        do
            i++;
        while (before_asc(v[order[i]], pivot));
        do
            j--;
        while (before_asc(pivot, v[order[j]]));
        if (i >= j)
            break;
        swap_index(order, i, j);
    }
    swap_index(order, i, right - 1);
    return i;
}

void numeric_order_desc_introsort(const double *key, int32_t *order, double *scratch, int64_t n)
{
    typedef struct {
        int64_t left, right;
        int     depth;
    } Range;
    Range   stack[64]; // the larger side waits, so at most log2(n) ranges do
    int     waiting = 0;
    int     depth = 0;
    double *v = scratch;
    for (int64_t i = 0; i < n; i++) {
        v[i] = -key[i];
        order[i] = (int32_t)i;
    }
    for (int64_t m = n; m > 1; m >>= 1)
        depth += 2;
    int64_t left = 0, right = n - 1;
    for (;;) {
        bool heaped = false;
        while (right - left > 15) {
            if (depth-- <= 0) {
                heap_sort(v, order + left, right - left + 1);
                heaped = true;
                break;
            }
            int64_t at = partition(v, order, left, right);
            if (at - left < right - at) {
                stack[waiting++] = (Range){at + 1, right, depth};
                right = at - 1;
            } else {
                stack[waiting++] = (Range){left, at - 1, depth};
                left = at + 1;
            }
        }
        if (!heaped)
            insertion(v, order, left, right);
        if (waiting == 0)
            return;
        Range next = stack[--waiting];
        left = next.left;
        right = next.right;
        depth = next.depth;
    }
}

double numeric_round_decimal(double x, double scale)
{
    if (!(fabs(x) * scale < 0x1p52))
        return x;
    double product = x * scale;
    double error = fma(x, scale, -product); // x * scale = product + error, exactly
    double k = rint(product);
    double rest = product - k; // exact, -.5 .. .5
    if (rest == 0.5 && error > 0)
        k += 1;
    else if (rest == -0.5 && error < 0)
        k -= 1;
    return k / scale;
}
