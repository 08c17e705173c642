/* detection.h -- annotated pictures for detection, in memory
 *
 * Boxes are x1 y1 x2 y2 in pixels of the upright picture, half open: the left pixel column is 0..1.
 * PITFALL: VOC's XML is 1-based and inclusive, so its xmin and ymin lose 1 here and xmax, ymax stay
 * (as Detectron2 reads it). Difficult objects are kept (training uses them); broken boxes (no
 * extent) are dropped and counted.
 */
#pragma once
#include "base/digest.h"
#include "base/arena.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct DetObject {
    float   x1, y1, x2, y2;
    int32_t class_index; // 0 .. n_classes-1
    bool    is_difficult;
    bool    is_crowd; // COCO
} DetObject;

typedef struct DetImage {
    const char *id;            // VOC: file stem; COCO: the number as text
    const char *path;          // of the picture
    int64_t     width, height; // as the annotation says
    DetObject  *object;        // (n_objects)
    int64_t     n_objects;     // may be 0
    int64_t     coco_id;       // COCO image id; -1 for VOC
} DetImage;

typedef struct DetSet {
    Arena        arena; // owns everything below
    const char **class_name;
    int64_t     *class_id; // COCO category id of each class; index + 1 for VOC
    int64_t      n_classes;
    DetImage    *image;
    int64_t      n_images;
    int64_t      n_dropped; // boxes without extent
    int64_t      n_ignored; // objects of unlisted classes under ignore_unknown
} DetSet;

typedef struct VocOptions {
    const char *const *class_name; // NULL: the 20 VOC classes when the folder is named VOC20..,
                                   // else those found, sorted
    int64_t            n_classes;
    bool ignore_unknown; // an object of another class is left out instead of ERR_FORMAT
} VocOptions;

extern const char *const VOC_CLASS_NAME[20];

/* Appends root/ImageSets/Main/SPLIT.txt (root = .../VOCdevkit/VOC2007) to an empty set or to one of
 * the same classes, so that 07+12 is two calls. `options` NULL means all zero. ERR_MISSING,
 * ERR_FORMAT name the file and the line. */
Status voc_load(DetSet *set, const VocOptions *options, const char *root, const char *split);

/* The ids of root/ImageSets/Main/SPLIT.txt in its order: the first word of each line. */
Status voc_read_ids(Arena *a, char ***id, int64_t *n, const char *root, const char *split);

/* root/JPEGImages/ID with the suffix that exists (jpg png jpeg JPG JPEG); .jpg when none does. NULL: no memory. */
char *voc_picture_path(Arena *a, const char *root, const char *id);

/* One annotation file already in memory: fills image->width, height, objects (from set->arena).
 * Exposed for fuzzing. */
Status voc_parse(DetSet *set, const VocOptions *options, DetImage *image, const char *xml,
                 int64_t n_bytes, const char *name);

typedef struct CocoOptions {
    bool keep_crowd; // false: iscrowd=1 left out
    bool keep_empty; // false: pictures without a kept annotation left out (as Detectron2 trains)
} CocoOptions;

/* Instances JSON (images, annotations with bbox, categories); class index = rank of the category
 * id. */
Status coco_load(DetSet *set, const CocoOptions *options, const char *json_path,
                 const char *image_folder);

void detset_release(DetSet *set);

/* Adds what training reads of the annotations: ids, sizes, boxes and classes, in order. */
void detset_digest(const DetSet *set, Digest *d);
