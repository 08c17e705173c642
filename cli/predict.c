/* predict.c -- godwit predict --run RUN IMAGE|DIR...: boxes as JSON and drawn on the pictures */
#include "detect/predict.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/draw.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_PICTURES = 10000000 };

typedef struct PathList {
    const char **path;
    int64_t      n, capacity;
    const char **drawing; // file names
} PathList;

/* A picture's drawing, before pictures of one name in different folders are told apart. */
typedef struct Drawing {
    const char *name;
    int64_t     i;
} Drawing;

static Status list_add(Arena *a, PathList *list, const char *path)
{
    if (list->n == list->capacity) {
        int64_t      more = list->capacity ? list->capacity * 2 : 64;
        const char **grown = ARENA_ARRAY(a, const char *, more);
        if (!grown)
            return ERR_MEMORY;
        if (list->n)
            memcpy(grown, list->path, sizeof *grown * (size_t)list->n);
        list->path = grown;
        list->capacity = more;
    }
    list->path[list->n++] = path;
    return OK;
}

static bool is_picture(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 ||
                   strcasecmp(dot, ".png") == 0);
}

static Status list_operand(Arena *a, PathList *list, const char *path)
{
    if (!file_is_dir(path))
        return list_add(a, list, path);
    char  **name = NULL;
    int64_t n = 0;
    TRY(file_list(a, &name, &n, path));
    for (int64_t i = 0; i < n && i < MOST_PICTURES; i++)
        if (is_picture(name[i])) {
            const char *full = file_join(a, path, name[i]);
            if (!full)
                return ERR_MEMORY;
            TRY(list_add(a, list, full));
        }
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const Drawing *x = a, *y = b;
    int            order = strcmp(x->name, y->name);
    return order ? order : x->i < y->i ? -1 : x->i > y->i;
}

/* NAME.png of every picture; NAME-NUMBER.png behind the first of a name. */
static Status name_drawings(Arena *a, PathList *list)
{
    Drawing *d = ARENA_ARRAY(a, Drawing, list->n);
    list->drawing = ARENA_ARRAY(a, const char *, list->n);
    if (!d || !list->drawing)
        return ERR_MEMORY;
    for (int64_t i = 0; i < list->n; i++) {
        Text name = {0};
        text_file_name(&name, file_base(list->path[i]));
        d[i] = (Drawing){arena_strdup(a, text_cstr(&name)), i};
        text_release(&name);
        if (!d[i].name)
            return ERR_MEMORY;
    }
    qsort(d, (size_t)list->n, sizeof *d, by_name);
    for (int64_t i = 0; i < list->n; i++) {
        bool is_first = i == 0 || strcmp(d[i].name, d[i - 1].name) != 0;
        list->drawing[d[i].i] = is_first
                                    ? arena_printf(a, "%s.png", d[i].name)
                                    : arena_printf(a, "%s-%lld.png", d[i].name, (long long)d[i].i);
        if (!list->drawing[d[i].i])
            return ERR_MEMORY;
    }
    return OK;
}

static void draw_found(Image *im, const Detector *d, const DetectedImage *found)
{
    int64_t shorter = im->width < im->height ? im->width : im->height;
    int64_t scale = shorter < 400 ? 1 : shorter / 400;
    for (int64_t i = found->n_found - 1; i >= 0; i--) { // the best is drawn last, on top
        const Detection *f = &found->found[i];
        char             text[64];
        snprintf(text, sizeof text, "%.48s %.0f%%", detector_class_name(d, f->class_index),
                 100 * (double)f->score);
        draw_box(im, f->x1, f->y1, f->x2, f->y2, draw_colour(f->class_index), 2 * scale);
        draw_label(im, f->x1, f->y1, text, draw_colour(f->class_index), scale);
    }
}

