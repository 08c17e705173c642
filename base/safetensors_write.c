/* safetensors_write.c -- the part of safetensors.h that writes */
#include "base/json.h"
#include "base/number.h"
#include "base/safetensors.h"
#include "base/safetensors_layout.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { DATA_ALIGN = 64, MOST_NAME = 4096 };

/* Wide types first, so that every array is aligned to its type; then by name. */
static int by_layout(const void *a, const void *b)
{
    const SafeTensor *u = *(const SafeTensor *const *)a, *v = *(const SafeTensor *const *)b;
    int64_t           du = safetensors_type_size(u->type), dv = safetensors_type_size(v->type);
    return du != dv ? (du > dv ? -1 : 1) : strcmp(u->name, v->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const SafeTensor *const *)a)->name, (*(const SafeTensor *const *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const SafeMeta *const *)a)->key, (*(const SafeMeta *const *)b)->key);
}

static Status check_name(const char *path, const char *name)
{
    int64_t n = (int64_t)strlen(name);
    if (n < 1 || n > MOST_NAME || !utf8_check(name, n, NULL) || strcmp(name, "__metadata__") == 0)
        return status_fail(ERR_FORMAT,
                           "%s: tensor name \"%.200s\": expected 1 to %d bytes of UTF-8", path,
                           name, MOST_NAME);
    return OK;
}

static Status tensor_bytes(int64_t *bytes, const char *path, const SafeTensor *t)
{
    int64_t count;
    if ((unsigned)t->type >= SAFE_TYPES || t->n_dims < 0 || t->n_dims > SAFE_DIMS ||
        !size_product(&count, t->dim, t->n_dims) ||
        !size_mul(bytes, count, safetensors_type_size(t->type)))
        return status_fail(ERR_SHAPE, "%s: tensor \"%s\" has no valid type or shape", path,
                           t->name);
    if (t->n_bytes != 0 && t->n_bytes != *bytes)
        return status_fail(ERR_SHAPE, "%s: tensor \"%s\": shape wants %lld bytes, given %lld", path,
                           t->name, (long long)*bytes, (long long)t->n_bytes);
    return OK;
}

static Status put_metadata(Text *header, Arena *a, const char *path, const SafeMeta *meta,
                           int64_t n)
{
    const SafeMeta **sorted = ARENA_ARRAY(a, const SafeMeta *, n + 1);
    SafeMeta         format = {"format", "pt"};
    if (!sorted)
        return ERR_MEMORY;
    sorted[n] = &format;
    for (int64_t i = 0; i < n; i++) {
        sorted[i] = &meta[i];
        if (strcmp(meta[i].key, "checksum") == 0 || strcmp(meta[i].key, "writer") == 0)
            return status_fail(ERR_FORMAT, "%s: metadata key \"%s\" is reserved", path,
                               meta[i].key);
        if (strcmp(meta[i].key, "format") == 0)
            sorted[n] = NULL;
    }
    int64_t total = n + (sorted[n] != NULL);
    qsort(sorted, (size_t)total, sizeof *sorted, by_key);
    text_puts(header, SAFE_PREFIX SAFE_ZERO_DIGITS "\"");
    for (int64_t i = 0; i < total; i++) {
        if (i > 0 && strcmp(sorted[i - 1]->key, sorted[i]->key) == 0)
            return status_fail(ERR_FORMAT, "%s: metadata key \"%s\" is given twice", path,
                               sorted[i]->key);
        text_putc(header, ',');
        text_json(header, sorted[i]->key);
        text_putc(header, ':');
        text_json(header, sorted[i]->value);
    }
    text_puts(header, ",\"writer\":\"" SAFE_WRITER "\"}");
    return OK;
}

static void put_tensor(Text *header, const SafeTensor *t, int64_t begin, int64_t end)
{
    text_putc(header, ',');
    text_json(header, t->name);
    text_printf(header, ":{\"dtype\":\"%s\",\"shape\":[", safetensors_type_name(t->type));
    for (int i = 0; i < t->n_dims; i++)
        text_printf(header, "%s%lld", i ? "," : "", (long long)t->dim[i]);
    text_printf(header, "],\"data_offsets\":[%lld,%lld]}", (long long)begin, (long long)end);
}

