/* ledger.h -- numbers that steps leave on the device until somebody wants to read them
 *
 *                  word 0   1       2 3
 *      step s      loss     top-1   squares (f64)   ...      a row a step, of 4-byte words
 *      step s + 1  ...
 *
 * A step copies its scalars into a row on the device and never waits; ledger_read fetches all rows at once, so a loop
 * still sees every step's numbers exactly, only later: when it logs, before it saves, or when the ledger is full. On
 * backends whose memory is the host's (Backend.is_host) waiting costs nothing, and each step is due at once.
 */
#pragma once
#include "kernels/backend.h"

typedef struct Ledger {
    const Backend *be;
    void          *device; // (capacity, n_words)
    char          *host;   // likewise: the rows read last
    int64_t        n_words, capacity;
    int64_t        n_rows; // on the device, complete and not read yet
} Ledger;

/* n_words > 0 a step, room for capacity > 0 steps. ERR_MEMORY, ERR_DEVICE. */
Status ledger_open(Ledger *l, const Backend *be, int64_t n_words, int64_t capacity);
void   ledger_close(Ledger *l); // a zeroed one is fine

/* n 4-byte words of device memory into the row of the running step, from `word` on. */
Status ledger_put(Ledger *l, int64_t word, const void *device, int64_t n);

/* The running step's row is complete. */
void ledger_end_step(Ledger *l);

/* Whether the rows must be read before the next step begins, or may be for nothing. */
bool ledger_is_due(const Ledger *l);

/* Fetches all complete rows (*n of them, oldest first) and empties the ledger. */
Status ledger_read(Ledger *l, int64_t *n);

/* Of a row that was read: one number. */
float   ledger_f32(const Ledger *l, int64_t row, int64_t word);
int32_t ledger_i32(const Ledger *l, int64_t row, int64_t word);
double  ledger_f64(const Ledger *l, int64_t row, int64_t word); // over words word, word + 1
