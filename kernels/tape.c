#include "kernels/tape.h"
#include "base/size.h"
#include "kernels/backend.h"
#include "kernels/body/bf16.h"
#include "kernels/pool.h"
#include "kernels/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static Tensor *root_of(Tensor *x)
{
    while (x->view_of)
        x = x->view_of;
    return x;
}

Status tape_init(Tape *t, const Backend *be, DType dtype)
{
    *t = (Tape){.be = be, .dtype = dtype};
    TRY(pool_new(&t->pool, be));
    tape_reset(t, 0);
    return t->status;
}

void tape_release(Tape *t)
{
    pool_free(t->pool);
    t->pool = NULL;
    arena_release(&t->arena);
}

void tape_reset(Tape *t, int flags)
{
    pool_reset(t->pool);
    arena_rewind(&t->arena, (ArenaMark){0});
    t->last = NULL;
    t->status = OK;
    t->count = NULL;
    t->is_recording = (flags & TAPE_RECORD) != 0;
    t->is_training = (flags & TAPE_TRAIN) != 0;
    t->nothing = (Tensor){.dtype = F32, .ndim = 4};
}

/* The sentence so far names a tensor or an op; what the step holds already says why it found no room. */
static Status no_room(const Tape *t)
{
    char cause[STATUS_TEXT_BYTES - 128];
    snprintf(cause, sizeof cause, "%s", status_text());
    return status_fail(ERR_MEMORY,
                       "%s; this step holds %.2f GB already, a smaller batch or bf16 needs less",
                       cause, (double)pool_bytes(t->pool) / 1e9);
}

Tensor *tape_fail(Tape *t, Status st)
{
    if (t->status == OK)
        t->status = st == ERR_MEMORY ? no_room(t) : st;
    return &t->nothing;
}

Status tape_status(const Tape *t)
{
    return t->status;
}

/* A header of this step without memory; NULL and a failed tape when it cannot be had. */
static Tensor *header(Tape *t, DType dtype, int ndim, const int64_t *dim)
{
    int64_t count, bytes;
    if (ndim < 0 || ndim > TENSOR_MAX_DIMS || !size_product(&count, dim, ndim) ||
        !size_mul(&bytes, count, 8)) {
        tape_fail(t, status_fail(ERR_SHAPE,
                                 "tape: a tensor of %d dims does not exist, at most %d "
                                 "non-negative dims whose product fits in memory do",
                                 ndim, TENSOR_MAX_DIMS));
        return NULL;
    }
    Tensor *x = ARENA_NEW(&t->arena, Tensor);
    if (!x) {
        tape_fail(t, ERR_MEMORY);
        return NULL;
    }
    x->dtype = dtype;
    x->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        x->dim[i] = dim[i];
    return x;
}

/* The backend's sentence, with the tensor. */
static Status named(const Tensor *x, Status st)
{
    char cause[STATUS_TEXT_BYTES - 128], shape[64];
    snprintf(cause, sizeof cause, "%s", status_text());
    return status_fail(st, "%s %s: %s", dtype_name(x->dtype), tensor_shape_text(x, shape), cause);
}

Tensor *tape_tensor(Tape *t, DType dtype, int ndim, const int64_t *dim)
{
    if (t->status != OK)
        return &t->nothing;
    Tensor *x = header(t, dtype, ndim, dim);
    if (!x)
        return &t->nothing;
    Status st = pool_take(t->pool, &x->data, tensor_bytes(x));
    if (st != OK)
        return tape_fail(t, named(x, st));
    x->is_pooled = true;
    return x;
}

Tensor *tape_input(Tape *t, DType dtype, int ndim, const int64_t *dim, const void *host)
{
    Tensor *x = tape_tensor(t, dtype, ndim, dim);
    if (t->status != OK)
        return x;
    Status st = tensor_count(x) > 0 ? t->be->write(x->data, host, tensor_bytes(x)) : OK;
    return st == OK ? x : tape_fail(t, st);
}

Tensor *reshape(Tape *t, Tensor *x, int ndim, const int64_t *dim)
{
    if (t->status != OK)
        return &t->nothing;
    int64_t full[TENSOR_MAX_DIMS] = {0}, known = 1, count = tensor_count(x);
    int     open = -1;
    bool    fits = ndim >= 0 && ndim <= TENSOR_MAX_DIMS;
    for (int i = 0; fits && i < ndim; i++) {
        full[i] = dim[i];
        if (dim[i] == -1 && open < 0)
            open = i;
        else
            fits = size_mul(&known, known, dim[i]);
    }
    if (fits && open >= 0 && known > 0)
        full[open] = count / known;
    if (fits && open >= 0)
        fits = known > 0 && full[open] * known == count;
    else
        fits = fits && known == count;
    if (!fits) {
        char shape[64];
        return tape_fail(
            t, status_fail(ERR_SHAPE,
                           "reshape: %s has %lld elements, which the %d dims asked for do not",
                           tensor_shape_text(x, shape), (long long)count, ndim));
    }
    Tensor *y = header(t, x->dtype, ndim, full);
    if (!y)
        return &t->nothing;
    y->data = x->data;
    y->view_of = root_of(x);
    y->wants_grad = x->wants_grad;
    return y;
}

Tensor *detach(Tape *t, Tensor *x)
{
    Tensor *y = reshape(t, x, x->ndim, x->dim);
    if (t->status != OK)
        return y;
    y->wants_grad = false;
    return y;
}