/* header = the 8 length bytes and the padded JSON; order = the tensors as they lie in the file. */
static Status make_header(Text *header, const SafeTensor **order, Arena *a, const char *path,
                          const SafeTensor *tensors, int64_t n, const SafeMeta *meta,
                          int64_t n_meta)
{
    int64_t offset = 0, bytes;
    if (n > SAFE_MAX_TENSORS)
        return status_fail(ERR_FORMAT, "%s: %lld tensors, expected at most %d", path, (long long)n,
                           SAFE_MAX_TENSORS);
    for (int64_t i = 0; i < n; i++) {
        order[i] = &tensors[i];
        TRY(check_name(path, tensors[i].name));
        TRY(tensor_bytes(&bytes, path, &tensors[i]));
    }
    if (n > 0)
        qsort(order, (size_t)n, sizeof *order, by_name);
    for (int64_t i = 1; i < n; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0)
            return status_fail(ERR_FORMAT, "%s: tensor \"%s\" is given twice", path,
                               order[i]->name);
    if (n > 0)
        qsort(order, (size_t)n, sizeof *order, by_layout);

    text_append(header, "\0\0\0\0\0\0\0\0", 8);
    TRY(put_metadata(header, a, path, meta, n_meta));
    for (int64_t i = 0; i < n; i++) {
        int64_t end;
        TRY(tensor_bytes(&bytes, path, order[i]));
        if (!size_add(&end, offset, bytes))
            return status_fail(ERR_SHAPE, "%s: the tensors' sizes overflow", path);
        put_tensor(header, order[i], offset, end);
        offset = end;
    }
    text_putc(header, '}');
    while (header->len % DATA_ALIGN != 0 && !header->failed)
        text_putc(header, ' ');
    TRY(text_status(header));
    int64_t length = header->len - 8;
    if (length > SAFE_MAX_HEADER)
        return status_fail(ERR_FORMAT, "%s: a header of %lld bytes, expected at most %d", path,
                           (long long)length, SAFE_MAX_HEADER);
    for (int i = 0; i < 8; i++)
        header->data[i] = (char)((uint64_t)length >> (8 * i) & 255);
    return OK;
}

Status safetensors_write(const char *path, const SafeTensor *tensors, int64_t n,
                         const SafeMeta *meta, int64_t n_meta)
{
    Status             st = OK;
    Arena              arena = {0};
    Text               header = {0};
    FileReplace        r = {0};
    XXH3_state_t      *state = XXH3_createState();
    const SafeTensor **order = ARENA_ARRAY(&arena, const SafeTensor *, n);
    char               digits[SAFE_DIGITS + 1];
    if (!state || !order) {
        st = status_no_memory(path, (long long)n * 8);
        goto out;
    }
    TRY_OUT(make_header(&header, order, &arena, path, tensors, n, meta, n_meta));
    TRY_OUT(file_replace_begin(&r, path));
    TRY_OUT(file_replace_write(&r, header.data, header.len));
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, header.data, (size_t)header.len);
    for (int64_t i = 0; i < n; i++) {
        int64_t bytes;
        TRY_OUT(tensor_bytes(&bytes, path, order[i]));
        TRY_OUT(file_replace_write(&r, order[i]->data, bytes));
        XXH3_64bits_update(state, order[i]->data, (size_t)bytes);
    }
    safetensors_digits(digits, XXH3_64bits_digest(state));
    TRY_OUT(file_replace_write_at(&r, SAFE_DIGITS_AT, digits, SAFE_DIGITS));
    TRY_OUT(file_replace_commit(&r));
out:
    file_replace_abort(&r);
    XXH3_freeState(state);
    text_release(&header);
    arena_release(&arena);
    return st;
}
