/* godwit.h -- evaluate detections and masks inside another program
 *
 *      gw_coco_gt *gt;  gw_coco_dt *dt;  gw_coco_eval *ev;
 *      gw_coco_gt_read(&gt, "instances_val2017.json", GW_BBOX)   or   gw_coco_gt_arrays(...)
 *      gw_coco_dt_read(&dt, gt, "detections.json")               or   gw_coco_dt_arrays(...)
 *      gw_coco_evaluate(&ev, gt, dt, NULL)
 *      gw_coco_stats(ev, stats, &n);       12 numbers (keypoints: 10), those of pycocotools
 *      gw_coco_eval_free(ev);  gw_coco_dt_free(dt);  gw_coco_gt_free(gt);
 *
 * Every int that is returned is 0 (GW_OK) or a gw_status; gw_status_text() then holds one sentence
 * that says what was wrong and where (per thread, until the thread's next failure). On failure the
 * handle is NULL. Freeing NULL is fine. A handle is used by one thread at a time; different handles
 * by different threads. Arrays are read during the call only. Numbers are bit for bit those of
 * pycocotools 2.0.11 (keypoints: 1e-12).
 */
#ifndef GODWIT_H
#define GODWIT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GW_API __attribute__((visibility("default")))

typedef enum gw_status {
    GW_OK = 0,
    GW_ERR_USAGE,       /* an argument is wrong */
    GW_ERR_FORMAT,      /* a file's or an array's content is wrong */
    GW_ERR_MISSING,     /* a file does not exist or cannot be opened */
    GW_ERR_SHAPE,       /* sizes do not fit together */
    GW_ERR_NONFINITE,   /* NaN or infinity */
    GW_ERR_MEMORY,      /* an allocation failed */
    GW_ERR_DEVICE,      /* (not used by this library) */
    GW_ERR_UNSUPPORTED, /* not built in */
    GW_ERR_CREATE,      /* an output cannot be created */
    GW_ERR_IO,          /* reading or writing failed on the way */
    GW_ERR_INTERRUPTED, /* (not used by this library) */
    GW_ERR_RECIPE       /* (not used by this library) */
} gw_status;

GW_API const char *gw_version(void);
GW_API const char *gw_status_text(void);

/* Threads that evaluation uses; n < 1: all cores. Results do not depend on it. */
GW_API void gw_set_threads(int n);

/* ---- masks ---- */

typedef struct gw_mask gw_mask; /* run lengths of one mask */

/* pixels (h,w) bytes, 0 or 1. in_rows: 1 for C order (y * w + x), 0 for Fortran order. */
GW_API int gw_mask_encode(gw_mask **out, const uint8_t *pixels, int64_t h, int64_t w, int in_rows);

/* The compressed string of COCO files, len bytes (or up to a zero when len < 0). */
GW_API int gw_mask_from_string(gw_mask **out, const char *text, int64_t len, int64_t h, int64_t w);

/* Uncompressed run lengths, background first. */
GW_API int gw_mask_from_counts(gw_mask **out, const uint32_t *counts, int64_t n, int64_t h,
                               int64_t w);

/* The union of n polygons: polygon i has n_numbers[i] numbers x0 y0 x1 y1 ..., one behind the other
 * in xy. */
GW_API int gw_mask_from_polygons(gw_mask **out, const double *xy, const int64_t *n_numbers,
                                 int64_t n, int64_t h, int64_t w);

/* box: x y w h. */
GW_API int gw_mask_from_box(gw_mask **out, const double box[4], int64_t h, int64_t w);

/* Union (intersect 0) or intersection (1) of n masks of one size. */
GW_API int gw_mask_merge(gw_mask **out, const gw_mask *const *mask, int64_t n, int intersect);

GW_API void        gw_mask_free(gw_mask *mask);
GW_API void        gw_mask_size(const gw_mask *mask, int64_t *h, int64_t *w);
GW_API int64_t     gw_mask_area(const gw_mask *mask);
GW_API void        gw_mask_box(const gw_mask *mask, double box[4]); /* x y w h */
GW_API const char *gw_mask_string(const gw_mask *mask);             /* lives as long as the mask */
GW_API int64_t     gw_mask_counts(const gw_mask *mask, const uint32_t **counts); /* how many */

/* pixels (h,w) bytes are filled with 0 and 1. */
GW_API void gw_mask_decode(const gw_mask *mask, uint8_t *pixels, int in_rows);

/* iou (n_d, n_g). crowd (n_g) may be NULL. 0 where boxes do not meet, else -1 where sizes differ. */
GW_API void gw_mask_iou(double *iou, const gw_mask *const *d, int64_t n_d, const gw_mask *const *g,
                        int64_t n_g, const uint8_t *crowd);

/* The same for boxes (n,4) x y w h. */
GW_API void gw_box_iou(double *iou, const double *d, int64_t n_d, const double *g, int64_t n_g,
                       const uint8_t *crowd);

/* ---- COCO ---- */

typedef struct gw_coco_gt   gw_coco_gt;   /* ground truth */
typedef struct gw_coco_dt   gw_coco_dt;   /* results */
typedef struct gw_coco_eval gw_coco_eval; /* numbers */

