/* check.c -- godwit check: what is wrong with a data set, before a run finds out */
#include "base/file.h"
#include "base/json.h"
#include "base/size.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "datasets/check.h"

#include <stdio.h>
#include <string.h>

/* A folder with VOC folders in it would pass for a folder of pictures. */
static Status refuse_devkit(Arena *a, const char *data)
{
    char  **name = NULL;
    int64_t n = 0;
    if (!file_is_dir(data))
        return OK;
    TRY(file_list(a, &name, &n, data));
    for (int64_t i = 0; i < n; i++) {
        const char *folder = file_join(a, data, name[i]);
        const char *annotations = folder ? file_join(a, folder, "Annotations") : NULL;
        if (!annotations)
            return ERR_MEMORY;
        if (file_is_dir(annotations))
            return status_fail(
                ERR_USAGE, "godwit check: %s holds VOC folders; check each by itself: --data %s",
                data, folder);
    }
    return OK;
}

/* "train2017" of instances_train2017.json where there is such a folder, else "PICTURES". */
static const char *pictures_of(Arena *a, const char *data, const char *json)
{
    const char *name = strncmp(json, "instances_", 10) == 0 ? json + 10 : json;
    char       *part = arena_printf(a, "%.*s", (int)(strlen(name) - 5), name);
    const char *folder = part ? file_join(a, data, part) : NULL;
    return folder && file_is_dir(folder) ? part : "PICTURES";
}

/* So would one with COCO annotations, and none of them would be opened. */
static Status refuse_coco(Arena *a, const char *data)
{
    char      **name = NULL;
    int64_t     n = 0;
    const char *folder = file_join(a, data, "annotations");
    if (!folder)
        return ERR_MEMORY;
    if (!file_is_dir(folder))
        return OK;
    TRY(file_list(a, &name, &n, folder));
    const char *json = NULL; // the first, of instances when there are any: others have no boxes
    for (int64_t i = 0; i < n; i++) {
        size_t len = strlen(name[i]);
        bool   is_json = len > 5 && strcmp(name[i] + len - 5, ".json") == 0;
        bool   is_first = !json || (strncmp(json, "instances_", 10) != 0 &&
                                  strncmp(name[i], "instances_", 10) == 0);
        if (is_json && is_first)
            json = name[i];
    }
    if (!json)
        return OK;
    return status_fail(ERR_USAGE,
                       "godwit check: %s holds COCO annotations; check pictures and annotations of "
                       "one part: --data %s/%s --annotations %s/%s",
                       data, data, pictures_of(a, data, json), folder, json);
}

/* What check_images must not take for pictures in class folders. */
static Status refuse_containers(Arena *a, const char *data)
{
    const char *devkit = file_join(a, data, "VOCdevkit");
    if (!devkit)
        return ERR_MEMORY;
    TRY(refuse_devkit(a, data));
    TRY(refuse_devkit(a, devkit));
    return refuse_coco(a, data);
}

static void print_problems(const CheckReport *r, int64_t most)
{
    for (int64_t i = 0; i < r->n_problems && i < most; i++) {
        const CheckProblem *p = &r->problem[i];
        char                file[1024], text[1024];
        printf("%s %-14s %s: %s\n", p->is_error ? "error  " : "warning", p->kind,
               text_on_a_line(file, sizeof file, p->file),
               text_on_a_line(text, sizeof text, p->text));
    }
    int64_t hidden = r->n_errors + r->n_warnings - size_min(r->n_problems, most);
    if (hidden > 0)
        printf("... and %lld more\n", (long long)hidden);
}

static void print_classes(const CheckReport *r)
{
    if (r->n_classes == 0)
        return;
    printf("\n%-24s %8s %8s %10s\n", "class", "images", "objects", "difficult");
    char name[256];
    for (int64_t i = 0; i < r->n_classes; i++)
        printf("%-24s %8lld %8lld %10lld\n",
               text_on_a_line(name, sizeof name, r->class_row[i].name),
               (long long)r->class_row[i].n_images, (long long)r->class_row[i].n_objects,
               (long long)r->class_row[i].n_difficult);
}

