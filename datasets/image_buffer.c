/* image_buffer.c -- memory of pictures and of encoded bytes, and the two doors to files */
#include "datasets/image.h"
#include "base/size.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_LIMIT ((int64_t)1 << 30) // an encoded picture larger than 1 GiB is refused

Status image_resize_buffer(Image *im, int64_t width, int64_t height)
{
    const int64_t dim[3] = {width, height, 3};
    int64_t       need = 0;
    if (width < 1 || height < 1 || !size_product(&need, dim, 3) ||
        !size_add(&need, need, IMAGE_SLACK))
        return status_fail(ERR_SHAPE, "image: %lld x %lld pixels is not a possible size",
                           (long long)width, (long long)height);
    if (need > im->capacity) {
        free(im->pixels);
        im->capacity = 0;
        im->pixels = malloc((size_t)need);
        if (im->pixels == NULL)
            return status_no_memory("a picture", need);
        im->capacity = need;
    }
    im->width = width;
    im->height = height;
    memset(im->pixels + need - IMAGE_SLACK, 0, IMAGE_SLACK);
    return OK;
}

Status image_copy(Image *out, const Image *in)
{
    TRY(image_resize_buffer(out, in->width, in->height));
    memcpy(out->pixels, in->pixels, (size_t)(3 * in->width * in->height));
    return OK;
}

void image_release(Image *im)
{
    free(im->pixels);
    *im = (Image){0};
}

void image_bytes_release(ImageBytes *b)
{
    free(b->data);
    *b = (ImageBytes){0};
}

Status image_bytes_reserve(ImageBytes *b, int64_t n_bytes)
{
    if (n_bytes <= b->capacity)
        return OK;
    int64_t  capacity = size_max(n_bytes, b->capacity + b->capacity / 2);
    uint8_t *data = realloc(b->data, (size_t)capacity);
    if (data == NULL)
        return status_no_memory("encoded bytes", capacity);
    b->data = data;
    b->capacity = capacity;
    return OK;
}

/* Reads the rest of `f` into b. */
static Status read_all(ImageBytes *b, FILE *f, const char *path)
{
    b->n_bytes = 0;
    for (;;) {
        TRY(image_bytes_reserve(b, b->n_bytes + (1 << 16)));
        size_t n = fread(b->data + b->n_bytes, 1, (size_t)(b->capacity - b->n_bytes), f);
        b->n_bytes += (int64_t)n;
        if (n == 0)
            break;
        if (b->n_bytes > FILE_LIMIT)
            return status_fail(ERR_FORMAT, "%s: larger than 1 GiB, not a picture", path);
    }
    if (ferror(f))
        return status_fail(ERR_IO, "%s: reading failed: %s", path, strerror(errno));
    return OK;
}

Status image_bytes_read(ImageBytes *b, const char *path)
{
    int     fd;
    int64_t n_bytes;
    TRY(file_open(&fd, &n_bytes, path));
    FILE *f = fdopen(fd, "rb");
    if (f == NULL) {
        close(fd);
        return status_no_memory(path, 0);
    }
    Status st = n_bytes <= FILE_LIMIT ? image_bytes_reserve(b, n_bytes + 1) : OK;
    if (st == OK)
        st = read_all(b, f, path);
    fclose(f);
    return st;
}

Status image_read(Image *out, const DecodeOptions *options, const char *path)
{
    ImageBytes b = {0};
    Status     st = image_bytes_read(&b, path);
    if (st == OK)
        st = image_decode(out, options, b.data, b.n_bytes, path);
    image_bytes_release(&b);
    return st;
}

Status image_write(const Image *im, const char *path)
{
    const char *dot = strrchr(path, '.');
    bool        is_png = dot != NULL && strcasecmp(dot, ".png") == 0;
    bool is_jpeg = dot != NULL && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0);
    if (!is_png && !is_jpeg)
        return status_fail(ERR_USAGE, "%s: pictures are written as .png, .jpg or .jpeg", path);
    ImageBytes b = {0};
    Status     st = is_png ? image_encode_png(&b, im) : image_encode_jpeg(&b, im, 95, JPEG_444);
    FILE      *f = NULL;
    if (st == OK) {
        f = fopen(path, "wbe");
        if (f == NULL)
            st = status_fail(ERR_CREATE, "%s: cannot be created: %s", path, strerror(errno));
    }
    if (st == OK && fwrite(b.data, 1, (size_t)b.n_bytes, f) != (size_t)b.n_bytes)
        st = status_fail(ERR_IO, "%s: writing failed: %s", path, strerror(errno));
    if (f != NULL && fclose(f) != 0 && st == OK)
        st = status_fail(ERR_IO, "%s: writing failed: %s", path, strerror(errno));
    image_bytes_release(&b);
    return st;
}
