/* voc_files.h -- a VOCdevkit and somebody's results, as the columns that voc.h scores
 *
 *      VOC2007/ImageSets/Main/test.txt    one id a line, order and repetition kept
 *      VOC2007/Annotations/<id>.xml       boxes, difficult
 *
 * Results are one of
 *   a folder of comp4_det_<split>_<class>.txt (or one such file): `id score xmin ymin xmax ymax`, single spaces,
 *   1-based with both ends inside, used as they are;
 *   a JSON array in COCO's result format: image_id (the id as text, or the number its digits spell), category_id
 *   (1 .. n_classes in the order of the class list), category or category_name (a name, which goes before a number),
 *   bbox x y w h (0-based), score.
 */
#pragma once
#include "eval/voc.h"

typedef struct VocReadOptions {
    const char *const *
        class_name; // NULL: the 20 VOC classes if the folder is named VOC20.., else those found, sorted
    int64_t n_classes;
    bool
        ignore_unknown; // objects and results of unlisted classes, and results on unlisted images, are
                        // left out and counted instead of refused
} VocReadOptions;

typedef struct VocData {
    Arena          arena; // owns everything below
    const char   **image; // (n_images) ids, in order of first appearance
    const char   **class_name;
    VocSet         set;       // detections empty until results are read
    VocBoxes       boxes;     // what the results' boxes are
    int64_t        n_ignored; // rows left out under ignore_unknown
    int32_t       *by_id;     // image indices sorted by id ...
    int32_t       *by_number; // ... and by the number their digits spell
    int64_t       *number;    // (n_images)
    VocReadOptions options;
} VocData;

/* root: .../VOCdevkit/VOC2007. ERR_MISSING, ERR_FORMAT name file and line. */
Status voc_data_open(VocData *data, const VocReadOptions *options, const char *root,
                     const char *split) STATUS_MUST_USE;

/* path: a folder, a .txt or a .json file; once per VocData. */
Status voc_data_results(VocData *data, const char *path) STATUS_MUST_USE;

void voc_data_release(VocData *data);
