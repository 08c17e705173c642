/* decode_png.c -- decodes PNG files by libspng, one after another, and does nothing with them: a floor to compare with
 *
 *      cc -O2 -o decode_png tests/bench/decode_png.c -lspng
 *      time ./decode_png FILE.png ...
 */
#include <spng.h>
#include <stdio.h>
#include <stdlib.h>

static int decode(const char *path)
{
    FILE     *file = fopen(path, "rb");
    spng_ctx *png = spng_ctx_new(0);
    size_t    bytes = 0;
    void     *pixels = NULL;
    int       failed = !file || !png || spng_set_png_file(png, file) ||
                 spng_decoded_image_size(png, SPNG_FMT_PNG, &bytes);
    if (!failed)
        pixels = malloc(bytes);
    failed = failed || !pixels || spng_decode_image(png, pixels, bytes, SPNG_FMT_PNG, 0);
    if (failed)
        fprintf(stderr, "%s: cannot be decoded\n", path);
    free(pixels);
    spng_ctx_free(png);
    if (file)
        fclose(file);
    return failed;
}

int main(int n, char **path)
{
    int n_failed = 0;
    for (int i = 1; i < n; i++)
        n_failed += decode(path[i]);
    return n_failed > 0;
}
