/* voc_results.h -- the look-ups that the readers of VOC results share; internal to eval/ */
#pragma once
#include "eval/voc_files.h"

/* The class of that name (n bytes), -1 when unlisted. */
int64_t voc_data_class(const VocData *data, const char *name, int64_t n);

/* The image of that id, -1 when unlisted. */
int64_t voc_data_image(const VocData *data, const char *id);

/* The image whose id's digits spell `number`, -1 when there is none, -2 when there are several. */
int64_t voc_data_image_number(const VocData *data, int64_t number);
