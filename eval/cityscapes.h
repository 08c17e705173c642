/* cityscapes.h -- Cityscapes: AP of instances, IoU of pixels
 *
 *   gtFine/val/<city>/<city>_<seq>_<frame>_gtFine_instanceIds.png   16 bit: v < 1000 a class (for
 *                                        things: a group), else class * 1000 + number
 *                                        _gtFine_labelIds.png       8 bit: class
 *   predictions/.../<city>_<seq>_<frame>*.txt   lines "relative/mask.png labelId confidence"
 *   predictions/.../<city>_<seq>_<frame>*.png   8 bit: class (label ids, not train ids)
 *
 * Numbers are those of cityscapesScripts (evalInstanceLevelSemanticLabeling.py to 1e-12,
 * evalPixelLevelSemanticLabeling.py to the last bit, images taken in the order of their paths).
 * Different by intention: where every prediction of a class is ignored and ground truth was missed,
 * the script crashes and AP is 0 here; nothing is cached beside the data. Values are fractions, NaN
 * where undefined. Errors name the file: ERR_MISSING without a prediction, ERR_FORMAT for several,
 * for other sizes, unknown labels, malformed lines, masks outside the folder.
 */
#pragma once
#include "eval/match.h"
#include "eval/pixel_tally.h"

enum {
    CITYSCAPES_LABELS = 34,      // ids 0 .. 33; the licence plate (-1) is never evaluated
    CITYSCAPES_CATEGORIES = 8,   // void flat construction object nature sky human vehicle
    CITYSCAPES_THINGS = 8,       // person rider car truck bus train motorcycle bicycle
    CITYSCAPES_THRESHOLDS = 10,  // 0.5 + i * 0.05 as numpy.arange makes them
    CITYSCAPES_MIN_PIXELS = 100, // smaller ground truth is ignored
};

typedef struct CityscapesLabel {
    const char *name;
    int         train_id; // 255: none
    int         category;
    bool        has_instances, is_ignored;
    double      mean_pixels; // of an instance, for iIoU; 0 where there is none
} CityscapesLabel;

/* id 0 .. 33; NULL for others. */
const CityscapesLabel *cityscapes_label(int id);
const char            *cityscapes_category(int category);
/* The label id of thing 0 .. 7 (24 25 26 27 28 31 32 33); -1 for others. */
int                    cityscapes_thing(int thing);

/* ---- instances ---- */

typedef struct CityscapesInstances {
    int64_t n_images;
    int64_t n_truth[CITYSCAPES_THINGS]; // evaluated: numbered, of at least 100 pixels
    int64_t n_found[CITYSCAPES_THINGS]; // predictions that are not empty
    double  thresholds[CITYSCAPES_THRESHOLDS];
    double  ap[CITYSCAPES_THINGS][CITYSCAPES_THRESHOLDS]; // NaN: no ground truth in the split
    double  class_ap[CITYSCAPES_THINGS], class_ap50[CITYSCAPES_THINGS];
    double  all_ap, all_ap50; // means over the cells that are defined
} CityscapesInstances;

/* What is kept of every image, in the order of the ground truth's paths (cityscapes_records.h). */
typedef struct CityscapesImage CityscapesImage;

typedef struct CityscapesRecords {
    Arena            arena;
    CityscapesImage *image; // (n)
    int64_t          n;
} CityscapesRecords;

/* Release in any case. */
Status cityscapes_records_read(CityscapesRecords *out, const char *truth_dir,
                               const char *found_dir) STATUS_MUST_USE;
void   cityscapes_records_release(CityscapesRecords *r);

Status cityscapes_instances(CityscapesInstances     *out,
                            const CityscapesRecords *records) STATUS_MUST_USE;

/* The records matched in the frame of match.h, for analysis.h and against.h (AGAINST_TRAPEZES): groups are things,
 * area range and cap hold all. A result takes the one instance that it overlaps by more than the threshold; the best
 * score wins, as in cityscapes_instances. */
typedef struct CityscapesMatch {
    MatchTask       task;
    MatchResult     result;
    MatchSimilarity overlap; // mask IoU of any two rows of an image
} CityscapesMatch;

/* Lives in `a` and borrows the records. */
Status cityscapes_match(Arena *a, CityscapesMatch **out,
                        const CityscapesRecords *records) STATUS_MUST_USE;

/* ---- pixels ---- */

typedef struct CityscapesPixels {
    int64_t n_images;
    int64_t confusion[CITYSCAPES_LABELS][CITYSCAPES_LABELS]; // [truth][predicted]
    double  class_iou[CITYSCAPES_LABELS], class_iiou[CITYSCAPES_LABELS];
    double  category_iou[CITYSCAPES_CATEGORIES], category_iiou[CITYSCAPES_CATEGORIES];
    double  mean_iou, mean_iiou, mean_category_iou, mean_category_iiou; // mean_iou: MoCo's column
    const PixelImage *image; // (n_images) in the order of paths; labels that are ignored left out
} CityscapesPixels;

/* The counts of each image live in `a`. */
Status cityscapes_pixels(Arena *a, CityscapesPixels *out, const char *truth_dir,
                         const char *found_dir) STATUS_MUST_USE;

const char *cityscapes_instance_definition(void);
const char *cityscapes_pixel_definition(void);
