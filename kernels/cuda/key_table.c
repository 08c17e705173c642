/* key_table.c -- linear probing in a table that is at most half full */
#include "kernels/cuda/key_table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 128 };

static uint64_t hash_of(const void *key, int64_t bytes) // FNV-1a
{
    uint64_t h = 14695981039346656037u;
    for (int64_t i = 0; i < bytes; i++)
        h = (h ^ ((const unsigned char *)key)[i]) * 1099511628211u;
    return h ^ h >> 32;
}

/* Where the key is, or the free place where it belongs. */
static int64_t place_of(const KeyTable *t, const void *key)
{
    int64_t mask = t->capacity - 1, i = (int64_t)(hash_of(key, t->key_bytes) & (uint64_t)mask);
    while (t->value[i] >= 0 && memcmp(t->key + i * t->key_bytes, key, (size_t)t->key_bytes) != 0)
        i = (i + 1) & mask;
    return i;
}

static void put(KeyTable *t, const void *key, int32_t value)
{
    int64_t i = place_of(t, key);
    t->n += t->value[i] < 0;
    t->value[i] = value;
    memcpy(t->key + i * t->key_bytes, key, (size_t)t->key_bytes);
}

static int grow(KeyTable *t)
{
    KeyTable more = {.key_bytes = t->key_bytes,
                     .capacity = t->capacity ? 2 * t->capacity : FIRST_CAPACITY};
    more.key = malloc((size_t)(more.capacity * more.key_bytes));
    more.value = malloc((size_t)more.capacity * sizeof *more.value);
    if (!more.key || !more.value) {
        key_table_release(&more);
        return 0;
    }
    memset(more.value, 0xff, (size_t)more.capacity * sizeof *more.value);
    for (int64_t i = 0; i < t->capacity; i++)
        if (t->value[i] >= 0)
            put(&more, t->key + i * t->key_bytes, t->value[i]);
    key_table_release(t);
    *t = more;
    return 1;
}

int32_t key_table_find(const KeyTable *t, const void *key)
{
    return t->capacity ? t->value[place_of(t, key)] : -1;
}

int key_table_put(KeyTable *t, const void *key, int32_t value)
{
    if (2 * (t->n + 1) > t->capacity && !grow(t))
        return 0;
    put(t, key, value);
    return 1;
}

void key_table_release(KeyTable *t)
{
    free(t->key);
    free(t->value);
    *t = (KeyTable){.key_bytes = t->key_bytes};
}
