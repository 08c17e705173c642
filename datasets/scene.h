/* scene.h -- photograph-like pictures made from nothing but a seed
 *
 *      kind              picture                               classes
 *      SCENE_DETECTION   clutter with 1-4 objects to find      10: 5 shapes x 5 textures, each used twice
 *      SCENE_OBJECT      one object that fills the frame       100: 10 shapes x 10 textures (a superset)
 *
 * The object pictures play ImageNet (pretraining, with or without labels), the detection scenes play VOC. Neither shape nor
 * texture alone decides a detection class, colour never does; objects hide each other, light falls off, the sensor is noisy.
 * Picture `index` is a pure function of (seed, kind, size, index): it does not depend on threads, on order or on `count`.
 *
 * Boxes are x1 y1 x2 y2 in pixels, edges (x2, y2 exclusive), 0-based; they enclose the visible part exactly.
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    SCENE_MAX_OBJECTS = 4,
    SCENE_DETECTION_CLASSES = 10,
    SCENE_OBJECT_CLASSES = 100,
    SCENE_MIN_SIZE = 16, // pixels a side
    SCENE_MAX_SIZE = 2048,
};

typedef enum SceneKind { SCENE_DETECTION, SCENE_OBJECT } SceneKind;

typedef struct SceneOptions {
    SceneKind kind;
    int64_t   size; // side of the square picture, pixels
    uint64_t  seed;
} SceneOptions;

typedef struct SceneObject {
    int     class_id;     // 0 .. scene_classes(kind) - 1
    int     box[4];       // x1 y1 x2 y2 of the visible part
    int64_t area_px2;     // visible pixels
    float   visible;      // visible share of the whole shape, (0.4, 1]
    bool    is_truncated; // less than 95 % visible: partly hidden or beyond the frame
} SceneObject;

typedef struct SceneTruth {
    SceneObject object[SCENE_MAX_OBJECTS];
    int         n_objects;    // 0 is legal: everything may be hidden
    int         class_id;     // SCENE_OBJECT: the label of the picture; SCENE_DETECTION: -1
    int         jpeg_quality; // what the imagined camera would use, 60 .. 95
} SceneTruth;

/* 160 pixels for detection, 64 for objects; seed 0. */
SceneOptions scene_defaults(SceneKind kind);

int         scene_classes(SceneKind kind);
const char *scene_class_name(SceneKind kind,
                             int       class_id); // "striped_disc"; NULL outside the range

/* ERR_USAGE when the size is out of range. */
Status scene_check(const SceneOptions *options) STATUS_MUST_USE;

/* rgb (size,size,3) bytes before JPEG; owner (size,size) or NULL: 1 + the object seen at a pixel, 0
 * for all else. ERR_USAGE for a size or index out of range, ERR_MEMORY. Any number of threads may
 * render at once. */
Status scene_render(const SceneOptions *options, uint8_t *rgb, uint8_t *owner, SceneTruth *truth,
                    int64_t index) STATUS_MUST_USE;

/* How many pictures of each split; indices run over train, val, test in this order, so the splits
 * never share one. */
typedef struct SceneSplits {
    int64_t n_train, n_val, n_test;
} SceneSplits;

/* A genuine VOC tree under DIR: VOCdevkit/Scenes/{JPEGImages,Annotations,ImageSets/Main} with
 * train, val, trainval and test lists and one list per class, and beside it
 * DIR/annotations/instances_{train,val,test}.json in COCO form (polygons of the visible part). DIR
 * is made if absent.
 * ERR_CREATE, ERR_IO. */
Status scene_write_voc(const SceneOptions *options, const char *dir,
                       SceneSplits splits) STATUS_MUST_USE;

/* ImageNet layout DIR/{train,val,test}/CLASS/000001.jpg; every hundred consecutive pictures hold
 * each class once. */
Status scene_write_folder(const SceneOptions *options, const char *dir,
                          SceneSplits splits) STATUS_MUST_USE;

/* WebDataset shards DIR/train-000000.tar ... (KEY.jpg + KEY.cls, per_shard pictures each), and
 * val-, test-, and DIR/classes.txt. Equal options give equal bytes. */
Status scene_write_shards(const SceneOptions *options, const char *dir, SceneSplits splits,
                          int64_t per_shard) STATUS_MUST_USE;
