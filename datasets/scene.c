#include "datasets/scene.h"
#include "datasets/scene_paint.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Streams of one picture: b of rng_at. The kind and the size take part, so that no two settings
 * share a picture. */
enum { STREAM_PICTURE = 0, STREAM_NOISE, STREAM_SENSOR, STREAM_CLASSES, N_STREAMS };

static const struct {
    Shape   shape;
    Texture texture;
} detection_class[SCENE_DETECTION_CLASSES] = {
    {SHAPE_DISC, TEXTURE_STRIPES},     {SHAPE_DISC, TEXTURE_CHECKER},
    {SHAPE_SQUARE, TEXTURE_DOTS},      {SHAPE_SQUARE, TEXTURE_RINGS},
    {SHAPE_TRIANGLE, TEXTURE_STRIPES}, {SHAPE_TRIANGLE, TEXTURE_DOTS},
    {SHAPE_STAR, TEXTURE_CHECKER},     {SHAPE_STAR, TEXTURE_MARBLE},
    {SHAPE_CROSS, TEXTURE_RINGS},      {SHAPE_CROSS, TEXTURE_MARBLE},
};

#define WITH_TEXTURES(shape)                                                                       \
    {                                                                                              \
        "striped_" shape, "checkered_" shape, "dotted_" shape, "ringed_" shape, "marbled_" shape,  \
            "gridded_" shape, "wavy_" shape, "rayed_" shape, "bricked_" shape, "speckled_" shape   \
    }

static const char *const combination_name[10][10] = {
    WITH_TEXTURES("disc"),    WITH_TEXTURES("square"),  WITH_TEXTURES("triangle"),
    WITH_TEXTURES("star"),    WITH_TEXTURES("cross"),   WITH_TEXTURES("ring"),
    WITH_TEXTURES("heart"),   WITH_TEXTURES("hexagon"), WITH_TEXTURES("crescent"),
    WITH_TEXTURES("diamond"),
};

SceneOptions scene_defaults(SceneKind kind)
{
    return (SceneOptions){.kind = kind, .size = kind == SCENE_DETECTION ? 160 : 64};
}

int scene_classes(SceneKind kind)
{
    return kind == SCENE_DETECTION ? SCENE_DETECTION_CLASSES : SCENE_OBJECT_CLASSES;
}

const char *scene_class_name(SceneKind kind, int class_id)
{
    if (class_id < 0 || class_id >= scene_classes(kind))
        return NULL;
    if (kind == SCENE_OBJECT)
        return combination_name[class_id / 10][class_id % 10];
    return combination_name[detection_class[class_id].shape][detection_class[class_id].texture];
}

static Rng scene_stream(const SceneOptions *o, int64_t index, int stream)
{
    uint64_t b = ((uint64_t)o->size * 2 + (uint64_t)(o->kind == SCENE_OBJECT)) * N_STREAMS;
    return rng_at(o->seed, RNG_SCENE, (uint64_t)index, b + (uint64_t)stream);
}

static float uniform(Rng *rng, double lo, double hi)
{
    return (float)rng_range(rng, lo, hi);
}

static bool chance(Rng *rng, double p)
{
    return (double)rng_uniform(rng) < p;
}

/* Object pictures: every block of a hundred holds each class once, in an order of its own. */
static int balanced_class(const SceneOptions *o, int64_t index)
{
    Rng     rng = scene_stream(o, index / SCENE_OBJECT_CLASSES, STREAM_CLASSES);
    int64_t order[SCENE_OBJECT_CLASSES];
    rng_permutation(&rng, order, SCENE_OBJECT_CLASSES);
    return (int)order[index % SCENE_OBJECT_CLASSES];
}

/* ---- background
 * -----------------------------------------------------------------------------------------------
 */

/* Large surfaces are duller than things: `keep` of the distance from grey stays. */
static void colour_mute(float rgb[3], float keep)
{
    float grey = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
    for (int c = 0; c < 3; c++)
        rgb[c] = grey + keep * (rgb[c] - grey);
}

/* Two colours mixed by noise, brightness by a second noise; where below(x,y) the first is replaced
 * by the next. */
