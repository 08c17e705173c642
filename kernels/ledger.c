#include "kernels/ledger.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

enum { WORD = 4 };

Status ledger_open(Ledger *l, const Backend *be, int64_t n_words, int64_t capacity)
{
    int64_t bytes;
    *l = (Ledger){.be = be, .n_words = n_words, .capacity = capacity};
    if (!size_product(&bytes, (int64_t[]){n_words, capacity, WORD}, 3))
        return status_no_memory("a ledger", n_words);
    l->host = malloc((size_t)bytes);
    if (l->host == NULL)
        return status_no_memory("a ledger", bytes);
    Status st = backend_alloc(be, &l->device, bytes, "ledger of the steps");
    if (st != OK)
        ledger_close(l);
    return st;
}

void ledger_close(Ledger *l)
{
    if (l->device)
        l->be->free(l->device);
    free(l->host);
    *l = (Ledger){0};
}

static int64_t offset(const Ledger *l, int64_t row, int64_t word)
{
    return (row * l->n_words + word) * WORD;
}

Status ledger_put(Ledger *l, int64_t word, const void *device, int64_t n)
{
    return l->be->copy((char *)l->device + offset(l, l->n_rows, word), device, n * WORD);
}

void ledger_end_step(Ledger *l)
{
    l->n_rows++;
}

bool ledger_is_due(const Ledger *l)
{
    return l->n_rows == l->capacity || (l->be->is_host && l->n_rows > 0);
}

Status ledger_read(Ledger *l, int64_t *n)
{
    *n = l->n_rows;
    l->n_rows = 0;
    return *n > 0 ? l->be->read(l->host, l->device, offset(l, *n, 0)) : OK;
}

float ledger_f32(const Ledger *l, int64_t row, int64_t word)
{
    float value;
    memcpy(&value, l->host + offset(l, row, word), sizeof value);
    return value;
}

int32_t ledger_i32(const Ledger *l, int64_t row, int64_t word)
{
    int32_t value;
    memcpy(&value, l->host + offset(l, row, word), sizeof value);
    return value;
}

double ledger_f64(const Ledger *l, int64_t row, int64_t word)
{
    double value;
    memcpy(&value, l->host + offset(l, row, word), sizeof value);
    return value;
}
