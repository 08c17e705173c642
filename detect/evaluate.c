#include "detect/evaluate.h"
#include "base/file.h"
#include "detect/config.h"
#include <string.h>

typedef struct Columns {
    int64_t  n;
    int32_t *image, *label;
    double  *box, *score;
    uint8_t *difficult;
} Columns;

static Status columns_init(Arena *a, Columns *c, int64_t n)
{
    *c = (Columns){.n = n,
                   .image = ARENA_ARRAY(a, int32_t, n),
                   .label = ARENA_ARRAY(a, int32_t, n),
                   .box = ARENA_ARRAY(a, double, 4 * n),
                   .score = ARENA_ARRAY(a, double, n),
                   .difficult = ARENA_ARRAY(a, uint8_t, n)};
    return c->image && c->label && c->box && c->score && c->difficult ? OK : ERR_MEMORY;
}

static VocBoxList box_list(const Columns *c)
{
    return (VocBoxList){c->n, c->image, c->label, c->box, c->score, c->difficult};
}

static void put_box(Columns *c, int64_t row, int64_t image, int32_t label, double x1, double y1,
                    double x2, double y2)
{
    double box[] = {x1, y1, x2, y2};
    c->image[row] = (int32_t)image;
    c->label[row] = label;
    memcpy(c->box + 4 * row, box, sizeof box);
}

/* VOC's pixels: xmin and ymin are 1-based, xmax and ymax inside. */
static Status truth_columns(Arena *a, Columns *c, const DetSet *set)
{
    int64_t n = 0, row = 0;
    for (int64_t i = 0; i < set->n_images; i++)
        n += set->image[i].n_objects;
    TRY(columns_init(a, c, n));
    for (int64_t i = 0; i < set->n_images; i++)
        for (int64_t k = 0; k < set->image[i].n_objects; k++, row++) {
            const DetObject *o = &set->image[i].object[k];
            put_box(c, row, i, o->class_index, (double)o->x1 + 1, (double)o->y1 + 1, (double)o->x2,
                    (double)o->y2);
            c->difficult[row] = o->is_difficult || o->is_crowd;
        }
    return OK;
}

static Status found_columns(Arena *a, Columns *c, const DetectedImage *image, int64_t n_images)
{
    int64_t n = 0, row = 0;
    for (int64_t i = 0; i < n_images; i++)
        n += image[i].n_found;
    TRY(columns_init(a, c, n));
    for (int64_t i = 0; i < n_images; i++)
        for (int64_t k = 0; k < image[i].n_found; k++, row++) {
            const Detection *d = &image[i].found[k];
            put_box(c, row, i, d->class_index, (double)d->x1, (double)d->y1, (double)d->x2,
                    (double)d->y2);
            c->score[row] = (double)d->score;
        }
    return OK;
}

static Status write_json(const Detector *d, const DetectedImage *image, const DetSet *set,
                         const char *path)
{
    Text text = {0};
    bool is_first = true;
    text_putc(&text, '[');
    for (int64_t i = 0; i < set->n_images; i++)
        detections_json(&text, &is_first, d, set->image[i].id, &image[i]);
    text_puts(&text, "\n]\n");
    Status st = text_status(&text);
    if (st == OK)
        st = file_write(path, text_cstr(&text), text.len);
    text_release(&text);
    return st;
}

Status detect_evaluate(Arena *a, DetectEvaluation *out, Detector *d, const DetSet *set,
                       const char *json_path)
{
    Columns        truth, found;
    VocEvalOptions options = {.order = VOC_ORDER_STABLE, .boxes = VOC_BOXES_DETECTRON2};
    *out = (DetectEvaluation){.is_11_point = detector_config(d)->test.metric == 0};
    options.skip_empty_classes = !out->is_11_point;
    if (set->n_classes != detector_n_classes(d))
        return status_fail(ERR_FORMAT, "evaluation: the set has %lld classes, the model %lld",
                           (long long)set->n_classes, (long long)detector_n_classes(d));
    TRY(detector_set(d, a, &out->image, set));
    if (json_path)
        TRY(write_json(d, out->image, set, json_path));
    TRY(truth_columns(a, &truth, set));
    TRY(found_columns(a, &found, out->image, set->n_images));
    VocSet voc = {.n_images = set->n_images,
                  .n_classes = set->n_classes,
                  .truth = box_list(&truth),
                  .found = box_list(&found)};
    TRY(voc_evaluate(a, &options, &out->voc, &voc));

    const VocMeans *means = out->is_11_point ? &out->voc.means_11_point : &out->voc.means_area;
    out->ap = means->ap;
    out->ap50 = means->ap50;
    out->ap75 = means->ap75;
    out->definition = out->is_11_point ? voc_definition_11_point() : voc_definition_area();
    return OK;
}
