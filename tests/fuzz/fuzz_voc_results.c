/* fuzz_voc_results.c -- text results of any bytes: VOC's (first byte even) and Cityscapes' (odd) are refused with a
 * sentence or read; no mask of a Cityscapes list lies outside its folder */
#include "base/file.h"
#include "eval/cityscapes_files.h"
#include "eval/voc_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char home[] = "/tmp/godwit-fuzz-voc-XXXXXX";

static const char XML[] =
    "<annotation><filename>000001.jpg</filename><size><width>50</width><height>50</height>"
    "<depth>3</depth></size><object><name>dog</name><difficult>0</difficult><bndbox><xmin>1</xmin>"
    "<ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>";

static void put(const char *name, const char *bytes, size_t n)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", home, name);
    if (file_write(path, bytes, (int64_t)n) != OK)
        abort();
}

static void make_home(void)
{
    char path[300];
    if (!mkdtemp(home))
        abort();
    snprintf(path, sizeof path, "%s/VOC2007/ImageSets/Main", home);
    if (file_make_dirs(path) != OK)
        abort();
    snprintf(path, sizeof path, "%s/VOC2007/Annotations", home);
    if (file_make_dirs(path) != OK)
        abort();
    put("VOC2007/ImageSets/Main/test.txt", "000001\n", 7);
    put("VOC2007/Annotations/000001.xml", XML, sizeof XML - 1);
}

static void read_voc(const char *bytes, size_t n)
{
    VocData        data = {0};
    VocReadOptions options = {.ignore_unknown = n & 1};
    char           root[300], path[300];
    snprintf(root, sizeof root, "%s/VOC2007", home);
    snprintf(path, sizeof path, "%s/comp4_det_test_dog.txt", home);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n)
        abort();
    fclose(f);
    Status st = voc_data_open(&data, &options, root, "test");
    if (st != OK)
        abort();
    st = voc_data_results(&data, path);
    if (st != OK && st != ERR_FORMAT)
        abort();
    voc_data_release(&data);
}

static void read_cityscapes(const char *bytes, size_t n)
{
    Arena            a = {0};
    CityscapesFound *found = NULL;
    int64_t          k = 0;
    char             path[300];
    snprintf(path, sizeof path, "%s/sub/list.txt", home);
    Status st = cityscapes_parse_list(&a, &found, &k, bytes, (int64_t)n, path, home);
    if (st != OK && st != ERR_FORMAT)
        abort();
    for (int64_t i = 0; st == OK && i < k; i++)
        if (strncmp(found[i].mask, home, strlen(home)) != 0 || strstr(found[i].mask, "/../"))
            abort();
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static bool ready;
    if (!ready)
        make_home();
    ready = true;
    if (n > 0 && bytes[0] & 1)
        read_cityscapes((const char *)bytes + 1, n - 1);
    else if (n > 0)
        read_voc((const char *)bytes + 1, n - 1);
    return 0;
}
