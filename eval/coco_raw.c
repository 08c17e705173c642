/* coco_raw.c -- see coco_raw.h */
#include "eval/coco_raw.h"
#include <math.h>
#include <string.h>

/* Every column once, for what is done to all of them. */
#define EACH_COLUMN(DO)                                                                            \
    DO(id)                                                                                         \
    DO(image_id)                                                                                   \
    DO(category_id)                                                                                \
    DO(box)                                                                                        \
    DO(area)                                                                                       \
    DO(score)                                                                                      \
    DO(crowd)                                                                                      \
    DO(ignore)                                                                                     \
    DO(visible)                                                                                    \
    DO(mask)                                                                                       \
    DO(number)                                                                                     \
    DO(part)                                                                                       \
    DO(text)                                                                                       \
    DO(keypoint)                                                                                   \
    DO(id_text)                                                                                    \
    DO(image)                                                                                      \
    DO(category)                                                                                   \
    DO(listed)

void coco_raw_init(CocoRaw *raw)
{
    memset(raw, 0, sizeof *raw);
    raw->ids_are_text = -1;
}

void coco_raw_clear(CocoRaw *raw)
{
#define CLEAR(c) raw->c.n = 0;
    EACH_COLUMN(CLEAR)
    raw->n_keypoints = 0;
    raw->ids_are_text = -1;
}

void coco_raw_release(CocoRaw *raw)
{
#define RELEASE(c) COLUMN_RELEASE(&raw->c);
    EACH_COLUMN(RELEASE)
}

/* Windows of `more` as they are behind the columns of `raw`. */
static void shift_windows(CocoRaw *more, const CocoRaw *raw)
{
    for (int64_t i = 0; i < more->mask.n; i++) {
        CocoMask *m = &more->mask.data[i];
        m->part_at += m->kind == COCO_MASK_POLYGONS ? raw->part.n : 0;
        m->at += m->kind == COCO_MASK_STRING                                    ? raw->text.n
                 : m->kind == COCO_MASK_POLYGONS || m->kind == COCO_MASK_COUNTS ? raw->number.n
                                                                                : 0;
    }
    for (int64_t i = 0; i < more->image.n; i++) {
        CocoRawImage *image = &more->image.data[i];
        image->id.value += image->id.is_text ? raw->id_text.n : 0;
        for (int k = 0; k < 2; k++)
            image->list_at[k] += image->list_at[k] >= 0 ? raw->listed.n : 0;
    }
    for (int64_t i = 0; i < more->category.n; i++)
        more->category.data[i].name_at += more->category.data[i].name_at >= 0 ? raw->id_text.n : 0;
    if (more->ids_are_text == 1)
        for (int64_t i = 0; i < more->image_id.n; i++)
            more->image_id.data[i] += raw->id_text.n;
}

Status coco_raw_append(CocoRaw *raw, CocoRaw *more)
{
    shift_windows(more, raw);
#define APPEND(c)                                                                                  \
    TRY(COLUMN_RESERVE(&raw->c, more->c.n));                                                       \
    if (more->c.n > 0)                                                                             \
        memcpy(raw->c.data + raw->c.n, more->c.data, (size_t)more->c.n * sizeof *raw->c.data);     \
    raw->c.n += more->c.n;
    EACH_COLUMN(APPEND)
    return OK;
}

void coco_pose_extent(const double *xyv, int64_t n, double box[4])
{
    double x0 = xyv[0], x1 = x0, y0 = xyv[1], y1 = y0;
    for (int64_t i = 0; i < n; i += 3) {
        x0 = fmin(x0, xyv[i]);
        x1 = fmax(x1, xyv[i]);
        y0 = fmin(y0, xyv[i + 1]);
        y1 = fmax(y1, xyv[i + 1]);
    }
    box[0] = x0;
    box[1] = y0;
    box[2] = x1 - x0;
    box[3] = y1 - y0;
}
