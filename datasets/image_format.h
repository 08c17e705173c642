/* image_format.h -- one pair of functions a file format (internal): what image.c chooses between */
#pragma once
#include "datasets/image.h"

/* Fills all of `out` except orientation and the upright sides. */
Status jpeg_probe(ImageInfo *out, const void *bytes, int64_t n_bytes, const char *name);
Status png_probe(ImageInfo *out, const void *bytes, int64_t n_bytes, const char *name);

/* Decodes the stored rectangle `crop` (whole: every pixel), in stored orientation. The header has
 * been judged. */
Status jpeg_decode(Image *out, ImageRect crop, int shrink, int max_scans, const void *bytes,
                   int64_t n_bytes, const char *name);
Status png_decode(Image *out, const void *bytes, int64_t n_bytes, const char *name);