typedef enum gw_iou { GW_BBOX, GW_SEGM, GW_KEYPOINTS } gw_iou;

/* A COCO annotation file (instances or person_keypoints), and a result file for it. */
GW_API int gw_coco_gt_read(gw_coco_gt **out, const char *path, gw_iou iou);
GW_API int gw_coco_dt_read(gw_coco_dt **out, const gw_coco_gt *gt, const char *path);

/* An LVIS annotation file (v0.5 or v1); GW_BBOX or GW_SEGM. Everything below then follows LVIS: 13 stats and
 * arrays as in lvis-api 0.5.3 (M is 1), 300 results an image unless max_detections says otherwise. */
GW_API int gw_lvis_gt_read(gw_coco_gt **out, const char *path, gw_iou iou);

/* COCO's from arrays. Ids are any int64; boxes are x y w h in pixels. What is not needed is 0 or NULL. */
typedef struct gw_coco_gt_columns {
    int64_t               n_images;
    const int64_t        *images; /* (n_images) ids */
    int64_t               n_categories;
    const int64_t        *categories; /* (n_categories) ids */
    int64_t               n;
    const int64_t        *image_id;    /* (n) */
    const int64_t        *category_id; /* (n) */
    const double         *box;         /* (n,4) */
    const double         *area;        /* (n); NULL: w * h, or of the mask */
    const uint8_t        *is_crowd;    /* (n); NULL: none */
    const gw_mask *const *mask;        /* (n); needed for GW_SEGM */
    int64_t               n_keypoints; /* needed for GW_KEYPOINTS */
    const double         *keypoints;   /* (n, n_keypoints, 3) x y v; v > 0 counts */
} gw_coco_gt_columns;

typedef struct gw_coco_dt_columns {
    int64_t               n;
    const int64_t        *image_id;    /* (n) */
    const int64_t        *category_id; /* (n) */
    const double         *score;       /* (n) */
    const double         *box;         /* (n,4); for GW_BBOX */
    const gw_mask *const *mask;        /* (n); for GW_SEGM */
    int64_t               n_keypoints; /* for GW_KEYPOINTS, as in the ground truth */
    const double         *keypoints;   /* (n, n_keypoints, 3) x y and a number that is not read */
} gw_coco_dt_columns;

GW_API int gw_coco_gt_arrays(gw_coco_gt **out, const gw_coco_gt_columns *columns, gw_iou iou);
GW_API int gw_coco_dt_arrays(gw_coco_dt **out, const gw_coco_gt *gt,
                             const gw_coco_dt_columns *columns);

typedef struct gw_coco_options {
    int            bug_compatible;    /* 1: annotation id 0 counts as a miss, as in pycocotools */
    int            ignore_categories; /* 1: useCats = 0 */
    const int64_t *max_detections;    /* ascending; NULL: 1, 10, 100 (keypoints: 20) */
    int            n_max_detections;
    const int64_t *images; /* only these ids; NULL: all */
    int64_t        n_images;
    const int64_t *categories; /* only these ids; NULL: all */
    int64_t        n_categories;
    const double  *thresholds; /* ascending, at most 20; NULL: .50, .55 ... .95 */
    int            n_thresholds;
    const double  *area_ranges; /* (n,2) both ends inside, at most 8; NULL: COCO's */
    const char *const
                 *area_names; /* (n) the first "all"; "small", "medium", "large" feed the stats */
    int           n_area_ranges;
    const double *sigmas; /* (n_keypoints); NULL: COCO's 17 */
    int           n_sigmas;
} gw_coco_options; /* set to zero what is not used; LVIS has bug_compatible and one max_detections, -1: no cap */

/* options may be NULL. gt and dt may be freed afterwards. */
GW_API int gw_coco_evaluate(gw_coco_eval **out, const gw_coco_gt *gt, const gw_coco_dt *dt,
                            const gw_coco_options *options);

/* The summary's numbers in the reference's order; -1 where undefined. stats has room for 16. */
GW_API void gw_coco_stats(const gw_coco_eval *eval, double *stats, int *n);

/* The reference's summary lines. */
GW_API const char *gw_coco_summary(const gw_coco_eval *eval);

/* Arrays as pycocotools has them, C order; they live as long as `eval`.
 *   precision, scores [T][R][K][A][M], recall [T][K][A][M];  T thresholds, R recall points,
 *   K categories (ascending id), A area ranges, M caps.  dims gets 5 (recall: 4) numbers. */
GW_API const double *gw_coco_precision(const gw_coco_eval *eval, int64_t dims[5]);
GW_API const double *gw_coco_scores(const gw_coco_eval *eval, int64_t dims[5]);
GW_API const double *gw_coco_recall(const gw_coco_eval *eval, int64_t dims[4]);

GW_API void gw_coco_gt_free(gw_coco_gt *gt);
GW_API void gw_coco_dt_free(gw_coco_dt *dt);
GW_API void gw_coco_eval_free(gw_coco_eval *eval);

#ifdef __cplusplus
}
#endif
#endif
