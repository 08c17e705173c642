#include "datasets/picture_cache.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct PictureCache {
    _Atomic(Image *) *image; // (n) NULL: not decoded yet, or did not fit
    int64_t           n, budget;
    pthread_mutex_t   lock; // guards bytes and writers
    int64_t           bytes;
};

Status picture_cache_new(PictureCache **out, int64_t n, int64_t budget)
{
    *out = NULL;
    if (budget <= 0)
        return OK;
    PictureCache *c = calloc(1, sizeof *c);
    if (c == NULL)
        return status_no_memory("the picture cache", sizeof *c);
    c->image = calloc((size_t)n, sizeof *c->image);
    if (c->image == NULL) {
        free(c);
        return status_no_memory("the picture cache", n * (int64_t)sizeof *c->image);
    }
    c->n = n;
    c->budget = budget;
    pthread_mutex_init(&c->lock, NULL);
    *out = c;
    return OK;
}

void picture_cache_free(PictureCache *c)
{
    if (c == NULL)
        return;
    for (int64_t i = 0; i < c->n; i++) {
        Image *im = atomic_load(&c->image[i]);
        if (im != NULL)
            image_release(im);
        free(im);
    }
    free((void *)c->image);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

const Image *picture_cache_find(PictureCache *c, int64_t index)
{
    return c != NULL ? atomic_load(&c->image[index]) : NULL;
}

const Image *picture_cache_keep(PictureCache *c, int64_t index, Image *decoded)
{
    if (c == NULL)
        return NULL;
    int64_t bytes = 3 * decoded->width * decoded->height + (int64_t)sizeof *decoded;
    pthread_mutex_lock(&c->lock);
    Image *kept = atomic_load(&c->image[index]);
    if (kept == NULL && c->bytes + bytes <= c->budget && (kept = malloc(sizeof *kept)) != NULL) {
        *kept = *decoded;
        *decoded = (Image){0}; // its memory moved
        c->bytes += bytes;
        atomic_store(&c->image[index], kept);
    }
    pthread_mutex_unlock(&c->lock);
    return kept;
}

int64_t picture_cache_bytes(PictureCache *c)
{
    if (c == NULL)
        return 0;
    pthread_mutex_lock(&c->lock);
    int64_t bytes = c->bytes;
    pthread_mutex_unlock(&c->lock);
    return bytes;
}
