/* json_records.h -- the records of a large JSON file, read by many threads
 *
 *      {"images": [{..}, {..}], "annotations": [{..}, {..}, {..}, {..}, {..}]}      or      [{..}, {..}, {..}]
 *                                              | piece 0  | piece 1 | piece 2
 *
 * Pieces are cut where "}, {" stands near a multiple of their size. A cut is only a guess, for the pattern may lie in a
 * string or in a list inside a record; it counts when the piece before it, read strictly from a place known to be right,
 * ends exactly there. Otherwise reading goes on where that piece ended. So every byte is read under the rules of
 * json_stream.h, and what handlers see does not depend on the cuts (but `len` of the END of the root and of its arrays,
 * which is 0 here).
 *
 * Failures are not explained here: whatever is unusual or wrong, the answer is false, and the caller reads the file
 * with json_stream_bytes, which says what it is and on which line.
 */
#pragma once
#include "base/json_stream.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct JsonRecords {
    JsonHandler *handler; // events with depths as in json_stream.h
    void *
        ctx; // its context for the events outside pieces, among them the first record of each array
    int64_t n_slots; // pieces read at once; a multiple of the threads
    int64_t piece;   // bytes of one, about; at least 1
    void
        *owner; // of the slots, for the two functions below; they are called on the caller's thread
    /* The handler's context for the piece in `slot`, with no records yet. NULL: no memory. */
    void *(*begin)(void *owner, int64_t slot);
    /* The records of `slot` come next in the file, which is done with up to byte `end`. Anything but OK: false. */
    Status (*join)(void *owner, int64_t slot, int64_t end);
} JsonRecords;

/* Arrays of the root object, or the root array, in pieces; all else by `handler` with `ctx`, in file order. False:
 * some of the records have been sent, and all must be forgotten. */
bool json_records_read(const JsonRecords *r, const char *bytes, int64_t n,
                       const JsonLimits *limits);
