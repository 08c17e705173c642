/* data.h -- data sets as recipes name them
 *
 *      VOC    "VOC2007/trainval"                  DATA/VOC2007/ImageSets/Main/trainval.txt; "trainval": DATA is the folder
 *      COCO   "annotations/instances_train.json:train2017"    relative to DATA
 */
#pragma once
#include "base/recipe.h"
#include "datasets/detection.h"

/* The classes of a set that nothing was loaded into yet: later parts must use them. */
Status detect_set_classes(DetSet *set, const char *const *name, const int64_t *id, int64_t n);

/* Names with ids 1, 2, ...; an empty list changes nothing. */
Status detect_name_classes(DetSet *set, const RecipeStrings *names);

/* Appends one part to `set`: zeroed (then the classes follow from the folder: the twenty of VOC when it is named VOC20..,
 * else those found), or with classes, or holding parts of the same classes. */
Status detect_open_part(DetSet *set, const char *data, const char *part, bool is_coco,
                        bool for_training);

/* The annotation file of a COCO part. */
Status detect_coco_truth(Arena *a, const char **json, const char *data, const char *part);

/* All parts of a list. `first` > 0 keeps that many pictures. */
Status detect_open_parts(DetSet *set, const char *data, const RecipeStrings *parts, bool is_coco,
                         bool for_training, int64_t first);
