#include "cli/features.h"

#include "base/size.h"

#include <string.h>

enum { SMALL_PICTURE = 160 }; // pixels of a side; larger ones are resized as ImageNet's

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

/* The shorter side of the first picture. */
static Status first_side(int64_t *side, const char *set)
{
    Source        *source = NULL;
    ImageBytes     buffer = {0};
    ImageInfo      info = {0};
    const uint8_t *bytes = NULL;
    int64_t        n = 0;
    Status         st = OK;
    TRY_OUT(source_open(&source, set));
    TRY_OUT(source_read(source, 0, &buffer, &bytes, &n));
    TRY_OUT(image_probe(&info, NULL, bytes, n, source_name(source, 0)));
    *side = size_min(info.width, info.height);
out:
    image_bytes_release(&buffer);
    source_close(source);
    return st;
}

Status features_transform(AugmentOptions *out, const Backbone *b, int64_t crop, const char *set)
{
    if (b) {
        *out = embed_augment(&b->info, crop);
        return OK;
    }
    int64_t side = crop;
    if (crop == 0)
        TRY(first_side(&side, set));
    *out = augment_options(AUGMENT_TEST, side < SMALL_PICTURE ? side : crop);
    if (side < SMALL_PICTURE) {
        AugmentOptions small = augment_options(AUGMENT_CIFAR, side);
        out->resize = 0;
        memcpy(out->mean, small.mean, sizeof out->mean);
        memcpy(out->std, small.std, sizeof out->std);
    }
    return OK;
}
