/* scenes.c -- godwit scenes: writes generated photographs, so that anyone can run everything without a data set */
#include "datasets/scene.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

static Status save(const char *path, const char *out, const SceneOptions *how, const char *layout,
                   SceneSplits n)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "out", out);
    json_put_string(&w, "kind", how->kind == SCENE_OBJECT ? "object" : "detection");
    json_put_string(&w, "layout", layout);
    json_put_int(&w, "size", how->size);
    json_put_int(&w, "seed", (int64_t)how->seed);
    json_put_int(&w, "train", n.n_train);
    json_put_int(&w, "val", n.n_val);
    json_put_int(&w, "test", n.n_test);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

/* Pictures of two calls in one folder are no set: lists and shards of the first would stay beside the second's. */
static Status refuse_old_set(const char *out)
{
    static const char *const MADE[] = {"VOCdevkit", "annotations", "train",
                                       "val",       "test",        "classes.txt"};
    Arena                    a = {0};
    Status                   st = OK;
    for (size_t i = 0; i < sizeof MADE / sizeof *MADE && st == OK; i++) {
        const char *path = file_join(&a, out, MADE[i]);
        if (!path)
            st = ERR_MEMORY;
        else if (file_exists(path))
            st = status_fail(ERR_USAGE,
                             "godwit scenes: --out %s holds a set already (%s); remove it, or "
                             "choose another folder",
                             out, MADE[i]);
    }
    arena_release(&a);
    return st;
}

static Status write_scenes(const SceneOptions *how, const char *out, const char *layout,
                           SceneSplits n, int64_t per_shard)
{
    TRY(refuse_old_set(out));
    return strcmp(layout, "voc") == 0      ? scene_write_voc(how, out, n)
           : strcmp(layout, "folder") == 0 ? scene_write_folder(how, out, n)
                                           : scene_write_shards(how, out, n, per_shard);
}

Status verb_scenes(const Verb *verb, int argc, char **argv)
{
    const char *out = NULL, *kind = "detection", *layout = NULL;
    int64_t     size = 0, seed = 0, per_shard = 1000;
    SceneSplits n = {800, 100, 200};
    Option      options[] = {
             {"out", OPTION_TEXT, &out, "DIR", "where to write, made if absent; holds no set yet", true},
             {"kind", OPTION_TEXT, &kind, "KIND",
              "detection: 1-4 objects in clutter; object: one fills the frame (default detection)",
              false},
             {"layout", OPTION_TEXT, &layout, "NAME",
              "voc (with COCO JSON beside it), folder or shards (default voc; object: folder)", false},
             {"size", OPTION_INT, &size, "PIXELS",
              "side of the square pictures, 16 to 2048 (default 160; object: 64)", false},
             {"train", OPTION_INT, &n.n_train, "N", "pictures of the train split (default 800)", false},
             {"val", OPTION_INT, &n.n_val, "N", "pictures of the val split (default 100)", false},
             {"test", OPTION_INT, &n.n_test, "N", "pictures of the test split (default 200)", false},
             {"per-shard", OPTION_INT, &per_shard, "N", "shards: pictures a shard (default 1000)",
              false},
             {"seed", OPTION_INT, &seed, "N", "other seeds give other pictures (default 0)", false},
    };
    CommandLine line = {
        .verb = verb, .options = options, .n_options = 9, .operands = "--out DIR [--kind object]"};
    Status st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    bool is_object = strcmp(kind, "object") == 0;
    if (!is_object && strcmp(kind, "detection") != 0) {
        st = status_fail(ERR_USAGE,
                         "godwit scenes: --kind expects detection or object, found \"%s\"", kind);
        goto out;
    }
    if (!layout)
        layout = is_object ? "folder" : "voc";
    SceneOptions how = scene_defaults(is_object ? SCENE_OBJECT : SCENE_DETECTION);
    how.seed = (uint64_t)seed;
    if (size)
        how.size = size;
    if (n.n_train < 0 || n.n_val < 0 || n.n_test < 0 || n.n_train > 10000000 ||
        n.n_val > 10000000 || n.n_test > 10000000) {
        st = status_fail(ERR_USAGE, "godwit scenes: counts must lie in 0 .. 10000000");
        goto out;
    }
    bool is_voc = strcmp(layout, "voc") == 0;
    if (is_voc == is_object &&
        (is_voc || strcmp(layout, "folder") == 0 || strcmp(layout, "shards") == 0))
        st = status_fail(ERR_USAGE, "godwit scenes: --layout %s is made of --kind %s pictures",
                         layout, is_object ? "detection" : "object");
    else if (is_voc || strcmp(layout, "folder") == 0 || strcmp(layout, "shards") == 0)
        st = write_scenes(&how, out, layout, n, per_shard);
    else
        st = status_fail(ERR_USAGE,
                         "godwit scenes: --layout expects voc, folder or shards, found \"%s\"",
                         layout);
    if (st == OK && line.common.json)
        st = save(line.common.json, out, &how, layout, n);
    if (st == OK)
        printf("%s: %lld train, %lld val, %lld test pictures of %lld pixels\n", out,
               (long long)n.n_train, (long long)n.n_val, (long long)n.n_test, (long long)how.size);
out:
    options_release(&line);
    return st;
}
