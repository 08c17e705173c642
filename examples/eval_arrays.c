/* eval_arrays.c -- COCO numbers of boxes and masks that never were a file
 *
 *      cc eval_arrays.c $(pkg-config --cflags --libs godwit) && ./a.out
 */
#include <godwit.h>
#include <stdio.h>

static int fail(void)
{
    fprintf(stderr, "%s\n", gw_status_text());
    return 1;
}

/* Two images, two categories; one result misses its object, one is a duplicate. */
static int boxes(void)
{
    const int64_t images[] = {1, 2}, categories[] = {7, 9};
    const int64_t gt_image[] = {1, 1, 2}, gt_category[] = {7, 9, 7};
    const double  gt_box[] = {10, 10, 50, 50, 80, 20, 40, 40, 5, 5, 100, 60};
    const int64_t dt_image[] = {1, 1, 1, 2}, dt_category[] = {7, 7, 9, 7};
    const double  dt_score[] = {.9, .6, .8, .7};
    const double  dt_box[] = {12, 11, 50, 50, 10, 10, 48, 52, 160, 20, 40, 40, 5, 5, 100, 58};

    const gw_coco_gt_columns gt_columns = {.n_images = 2,
                                           .images = images,
                                           .n_categories = 2,
                                           .categories = categories,
                                           .n = 3,
                                           .image_id = gt_image,
                                           .category_id = gt_category,
                                           .box = gt_box};
    const gw_coco_dt_columns dt_columns = {
        .n = 4, .image_id = dt_image, .category_id = dt_category, .score = dt_score, .box = dt_box};
    gw_coco_gt   *gt = NULL;
    gw_coco_dt   *dt = NULL;
    gw_coco_eval *ev = NULL;
    int           failed = gw_coco_gt_arrays(&gt, &gt_columns, GW_BBOX) != GW_OK ||
                 gw_coco_dt_arrays(&dt, gt, &dt_columns) != GW_OK ||
                 gw_coco_evaluate(&ev, gt, dt, NULL) != GW_OK;
    if (failed)
        fail();
    else
        fputs(gw_coco_summary(ev), stdout);
    gw_coco_eval_free(ev);
    gw_coco_dt_free(dt);
    gw_coco_gt_free(gt);
    return failed;
}

/* Two squares that share four pixels. */
static int masks(void)
{
    const double  a[] = {0, 0, 0, 4, 4, 4, 4, 0}, b[] = {2, 2, 2, 8, 8, 8, 8, 2};
    const int64_t n = 8;
    gw_mask      *m[2] = {NULL, NULL};
    double        iou = 0;
    int           failed = gw_mask_from_polygons(&m[0], a, &n, 1, 10, 10) != GW_OK ||
                 gw_mask_from_polygons(&m[1], b, &n, 1, 10, 10) != GW_OK;
    if (failed) {
        fail();
    } else {
        const gw_mask *d[] = {m[0]}, *g[] = {m[1]};
        gw_mask_iou(&iou, d, 1, g, 1, NULL);
        printf("areas %lld and %lld, IoU %.6f, runs \"%s\"\n", (long long)gw_mask_area(m[0]),
               (long long)gw_mask_area(m[1]), iou, gw_mask_string(m[0]));
    }
    gw_mask_free(m[0]);
    gw_mask_free(m[1]);
    return failed;
}

int main(void)
{
    printf("godwit %s\n", gw_version());
    return boxes() || masks();
}
