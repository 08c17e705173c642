#include "pretrain/checkpoint.h"

#include <string.h>

static void add(Checkpoint *c, SafeTensor array, void *device)
{
    if (c->n == CHECKPOINT_MAX_ARRAYS && c->status == OK)
        c->status = status_fail(ERR_SHAPE, "checkpoint: more than %d arrays", c->n);
    if (c->status != OK)
        return;
    c->array[c->n] = array;
    c->device[c->n++] = device;
}

/* n floats of the device under PREFIX.PART, with room for a copy. */
static void add_flat(Checkpoint *c, const char *prefix, const char *part, float *device, int64_t n)
{
    const char *name = arena_printf(&c->arena, "%s.%s", prefix, part);
    float      *host = ARENA_ARRAY(&c->arena, float, n);
    if (!name || !host) {
        c->status = ERR_MEMORY;
        return;
    }
    add(c, (SafeTensor){.name = name, .type = SAFE_F32, .n_dims = 1, .dim = {n}, .data = host},
        device);
}

void checkpoint_params(Checkpoint *c, const char *prefix, const ParamSet *ps)
{
    add_flat(c, prefix, "values", ps->values, ps->n_values);
    if (!ps->is_frozen)
        add_flat(c, prefix, "momentum", ps->momentum, ps->n_values);
    add_flat(c, prefix, "buffers", ps->buffers, ps->n_buffers);
}

void checkpoint_host(Checkpoint *c, const char *name, SafeType type, int64_t n, void *host)
{
    add(c, (SafeTensor){.name = name, .type = type, .n_dims = 1, .dim = {n}, .data = host}, NULL);
}

void checkpoint_host_2d(Checkpoint *c, const char *name, SafeType type, int64_t rows,
                        int64_t columns, void *host)
{
    add(c,
        (SafeTensor){.name = name, .type = type, .n_dims = 2, .dim = {rows, columns}, .data = host},
        NULL);
}

static void *host_memory(const SafeTensor *x)
{
    return (void *)(uintptr_t)x->data;
}

static int64_t device_bytes(const SafeTensor *x)
{
    return x->dim[0] * (int64_t)sizeof(float);
}

Status checkpoint_save(Checkpoint *c, Run *run, int64_t step)
{
    TRY(c->status);
    for (int i = 0; i < c->n; i++)
        if (c->device[i])
            TRY(c->be->read(host_memory(&c->array[i]), c->device[i], device_bytes(&c->array[i])));
    return run_save(run, step, c->array, c->n, c->note, c->n_notes);
}

void checkpoint_note(Checkpoint *c, const char *key, const char *value)
{
    if (c->n_notes == CHECKPOINT_MAX_NOTES)
        c->status = status_fail(ERR_SHAPE, "checkpoint: more than %d notes", CHECKPOINT_MAX_NOTES);
    else
        c->note[c->n_notes++] = (SafeMeta){key, value};
}

const char *checkpoint_noted(const Checkpoint *c, const char *key)
{
    for (int i = 0; i < c->n_notes; i++)
        if (strcmp(c->note[i].key, key) == 0)
            return c->note[i].value;
    return NULL;
}

void checkpoint_note_data(Checkpoint *c, const char *digest)
{
    checkpoint_note(c, "data", digest);
}

Status checkpoint_want_data(const Checkpoint *c, const char *digest)
{
    const char *then = checkpoint_noted(c, "data");
    return !then || strcmp(then, digest) == 0
               ? OK
               : status_fail(ERR_RECIPE,
                             "resume: --data holds other names, labels or boxes than "
                             "what the run was started on; give that, or another --out");
}

static Status read_notes(Checkpoint *c, const SafeFile *file)
{
    for (int i = 0; i < c->n_notes; i++) {
        const char *said = safetensors_meta(file, c->note[i].key);
        c->note[i].value = said ? arena_strdup(&c->arena, said) : NULL;
        if (said && !c->note[i].value)
            return ERR_MEMORY;
    }
    return OK;
}

Status checkpoint_load(Checkpoint *c, Run *run, int64_t *step)
{
    SafeFile file = {0};
    TRY(c->status);
    Status st = run_resume(run, &file, step);
    if (st == OK && *step >= 0)
        st = run_restore(&file, c->array, c->n);
    if (st == OK && *step >= 0)
        st = read_notes(c, &file);
    safetensors_close(&file);
    return st;
}

Status checkpoint_put_back(Checkpoint *c)
{
    for (int i = 0; i < c->n; i++)
        if (c->device[i])
            TRY(c->be->write(c->device[i], c->array[i].data, device_bytes(&c->array[i])));
    return OK;
}

void checkpoint_release(Checkpoint *c)
{
    arena_release(&c->arena);
    *c = (Checkpoint){0};
}
