#include "datasets/scene_paint.h"

#include <math.h>
#include <stddef.h>

static float clamp01(float v)
{
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static float smooth(float lo, float hi, float v)
{
    float t = clamp01((v - lo) / (hi - lo));
    return t * t * (3 - 2 * t);
}

static float uniform(Rng *rng, double lo, double hi)
{
    return (float)rng_range(rng, lo, hi);
}

/* ---- noise
 * ----------------------------------------------------------------------------------------------------
 */

void noise_init(Noise *noise, Rng *rng)
{
    for (int y = 0; y < NOISE_SIDE; y++)
        for (int x = 0; x < NOISE_SIDE; x++)
            noise->value[y][x] = rng_uniform(rng);
}

static float noise_octave(const Noise *noise, float x, float y)
{
    float fx = floorf(x), fy = floorf(y);
    float tx = x - fx, ty = y - fy;
    int   x0 = (int)fx & (NOISE_SIDE - 1), x1 = (x0 + 1) & (NOISE_SIDE - 1);
    int   y0 = (int)fy & (NOISE_SIDE - 1), y1 = (y0 + 1) & (NOISE_SIDE - 1);
    tx = tx * tx * (3 - 2 * tx);
    ty = ty * ty * (3 - 2 * ty);
    float above = noise->value[y0][x0] + tx * (noise->value[y0][x1] - noise->value[y0][x0]);
    float below = noise->value[y1][x0] + tx * (noise->value[y1][x1] - noise->value[y1][x0]);
    return above + ty * (below - above);
}

/* Octave o is shifted by a fixed amount so that lattices do not line up; 17 and 29 are prime to
 * NOISE_SIDE. */
float noise_at(const Noise *noise, float x, float y, int octaves)
{
    float sum = 0, weight = 1, total = 0;
    for (int o = 0; o < octaves; o++) {
        sum += weight * noise_octave(noise, x + 17.3f * (float)o, y + 29.7f * (float)o);
        total += weight;
        weight *= 0.5f;
        x *= 2;
        y *= 2;
    }
    return sum / total;
}

/* The same sum as noise_at, octave by octave: the lattice row is interpolated once per picture row.
 */
void noise_field(const Noise *noise, float *out, Rng *rng, int size, float cells, int octaves)
{
    float ox = uniform(rng, 0, NOISE_SIDE), oy = uniform(rng, 0, NOISE_SIDE);
    float weight = 1, total = 0, row[NOISE_SIDE + 1];
    for (int o = 0; o < octaves; o++) {
        total += weight;
        weight *= 0.5f;
    }
    weight = 1 / total;
    for (ptrdiff_t i = 0; i < (ptrdiff_t)size * size; i++)
        out[i] = 0;
    for (int o = 0; o < octaves; o++) {
        float step = cells / (float)size;
        for (int y = 0; y < size; y++) {
            float  ly = oy + (float)y * step, fy = floorf(ly), ty = ly - fy;
            int    y0 = (int)fy & (NOISE_SIDE - 1), y1 = (y0 + 1) & (NOISE_SIDE - 1);
            float *line = out + (ptrdiff_t)y * size;
            ty = ty * ty * (3 - 2 * ty);
            for (int x = 0; x < NOISE_SIDE; x++)
                row[x] = weight *
                         (noise->value[y0][x] + ty * (noise->value[y1][x] - noise->value[y0][x]));
            row[NOISE_SIDE] = row[0];
            for (int x = 0; x < size; x++) {
                float lx = ox + (float)x * step, fx = floorf(lx), tx = lx - fx;
                int   x0 = (int)fx & (NOISE_SIDE - 1);
                tx = tx * tx * (3 - 2 * tx);
                line[x] += row[x0] + tx * (row[x0 + 1] - row[x0]);
            }
        }
        weight *= 0.5f;
        cells *= 2;
        ox += 17.3f;
        oy += 29.7f;
    }
}

/* ---- colours
 * --------------------------------------------------------------------------------------------------
 */

static void colour_random(Rng *rng, float rgb[3])
{
    float hue = uniform(rng, 0, 6), s = uniform(rng, 0.1, 0.8), v = uniform(rng, 0.08, 0.95);
    for (int c = 0; c < 3; c++) {
        float k = fmodf(hue + (float)(2 * c), 6);
        float w = clamp01(fabsf(k - 3) - 1); // 0 around hue c, 1 far from it
        rgb[c] = v * (1 - s * (1 - w));
    }
}

static float luma(const float rgb[3])
{
    return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

void colour_pair(Rng *rng, float a[3], float b[3], float gap)
{
    colour_random(rng, a);
    for (int attempt = 0; attempt < 64; attempt++) {
        colour_random(rng, b);
        if (fabsf(luma(a) - luma(b)) > gap)
            return;
    }
    for (int c = 0; c < 3; c++) // a middle grey met 64 middle greys: take its far end
        b[c] = luma(a) > 0.5f ? 0.1f : 0.9f;
}

/* ---- shapes: signed distance in object coordinates, negative inside
 * --------------------------------------------- */

static float box(float u, float v, float half_u, float half_v)
{
    return fmaxf(fabsf(u) - half_u, fabsf(v) - half_v);
}

/* Five points: fold the plane into one tenth, then the distance to the one edge that remains. */
static float star(float u, float v)
{
    const float tenth = (float)M_PI / 5, inner = 0.46f;
    float       r = sqrtf(u * u + v * v),
          angle = fabsf(fmodf(atan2f(u, -v) + 11 * tenth, 2 * tenth) - tenth);
    /* the tip lies at angle `tenth` with radius 1, the notch at 0 with radius `inner` */
    float x = r * cosf(angle), y = r * sinf(angle);
    float ex = cosf(tenth) - inner, ey = sinf(tenth);
    return ((x - inner) * ey - y * ex) / sqrtf(ex * ex + ey * ey);
}

static float heart(float u, float v)
{
    u = fabsf(u);
    float lobe = hypotf(u - 0.44f, v + 0.32f) - 0.5f;
    float wedge = fmaxf((u * 0.76f + v * 0.65f) - 0.58f, -(v + 0.32f)); // below the lobes' centres
    float notch = fmaxf(wedge, u - 0.94f);
    return fminf(lobe, notch);
}

static float shape_distance(const Figure *f, float u, float v)
{
    switch (f->shape) {
    case SHAPE_DISC:
        return sqrtf(u * u + v * v) - 0.95f;
    case SHAPE_SQUARE:
        return box(u, v, 0.82f, 0.82f);
    case SHAPE_TRIANGLE:
        return fmaxf(v - 0.62f, fabsf(u) * 0.866f - v * 0.5f - 0.5f);
    case SHAPE_STAR:
        return star(u, v);
    case SHAPE_CROSS:
        return fminf(box(u, v, 0.96f, 0.33f), box(u, v, 0.33f, 0.96f));
    case SHAPE_RING:
        return fabsf(sqrtf(u * u + v * v) - 0.68f) - 0.27f;
    case SHAPE_HEART:
        return heart(u, v);
    case SHAPE_HEXAGON:
        return fmaxf(fabsf(v), fabsf(u) * 0.866f + fabsf(v) * 0.5f) - 0.84f;
    case SHAPE_CRESCENT:
        return fmaxf(sqrtf(u * u + v * v) - 0.95f, 0.72f - hypotf(u - 0.48f, v));
    case SHAPE_DIAMOND:
        return (fabsf(u) * 1.35f + fabsf(v) - 1) * 0.6f;
    case SHAPE_BLOB: {
        float angle = atan2f(v, u);
        return sqrtf(u * u + v * v) - 0.78f - 0.12f * sinf(2 * angle + f->phase[0]) -
               0.09f * sinf(3 * angle + f->phase[1]) - 0.05f * sinf(5 * angle + f->phase[2]);
    }
    case SHAPE_BAR:
    default: {
        float du = fmaxf(fabsf(u) - 0.85f, 0), dv = fmaxf(fabsf(v) - 0.08f, 0);
        return sqrtf(du * du + dv * dv) - 0.14f;
    }
    }
}

/* ---- textures: weight of the second colour
 * ------------------------------------------------------------------------ */

static float fold(float v, float pitch) // distance to the nearest multiple of pitch
{
    return fabsf(v - pitch * roundf(v / pitch));
}

static float texture_weight(const Canvas *canvas, const Figure *f, float u, float v)
{
    float q = f->frequency, p0 = f->phase[0], p1 = f->phase[1];
    switch (f->texture) {
    case TEXTURE_STRIPES:
        return clamp01(0.5f + 1.6f * sinf(9 * q * u + p0));
    case TEXTURE_CHECKER:
        return clamp01(0.5f + 2.2f * sinf(7 * q * u + p0) * sinf(7 * q * v + p1));
    case TEXTURE_DOTS: {
        float pitch = 0.62f / q;
        return clamp01(
            0.5f + 9 * (0.19f - hypotf(fold(u + 0.1f * p0, pitch), fold(v + 0.1f * p1, pitch))));
    }
    case TEXTURE_RINGS:
        return clamp01(0.5f + 1.6f * sinf(11 * q * hypotf(u, v) + p0));
    case TEXTURE_MARBLE:
        return clamp01(
            0.5f +
            1.1f * sinf(16 * q * noise_at(canvas->noise, 2 * u + 9 * p0, 2 * v + 9 * p1, 3)));
    case TEXTURE_GRID: {
        float pitch = 0.44f / q;
        return clamp01(
            0.5f + 10 * (0.08f - fminf(fold(u + 0.1f * p0, pitch), fold(v + 0.1f * p1, pitch))));
    }
    case TEXTURE_WAVY:
        return clamp01(0.5f + 1.6f * sinf(10 * q * v + 1.9f * sinf(5 * q * u + p1) + p0));
    case TEXTURE_RAYS:
        return clamp01(0.5f + 1.6f * sinf(floorf(5 + 5 * q) * atan2f(v, u) + p0));
    case TEXTURE_BRICK: {
        float height = 0.36f / q, row = floorf((v + 0.1f * p0) / height);
        float along = u + 0.1f * p1 + (fmodf(row, 2) != 0 ? 0.36f / q : 0);
        float gap = fminf(fold(v + 0.1f * p0, height), fold(along, 0.72f / q));
        return clamp01(0.5f + 14 * (0.055f - gap));
    }
    case TEXTURE_SPECKLE: { // one spot a cell, its place and size from the noise table
        float pitch = 0.26f / q, cu = floorf(u / pitch), cv = floorf(v / pitch);
        int   i = (int)(cu + 40 + 9 * p0) & (NOISE_SIDE - 1),
            j = (int)(cv + 40 + 9 * p1) & (NOISE_SIDE - 1);
        float du = u / pitch - cu - 0.35f - 0.3f * canvas->noise->value[j][i];
        float dv = v / pitch - cv - 0.35f - 0.3f * canvas->noise->value[i][j];
        float spot = 0.12f + 0.2f * canvas->noise->value[j][(i + 7) & (NOISE_SIDE - 1)];
        return clamp01(0.5f + 4 * (spot - hypotf(du, dv)));
    }
    case TEXTURE_NONE:
    default:
        return 0;
    }
}

/* ---- figures
 * ----------------------------------------------------------------------------------------------------
 */

Figure figure_random(Rng *rng, Shape shape, Texture texture, float x, float y, float radius,
                     float light)
{
    Figure f = {.shape = shape, .texture = texture, .x = x, .y = y, .radius = radius};

    /* (u,v) -> pixels is rotation * shear * aspect * radius; what the painter needs is its inverse.
     */
    int   is_clutter = shape == SHAPE_BLOB || shape == SHAPE_BAR;
    float turn = is_clutter ? uniform(rng, 0, M_PI) : uniform(rng, -0.6, 0.6);
    float aspect = expf(uniform(rng, -0.22, 0.22)), shear = uniform(rng, -0.15, 0.15);
    float root = sqrtf(aspect);
    float m00 = radius * root, m01 = radius * shear / root, m11 = radius / root;
    float c = cosf(turn), s = sinf(turn);
    float a = c * m00, b = c * m01 - s * m11, d = s * m00, e = s * m01 + c * m11;
    float det = a * e - b * d;
    f.inverse[0] = e / det;
    f.inverse[1] = -b / det;
    f.inverse[2] = -d / det;
    f.inverse[3] = a / det;
    f.unit_px = radius * fminf(root, 1 / root);

    colour_pair(rng, f.a, f.b, texture == TEXTURE_NONE ? 0 : 0.25f);
    f.frequency = uniform(rng, 0.85, 1.25);
    for (int i = 0; i < 3; i++)
        f.phase[i] = uniform(rng, 0, 2 * M_PI);

    float angle = light + uniform(rng, -0.4, 0.4), strength = uniform(rng, 0.1, 0.35);
    f.light[0] = strength * cosf(angle) / radius;
    f.light[1] = strength * sinf(angle) / radius;
    float reach = uniform(rng, 0.08, 0.28);
    f.shadow[0] = -reach * cosf(angle);
    f.shadow[1] = -reach * sinf(angle);
    f.shadow_soft = uniform(rng, 0.12, 0.4);
    f.gloss = rng_uniform(rng) < 0.35f ? uniform(rng, 0.05, 0.3) : 0;
    return f;
}

/* Directional light, grain, a rim that darkens as round things do, a soft highlight towards the
 * light. */
static void shade_pixel(const Canvas *canvas, const Figure *f, float *pixel, float dx, float dy,
                        float u, float v, float distance, float coverage)
{
    float t = texture_weight(canvas, f, u, v);
    float grain = noise_at(canvas->noise, u * 9 + f->phase[2], v * 9 + f->phase[1], 2) - 0.5f;
    float light = 1 + dx * f->light[0] + dy * f->light[1] + 0.22f * grain;
    light *= 0.72f + 0.28f * smooth(0, -0.22f, distance);

    float shine = 0;
    if (f->gloss > 0) {
        float norm = f->radius / (hypotf(f->light[0], f->light[1]) * f->radius + 1e-6f);
        float hx = dx / f->radius - 0.38f * f->light[0] * norm;
        float hy = dy / f->radius - 0.38f * f->light[1] * norm;
        shine = f->gloss * expf(-(hx * hx + hy * hy) * 9);
    }
    for (int c = 0; c < 3; c++) {
        float colour = (f->a[c] + t * (f->b[c] - f->a[c])) * light + shine;
        pixel[c] += coverage * (colour - pixel[c]);
    }
}

static void paint_shadow(Canvas *canvas, const Figure *f)
{
    float reach = f->radius * (1.25f + hypotf(f->shadow[0], f->shadow[1]) + f->shadow_soft);
    float cx = f->x + f->shadow[0] * f->radius, cy = f->y + f->shadow[1] * f->radius;
    int   x0 = (int)fmaxf(cx - reach, 0), x1 = (int)fminf(cx + reach, (float)canvas->size - 1);
    int   y0 = (int)fmaxf(cy - reach, 0), y1 = (int)fminf(cy + reach, (float)canvas->size - 1);
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            float  dx = (float)x + 0.5f - cx, dy = (float)y + 0.5f - cy;
            float  u = f->inverse[0] * dx + f->inverse[1] * dy;
            float  v = f->inverse[2] * dx + f->inverse[3] * dy;
            float  dark = smooth(f->shadow_soft, -f->shadow_soft, shape_distance(f, u, v));
            float  keep = 1 - 0.38f * dark;
            float *pixel = canvas->rgb + 3 * ((ptrdiff_t)y * canvas->size + x);
            for (int c = 0; c < 3; c++)
                pixel[c] *= keep;
        }
}

int64_t figure_paint(Canvas *canvas, const Figure *f)
{
    paint_shadow(canvas, f);
    int64_t whole = 0;
    int     reach = (int)ceilf(f->radius * 1.45f);
    int     x0 = (int)floorf(f->x) - reach, y0 = (int)floorf(f->y) - reach;
    for (int y = y0; y <= y0 + 2 * reach; y++)
        for (int x = x0; x <= x0 + 2 * reach; x++) {
            float dx = (float)x + 0.5f - f->x, dy = (float)y + 0.5f - f->y;
            float u = f->inverse[0] * dx + f->inverse[1] * dy;
            float v = f->inverse[2] * dx + f->inverse[3] * dy;
            float distance = shape_distance(f, u, v);
            float coverage = clamp01(0.5f - distance * f->unit_px);
            if (coverage <= 0)
                continue;
            whole += coverage > 0.5f;
            if (x < 0 || y < 0 || x >= canvas->size || y >= canvas->size)
                continue;
            ptrdiff_t at = (ptrdiff_t)y * canvas->size + x;
            if (coverage > 0.5f)
                canvas->owner[at] = f->owner;
            shade_pixel(canvas, f, canvas->rgb + 3 * at, dx, dy, u, v, distance, coverage);
        }
    return whole;
}
