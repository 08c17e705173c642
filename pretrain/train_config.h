/* train_config.h -- every number of a pretraining run, as a recipe declares it
 *
 * One table per section (train_config.c): name, default, range and a sentence for each key. Architecture is C, recipes
 * hold numbers. pretrain_config_load reads recipe and overrides and checks what belongs together.
 */
#pragma once
#include "base/recipe.h"
#include "datasets/loader.h"
#include "kernels/optim/schedule.h"
#include "kernels/optim/sgd.h"
#include "pretrain/moco.h"

typedef enum Method { METHOD_MOCO, METHOD_SUPERVISED } Method;

typedef struct RunKeys {
    int     method; // Method
    int64_t seed;
    int     dtype;            // 0 f32, 1 bf16
    int64_t log_every;        // steps
    int64_t checkpoint_every; // steps; 0: once an epoch
    int64_t keep;             // checkpoints kept
    double  collapse_below;   // alarm when features spread less than this ...
    int64_t collapse_after;   // ... after this many steps
} RunKeys;

typedef struct ModelKeys {
    const char *arch;
    double      width;
    int         stem; // 0 imagenet, 1 small
    int         head; // 0 linear, 1 mlp
    int64_t     dim;
    int64_t     bn_groups;
    bool        stride_in_1x1, dilated;
} ModelKeys;

typedef struct MocoKeys {
    int64_t K;
    double  m, T;
    bool    shuffle, symmetric;
} MocoKeys;

/* Who does what comes after crop and resize. The results are the same bits. */
typedef enum AugmentWhere { AUGMENT_AUTO, AUGMENT_ON_HOST, AUGMENT_ON_DEVICE } AugmentWhere;

/* Who decodes the training set's JPEG files. A GPU's engines do not give libjpeg's bytes. */
typedef enum DecodeWhere { DECODE_ON_HOST, DECODE_ON_DEVICE } DecodeWhere;

typedef struct DataKeys {
    int          order;   // AugmentOrder
    int          augment; // AugmentWhere
    int          decode;  // DecodeWhere
    int64_t      crop, batch, workers, cache_mb;
    double       scale_min, scale_max;
    double       brightness, contrast, saturation, hue, jitter_p, gray_p, blur_p, flip_p;
    RecipeFloats mean, std;
    const char  *train, *test; // below --data
    int          bad;          // BadPolicy
    double       bad_limit;
} DataKeys;

typedef struct SolverKeys {
    double     lr, momentum, decay;
    int64_t    lr_batch;
    int        lr_scale; // RateScale
    int        schedule; // ScheduleKind
    int        unit;     // 0 epoch, 1 iter
    int64_t    first_epoch;
    int64_t    epochs, iters;
    RecipeInts milestones;
    double     factor;
    int64_t    every;
    int64_t    warmup_iters;
    double     warmup_factor;
} SolverKeys;

typedef struct KnnKeys {
    int64_t every; // epochs; 0: never
    int64_t k;
    double  T;
    int     features; // 0 head, 1 pooled
    int64_t max_bank, max_test;
    bool    pixels;
} KnnKeys;

typedef struct PretrainConfig {
    RunKeys     run;
    ModelKeys   model;
    MocoKeys    moco;
    DataKeys    data;
    SolverKeys  solver;
    KnnKeys     knn;
    RecipeTable tables[6];
    int         n_tables;
    Arena       arena; // strings and lists of the recipe
} PretrainConfig;

/* Fills the config from recipe (NULL: defaults) and overrides. Release also after a failure. */
Status pretrain_config_load(PretrainConfig *c, const RecipeSource *source);
/* An empty config with its tables, for help. */
void   pretrain_config_tables(PretrainConfig *c);
void   pretrain_config_release(PretrainConfig *c);

/* What the rooms below need, made from the keys. */
Status         config_net(ResNetConfig *out, const PretrainConfig *c);
Status         config_moco(MocoConfig *out, const PretrainConfig *c);
AugmentOptions config_augment(const PretrainConfig *c);
AugmentOptions config_augment_test(const PretrainConfig *c);
/* Whether colours, blur and mirror leave the host: as asked, or where the network does too, whose host then only decodes
 * and crops. */
bool           config_augments_on_device(const PretrainConfig *c, const Backend *be);
LoaderOptions  config_loader(const PretrainConfig *c);
SgdOptions     config_sgd(const PretrainConfig *c);
/* Steps of the run, with steps_per_epoch from the data. */
int64_t        config_steps(const PretrainConfig *c, int64_t steps_per_epoch);
/* The rate before any schedule: solver.lr scaled to the batch as lr_scale says. */
double         config_base_lr(const PretrainConfig *c);
/* The rate of 0-based `step`. */
double         config_lr(const PretrainConfig *c, int64_t step, int64_t steps_per_epoch);
