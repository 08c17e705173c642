/* fuzz_image.c -- any bytes through the header probe, the whole decode and a crop; the limits keep memory small */
#include "datasets/image.h"
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    DecodeOptions o = {.max_pixels = 1 << 20, .max_scans = 20};
    Image         im = {0};
    ImageInfo     info = {0};
    if (image_probe(&info, &o, bytes, (int64_t)n, "fuzz") == OK) {
        (void)!image_decode(&im, &o, bytes, (int64_t)n, "fuzz");
        ImageRect crop = {info.width / 3, info.height / 3, (info.width + 1) / 2,
                          (info.height + 1) / 2};
        (void)!image_decode_crop(&im, &o, crop, bytes, (int64_t)n, "fuzz");
    }
    image_release(&im);
    return 0;
}
