/* image_jpeg.c -- libjpeg(-turbo) behind four functions
 *
 * libjpeg reports fatal errors by a callback that must not return; guarded() is the only place that
 * jumps. Its warnings are kept: data that ends too early is an error here (Pillow refuses it too),
 * other flaws are accepted as Pillow does.
 */
#include "datasets/image_format.h"
#include "base/size.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jpeglib.h>
#include <jerror.h>

typedef struct JpegJob {
    struct jpeg_error_mgr         errors; // first: libjpeg hands out a pointer to it
    struct jpeg_decompress_struct in;
    struct jpeg_compress_struct   to;
    struct jpeg_progress_mgr      progress;
    jmp_buf                       escape;
    const char                   *name;
    char                          message[JMSG_LENGTH_MAX];
    bool                          no_memory;
    bool                          hit_end; // libjpeg asked for bytes beyond the last
    bool                          lacks;   // and used zeros for some
    const void                   *bytes;
    int64_t                       n_bytes;
    ImageRect                     crop;
    int                           shrink, max_scans;
    Image                        *image;
    Status                        status; // failures of our own on the way
    const Image                  *source;
    int                           quality;
    JpegSubsampling               sampling;
    unsigned char                *encoded;
    unsigned long                 n_encoded;
} JpegJob;

static void on_error(j_common_ptr cinfo)
{
    JpegJob *job = (JpegJob *)cinfo->err;
    cinfo->err->format_message(cinfo, job->message);
    job->no_memory = cinfo->err->msg_code == JERR_OUT_OF_MEMORY;
    longjmp(job->escape, 1);
}

static void on_message(j_common_ptr cinfo, int level)
{
    JpegJob *job = (JpegJob *)cinfo->err;
    if (level >= 0) // a trace message
        return;
    job->hit_end = job->hit_end || cinfo->err->msg_code == JWRN_JPEG_EOF;
    job->lacks = job->lacks || cinfo->err->msg_code == JWRN_HIT_MARKER;
}

static void fail_on(JpegJob *job, const char *message)
{
    snprintf(job->message, sizeof job->message, "%s", message);
    longjmp(job->escape, 1);
}

static void on_progress(j_common_ptr cinfo)
{
    JpegJob *job = (JpegJob *)cinfo->err;
    if (job->in.input_scan_number > job->max_scans)
        fail_on(job, "more scans than the limit");
}

/* Runs body(job); a libjpeg failure comes back as ERR_MEMORY, or as ERR_FORMAT with its message. */
static Status guarded(JpegJob *job, void (*body)(JpegJob *))
{
    jpeg_std_error(&job->errors);
    job->errors.error_exit = on_error;
    job->errors.emit_message = on_message;
    if (setjmp(job->escape))
        return job->no_memory
                   ? status_no_memory("a JPEG", 0)
                   : status_fail(ERR_FORMAT, "%s: broken JPEG: %s", job->name, job->message);
    body(job);
    return job->status;
}

static void open_header(JpegJob *job)
{
    job->in.err = &job->errors;
    jpeg_create_decompress(&job->in);
    job->progress.progress_monitor = on_progress;
    job->in.progress = &job->progress;
    jpeg_mem_src(&job->in, job->bytes, (unsigned long)job->n_bytes);
    jpeg_read_header(&job->in, TRUE);
}

Status jpeg_probe(ImageInfo *out, const void *bytes, int64_t n_bytes, const char *name)
{
    JpegJob job = {.bytes = bytes, .n_bytes = n_bytes, .name = name, .max_scans = IMAGE_MAX_SCANS};
    Status  st = guarded(&job, open_header);
    if (st == OK) {
        out->stored_width = job.in.image_width;
        out->stored_height = job.in.image_height;
        out->channels = job.in.num_components;
        out->bits = job.in.data_precision;
        out->is_usual = out->bits == 8 && (job.in.jpeg_color_space == JCS_GRAYSCALE ||
                                           job.in.jpeg_color_space == JCS_YCbCr);
    }
    jpeg_destroy_decompress(&job.in);
    return st;
}

/* x * y / 255, rounded, as Pillow's MULDIV255. */
static int mul_div_255(int x, int y)
{
    int t = x * y + 128;
    return ((t >> 8) + t) >> 8;
}

/* Adobe's CMYK is stored inverted: `stored` 255 means no ink. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *stored, int64_t n)
{
    for (int64_t i = 0; i < n; i++, stored += 4, rgb += 3) {
        int white = stored[3];
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)(white - mul_div_255(255 - stored[c], white));
    }
}

/* Stops when the data ended before the pixels did. */
static void check_complete(JpegJob *job)
{
    if (job->hit_end && (job->lacks || job->in.progressive_mode))
        fail_on(job, "the file ends too early (truncated)");
}

/* Columns outside the crop, widened to whole blocks and by one more block a side, are never
 * transformed. The margin gives smooth chroma upsampling its neighbours, so the crop's pixels equal
 * those of a full decode. */
