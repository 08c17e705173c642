/* key_table.h -- a number for each of many keys of one size, found by hash
 *
 * Keys are compared byte by byte: a struct is zeroed before it is filled. Numbers are never negative.
 */
#pragma once
#include <stdint.h>

typedef struct KeyTable {
    int64_t  key_bytes; // set this, zero the rest
    int64_t  n, capacity;
    char    *key;   // capacity keys
    int32_t *value; // -1: a free place
} KeyTable;

/* The number of a key, -1 when it has none. */
int32_t key_table_find(const KeyTable *t, const void *key);

/* Gives the key a number, or another one. false when memory is out: the table is as before. */
int key_table_put(KeyTable *t, const void *key, int32_t value);

void key_table_release(KeyTable *t);
