/* scene_paint.h -- brushes of the scene generator: value noise, ten shapes, ten textures, one
 * painter
 *
 *      pixel (x,y) --inverse of rotation, aspect, shear, radius--> object coordinates (u,v), shape
 * inside |u,v| < ~1 shape:   signed distance d(u,v), negative inside   -> coverage, antialiased
 * over one pixel texture: weight t(u,v) in [0,1]                    -> colour a (1-t) + b t
 *
 * Canvas pixels are floats, 1 is white, in display space (no gamma is undone). Internal to
 * datasets/scene*.c.
 */
#pragma once
#include "base/rng.h"
#include <stdint.h>

enum { NOISE_SIDE = 64 };

typedef struct Noise {
    float value[NOISE_SIDE][NOISE_SIDE]; // uniform in [0,1), tiled over the plane
} Noise;

typedef enum Shape {
    SHAPE_DISC,
    SHAPE_SQUARE,
    SHAPE_TRIANGLE,
    SHAPE_STAR,
    SHAPE_CROSS,
    SHAPE_RING,
    SHAPE_HEART,
    SHAPE_HEXAGON,
    SHAPE_CRESCENT,
    SHAPE_DIAMOND,
    SHAPE_BLOB, // for clutter only: a disc with a wobbling rim
    SHAPE_BAR,  // for clutter only: a long rounded box
} Shape;

typedef enum Texture {
    TEXTURE_STRIPES,
    TEXTURE_CHECKER,
    TEXTURE_DOTS,
    TEXTURE_RINGS,
    TEXTURE_MARBLE,
    TEXTURE_GRID,
    TEXTURE_WAVY,
    TEXTURE_RAYS,
    TEXTURE_BRICK,
    TEXTURE_SPECKLE,
    TEXTURE_NONE,
} Texture;

typedef struct Canvas {
    int      size;
    float   *rgb;   // (size,size,3)
    uint8_t *owner; // (size,size)
    Noise   *noise;
} Canvas;

typedef struct Figure {
    Shape   shape;
    Texture texture;
    float   x, y;        // centre, pixels
    float   radius;      // pixels
    float   inverse[4];  // (dx,dy) pixels -> (u,v)
    float   unit_px;     // pixels per unit of distance, for antialiasing
    float   a[3], b[3];  // colours of the two phases
    float   frequency;   // 0.85 .. 1.25
    float   phase[3];    // radians; also the wobble of a blob
    float   light[2];    // shading gradient in pixels' directions, length 0.1 .. 0.35
    float   shadow[2];   // offset in radii; 0,0 for none
    float   shadow_soft; // width of the shadow's edge in radii
    float   gloss;       // strength of the highlight, 0 for matt
    uint8_t owner;       // written to the canvas where coverage > 1/2
} Figure;

void noise_init(Noise *noise, Rng *rng);

/* Value noise at lattice coordinates (x,y), smoothstep between nodes, octaves halve in amplitude;
 * range [0,1). */
float noise_at(const Noise *noise, float x, float y, int octaves);

/* out (size,size): noise with `cells` lattice cells across the picture, a random offset, `octaves`
 * octaves. */
void noise_field(const Noise *noise, float *out, Rng *rng, int size, float cells, int octaves);

/* Two colours with saturation 0.1-0.8, value 0.08-0.95, whose luma differs by more than `gap`. */
void colour_pair(Rng *rng, float a[3], float b[3], float gap);

/* A figure of random pose and look at (x,y); `light` is the angle the light comes from. */
Figure figure_random(Rng *rng, Shape shape, Texture texture, float x, float y, float radius,
                     float light);

/* Paints shadow and figure. Returns the pixels the whole figure covers, beyond the frame too. */
int64_t figure_paint(Canvas *canvas, const Figure *figure);
