/* config.h -- every number of a detection run, as a recipe declares it
 *
 * One table per section (config.c): name, default, range and a sentence for each key. Defaults are the published VOC
 * C4 recipe (He et al. 2020, A.1; Detectron2). Architecture is C, recipes hold numbers.
 */
#pragma once
#include "base/recipe.h"
#include "datasets/det_loader.h"
#include "kernels/box.h"
#include "kernels/optim/schedule.h"
#include "kernels/optim/sgd.h"
#include "pretrain/resnet.h"

typedef struct DetectRunKeys {
    int64_t seed;
    int     dtype; // 0 f32, 1 bf16
    int64_t log_every, checkpoint_every, keep;
} DetectRunKeys;

typedef struct DetectModelKeys {
    const char *arch;
    double      width;
    bool        stride_in_1x1, extra_norm;
    int         norm;    // 0 trained, 1 frozen
    int         bn_sync; // 0 batch, 1 group
} DetectModelKeys;

typedef struct DetectRpnKeys {
    RecipeFloats sizes, ratios;
    int64_t      batch;
    double       fg_fraction, fg_from, bg_below, nms;
    int64_t      pre_train, pre_test, post_train, post_test;
} DetectRpnKeys;

typedef struct DetectRoiKeys {
    int64_t batch;
    double  fg_fraction, fg_from;
    int64_t pool, samples;
    double  smooth_l1;
} DetectRoiKeys;

typedef struct DetectDataKeys {
    int           format; // 0 voc, 1 coco
    RecipeStrings train, test, classes;
    int64_t       batch;
    RecipeInts    sizes;
    int64_t       test_size, max_size;
    double        flip_p;
    bool          group_aspect, bgr;
    RecipeFloats  mean, std;
    int64_t       workers, cache_mb;
    int64_t       first; // use only the first n pictures of the training part; 0: all
} DetectDataKeys;

typedef struct DetectSolverKeys {
    double     lr, momentum, decay, decay_norm, clip;
    int64_t    lr_batch; // images a step that lr is meant for; 0: data.batch
    int        lr_scale; // RateScale
    int64_t    iters;
    RecipeInts milestones;
    double     factor;
    int64_t    warmup_iters;
    double     warmup_factor;
    int64_t    images_per_group;
} DetectSolverKeys;

typedef struct DetectTestKeys {
    double  score, nms;
    int64_t per_image;
    int64_t precise_bn_iters;
    int     metric; // 0 auto, else 1 + DetectMetric
    int64_t every;  // steps
    int     best;   // 0 ap, 1 ap50, 2 ap75
} DetectTestKeys;

typedef enum DetectMetric { DETECT_VOC07, DETECT_AREA, DETECT_COCO } DetectMetric;

typedef struct DetectConfig {
    DetectRunKeys    run;
    DetectModelKeys  model;
    DetectRpnKeys    rpn;
    DetectRoiKeys    roi;
    DetectDataKeys   data;
    DetectSolverKeys solver;
    DetectTestKeys   test;
    RecipeTable      tables[7];
    int              n_tables;
    Arena            arena; // strings and lists of the recipe
} DetectConfig;

/* Fills the config from recipe (NULL: defaults) and overrides. Release also after a failure. */
Status detect_config_load(DetectConfig *c, const RecipeSource *source);
/* An empty config with its tables, for help. */
void   detect_config_tables(DetectConfig *c);
void   detect_config_release(DetectConfig *c);

/* What the rooms below need, made from the keys. */
Status           detect_config_net(ResNetConfig *out, const DetectConfig *c);
DetLoaderOptions detect_config_loader(const DetectConfig *c, bool train);
SgdOptions       detect_config_sgd(const DetectConfig *c);
double           detect_config_base_lr(const DetectConfig *c); // before any schedule
double           detect_config_lr(const DetectConfig *c, int64_t step);
DetectMetric     detect_config_metric(const DetectConfig *c);
int64_t detect_config_pass(const DetectConfig *c);  // images that run through the network together
int64_t detect_config_group(const DetectConfig *c); // images whose losses share a normaliser