static void background_layer(Canvas *canvas, Rng *rng, float *mix, float *tone, float contrast,
                             bool is_wall, float edge, float slope)
{
    int   size = canvas->size;
    float a[3], b[3];
    colour_pair(rng, a, b, 0);
    colour_mute(a, 0.6f);
    colour_mute(b, 0.6f);
    for (int c = 0; c < 3; c++) { // less contrast: both colours move to their mean
        float mean = 0.5f * (a[c] + b[c]);
        a[c] = mean + contrast * (a[c] - mean);
        b[c] = mean + contrast * (b[c] - mean);
    }
    noise_field(canvas->noise, mix, rng, size, uniform(rng, 2, 6), 5);
    noise_field(canvas->noise, tone, rng, size, uniform(rng, 3, 9), 4);
    float angle = uniform(rng, 0, M_PI), pitch = (float)size / uniform(rng, 4, 12);
    float wx = cosf(angle) * 6.2832f / pitch, wy = sinf(angle) * 6.2832f / pitch;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            if ((float)y < edge + slope * ((float)x - 0.5f * (float)size))
                continue;
            ptrdiff_t at = (ptrdiff_t)y * size + x;
            float     t = is_wall ? 0.5f + 1.2f * sinf(wx * (float)x + wy * (float)y + 3 * mix[at])
                                  : 0.5f + 2.2f * (mix[at] - 0.5f);
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            float light = 1 + 0.7f * contrast * (tone[at] - 0.5f);
            for (int c = 0; c < 3; c++)
                canvas->rgb[3 * at + c] = (a[c] + t * (b[c] - a[c])) * light;
        }
}

/* One pass of a (2r+1) box along lines of `n` pixels; `step` and `pitch` choose rows or columns. */
static void box_blur_lines(float *rgb, float *line, int n, ptrdiff_t step, ptrdiff_t pitch, int r)
{
    for (int l = 0; l < n; l++)
        for (int c = 0; c < 3; c++) {
            float *p = rgb + l * pitch + c;
            float  sum = 0;
            for (int i = 0; i < n; i++)
                line[i] = p[i * step];
            for (int i = -r; i <= r; i++)
                sum += line[i < 0 ? 0 : i >= n ? n - 1 : i];
            for (int i = 0; i < n; i++) {
                p[i * step] = sum / (float)(2 * r + 1);
                sum += line[i + r + 1 >= n ? n - 1 : i + r + 1] - line[i - r < 0 ? 0 : i - r];
            }
        }
}

static void background_blur(Canvas *canvas, float *line, int radius)
{
    int n = canvas->size;
    for (int pass = 0; pass < 2; pass++) {
        box_blur_lines(canvas->rgb, line, n, 3, 3 * (ptrdiff_t)n, radius);
        box_blur_lines(canvas->rgb, line, n, 3 * (ptrdiff_t)n, 3, radius);
    }
}

static void paint_background(Canvas *canvas, Rng *rng, float *mix, float *tone, bool is_object)
{
    float contrast = is_object ? 0.5f : 1.0f, size = (float)canvas->size;
    background_layer(canvas, rng, mix, tone, contrast, false, -3 * size, 0);
    if (chance(rng, 0.6)) {
        bool is_wall = chance(rng, 0.35);
        background_layer(canvas, rng, mix, tone, contrast, is_wall, size * uniform(rng, 0.3, 0.75),
                         uniform(rng, -0.25, 0.25));
    }
    if (is_object && chance(rng, 0.7)) {
        int most = canvas->size / 24 > 1 ? canvas->size / 24 : 1;
        background_blur(canvas, mix, 1 + (int)rng_below(rng, (uint32_t)most));
    }
}

/* ---- things
 * ---------------------------------------------------------------------------------------------------
 */

static void paint_distractor(Canvas *canvas, Rng *rng, float light)
{
    float   size = (float)canvas->size, radius = size * uniform(rng, 0.06, 0.2);
    Shape   shape = rng_below(rng, 2) ? SHAPE_BLOB : SHAPE_BAR;
    Texture texture = TEXTURE_NONE;
    switch (rng_below(rng, 3)) {
    case 0: // the shape of a class without its texture
        shape = (Shape)rng_below(rng, 5);
        break;
    case 1: // the texture of a class without its shape
        texture = (Texture)rng_below(rng, 5);
        break;
    default:
        break;
    }
    Figure f = figure_random(rng, shape, texture, uniform(rng, 0, size), uniform(rng, 0, size),
                             radius, light);
    figure_paint(canvas, &f);
}

static void paint_occluder(Canvas *canvas, Rng *rng, float light, float least, float most)
{
    float  size = (float)canvas->size, radius = size * uniform(rng, least, most);
    Figure f = figure_random(rng, rng_below(rng, 2) ? SHAPE_BLOB : SHAPE_BAR, TEXTURE_NONE,
                             uniform(rng, 0, size), uniform(rng, 0, size), radius, light);
    figure_paint(canvas, &f);
}

typedef struct Cast {
    Figure  figure[SCENE_MAX_OBJECTS];
    int     class_id[SCENE_MAX_OBJECTS];
    int64_t whole_px[SCENE_MAX_OBJECTS];
    int     n;
} Cast;

