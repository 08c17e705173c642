/* features.h -- options that `knn` and `embed` share */
#pragma once
#include "cli/options.h"
#include "pretrain/embed.h"

/* "pooled", "head" or "pixels"; ERR_USAGE for another word. */
Status features_what(EmbedWhat *what, const char *word);

/* ERR_USAGE outside 0 .. 4096. */
Status features_check_crop(const Verb *verb, int64_t crop);

/* The test transform that fits a backbone; for raw pixels (NULL), one that fits the first picture of `set`: small ones as
 * CIFAR's, others as ImageNet's. `crop` > 0 overrides the side. */
Status features_transform(AugmentOptions *out, const Backbone *b, int64_t crop, const char *set);