static void narrow(JpegJob *job, int64_t *left)
{
    struct jpeg_decompress_struct *in = &job->in;
    int64_t                        margin = 2 * 8 * (int64_t)in->max_h_samp_factor;
    int64_t                        begin = size_max(job->crop.x - margin, 0);
    int64_t    end = size_min(job->crop.x + job->crop.width + margin, in->output_width);
    JDIMENSION x = (JDIMENSION)begin;
    JDIMENSION wide = (JDIMENSION)(end - begin);
    *left = 0;
    if (begin == 0 && end == in->output_width)
        return;
    jpeg_crop_scanline(in, &x, &wide);
    *left = x;
}

static void decode_body(JpegJob *job)
{
    open_header(job);
    struct jpeg_decompress_struct *in = &job->in;
    bool is_cmyk = in->jpeg_color_space == JCS_CMYK || in->jpeg_color_space == JCS_YCCK;
    in->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    in->scale_num = 1;
    in->scale_denom = (unsigned)job->shrink;
    jpeg_start_decompress(in);
    if (in->progressive_mode)
        check_complete(job);
    if (job->shrink > 1)
        job->crop = (ImageRect){0, 0, in->output_width, in->output_height};

    int64_t left;
    narrow(job, &left);
    const int n_channels = is_cmyk ? 4 : 3;
    job->status = image_resize_buffer(job->image, job->crop.width, job->crop.height);
    if (job->status != OK)
        return;
    if (job->crop.y > 0)
        jpeg_skip_scanlines(in, (JDIMENSION)job->crop.y);
    check_complete(job);

    JSAMPARRAY line = in->mem->alloc_sarray((j_common_ptr)in, JPOOL_IMAGE,
                                            in->output_width * (JDIMENSION)n_channels, 1);
    bool       direct = !is_cmyk && in->output_width == job->crop.width;
    for (int64_t y = 0; y < job->crop.height; y++) {
        uint8_t *row = job->image->pixels + 3 * y * job->crop.width;
        JSAMPROW to = direct ? row : line[0];
        if (jpeg_read_scanlines(in, &to, 1) != 1)
            fail_on(job, "a row is missing");
        check_complete(job);
        const uint8_t *from = line[0] + n_channels * (job->crop.x - left);
        if (is_cmyk)
            cmyk_to_rgb(row, from, job->crop.width);
        else if (!direct)
            memcpy(row, from, (size_t)(3 * job->crop.width));
    }
}

Status jpeg_decode(Image *out, ImageRect crop, int shrink, int max_scans, const void *bytes,
                   int64_t n_bytes, const char *name)
{
    JpegJob job = {.bytes = bytes,
                   .n_bytes = n_bytes,
                   .name = name,
                   .crop = crop,
                   .shrink = shrink,
                   .max_scans = max_scans,
                   .image = out};
    Status  st = guarded(&job, decode_body);
    jpeg_destroy_decompress(&job.in);
    return st;
}

static void encode_body(JpegJob *job)
{
    struct jpeg_compress_struct *to = &job->to;
    to->err = &job->errors;
    jpeg_create_compress(to);
    jpeg_mem_dest(to, &job->encoded, &job->n_encoded);
    to->image_width = (JDIMENSION)job->source->width;
    to->image_height = (JDIMENSION)job->source->height;
    to->input_components = 3;
    to->in_color_space = JCS_RGB;
    jpeg_set_defaults(to);
    jpeg_set_quality(to, job->quality, TRUE);
    to->comp_info[0].h_samp_factor = job->sampling == JPEG_444 ? 1 : 2;
    to->comp_info[0].v_samp_factor = job->sampling == JPEG_420 ? 2 : 1;
    jpeg_start_compress(to, TRUE);
    for (int64_t y = 0; y < job->source->height; y++) {
        JSAMPROW row = job->source->pixels + 3 * y * job->source->width;
        jpeg_write_scanlines(to, &row, 1);
    }
    jpeg_finish_compress(to);
}

Status image_encode_jpeg(ImageBytes *out, const Image *im, int quality, JpegSubsampling sampling)
{
    if (im->width > JPEG_MAX_DIMENSION || im->height > JPEG_MAX_DIMENSION)
        return status_fail(ERR_SHAPE, "JPEG: %lld x %lld pixels, a side holds at most %ld",
                           (long long)im->width, (long long)im->height, JPEG_MAX_DIMENSION);
    JpegJob job = {.name = "encoding", .source = im, .quality = quality, .sampling = sampling};
    Status  st = guarded(&job, encode_body);
    jpeg_destroy_compress(&job.to);
    if (st == OK)
        st = image_bytes_reserve(out, (int64_t)job.n_encoded);
    if (st == OK) {
        memcpy(out->data, job.encoded, job.n_encoded);
        out->n_bytes = (int64_t)job.n_encoded;
    }
    free(job.encoded);
    return st;
}
