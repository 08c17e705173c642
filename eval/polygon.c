/* polygon.c -- where the edges of a polygon cross the sampled columns
 *
 * maskApi walks every edge on a 5 times finer grid and keeps a point wherever x steps over a column
 * x = 2 (mod 5). Between two such columns nothing happens, so each crossing is computed by itself,
 * with the same double expressions as the walk:
 *
 *      flat edge  (dx >= dy):  y(t) = trunc(Y0 + s t + .5),  x = X0 + t      t follows from x
 *      steep edge (dx <  dy):  x(t) = trunc(X0 + s t + .5),  y = Y0 + t      x(t) is monotone and
 *                                                            steps by at most 1: t is searched
 */
#include "eval/polygon.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE = 5, MIDDLE = 2 };               // column k is sampled where x steps from 5k+2 to 5k+3
static const int64_t MAX_CROSSINGS = 1 << 26; // of one polygon

typedef struct Edge {
    int    x0, y0, x1, y1; // fine grid; ordered as maskApi's flip orders them
    int    dx, dy;
    double slope;
    int    first, last; // sampled columns it crosses; first > last: none
} Edge;

static Edge edge_between(const double *p, const double *q, int64_t w)
{
    Edge e = {.x0 = (int)(SCALE * p[0] + .5),
              .y0 = (int)(SCALE * p[1] + .5),
              .x1 = (int)(SCALE * q[0] + .5),
              .y1 = (int)(SCALE * q[1] + .5)};
    e.dx = abs(e.x1 - e.x0);
    e.dy = abs(e.y1 - e.y0);
    if ((e.dx >= e.dy && e.x0 > e.x1) || (e.dx < e.dy && e.y0 > e.y1)) {
        int x = e.x0, y = e.y0;
        e.x0 = e.x1;
        e.y0 = e.y1;
        e.x1 = x;
        e.y1 = y;
    }
    if (e.dx > 0 || e.dy > 0)
        e.slope = e.dx >= e.dy ? (double)(e.y1 - e.y0) / e.dx : (double)(e.x1 - e.x0) / e.dy;

    /* Columns k with lo <= 5k + 2 < hi. */
    int64_t lo = e.x0 < e.x1 ? e.x0 : e.x1, hi = e.x0 < e.x1 ? e.x1 : e.x0;
    int64_t first = lo <= MIDDLE ? 0 : (lo - MIDDLE + SCALE - 1) / SCALE;
    int64_t last = hi <= MIDDLE ? -1 : (hi - 1 - MIDDLE) / SCALE;
    e.first = (int)first;
    e.last = (int)(last < w - 1 ? last : w - 1);
    return e;
}

/* The smaller y (fine grid) of the two walk points on either side of column k. */
static int crossing_y(const Edge *e, int k)
{
    int c = SCALE * k + MIDDLE;
    if (e->dx >= e->dy) {
        int t = c - e->x0;
        int a = (int)((e->y0 + e->slope * t) + .5), b = (int)((e->y0 + e->slope * (t + 1)) + .5);
        return a < b ? a : b;
    }
    /* The first t with x(t) on the far side: above c when x grows, at most c when it falls. */
    bool grows = e->slope > 0;
    int  t = (int)ceil((c + .5 - e->x0) / e->slope);
    t = t < 1 ? 1 : t > e->dy ? e->dy : t;
    while (t > 1 && ((int)((e->x0 + e->slope * (t - 1)) + .5) > c) == grows)
        t--;
    while (t < e->dy && ((int)((e->x0 + e->slope * t) + .5) > c) != grows)
        t++;
    return e->y0 + t - 1;
}

static uint32_t crossing_row(int y, int64_t h)
{
    double row = (y + .5) / SCALE - .5;
    if (row < 0)
        row = 0;
    else if (row > (double)h)
        row = (double)h;
    return (uint32_t)ceil(row);
}