static bool has_room(const Cast *cast, float x, float y, float radius)
{
    for (int i = 0; i < cast->n; i++) {
        const Figure *f = &cast->figure[i];
        if (hypotf(f->x - x, f->y - y) < 0.8f * (f->radius + radius))
            return false;
    }
    return true;
}

/* 1-4 objects; one that finds no room in 40 attempts is left out. Lower edges come nearer: they are
 * painted later. */
static void cast_detection(Cast *cast, Rng *rng, float size, float light)
{
    int wanted = 1 + (int)rng_below(rng, SCENE_MAX_OBJECTS);
    for (int i = 0; i < wanted; i++) {
        float radius = size * expf(uniform(rng, log(0.085), log(0.24)));
        for (int attempt = 0; attempt < 40; attempt++) {
            float x = uniform(rng, 0.7 * radius, size - 0.7 * radius);
            float y = uniform(rng, 0.7 * radius, size - 0.7 * radius);
            if (!has_room(cast, x, y, radius))
                continue;
            int id = (int)rng_below(rng, SCENE_DETECTION_CLASSES);
            cast->class_id[cast->n] = id;
            cast->figure[cast->n++] = figure_random(
                rng, detection_class[id].shape, detection_class[id].texture, x, y, radius, light);
            break;
        }
    }
    for (int i = 1; i < cast->n; i++)
        for (int j = i; j > 0 && cast->figure[j].y + cast->figure[j].radius <
                                     cast->figure[j - 1].y + cast->figure[j - 1].radius;
             j--) {
            Figure f = cast->figure[j];
            int    id = cast->class_id[j];
            cast->figure[j] = cast->figure[j - 1];
            cast->class_id[j] = cast->class_id[j - 1];
            cast->figure[j - 1] = f;
            cast->class_id[j - 1] = id;
        }
}

static void cast_object(Cast *cast, Rng *rng, float size, float light, int id)
{
    float x = size * uniform(rng, 0.4, 0.6), y = size * uniform(rng, 0.4, 0.6);
    cast->class_id[0] = id;
    cast->figure[0] = figure_random(rng, (Shape)(id / 10), (Texture)(id % 10), x, y,
                                    size * uniform(rng, 0.42, 0.62), light);
    cast->n = 1;
}

/* ---- camera and ground truth
 * ------------------------------------------------------------------------------------- */

/* Four uniform bytes summed: bell-shaped, mean 0, deviation 1 (variance of a byte is (256^2 - 1) /
 * 12), |v| < 3.5. */
static float bell(Rng *rng)
{
    uint32_t w = rng_u32(rng);
    int      sum = (int)(w & 255) + (int)(w >> 8 & 255) + (int)(w >> 16 & 255) + (int)(w >> 24);
    return ((float)sum - 510) * (1 / 147.8f);
}

static void camera_expose(uint8_t *rgb, const Canvas *canvas, Rng *rng, Rng *sensor, float light,
                          bool is_object)
{
    int   size = canvas->size;
    float falloff = uniform(rng, 0, 0.35) / (float)size, gain = uniform(rng, 0.7, 1.2);
    float lx = cosf(light) * falloff, ly = sinf(light) * falloff;
    float gamma = uniform(rng, 0.8, 1.25);
    float noise = is_object ? uniform(rng, 0.008, 0.016) : uniform(rng, 0.005, 0.03);
    float white[3] = {gain * uniform(rng, 0.88, 1.12), gain * uniform(rng, 0.88, 1.12),
                      gain * uniform(rng, 0.88, 1.12)};
    float curve[1025]; // tone curve, 0..1 in 1024 steps
    for (int i = 0; i <= 1024; i++)
        curve[i] = powf((float)i / 1024, gamma) * 255;
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float shade =
                1 + lx * ((float)x - 0.5f * (float)size) + ly * ((float)y - 0.5f * (float)size);
            ptrdiff_t at = 3 * ((ptrdiff_t)y * size + x);
            for (int c = 0; c < 3; c++) {
                float v = canvas->rgb[at + c] * shade * white[c];
                v = v < 0 ? 0 : v > 1 ? 1 : v;
                v = curve[(int)(v * 1024)] + 255 * noise * bell(sensor);
                rgb[at + c] = (uint8_t)(v < 0 ? 0 : v > 254.5f ? 255 : (int)(v + 0.5f));
            }
        }
}

/* Boxes of what is seen; objects less than 40 % visible stay in the picture as clutter, without a
 * label. */
