#include "datasets/det_stream.h"
#include <stdlib.h>
#include <string.h>

/* Which pictures are wide; a header is read where the annotation has no size. */
static Status survey(DetStream *s, const DetSet *set)
{
    ImageBytes bytes = {0};
    Status     st = OK;
    for (int64_t i = 0; i < set->n_images && st == OK; i++) {
        const DetImage *d = &set->image[i];
        ImageInfo       info = {.width = d->width, .height = d->height};
        DecodeOptions   o = {.exif = s->o->exif};
        if (d->width <= 0 || d->height <= 0) {
            st = image_bytes_read(&bytes, d->path);
            if (st == OK)
                st = image_probe(&info, &o, bytes.data, bytes.n_bytes, d->path);
        }
        s->is_wide[i] = info.width > info.height;
    }
    image_bytes_release(&bytes);
    return st;
}

Status det_stream_init(DetStream *s, const DetSet *set, const DetLoaderOptions *o)
{
    size_t n = (size_t)set->n_images, group = (size_t)o->group;
    *s = (DetStream){.o = o, .n_images = set->n_images, .epoch = -1};
    s->is_wide = calloc(n, 1);
    s->order = calloc(n, sizeof *s->order);
    s->bucket[0] = calloc(group, sizeof(DetTicket));
    s->bucket[1] = calloc(group, sizeof(DetTicket));
    s->skipped = calloc((size_t)o->batch, sizeof(DetTicket));
    if (!s->is_wide || !s->order || !s->bucket[0] || !s->bucket[1] || !s->skipped)
        return status_no_memory("the order of pictures", set->n_images * 9);
    return survey(s, set);
}

void det_stream_release(DetStream *s)
{
    free(s->is_wide);
    free(s->order);
    free(s->bucket[0]);
    free(s->bucket[1]);
    free(s->skipped);
    *s = (DetStream){0};
}

static DetTicket next_ticket(DetStream *s)
{
    int64_t n = s->n_images;
    if (s->epoch < 0 || s->place == n) {
        s->epoch++;
        s->place = 0;
        Rng rng = rng_at(s->o->seed, RNG_SHUFFLE, (uint64_t)s->epoch, 0);
        rng_permutation(&rng, s->order, n);
    }
    return (DetTicket){s->order[s->place++], s->epoch};
}

/* The next `group` pictures of one orientation. */
static void next_group(DetStream *s, DetTicket *out)
{
    for (;;) {
        DetTicket t = next_ticket(s);
        int       b = s->o->group_aspect ? s->is_wide[t.index] : 0;
        s->bucket[b][s->n_bucket[b]++] = t;
        if (s->n_bucket[b] == s->o->group) {
            memcpy(out, s->bucket[b], (size_t)s->o->group * sizeof *out);
            s->n_bucket[b] = 0;
            return;
        }
    }
}

void det_stream_next(DetStream *s, DetTicket *out)
{
    for (int64_t i = 0; i < s->o->batch; i += s->o->group)
        next_group(s, out + i);
}

void det_stream_skip(DetStream *s, int64_t n)
{
    for (int64_t i = 0; i < n; i++) // the stream is replayed, not the pictures
        det_stream_next(s, s->skipped);
}
