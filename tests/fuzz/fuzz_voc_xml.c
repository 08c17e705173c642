/* fuzz_voc_xml.c -- any bytes as a VOC annotation file */
#include "datasets/detection.h"
#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    DetSet     set = {0};
    DetImage   image = {0};
    VocOptions o = {.ignore_unknown = true};
    (void)!voc_parse(&set, &o, &image, (const char *)bytes, (int64_t)n, "fuzz.xml");
    detset_release(&set);
    return 0;
}
