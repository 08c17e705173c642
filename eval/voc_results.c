/* voc_results.c -- devkit result files and COCO-style JSON as columns; see voc_files.h */
#include "eval/voc_results.h"
#include "base/file.h"
#include "base/json_stream.h"
#include "base/number.h"
#include "eval/column.h"
#include <math.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 30 };

#define LEAVE_OUT "--ignore-unknown leaves such rows out"

typedef struct Rows {
    VocData *d;
    COLUMN(int32_t) image;
    COLUMN(int32_t) label;
    COLUMN(double) box;
    COLUMN(double) score;
} Rows;

static void rows_release(Rows *r)
{
    COLUMN_RELEASE(&r->image);
    COLUMN_RELEASE(&r->label);
    COLUMN_RELEASE(&r->box);
    COLUMN_RELEASE(&r->score);
}

static Status rows_push(Rows *r, int64_t image, int64_t label, const double box[4], double score)
{
    TRY(COLUMN_PUSH(&r->image, (int32_t)image));
    TRY(COLUMN_PUSH(&r->label, (int32_t)label));
    TRY(COLUMN_PUSH(&r->score, score));
    TRY(COLUMN_RESERVE(&r->box, 4));
    memcpy(r->box.data + r->box.n, box, 4 * sizeof *box);
    r->box.n += 4;
    return OK;
}

/* Into the arena, so that one release frees all. */
static Status rows_keep(Rows *r)
{
    VocData *d = r->d;
    int64_t  n = r->image.n;
    int32_t *image = ARENA_ARRAY(&d->arena, int32_t, n);
    int32_t *label = ARENA_ARRAY(&d->arena, int32_t, n);
    double  *box = ARENA_ARRAY(&d->arena, double, 4 * n);
    double  *score = ARENA_ARRAY(&d->arena, double, n);
    if (!image || !label || !box || !score)
        return status_no_memory("VOC results", 48 * n);
    if (n > 0) {
        memcpy(image, r->image.data, (size_t)n * sizeof *image);
        memcpy(label, r->label.data, (size_t)n * sizeof *label);
        memcpy(box, r->box.data, (size_t)n * 4 * sizeof *box);
        memcpy(score, r->score.data, (size_t)n * sizeof *score);
    }
    d->set.found = (VocBoxList){.n = n, .image = image, .label = label, .box = box, .score = score};
    return OK;
}

/* ---- id score xmin ymin xmax ymax ---- */

static Status read_line(Rows *r, int64_t label, char *line, const char *path, int64_t number)
{
    char   *field[6];
    int64_t n = 0;
    double  value[5];
    for (char *at = line; n < 6; n++) {
        field[n] = at;
        char *stop = strchr(at, ' ');
        if (!stop) {
            n++;
            break;
        }
        *stop = 0;
        at = stop + 1;
        if (n == 5)
            n = 6; // a seventh field
    }
    if (n != 6)
        return status_fail(ERR_FORMAT,
                           "%s:%lld: expected `id score xmin ymin xmax ymax` with single spaces, "
                           "found %lld fields",
                           path, (long long)number, (long long)n);
    for (int k = 0; k < 5; k++)
        if (!number_parse_double(&value[k], field[k + 1], (int64_t)strlen(field[k + 1])))
            return status_fail(ERR_FORMAT, "%s:%lld: expected a finite number, found \"%.40s\"",
                               path, (long long)number, field[k + 1]);
    int64_t image = voc_data_image(r->d, field[0]);
    if (image < 0 && r->d->options.ignore_unknown) {
        r->d->n_ignored++;
        return OK;
    }
    if (image < 0)
        return status_fail(ERR_FORMAT,
                           "%s:%lld: image \"%.60s\" is not in the image set; " LEAVE_OUT, path,
                           (long long)number, field[0]);
    return rows_push(r, image, label, value + 1, value[0]);
}

static Status read_text(Rows *r, int64_t label, const char *path)
{
    Arena   scratch = {0};
    Status  st = OK;
    char   *bytes;
    int64_t n, line = 0;
    TRY_OUT(file_read(&scratch, &bytes, &n, path, MAX_TEXT_BYTES));
    for (char *at = bytes, *end = bytes + n; at < end;) {
        char *stop = (char *)memchr(at, '\n', (size_t)(end - at));
        char *next = stop ? stop + 1 : end;
        stop = stop ? stop : end;
        if (stop > at && stop[-1] == '\r')
            stop--;
        *stop = 0;
        if (strlen(at) != (size_t)(stop - at))
            TRY_OUT(status_fail(ERR_FORMAT, "%s:%lld: a zero byte in the line", path,
                                (long long)(line + 1)));
        TRY_OUT(read_line(r, label, at, path, ++line));
        at = next;
    }
out:
    arena_release(&scratch);
    return st;
}

