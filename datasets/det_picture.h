/* det_picture.h -- one picture's way to the detector: size, mirror, boxes, numbers (internal)
 *
 *      decoded --det_picture_make--> resized, maybe mirrored; boxes likewise, clipped --det_picture_write--> floats, padded
 *                                                                                     \--det_picture_copy--> bytes, padded
 */
#pragma once
#include "datasets/det_loader.h"
#include "datasets/transform.h"

typedef struct DetPicture {
    Image         picture; // resized, mirrored
    DetBatchImage facts;   // its boxes are the arrays below
    float        *box;
    int32_t      *label;
    uint8_t      *difficult;
    int64_t       capacity; // objects
} DetPicture;

/* From the decoded picture `im` of annotation `d`, to short side `size`. facts.index
 * stays 0. ERR_FORMAT when the annotation says another size. */
Status det_picture_make(DetPicture *p, ResizeScratch *scratch, const DetImage *d, const Image *im,
                        int64_t size, int64_t max_size, bool is_flipped);
void   det_picture_release(DetPicture *p);

/* out (height, width, 3): the normalised picture at the top left, 0 elsewhere. */
void det_picture_write(float *out, int64_t width, int64_t height, const Image *im,
                       const DetLoaderOptions *o);

/* As det_picture_write, before mean and deviation. */
void det_picture_copy(uint8_t *out, int64_t width, int64_t height, const Image *im,
                      const DetLoaderOptions *o);
