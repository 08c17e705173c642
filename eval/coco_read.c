/* coco_read.c -- files and texts to the tables of coco_data.h, on many threads when they are large */
#include "base/file.h"
#include "base/json_records.h"
#include "base/threads.h"
#include "eval/coco_parse.h"
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 20, PIECES_PER_THREAD = 4 };

static const JsonLimits LIMITS = {.max_depth = 64, .max_string = 16 << 20};

/* One file on its way into columns. */
typedef struct Reading {
    CocoParse      parse;
    CocoParse     *slot; // pieces at work
    int64_t        n_slots;
    const FileMap *map; // NULL: the bytes are the caller's
} Reading;

static void release_reading(Reading *r)
{
    coco_raw_release(&r->parse.raw);
    for (int64_t k = 0; k < r->n_slots; k++)
        coco_raw_release(&r->slot[k].raw);
    free(r->slot);
}

/* ---- pieces ---- */

static void *begin_piece(void *owner, int64_t slot)
{
    Reading         *r = (Reading *)owner;
    const CocoParse *whole = &r->parse;
    CocoRaw          memory = r->slot[slot].raw;
    coco_raw_clear(&memory);
    memory.n_keypoints = whole->raw.n_keypoints;
    memory.ids_are_text = whole->raw.ids_are_text;
    r->slot[slot] = *whole; // its section, and what the first record decided
    r->slot[slot].raw = memory;
    return &r->slot[slot];
}

static Status join_piece(void *owner, int64_t slot, int64_t end)
{
    Reading *r = (Reading *)owner;
    TRY(coco_raw_append(&r->parse.raw, &r->slot[slot].raw));
    if (r->map)
        file_map_forget(r->map, end);
    return OK;
}

/* False: nothing was gained, or something is wrong; the bytes have to be read from the start. */
static bool read_pieces(Reading *r, const char *bytes, int64_t n)
{
    int64_t piece = r->parse.opt.piece_bytes > 0 ? r->parse.opt.piece_bytes : PIECE_BYTES;
    if (threads_count() == 1 || n < 2 * piece)
        return false;
    r->n_slots = (int64_t)threads_count() * PIECES_PER_THREAD;
    r->slot = (CocoParse *)calloc((size_t)r->n_slots, sizeof *r->slot);
    if (!r->slot) {
        r->n_slots = 0;
        return false;
    }
    JsonRecords records = {.handler = coco_parse_event,
                           .ctx = &r->parse,
                           .n_slots = r->n_slots,
                           .piece = piece,
                           .owner = r,
                           .begin = begin_piece,
                           .join = join_piece};
    return json_records_read(&records, bytes, n, &LIMITS);
}

static Status read_columns(Reading *r, const CocoReadOptions *options, bool is_results,
                           const char *bytes, int64_t n, const char *name)
{
    coco_parse_init(&r->parse, options, is_results);
    if (!read_pieces(r, bytes, n)) {
        coco_raw_release(&r->parse.raw);
        coco_parse_init(&r->parse, options, is_results);
        TRY(json_stream_bytes(bytes, n, name, &LIMITS, coco_parse_event, &r->parse));
    }
    return coco_parse_check(&r->parse, name);
}

/* ---- entry points ---- */

static Status parse_truth(CocoTruth *t, const CocoReadOptions *options, const char *bytes,
                          int64_t n, const char *name, const FileMap *map)
{
    Reading r = {.map = map};
    Status  st = OK;
    memset(t, 0, sizeof *t);
    TRY_OUT(read_columns(&r, options, false, bytes, n, name));
    TRY_OUT(coco_index_truth(t, options, &r.parse.raw, name));
out:
    release_reading(&r);
    return st;
}

static Status parse_results(CocoResults *found, const CocoReadOptions *options,
                            const CocoTruth *truth, const char *bytes, int64_t n, const char *name,
                            const FileMap *map)
{
    Reading r = {.map = map};
    Status  st = OK;
    memset(found, 0, sizeof *found);
    TRY_OUT(read_columns(&r, options, true, bytes, n, name));
    TRY_OUT(coco_index_results(found, options, &r.parse.raw, truth, name));
out:
    release_reading(&r);
    return st;
}

Status coco_truth_parse(CocoTruth *t, const CocoReadOptions *options, const char *bytes, int64_t n,
                        const char *name)
{
    return parse_truth(t, options, bytes, n, name, NULL);
}

Status coco_results_parse(CocoResults *found, const CocoReadOptions *options,
                          const CocoTruth *truth, const char *bytes, int64_t n, const char *name)
{
    return parse_results(found, options, truth, bytes, n, name, NULL);
}

Status coco_truth_read(CocoTruth *t, const CocoReadOptions *options, const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Status st = parse_truth(t, options, map.bytes, map.n, path, &map);
    file_unmap(&map);
    return st;
}

Status coco_results_read(CocoResults *found, const CocoReadOptions *options, const CocoTruth *truth,
                         const char *path)
{
    FileMap map;
    TRY(file_map(&map, path));
    Status st = parse_results(found, options, truth, map.bytes, map.n, path, &map);
    file_unmap(&map);
    return st;
}

Status coco_read(CocoTruth *truth, CocoResults *results, const CocoReadOptions *options,
                 const char *truth_path, const char *results_path)
{
    memset(results, 0, sizeof *results);
    TRY(coco_truth_read(truth, options, truth_path));
    return coco_results_read(results, options, truth, results_path);
}

void coco_truth_release(CocoTruth *t)
{
    arena_release(&t->arena);
    coco_rows_release(&t->rows);
    free(t->listed);
    text_release(&t->warnings);
    memset(t, 0, sizeof *t);
}

void coco_results_release(CocoResults *r)
{
    coco_rows_release(&r->rows);
    text_release(&r->warnings);
    memset(r, 0, sizeof *r);
}
