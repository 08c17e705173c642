/* planes.c -- memory of planar pictures, and the way in and out of interleaved ones */
#include "datasets/transform.h"
#include "base/size.h"
#include <stdlib.h>
#include <string.h>

Status planes_resize_buffer(Planes *p, int64_t width, int64_t height)
{
    int64_t one = 0, all = 0;
    if (width < 1 || height < 1 || !size_mul(&one, width, height) ||
        !size_mul(&all, size_round_up(one + IMAGE_SLACK, 64), 3))
        return status_fail(ERR_SHAPE, "planes: %lld x %lld pixels is not a possible size",
                           (long long)width, (long long)height);
    if (all > p->capacity) {
        free(p->memory);
        p->capacity = 0;
        p->memory = aligned_alloc(64, (size_t)all);
        if (p->memory == NULL)
            return status_no_memory("planes of a picture", all);
        memset(p->memory, 0, (size_t)all); // the slack is read, never looked at
        p->capacity = all;
    }
    p->width = width;
    p->height = height;
    for (int c = 0; c < 3; c++)
        p->plane[c] = p->memory + c * (all / 3);
    return OK;
}

void planes_release(Planes *p)
{
    free(p->memory);
    *p = (Planes){0};
}

Status planes_from_image(Planes *out, const Image *in)
{
    TRY(planes_resize_buffer(out, in->width, in->height));
    int64_t n = in->width * in->height;
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            out->plane[c][i] = in->pixels[3 * i + c];
    return OK;
}

Status planes_to_image(Image *out, const Planes *in)
{
    TRY(image_resize_buffer(out, in->width, in->height));
    int64_t n = in->width * in->height;
    for (int64_t i = 0; i < n; i++)
        for (int c = 0; c < 3; c++)
            out->pixels[3 * i + c] = in->plane[c][i];
    return OK;
}
