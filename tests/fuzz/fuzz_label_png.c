/* fuzz_label_png.c -- any bytes are refused with a sentence, or are an image whose every pixel can be read, as labels
 * and as a mask of the same size */
#include "eval/label_png.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    Arena      a = {0};
    LabelImage label, mask;
    uint64_t   sum = 0;
    Status     labels = label_png_parse(&a, &label, bytes, (int64_t)n, "fuzz");
    Status     masks = mask_png_parse(&a, &mask, bytes, (int64_t)n, "fuzz");
    if ((labels != OK && labels != ERR_FORMAT) || (masks != OK && masks != ERR_FORMAT))
        abort();
    if (labels == OK && (masks != OK || mask.h != label.h || mask.w != label.w))
        abort(); /* what is a label image is a mask too */
    for (int64_t i = 0; labels == OK && i < label.h * label.w; i++)
        sum += label.wide ? label.wide[i] : label.narrow[i];
    for (int64_t i = 0; masks == OK && i < mask.h * mask.w; i++)
        sum += mask.narrow[i] != 0;
    if (sum == UINT64_MAX)
        abort();
    arena_release(&a);
    return 0;
}