/* comp4_det_test_dog.txt -> dog: the longest class name that ends the stem after an underscore; -1 when none does. */
static int64_t class_of_file(const VocData *d, const char *name)
{
    int64_t n = (int64_t)strlen(name), best = -1, best_n = 0;
    if (n < 5 || strcmp(name + n - 4, ".txt") != 0)
        return -1;
    n -= 4;
    for (int64_t c = 0; c < d->set.n_classes; c++) {
        int64_t len = (int64_t)strlen(d->class_name[c]);
        if (len < n && len > best_n && name[n - len - 1] == '_' &&
            memcmp(name + n - len, d->class_name[c], (size_t)len) == 0) {
            best = c;
            best_n = len;
        }
    }
    return best;
}

static Status read_folder(Rows *r, const char *dir)
{
    char  **names;
    int64_t n, found = 0;
    TRY(file_list(&r->d->arena, &names, &n, dir));
    uint8_t *seen = ARENA_ARRAY(&r->d->arena, uint8_t, r->d->set.n_classes);
    if (!seen)
        return status_no_memory("class marks", r->d->set.n_classes);
    for (int64_t i = 0; i < n; i++) {
        int64_t label = class_of_file(r->d, names[i]);
        if (label < 0 || strncmp(names[i], "comp", 4) != 0)
            continue;
        char *path = file_join(&r->d->arena, dir, names[i]);
        if (!path)
            return status_no_memory("paths", 4096);
        if (seen[label]++)
            return status_fail(
                ERR_FORMAT,
                "%s: a second result file for class \"%s\"; keep one split in the folder", path,
                r->d->class_name[label]);
        found++;
        TRY(read_text(r, label, path));
    }
    return found > 0
               ? OK
               : status_fail(ERR_MISSING,
                             "%s: no comp4_det_<split>_<class>.txt for any class of the set", dir);
}

/* ---- [{"image_id", "category_id", "bbox", "score"}, ...]; "category_name" goes before "category_id" ---- */

enum { HAS_IMAGE = 1, HAS_CLASS = 2, HAS_BOX = 4, HAS_SCORE = 8, HAS_ALL = 15, HAS_NAME = 16 };

typedef struct JsonRow {
    Rows    rows;
    int     key;  // the HAS_ bit of the member being read, 0 for others
    int     seen; // members met
    int64_t image, label;
    bool    is_named; // label comes from a name; else from id
    int64_t id;
    double  box[4], score;
    int     n_box;
} JsonRow;

static Status class_of_id(JsonRow *j, JsonStream *s)
{
    const VocData *d = j->rows.d;
    bool           listed = j->id >= 1 && j->id <= d->set.n_classes;
    j->label = listed ? j->id - 1 : -1;
    if (!listed && !d->options.ignore_unknown)
        return json_stream_fail(
            s, ERR_FORMAT,
            "category_id %lld is not in 1 .. %lld, the class list; name all with "
            "--classes, or " LEAVE_OUT,
            (long long)j->id, (long long)d->set.n_classes);
    return OK;
}

static Status finish_row(JsonRow *j, JsonStream *s)
{
    if (j->is_named)
        j->seen |= HAS_CLASS;
    if ((j->seen & HAS_ALL) != HAS_ALL)
        return json_stream_fail(
            s, ERR_FORMAT,
            "a result needs image_id, category_id, bbox and score; this one lacks %s",
            !(j->seen & HAS_IMAGE)   ? "image_id"
            : !(j->seen & HAS_CLASS) ? "category_id"
            : !(j->seen & HAS_BOX)   ? "bbox"
                                     : "score");
    if (!j->is_named)
        TRY(class_of_id(j, s));
    if (j->image < 0 || j->label < 0) {
        j->rows.d->n_ignored++;
        return OK;
    }
    double box[4] = {j->box[0], j->box[1], j->box[0] + j->box[2], j->box[1] + j->box[3]};
    for (int k = 0; k < 4; k++)
        if (!isfinite(box[k]) || fabs(box[k]) > 1e9)
            return json_stream_fail(s, ERR_FORMAT, "a box coordinate beyond 1e9");
    return rows_push(&j->rows, j->image, j->label, box, j->score);
}

static int member_of(const char *key)
{
    return strcmp(key, "image_id") == 0                                      ? HAS_IMAGE
           : strcmp(key, "category_id") == 0 || strcmp(key, "category") == 0 ? HAS_CLASS
           : strcmp(key, "category_name") == 0                               ? HAS_NAME
           : strcmp(key, "bbox") == 0                                        ? HAS_BOX
           : strcmp(key, "score") == 0                                       ? HAS_SCORE
                                                                             : 0;
}