/* Ascending. Small lists by insertion, others byte by byte; `spare` holds n. */
static void sort_positions(uint32_t *x, uint32_t *spare, int64_t n)
{
    if (n <= 24) {
        for (int64_t i = 1; i < n; i++) {
            uint32_t v = x[i];
            int64_t  j = i;
            for (; j > 0 && x[j - 1] > v; j--)
                x[j] = x[j - 1];
            x[j] = v;
        }
        return;
    }
    uint32_t *from = x, *to = spare;
    for (int shift = 0; shift < 32; shift += 8) {
        int64_t at[257] = {0};
        for (int64_t i = 0; i < n; i++)
            at[(from[i] >> shift & 255) + 1]++;
        if (at[(from[0] >> shift & 255) + 1] == n)
            continue; // all alike in this byte
        for (int b = 0; b < 256; b++)
            at[b + 1] += at[b];
        for (int64_t i = 0; i < n; i++)
            to[at[from[i] >> shift & 255]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, (size_t)n * sizeof *x);
}

/* Sorted positions (the last is h * w) to runs, in place. Two equal positions cancel. */
static int64_t positions_to_runs(uint32_t *x, int64_t n)
{
    uint32_t before = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t v = x[i];
        x[i] -= before;
        before = v;
    }
    int64_t m = 1;
    for (int64_t i = 1; i < n;) {
        if (x[i] > 0) {
            x[m++] = x[i++];
        } else if (++i < n) {
            x[m - 1] += x[i++];
        }
    }
    return m;
}

static Status check_points(const double *xy, int64_t k)
{
    for (int64_t i = 0; i < 2 * k; i++)
        if (!(fabs(xy[i]) <= POLYGON_MAX_COORDINATE))
            return status_fail(ERR_FORMAT,
                               "polygon: coordinate %lld is %g; expected a finite number of at "
                               "most %g pixels",
                               (long long)i, xy[i], POLYGON_MAX_COORDINATE);
    return OK;
}

Status polygon_to_rle(Arena *a, Rle *out, const double *xy, int64_t k, int64_t h, int64_t w)
{
    uint32_t none = 0;
    TRY(rle_from_counts(out, &none, 1, h, w)); // is the size legal?
    TRY(check_points(xy, k));

    int64_t n = 1;
    for (int64_t i = 0; i < k && h > 0; i++) {
        Edge e = edge_between(xy + 2 * i, xy + 2 * (i + 1 < k ? i + 1 : 0), w);
        n += e.last >= e.first ? e.last - e.first + 1 : 0;
        if (n > MAX_CROSSINGS)
            return status_fail(ERR_FORMAT,
                               "polygon of %lld points crosses more than %lld columns in all",
                               (long long)k, (long long)MAX_CROSSINGS);
    }
    uint32_t *x = ARENA_ARRAY(a, uint32_t, n);
    ArenaMark mark = arena_mark(a);
    uint32_t *spare = ARENA_ARRAY(a, uint32_t, n);
    if (!x || !spare)
        return ERR_MEMORY;

    int64_t at = 0;
    for (int64_t i = 0; i < k && h > 0; i++) {
        Edge e = edge_between(xy + 2 * i, xy + 2 * (i + 1 < k ? i + 1 : 0), w);
        for (int c = e.first; c <= e.last; c++)
            x[at++] = (uint32_t)c * (uint32_t)h + crossing_row(crossing_y(&e, c), h);
    }
    sort_positions(x, spare, at);
    x[at++] = (uint32_t)(h * w);
    arena_rewind(a, mark);
    return rle_from_counts(out, x, positions_to_runs(x, at), h, w);
}

Status polygon_box_to_rle(Arena *a, Rle *out, const double box[4], int64_t h, int64_t w)
{
    double x0 = box[0], y0 = box[1], x1 = x0 + box[2], y1 = y0 + box[3];
    double xy[8] = {x0, y0, x0, y1, x1, y1, x1, y0};
    return polygon_to_rle(a, out, xy, 4, h, w);
}

Status polygon_list_to_rle(Arena *a, Rle *out, const double *xy, const int64_t *n_numbers,
                           int64_t n, int64_t h, int64_t w)
{
    if (n == 0)
        return status_fail(ERR_FORMAT, "segmentation is an empty list; expected polygons");
    if (n_numbers[0] <= 4)
        return status_fail(ERR_FORMAT,
                           "segmentation: the first polygon has %lld numbers; expected at least 6 "
                           "(x0 y0 x1 y1 x2 y2)",
                           (long long)n_numbers[0]);
    if (n == 1)
        return polygon_to_rle(a, out, xy, n_numbers[0] / 2, h, w);

    Rle *part = ARENA_ARRAY(a, Rle, n);
    if (!part)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        TRY(polygon_to_rle(a, &part[i], xy, n_numbers[i] / 2, h, w));
        xy += n_numbers[i];
    }
    return rle_merge(a, out, part, n, false);
}
