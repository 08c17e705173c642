/* features.h -- options that `knn` and `embed` share */
#pragma once
#include "cli/options.h"
#include "pretrain/embed.h"

/* "pooled", "head" or "pixels"; ERR_USAGE for another word. */
Status features_what(EmbedWhat *what, const char *word);

/* ERR_USAGE outside 0 .. 4096. */
Status features_check_crop(const Verb *verb, int64_t crop);

/* The test transform that fits a backbone, or for raw pixels (NULL) their values in 0..1; `crop` > 0 overrides the side. */
AugmentOptions features_transform(const Backbone *b, int64_t crop);