Tensor *tape_keep(Tensor *x)
{
    x->is_kept = true;
    root_of(x)->is_kept = true;
    return x;
}

/* Memory of x and its gradient back to the pool, unless someone owns or keeps it. */
static void give_back(Tape *t, Tensor *x)
{
    if (!x || x->is_kept)
        return;
    if (x->is_pooled && !x->view_of) {
        pool_give(t->pool, x->data);
        x->data = NULL;
        x->is_pooled = false;
    }
    if (x->grad && x->grad->is_pooled) {
        pool_give(t->pool, x->grad->data);
        x->grad = NULL;
    }
}

void tape_done(Tape *t, Tensor *x)
{
    Tensor *root = root_of(x);
    if (root != &t->nothing && !root->is_needed)
        give_back(t, root);
}

static bool any_wants_grad(Tensor *const *in, int n_in)
{
    for (int i = 0; i < n_in; i++)
        if (in[i] && in[i]->wants_grad)
            return true;
    return false;
}

static Node *node_new(Tape *t, Tensor *const *in, int n_in, Tensor *const *saved, int n_saved,
                      const void *op, int64_t op_bytes)
{
    Node *node = ARENA_NEW(&t->arena, Node);
    void *copy = node ? arena_alloc(&t->arena, op_bytes) : NULL;
    if (!copy)
        return NULL;
    if (op_bytes > 0)
        memcpy(copy, op, (size_t)op_bytes);
    node->op = copy;
    for (int i = 0; i < n_in; i++)
        if ((node->in[i] = in[i]))
            root_of(in[i])->is_needed = true;
    for (int i = 0; i < n_saved; i++)
        node->saved[i] = saved[i];
    return node;
}

Tensor *tape_record(Tape *t, const char *name, Tensor *y, NodeBackward *backward, Tensor *const *in,
                    int n_in, Tensor *const *saved, int n_saved, const void *op, int64_t op_bytes)
{
    if (t->status != OK)
        return &t->nothing;
    profile_forward(t, name, n_in > 0 ? in[0] : NULL, n_in > 1 ? in[1] : NULL, y);
    if (!t->is_recording || !backward || !any_wants_grad(in, n_in)) {
        for (int i = 0; i < n_saved; i++)
            if (saved[i])
                give_back(t, saved[i]);
        return y;
    }
    Node *node = node_new(t, in, n_in, saved, n_saved, op, op_bytes);
    if (!node)
        return tape_fail(t, ERR_MEMORY);
    node->backward = backward;
    node->name = name;
    node->out = y;
    node->before = t->last;
    t->last = node;
    y->wants_grad = true;
    y->is_needed = true;
    return y;
}

Tensor *tape_grad(Tape *t, Tensor *x)
{
    if (x->grad)
        return x->grad;
    Tensor *g = NULL;
    if (x->view_of) {
        Tensor *of = tape_grad(t, x->view_of);
        if (!of || !(g = header(t, x->dtype, x->ndim, x->dim)))
            return NULL;
        g->data = of->data;
        g->view_of = of;
    } else {
        g = tape_tensor(t, x->dtype, x->ndim, x->dim);
        if (t->status != OK)
            return NULL;
        g->is_blank = true;
    }
    return x->grad = g;
}

float tensor_beta(Tensor *dx)
{
    dx = root_of(dx);
    bool is_blank = dx->is_blank;
    dx->is_blank = false;
    return is_blank ? 0.0f : 1.0f;
}

Status tape_backward(Tape *t, Tensor *loss)
{
    TRY(t->status);
    if (tensor_count(loss) != 1) {
        char shape[64];
        return status_fail(ERR_SHAPE, "tape_backward: wants a scalar loss, this one has shape %s",
                           tensor_shape_text(loss, shape));
    }
    Tensor *one = tape_grad(t, loss);
    if (!one)
        return t->status;
    (void)tensor_beta(one);
    TRY(t->be->fill(one, 1.0f));
    profile_start(t);
    for (Node *n = t->last; n; n = n->before) {
        if (n->out->grad && !root_of(n->out->grad)->is_blank) {
            Status st = n->backward(t, n);
            if (st != OK)
                (void)tape_fail(t, st);
            TRY(t->status);
        }
        profile_backward(t, n);
        for (int i = 0; i < NODE_MAX_SAVED; i++)
            give_back(t, n->saved[i]);
        give_back(t, n->out);
    }
    t->last = NULL;
    return OK;
}

Status tape_read(Tape *t, float *host, const Tensor *x)
{
    TRY(t->status);
    int64_t n = tensor_count(x);
    if (x->dtype != F32 && x->dtype != BF16)
        return status_fail(ERR_UNSUPPORTED, "tape_read: reads f32 and bf16, this tensor is %s",
                           dtype_name(x->dtype));
    if (n == 0)
        return OK;
    if (x->dtype == F32)
        return t->be->read(host, x->data, tensor_bytes(x));
    uint16_t *narrow = malloc((size_t)n * sizeof *narrow);
    if (!narrow)
        return status_no_memory("tape_read", (long long)n * 2);
    Status st = t->be->read(narrow, x->data, tensor_bytes(x));
    for (int64_t i = 0; st == OK && i < n; i++)
        host[i] = bf16_to_f32(narrow[i]);
    free(narrow);
    return st;
}

int64_t tape_pool_bytes(const Tape *t)
{
    return pool_bytes(t->pool);
}

int64_t tape_peak_bytes(const Tape *t)
{
    return pool_peak(t->pool);
}