static Status set_image(JsonRow *j, const JsonEvent *e, JsonStream *s)
{
    const VocData *d = j->rows.d;
    if (e->kind == JSON_STRING) {
        j->image = voc_data_image(d, e->text);
        if (j->image < 0 && !d->options.ignore_unknown)
            return json_stream_fail(s, ERR_FORMAT,
                                    "image \"%.60s\" is not in the image set; " LEAVE_OUT, e->text);
    } else if (e->kind == JSON_INT) {
        j->image = voc_data_image_number(d, e->integer);
        if (j->image == -2)
            return json_stream_fail(
                s, ERR_FORMAT, "image %lld could be several ids of the set; write image_id as text",
                (long long)e->integer);
        if (j->image < 0 && !d->options.ignore_unknown)
            return json_stream_fail(s, ERR_FORMAT, "image %lld is not in the image set; " LEAVE_OUT,
                                    (long long)e->integer);
    } else {
        return json_stream_fail(s, ERR_FORMAT, "expected image_id to be a string or an integer");
    }
    return OK;
}

static Status set_class(JsonRow *j, const JsonEvent *e, JsonStream *s)
{
    const VocData *d = j->rows.d;
    if (e->kind == JSON_STRING) {
        j->is_named = true;
        j->label = voc_data_class(d, e->text, (int64_t)strlen(e->text));
        if (j->label < 0 && !d->options.ignore_unknown)
            return json_stream_fail(
                s, ERR_FORMAT,
                "class \"%.60s\" is not in the class list; name all with --classes, or " LEAVE_OUT,
                e->text);
    } else if (e->kind == JSON_INT && j->key == HAS_CLASS) {
        j->id = e->integer;
    } else {
        return json_stream_fail(s, ERR_FORMAT,
                                "expected category_id to be an integer or a class name, "
                                "category_name a class name");
    }
    return OK;
}

static Status set_value(JsonRow *j, const JsonEvent *e, JsonStream *s)
{
    bool is_number = e->kind == JSON_INT || e->kind == JSON_UINT || e->kind == JSON_DOUBLE;
    if (j->key == HAS_IMAGE && e->depth == 2)
        return set_image(j, e, s);
    if ((j->key & (HAS_CLASS | HAS_NAME)) && e->depth == 2)
        return set_class(j, e, s);
    if (j->key == HAS_SCORE && e->depth == 2) {
        if (!is_number)
            return json_stream_fail(s, ERR_FORMAT, "expected score to be a number");
        j->score = e->number;
    } else if (j->key == HAS_BOX && e->depth == 3) {
        if (!is_number || j->n_box >= 4)
            return json_stream_fail(s, ERR_FORMAT,
                                    "expected bbox to be four numbers x, y, width, height");
        j->box[j->n_box++] = e->number;
    } else if (j->key == HAS_BOX && e->depth == 2 && e->kind != JSON_ARRAY &&
               !(e->kind == JSON_ARRAY_END && j->n_box == 4)) {
        return json_stream_fail(s, ERR_FORMAT,
                                "expected bbox to be four numbers x, y, width, height");
    }
    return OK;
}

static Status on_event(void *ctx, const JsonEvent *e, JsonStream *s)
{
    JsonRow *j = (JsonRow *)ctx;
    if (e->depth == 0)
        return e->kind == JSON_ARRAY || e->kind == JSON_ARRAY_END
                   ? OK
                   : json_stream_fail(s, ERR_FORMAT, "expected an array of results");
    if (e->depth == 1) {
        if (e->kind == JSON_OBJECT_END)
            return finish_row(j, s);
        if (e->kind != JSON_OBJECT)
            return json_stream_fail(s, ERR_FORMAT, "expected a result object");
        j->seen = j->key = j->n_box = 0;
        j->is_named = false;
        return OK;
    }
    if (e->depth == 2 && e->kind == JSON_KEY) {
        j->key = member_of(e->text);
        if (j->key & j->seen)
            return json_stream_fail(s, ERR_FORMAT, "\"%s\" given twice in one result", e->text);
        j->seen |= j->key;
        return OK;
    }
    return j->key ? set_value(j, e, s) : OK;
}

Status voc_data_results(VocData *d, const char *path)
{
    JsonRow j = {.rows = {.d = d}};
    int64_t n = (int64_t)strlen(path);
    Status  st = OK;
    if (file_is_dir(path)) {
        TRY_OUT(read_folder(&j.rows, path));
    } else if (n > 4 && strcmp(path + n - 4, ".txt") == 0) {
        int64_t label = class_of_file(d, file_base(path));
        if (label < 0)
            TRY_OUT(
                status_fail(ERR_FORMAT, "%s: the file name ends with no class of the set", path));
        TRY_OUT(read_text(&j.rows, label, path));
    } else {
        d->boxes = VOC_BOXES_DETECTRON2;
        TRY_OUT(json_stream_file(path, NULL, on_event, &j));
    }
    TRY_OUT(rows_keep(&j.rows));
out:
    rows_release(&j.rows);
    return st;
}