static void find_objects(SceneTruth *truth, uint8_t *owner, const Cast *cast, int size)
{
    SceneObject seen[SCENE_MAX_OBJECTS];
    uint8_t     new_id[SCENE_MAX_OBJECTS + 1] = {0};
    for (int i = 0; i < cast->n; i++)
        seen[i] = (SceneObject){.class_id = cast->class_id[i], .box = {size, size, 0, 0}};
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            int id = owner[(ptrdiff_t)y * size + x];
            if (id == 0)
                continue;
            SceneObject *s = &seen[id - 1];
            s->area_px2++;
            s->box[0] = x < s->box[0] ? x : s->box[0];
            s->box[1] = y < s->box[1] ? y : s->box[1];
            s->box[2] = x + 1 > s->box[2] ? x + 1 : s->box[2];
            s->box[3] = y + 1 > s->box[3] ? y + 1 : s->box[3];
        }
    for (int i = 0; i < cast->n; i++) {
        seen[i].visible =
            (float)seen[i].area_px2 / (float)(cast->whole_px[i] ? cast->whole_px[i] : 1);
        seen[i].is_truncated = seen[i].visible < 0.95f;
        if (seen[i].visible <= 0.4f)
            continue;
        truth->object[truth->n_objects++] = seen[i];
        new_id[i + 1] = (uint8_t)truth->n_objects;
    }
    for (ptrdiff_t at = 0; at < (ptrdiff_t)size * size; at++)
        owner[at] = new_id[owner[at]];
}

static void render(const SceneOptions *o, Canvas *canvas, float *mix, float *tone, uint8_t *rgb,
                   SceneTruth *truth, int64_t index)
{
    bool  is_object = o->kind == SCENE_OBJECT;
    Rng   rng = scene_stream(o, index, STREAM_PICTURE);
    Rng   table = scene_stream(o, index, STREAM_NOISE);
    Rng   sensor = scene_stream(o, index, STREAM_SENSOR);
    float size = (float)o->size, light = uniform(&rng, 0, 2 * M_PI);
    Cast  cast = {.n = 0};

    noise_init(canvas->noise, &table);
    truth->class_id = is_object ? balanced_class(o, index) : -1;
    truth->jpeg_quality = is_object ? 75 + (int)rng_below(&rng, 18) : 60 + (int)rng_below(&rng, 36);

    paint_background(canvas, &rng, mix, tone, is_object);
    int n_distractors = is_object ? (int)rng_below(&rng, 2) : 2 + (int)rng_below(&rng, 4);
    for (int i = 0; i < n_distractors; i++)
        paint_distractor(canvas, &rng, light);

    if (is_object)
        cast_object(&cast, &rng, size, light, truth->class_id);
    else
        cast_detection(&cast, &rng, size, light);
    for (int i = 0; i < cast.n; i++) {
        cast.figure[i].owner = (uint8_t)(i + 1);
        cast.whole_px[i] = figure_paint(canvas, &cast.figure[i]);
    }

    int n_occluders = is_object           ? chance(&rng, 0.25)
                      : chance(&rng, 0.5) ? 1 + (int)rng_below(&rng, 2)
                                          : 0;
    for (int i = 0; i < n_occluders; i++)
        paint_occluder(canvas, &rng, light, is_object ? 0.12f : 0.06f, is_object ? 0.3f : 0.16f);

    camera_expose(rgb, canvas, &rng, &sensor, light, is_object);
    find_objects(truth, canvas->owner, &cast, (int)o->size);
}

Status scene_check(const SceneOptions *o)
{
    if (o->size < SCENE_MIN_SIZE || o->size > SCENE_MAX_SIZE)
        return status_fail(ERR_USAGE, "scene: size is %lld pixels, must be %d..%d",
                           (long long)o->size, SCENE_MIN_SIZE, SCENE_MAX_SIZE);
    return OK;
}

Status scene_render(const SceneOptions *o, uint8_t *rgb, uint8_t *owner, SceneTruth *truth,
                    int64_t index)
{
    TRY(scene_check(o));
    if (index < 0)
        return status_fail(ERR_USAGE, "scene: index %lld is negative", (long long)index);
    size_t area = (size_t)o->size * (size_t)o->size;
    float *store = malloc(area * 5 * sizeof(float) + sizeof(Noise) + area);
    if (!store)
        return status_no_memory("a generated scene", (long long)(area * 21 + sizeof(Noise)));
    Noise *noise = (Noise *)(store + 5 * area);
    Canvas canvas = {
        .size = (int)o->size, .rgb = store, .noise = noise, .owner = (uint8_t *)(noise + 1)};
    memset(canvas.owner, 0, area);
    *truth = (SceneTruth){.n_objects = 0};
    render(o, &canvas, store + 3 * area, store + 4 * area, rgb, truth, index);
    if (owner)
        memcpy(owner, canvas.owner, area);
    free(store);
    return OK;
}
