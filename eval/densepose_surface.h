/* densepose_surface.h -- the body surface that DensePose distances are measured on
 *
 * File (little-endian; docs/densepose-surface.md has the converter from the published files):
 *
 *      0  "GWSURF1\n"            32 + 0      double   u[P]        texture coordinates of the points
 *      8  uint32  V vertices        + 8 P    double   v[P]
 *     12  uint32  P points          + 16 P   uint32   part[P]     1 .. 24
 *     16  uint32  4 or 8            + 20 P   uint32   vertex[P]   0 .. V-1, the vertex of a point
 *     20  12 bytes 0                + 24 P   float32 or float64 distance[V (V-1) / 2]
 *
 * distance is the strict lower triangle, row by row: vertices i > j stand at i (i-1) / 2 + j. The
 * file is mapped, not read: the published surface has 1.5 GB of distances, of which a run touches
 * few.
 */
#pragma once
#include "base/file.h"
#include "base/status.h"
#include <stdint.h>

enum { DENSEPOSE_PARTS = 24 };

typedef struct DenseposeSurface {
    FileMap         map;
    int64_t         n_vertices, n_points;
    const double   *u, *v;
    const uint32_t *part, *vertex;
    const void     *distance;
    bool            is_double;
    int32_t        *by_part;                      // (P) points sorted by part, stable
    int64_t         part_at[DENSEPOSE_PARTS + 2]; // part p: by_part[part_at[p]] .. part_at[p + 1]
    int32_t        *nearest; // (24,256,256) found once each, 0 unknown, else vertex + 1
} DenseposeSurface;

/* ERR_FORMAT when sizes, parts or vertices are out of range; `s` is then empty. */
Status densepose_surface_open(DenseposeSurface *s, const char *path) STATUS_MUST_USE;
void   densepose_surface_close(DenseposeSurface *s);

/* The vertex (0 ..) of the point of `part` whose (u,v) is nearest, the first of equals; -1 when the
 * part is outside 1 .. 24 or has no points. The second form takes bytes / 255 and remembers. */
int64_t densepose_nearest(const DenseposeSurface *s, double part, double u, double v);
int64_t densepose_nearest_byte(const DenseposeSurface *s, int part, int u, int v);

/* Geodesic distance of two vertices; 0 on the diagonal, symmetric. */
double densepose_distance(const DenseposeSurface *s, int64_t a, int64_t b);

/* The normalising distance of a part (1 .. 24): torso .351 ... head .150. */
double densepose_kappa(int part);
