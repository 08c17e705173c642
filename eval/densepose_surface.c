/* densepose_surface.c -- see densepose_surface.h */
#include "eval/densepose_surface.h"
#include "base/size.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 32, MOST_VERTICES = 1 << 20 };

static uint32_t word(const char *bytes)
{
    uint32_t x;
    memcpy(&x, bytes, 4);
    return x;
}

static Status read_header(DenseposeSurface *s, const char *path)
{
    if (s->map.n < HEADER || memcmp(s->map.bytes, "GWSURF1\n", 8) != 0)
        return status_fail(ERR_FORMAT,
                           "%s: no surface file (expected GWSURF1; docs/densepose-surface.md makes "
                           "one)",
                           path);
    s->n_vertices = word(s->map.bytes + 8);
    s->n_points = word(s->map.bytes + 12);
    int64_t width = word(s->map.bytes + 16);
    if (s->n_vertices < 1 || s->n_vertices > MOST_VERTICES || s->n_points < 1 ||
        s->n_points > MOST_VERTICES || (width != 4 && width != 8))
        return status_fail(ERR_FORMAT,
                           "%s: %lld vertices, %lld points, distances of %lld bytes; expected "
                           "1 .. %d of both and 4 or 8 bytes",
                           path, (long long)s->n_vertices, (long long)s->n_points, (long long)width,
                           MOST_VERTICES);
    int64_t pairs = s->n_vertices * (s->n_vertices - 1) / 2;
    int64_t want = HEADER + 24 * s->n_points + width * pairs;
    if (s->map.n != want)
        return status_fail(ERR_FORMAT, "%s: %lld bytes; expected %lld for %lld vertices", path,
                           (long long)s->map.n, (long long)want, (long long)s->n_vertices);
    const char *p = s->map.bytes + HEADER;
    s->u = (const double *)(const void *)p;
    s->v = s->u + s->n_points;
    s->part = (const uint32_t *)(const void *)(p + 16 * s->n_points);
    s->vertex = s->part + s->n_points;
    s->distance = p + 24 * s->n_points;
    s->is_double = width == 8;
    return OK;
}

static Status sort_points(DenseposeSurface *s, const char *path)
{
    for (int64_t i = 0; i < s->n_points; i++) {
        if (s->part[i] < 1 || s->part[i] > DENSEPOSE_PARTS ||
            s->vertex[i] >= (uint64_t)s->n_vertices || !isfinite(s->u[i]) || !isfinite(s->v[i]))
            return status_fail(ERR_FORMAT,
                               "%s: point %lld has part %u, vertex %u, u %g, v %g; expected 1 .. "
                               "24, 0 .. %lld, finite",
                               path, (long long)i, s->part[i], s->vertex[i], s->u[i], s->v[i],
                               (long long)s->n_vertices - 1);
        s->part_at[s->part[i] + 1]++;
    }
    for (int p = 1; p <= DENSEPOSE_PARTS + 1; p++)
        s->part_at[p] += s->part_at[p - 1];
    s->by_part = malloc((size_t)s->n_points * sizeof *s->by_part);
    s->nearest = calloc(DENSEPOSE_PARTS * 65536, sizeof *s->nearest);
    if (!s->by_part || !s->nearest)
        return status_no_memory("body surface", s->n_points * 4);
    int64_t at[DENSEPOSE_PARTS + 2];
    memcpy(at, s->part_at, sizeof at);
    for (int64_t i = 0; i < s->n_points; i++)
        s->by_part[at[s->part[i]]++] = (int32_t)i;
    return OK;
}

Status densepose_surface_open(DenseposeSurface *s, const char *path)
{
    memset(s, 0, sizeof *s);
    Status st = OK;
    TRY_OUT(file_map(&s->map, path));
    TRY_OUT(read_header(s, path));
    TRY_OUT(sort_points(s, path));
out:
    if (st != OK)
        densepose_surface_close(s);
    return st;
}

void densepose_surface_close(DenseposeSurface *s)
{
    free(s->by_part);
    free(s->nearest);
    file_unmap(&s->map);
    memset(s, 0, sizeof *s);
}

/* PITFALL: the reference compares square roots, in which different squares may be equal: the first
 * point whose root is the smallest wins. */
int64_t densepose_nearest(const DenseposeSurface *s, double part, double u, double v)
{
    if (!(part >= 1 && part <= DENSEPOSE_PARTS) || part != floor(part))
        return -1;
    const int32_t *point = s->by_part + s->part_at[(int)part];
    int64_t        n = s->part_at[(int)part + 1] - s->part_at[(int)part], best = 0;
    double         least = INFINITY;
    for (int64_t i = 0; i < n; i++) {
        double du = s->u[point[i]] - u, dv = s->v[point[i]] - v;
        double root = sqrt(du * du + dv * dv);
        if (root < least) {
            least = root;
            best = i;
        }
    }
    return n > 0 ? (int64_t)s->vertex[point[best]] : -1;
}

int64_t densepose_nearest_byte(const DenseposeSurface *s, int part, int u, int v)
{
    if (part < 1 || part > DENSEPOSE_PARTS)
        return -1;
    int32_t *slot = &s->nearest[((part - 1) * 256 + u) * 256 + v];
    int32_t  known = __atomic_load_n(slot, __ATOMIC_RELAXED);
    if (known == 0) { // two threads may both look; they find the same
        known = (int32_t)densepose_nearest(s, part, u / 255.0, v / 255.0) + 1;
        if (known == 0)
            return -1;
        __atomic_store_n(slot, known, __ATOMIC_RELAXED);
    }
    return known - 1;
}

double densepose_distance(const DenseposeSurface *s, int64_t a, int64_t b)
{
    if (a == b)
        return 0;
    int64_t i = a > b ? a : b, j = a > b ? b : a, at = i * (i - 1) / 2 + j;
    return s->is_double ? ((const double *)s->distance)[at]
                        : (double)((const float *)s->distance)[at];
}

double densepose_kappa(int part)
{
    static const double  mean[9] = {0, .351, .107, .126, .237, .173, .142, .128, .150};
    static const uint8_t coarse[DENSEPOSE_PARTS + 1] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5,
                                                        5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8};
    return mean[coarse[part]];
}
