#include "kernels/feed.h"
#include "base/size.h"
#include <assert.h>

enum { LEAST_ROOM = 1 << 16 };

/* Sizes that vary would ask often without the slack. */
static Status make_room(const Backend *be, FeedStage *s, int64_t bytes)
{
    if (bytes <= s->capacity)
        return OK;
    int64_t room = size_max(s->memory ? bytes + bytes / 4 : bytes, LEAST_ROOM);
    be->free(s->memory);
    s->capacity = 0;
    TRY(backend_alloc(be, &s->memory, room, "stage of the next inputs"));
    s->capacity = room;
    return be->sync();
}

Status feed_put(Feed *f, void *to, const void *host, int64_t bytes)
{
    if (!f->be->feed)
        return bytes > 0 ? f->be->write(to, host, bytes) : OK;
    assert(f->n < FEED_MOST);
    FeedStage *s = &f->stage[f->n];
    TRY(make_room(f->be, s, bytes));
    if (bytes > 0)
        TRY(f->be->feed(s->memory, host, bytes));
    s->to = to;
    s->bytes = bytes;
    f->n++;
    return OK;
}

Tensor *feed_input(Feed *f, Tape *t, DType dtype, int ndim, const int64_t *dim, const void *host)
{
    Tensor *x = tape_tensor(t, dtype, ndim, dim);
    if (t->status != OK)
        return x;
    Status st = feed_put(f, x->data, host, tensor_bytes(x));
    return st == OK ? x : tape_fail(t, st);
}

Status feed_end(Feed *f)
{
    Status st = OK;
    for (int i = 0; i < f->n && st == OK; i++)
        st = f->be->feed_use(f->stage[i].to, f->stage[i].memory, f->stage[i].bytes);
    f->n = 0;
    return st;
}

void feed_release(Feed *f)
{
    if (f->be && f->be->feed)
        (void)f->be->feed_use(NULL, NULL, 0); // frees come behind feeds that nobody used
    for (int i = 0; i < FEED_MOST; i++)
        if (f->stage[i].memory)
            f->be->free(f->stage[i].memory);
    *f = (Feed){0};
}
