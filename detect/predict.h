/* predict.h -- a trained detector and what it sees
 *
 *      picture -> resize (detection recipe, test size) -> proposals -> boxes, classes, scores
 *              -> back to the picture's own pixels, clipped to it, boxes without extent dropped
 *
 * The same picture gives the same detections, alone or in a set, with any number of threads.
 */
#pragma once
#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "datasets/detection.h"
#include "datasets/image.h"

typedef struct Detection {
    float   x1, y1, x2, y2; // pixels of the upright picture, half open
    float   score;          // 0 .. 1
    int32_t class_index;
} Detection;

typedef struct DetectedImage {
    int64_t    width, height;
    Detection *found; // best first
    int64_t    n_found;
} DetectedImage;

typedef struct Detector Detector;

typedef struct DetectorOptions {
    const char        *device;    // as in train.h
    const char *const *overrides; // "test.score=0.5", ... on top of the run's recipe
    int                n_overrides;
    bool               is_best; // RUN/best.safetensors instead of RUN/model.safetensors
} DetectorOptions;

/* RUN/recipe.json and RUN/model.safetensors (of an unfinished run: its newest checkpoint is not enough). `options` may
 * be NULL. ERR_MISSING, ERR_FORMAT, ERR_RECIPE. */
Status detector_open(Detector **out, const char *run_dir, const DetectorOptions *options);
void   detector_close(Detector *d);

/* The recipe in force. */
const struct DetectConfig *detector_config(const Detector *d);

int64_t     detector_n_classes(const Detector *d);
const char *detector_class_name(const Detector *d, int64_t class_index);
int64_t     detector_class_id(const Detector *d, int64_t class_index); // of COCO results

/* One picture; `out` lives in `a`, `name` is for sentences. ERR_NONFINITE: nothing was found, for the network's numbers are
 * not finite; the same for sets. */
Status detector_image(Detector *d, Arena *a, DetectedImage *out, const Image *im, const char *name);

/* Every picture of a set, in its order; out (n_images) lives in `a`. Names progress on the terminal. */
Status detector_set(Detector *d, Arena *a, DetectedImage **out, const DetSet *set);

/* A part of a data set with this detector's classes, into a zeroed set (detect/data.h says what a part is). */
Status detector_open_part(const Detector *d, DetSet *set, const char *data, const char *part);

/* COCO results of one picture appended to the inside of a JSON array: {"image_id":7,"category_id":3,
 * "category_name":"bird","bbox":[x,y,w,h],"score":0.91}; *is_first turns false. image_id: a number when the id is all digits ("000007": 7), else
 * the text. */
void detections_json(Text *out, bool *is_first, const Detector *d, const char *image_id,
                     const DetectedImage *im);