static Status write_json(const char *path, const CheckReport *r)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_int(&w, "images", r->n_images);
    json_put_int(&w, "objects", r->n_objects);
    json_put_int(&w, "errors", r->n_errors);
    json_put_int(&w, "warnings", r->n_warnings);
    json_open_array(&w, "problems");
    for (int64_t i = 0; i < r->n_problems; i++) {
        json_open_object(&w, NULL);
        json_put_string(&w, "severity", r->problem[i].is_error ? "error" : "warning");
        json_put_string(&w, "kind", r->problem[i].kind);
        json_put_string(&w, "file", r->problem[i].file);
        json_put_string(&w, "text", r->problem[i].text);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_open_array(&w, "classes");
    for (int64_t i = 0; i < r->n_classes; i++) {
        json_open_object(&w, NULL);
        json_put_string(&w, "name", r->class_row[i].name);
        json_put_int(&w, "images", r->class_row[i].n_images);
        json_put_int(&w, "objects", r->class_row[i].n_objects);
        json_put_int(&w, "difficult", r->class_row[i].n_difficult);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

static Status check(CheckReport *report, Arena *a, const CheckOptions *how, const char *data,
                    const char *split, const char *coco)
{
    const char *annotations = file_join(a, data, "Annotations");
    if (!annotations)
        return ERR_MEMORY;
    bool is_voc = !coco && file_is_dir(annotations);
    if (coco && split)
        return status_fail(ERR_USAGE,
                           "godwit check: --split is for VOC folders, --annotations for COCO; give "
                           "one of them");
    if (coco)
        return check_coco(report, how, coco, data);
    if (is_voc)
        return check_voc(report, how, data, split ? split : "trainval");
    TRY(refuse_containers(a, data));
    return check_images(report, how, data);
}

Status verb_check(const Verb *verb, int argc, char **argv)
{
    const char *data = NULL, *split = NULL, *coco = NULL;
    bool        decode = false, ignore_unknown = false;
    int64_t     most = 50;
    Option      options[] = {
             {"data", OPTION_TEXT, &data, "DIR",
              "VOCdevkit/VOC2007 (with Annotations/), a folder of pictures, or tar shards", true},
             {"annotations", OPTION_TEXT, &coco, "FILE",
              "COCO: instances JSON of the pictures in --data (default none)", false},
             {"split", OPTION_TEXT, &split, "NAME", "VOC: the list in ImageSets/Main (default trainval)",
              false},
             {"decode", OPTION_FLAG, &decode, NULL, "decode every picture fully, not only its header",
              false},
             {"ignore-unknown", OPTION_FLAG, &ignore_unknown, NULL,
              "VOC: objects of other classes are fine", false},
             {"most", OPTION_INT, &most, "N", "problems to print (default 50)", false},
    };
    CommandLine line = {
        .verb = verb, .options = options, .n_options = 6, .operands = "--data DIR [--split NAME]"};
    CheckReport report = {0};
    Arena       arena = {0};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;

    CheckOptions how = {.decode = decode, .voc = {.ignore_unknown = ignore_unknown}};
    TRY_OUT(check(&report, &arena, &how, data, split, coco));
    print_problems(&report, most);
    print_classes(&report);
    printf("\n%s: %lld images, %lld objects, %lld errors, %lld warnings\n", data,
           (long long)report.n_images, (long long)report.n_objects, (long long)report.n_errors,
           (long long)report.n_warnings);
    if (line.common.json)
        TRY_OUT(write_json(line.common.json, &report));
    if (report.n_errors > 0)
        st =
            status_fail(ERR_FORMAT, "godwit check: %s has %lld error%s that training would stop at",
                        data, (long long)report.n_errors, report.n_errors == 1 ? "" : "s");
out:
    check_release(&report);
    arena_release(&arena);
    options_release(&line);
    return st;
}
