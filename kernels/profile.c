#include "kernels/profile.h"
#include "kernels/backend.h"
#include "kernels/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

static ProfileRow *row_of(Profile *p, const char *key)
{
    for (int i = 0; i < p->n_rows; i++)
        if (strcmp(p->row[i].key, key) == 0)
            return &p->row[i];
    if (p->n_rows < PROFILE_MAX_ROWS) {
        ProfileRow *row = &p->row[p->n_rows++];
        snprintf(row->key, sizeof row->key, "%s", p->n_rows == PROFILE_MAX_ROWS ? "others" : key);
        return row;
    }
    return &p->row[PROFILE_MAX_ROWS - 1];
}

static ProfileRow *row_of_op(Profile *p, const char *name, const Tensor *in, const Tensor *weight)
{
    char key[PROFILE_KEY_CHARS], a[64] = "", b[64] = "";
    if (in)
        tensor_shape_text(in, a);
    if (weight)
        tensor_shape_text(weight, b);
    snprintf(key, sizeof key, "%.20s %.36s %.36s", name, a, b);
    return row_of(p, key);
}

Status profile_trace_open(Profile *p, const char *path)
{
    p->trace = fopen(path, "w");
    if (!p->trace)
        return status_fail(ERR_CREATE, "%s: the trace cannot be created", path);
    p->trace_from = now();
    fprintf(p->trace, "[\n{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":1,"
                      "\"args\":{\"name\":\"forward\"}},\n"
                      "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":2,"
                      "\"args\":{\"name\":\"backward\"}},\n"
                      "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":3,"
                      "\"args\":{\"name\":\"optimiser\"}}");
    return OK;
}

Status profile_trace_close(Profile *p)
{
    if (!p->trace)
        return OK;
    fprintf(p->trace, "\n]\n");
    bool is_whole = !ferror(p->trace);
    is_whole = fclose(p->trace) == 0 && is_whole;
    p->trace = NULL;
    return is_whole ? OK : status_fail(ERR_IO, "the trace could not be written to its end");
}

/* What passed since the last event. */
typedef struct Lap {
    double  ms;
    int64_t bytes;
} Lap;

static Lap lap(Profile *p, const Backend *be)
{
    (void)be->sync();
    double  at = now();
    int64_t bytes = meter_bytes();
    Lap     l = {1e3 * (at - p->since), bytes - p->bytes_since};
    p->since = at;
    p->bytes_since = bytes;
    return l;
}

/* The event that ended just now, on a row of the trace. */
static void trace(const Profile *p, const char *key, Lap l, int row)
{
    if (p->trace)
        fprintf(p->trace,
                ",\n{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,"
                "\"args\":{\"bytes\":%lld}}",
                key, row, 1e6 * (p->since - p->trace_from) - 1e3 * l.ms, 1e3 * l.ms,
                (long long)l.bytes);
}

static void forward(Profile *p, ProfileRow *row, Lap l, int trace_row)
{
    row->calls++;
    row->forward_ms += l.ms;
    row->bytes += l.bytes;
    trace(p, row->key, l, trace_row);
}

void profile_start(Tape *t)
{
    if (t->profile)
        (void)lap(t->profile, t->be);
}

void profile_forward(Tape *t, const char *name, const Tensor *in, const Tensor *weight,
                     const Tensor *out)
{
    (void)out;
    if (!t->profile)
        return;
    if (t->profile->since == 0)
        (void)lap(t->profile, t->be);
    forward(t->profile, row_of_op(t->profile, name, in, weight), lap(t->profile, t->be), 1);
}

void profile_backward(Tape *t, const Node *node)
{
    if (!t->profile)
        return;
    ProfileRow *row = row_of_op(t->profile, node->name, node->in[0], node->in[1]);
    Lap         l = lap(t->profile, t->be);
    row->backward_ms += l.ms;
    row->bytes += l.bytes;
    trace(t->profile, row->key, l, 2);
}

void profile_optimiser(Profile *p, const Backend *be, const char *op)
{
    forward(p, row_of(p, op), lap(p, be), 3);
}

static int by_time(const void *a, const void *b)
{
    const ProfileRow *x = a, *y = b;
    double            dx = x->forward_ms + x->backward_ms, dy = y->forward_ms + y->backward_ms;
    return (dx < dy) - (dx > dy);
}

void profile_sort(Profile *p)
{
    qsort(p->row, (size_t)p->n_rows, sizeof *p->row, by_time);
}
