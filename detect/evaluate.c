#include "detect/evaluate.h"
#include "base/file.h"
#include "eval/coco.h"
#include <ctype.h>
#include <math.h>
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

static Status score_voc(Arena *a, DetectEvaluation *out, const DetSet *set)
{
    Columns        truth, found;
    bool           is_11_point = out->metric == DETECT_VOC07;
    VocEvalOptions options = {.order = VOC_ORDER_STABLE,
                              .boxes = VOC_BOXES_DETECTRON2,
                              .skip_empty_classes = !is_11_point};
    TRY(truth_columns(a, &truth, set));
    TRY(found_columns(a, &found, out->image, set->n_images));
    VocSet voc = {.n_images = set->n_images,
                  .n_classes = set->n_classes,
                  .truth = box_list(&truth),
                  .found = box_list(&found)};
    TRY(voc_evaluate(a, &options, &out->voc, &voc));

    const VocMeans *means = is_11_point ? &out->voc.means_11_point : &out->voc.means_area;
    out->ap = means->ap;
    out->ap50 = means->ap50;
    out->ap75 = means->ap75;
    out->n_found = out->voc.n_found;
    out->definition = is_11_point ? voc_definition_11_point() : voc_definition_area();
    return OK;
}

/* "APs" as metrics name it: "aps". */
static const char *lower_name(Arena *a, const char *name)
{
    char *low = arena_strdup(a, name);
    for (char *c = low; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return low;
}

/* -1 is COCO's word for undefined. */
static double defined(double value)
{
    return value < 0 ? NAN : value;
}

static Status take_stats(Arena *a, DetectEvaluation *out, const CocoResult *coco)
{
    double *headline[] = {&out->ap, &out->ap50, &out->ap75};
    for (int i = 0; i < coco->n_stats; i++) {
        double value = defined(coco->stat[i].value);
        if (i < 3) {
            *headline[i] = value;
            continue;
        }
        const char *name = lower_name(a, coco->stat[i].name);
        if (!name || out->n_more == DETECT_MORE)
            return ERR_MEMORY;
        out->more[out->n_more].name = name;
        out->more[out->n_more++].value = value;
    }
    out->n_found = coco->n_found;
    out->definition = coco_definition(COCO_BBOX);
    return OK;
}

static Status score_coco(Arena *a, DetectEvaluation *out, const DetectEvaluateFiles *files)
{
    CocoReadOptions read = {.iou = COCO_BBOX};
    CocoEvalOptions options = {.iou = COCO_BBOX};
    CocoTruth       truth = {0};
    CocoResults     found = {0};
    CocoResult      result;
    Status          st = OK;
    TRY_OUT(coco_read(&truth, &found, &read, files->truth, files->json));
    TRY_OUT(coco_evaluate(a, &options, &result, &truth, &found));
    TRY_OUT(take_stats(a, out, &result));
out:
    coco_results_release(&found);
    coco_truth_release(&truth);
    return st;
}

Status detect_evaluate(Arena *a, DetectEvaluation *out, Detector *d, const DetSet *set,
                       const DetectEvaluateFiles *files)
{
    *out = (DetectEvaluation){.metric = detect_config_metric(detector_config(d))};
    if (set->n_classes != detector_n_classes(d))
        return status_fail(ERR_FORMAT, "evaluation: the set has %lld classes, the model %lld",
                           (long long)set->n_classes, (long long)detector_n_classes(d));
    if (out->metric == DETECT_COCO && (!files || !files->json || !files->truth))
        return status_fail(ERR_USAGE, "evaluation: COCO's AP wants the annotation file and a place "
                                      "for detections.json");
    TRY(detector_set(d, a, &out->image, set));
    if (files && files->json)
        TRY(write_json(d, out->image, set, files->json));
    return out->metric == DETECT_COCO ? score_coco(a, out, files) : score_voc(a, out, set);
}