/* drawing: NULL where none is made. */
static void put_picture(JsonWriter *w, const char *path, const char *drawing, const Detector *d,
                        const DetectedImage *found)
{
    json_open_object(w, NULL);
    json_put_string(w, "file", path);
    if (drawing)
        json_put_string(w, "drawing", drawing);
    json_put_int(w, "width", found->width);
    json_put_int(w, "height", found->height);
    json_open_array(w, "detections");
    for (int64_t i = 0; i < found->n_found; i++) {
        const Detection *f = &found->found[i];
        json_open_object(w, NULL);
        json_put_string(w, "class", detector_class_name(d, f->class_index));
        json_put_number(w, "score", (double)f->score);
        json_open_row(w, "box");
        json_put_number(w, NULL, (double)f->x1);
        json_put_number(w, NULL, (double)f->y1);
        json_put_number(w, NULL, (double)f->x2);
        json_put_number(w, NULL, (double)f->y2);
        json_close_array(w);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

typedef struct Job {
    Detector   *detector;
    const char *out, *json, *also; // also: a second file of the same, or NULL
    bool        no_pictures;
    double      least;
} Job;

static Status predict_one(const Job *job, JsonWriter *w, Image *im, const PathList *list, int64_t i)
{
    const char   *path = list->path[i], *drawing = job->no_pictures ? NULL : list->drawing[i];
    Arena         scratch = {0};
    DetectedImage found = {0};
    Status        st = OK;
    TRY_OUT(image_read(im, NULL, path));
    TRY_OUT(detector_image(job->detector, &scratch, &found, im, path));
    while (found.n_found > 0 && (double)found.found[found.n_found - 1].score < job->least)
        found.n_found--;
    put_picture(w, path, drawing, job->detector, &found);
    if (drawing) {
        const char *full = file_join(&scratch, job->out, drawing);
        draw_found(im, job->detector, &found);
        TRY_OUT(full ? image_write(im, full) : ERR_MEMORY);
    }
out:
    arena_release(&scratch);
    return st;
}

/* One bad picture is named and does not end the rest; when it is the only one, it is the failure. */
static bool is_passed_over(Status st, const PathList *list)
{
    return list->n > 1 && (st == ERR_FORMAT || st == ERR_MISSING);
}

static Status predict_all(const Job *job, const PathList *list, int64_t *n_bad)
{
    Text       text = {0};
    Image      im = {0};
    Progress   progress = {0};
    JsonWriter w = json_writer(&text, 1);
    Status     st = OK;
    json_open_array(&w, NULL);
    progress_begin(&progress, "predict", list->n, 0);
    for (int64_t i = 0; i < list->n; i++) {
        st = predict_one(job, &w, &im, list, i);
        if (is_passed_over(st, list)) {
            log_warn("%s", status_text());
            (*n_bad)++;
            st = OK;
        }
        if (st != OK)
            break;
        progress_update(&progress, i + 1, NULL);
    }
    progress_end(&progress, NULL);
    json_close_array(&w);
    if (st == OK)
        st = json_save(&text, job->json);
    if (st == OK && job->also)
        st = json_save(&text, job->also);
    image_release(&im);
    text_release(&text);
    return st;
}

Status verb_predict(const Verb *verb, int argc, char **argv)
{
    const char *run = NULL, *out = NULL;
    bool        no_pictures = false, is_best = false;
    double      least = 0.5;
    Option      options[] = {
             {"run", OPTION_TEXT, &run, "RUN", "a finished `godwit train` run", true},
             {"out", OPTION_TEXT, &out, "DIR",
              "where predictions.json and the drawn pictures go (default RUN/predictions)", false},
             {"least-score", OPTION_FLOAT, &least, "S",
              "leave out detections below this score, 0 to 1 (default 0.5)", false},
             {"no-pictures", OPTION_FLAG, &no_pictures, NULL, "only the JSON (default: pictures too)",
              false},
             {"best", OPTION_FLAG, &is_best, NULL,
              "the run's best.safetensors (test.every) instead of its last model", false},
    };
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = 5,
                        .operands = "--run RUN IMAGE|DIR... [test.key=value ...]",
                        .min_operands = 1,
                        .max_operands = -1,
                        .takes_overrides = true};
    Arena       arena = {0};
    Detector   *detector = NULL;
    PathList    list = {0};
    int64_t     n_bad = 0;
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (!(least >= 0 && least <= 1)) {
        st =
            status_fail(ERR_USAGE, "godwit predict: --least-score expects 0 to 1, found %g", least);
        goto out;
    }
    for (int i = 0; i < line.n_operands; i++)
        TRY_OUT(list_operand(&arena, &list, line.operand[i]));
    if (list.n == 0) {
        st = status_fail(ERR_MISSING, "godwit predict: no .jpg or .png picture in %s",
                         line.operand[0]);
        goto out;
    }
    TRY_OUT(name_drawings(&arena, &list));
    DetectorOptions how = {.device = line.common.device,
                           .overrides = line.override,
                           .n_overrides = line.n_overrides,
                           .is_best = is_best};
    TRY_OUT(detector_open(&detector, run, &how));
    if (!out)
        out = file_join(&arena, run, "predictions");
    if (!out) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(file_make_dirs(out));
    Job job = {.detector = detector,
               .out = out,
               .json = file_join(&arena, out, "predictions.json"),
               .also = line.common.json,
               .no_pictures = no_pictures,
               .least = least};
    if (!job.json) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(predict_all(&job, &list, &n_bad));
    printf("%lld picture%s, %lld unreadable: %s\n", (long long)(list.n - n_bad),
           list.n - n_bad == 1 ? "" : "s", (long long)n_bad, job.json);
    if (n_bad == list.n)
        st = status_fail(ERR_FORMAT, "godwit predict: none of the %lld pictures could be read",
                         (long long)list.n);
out:
    detector_close(detector);
    arena_release(&arena);
    options_release(&line);
    return st;
}
