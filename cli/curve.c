#include "cli/curve.h"

#include "base/file.h"
#include "base/json.h"

#include <math.h>
#include <string.h>

enum { MOST_BYTES = 256 << 20, MOST_POINTS = 4 << 20 };

static Status read_line(Arena *scratch, Curve *curve, const char *line, int64_t n, const char *path,
                        const char *kind, const char *name)
{
    JsonValue  *record = NULL;
    const char *is = "";
    double      step = 0, value = NAN;
    TRY(json_parse(scratch, &record, line, n, path, NULL));
    TRY(json_opt_string(record, "kind", &is));
    if (strcmp(is, kind) != 0 || !json_find(record, name))
        return OK;
    TRY(json_get_number(record, "step", &step));
    TRY(json_opt_number(record, name, &value));
    curve->x[curve->n] = step;
    curve->y[curve->n++] = value;
    return OK;
}

Status curve_read(Arena *arena, Curve *curve, const char *run, const char *kind, const char *name)
{
    Arena   scratch = {0};
    Status  st = OK;
    char   *bytes = NULL;
    int64_t n = 0, lines = 0;
    *curve = (Curve){0};
    const char *path = file_join(&scratch, run, "metrics.jsonl");
    if (!path)
        return ERR_MEMORY;
    TRY_OUT(file_read(&scratch, &bytes, &n, path, MOST_BYTES));
    for (int64_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    if (lines > MOST_POINTS) {
        st = status_fail(ERR_FORMAT, "%s: more than %d lines", path, MOST_POINTS);
        goto out;
    }
    curve->x = ARENA_ARRAY(arena, double, lines);
    curve->y = ARENA_ARRAY(arena, double, lines);
    if (!curve->x || !curve->y) {
        st = ERR_MEMORY;
        goto out;
    }
    for (char *line = bytes, *end; (end = memchr(line, '\n', (size_t)(bytes + n - line)));
         line = end + 1) {
        ArenaMark mark = arena_mark(&scratch);
        TRY_OUT(read_line(&scratch, curve, line, end - line, path, kind, name));
        arena_rewind(&scratch, mark);
    }
out:
    arena_release(&scratch);
    return st;
}
