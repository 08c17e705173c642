#include "cli/features.h"

#include <string.h>

Status features_what(EmbedWhat *what, const char *word)
{
    const char *name[] = {"pooled", "head", "pixels"};
    for (int i = 0; i < 3; i++)
        if (strcmp(word, name[i]) == 0) {
            *what = (EmbedWhat)i;
            return OK;
        }
    return status_fail(ERR_USAGE, "--features expects pooled, head or pixels, found \"%s\"", word);
}

Status features_check_crop(const Verb *verb, int64_t crop)
{
    return crop >= 0 && crop <= 4096
               ? OK
               : status_fail(ERR_USAGE, "godwit %s: --crop expects 0 to 4096 pixels, found %lld",
                             verb->name, (long long)crop);
}

AugmentOptions features_transform(const Backbone *b, int64_t crop)
{
    if (b)
        return embed_augment(&b->info, crop);
    BackboneInfo pixels = {.crop = crop, .has_small_stem = crop < 160};
    for (int i = 0; i < 3; i++)
        pixels.std[i] = 1;
    return embed_augment(&pixels, crop);
}
