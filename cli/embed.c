/* embed.c -- godwit embed: features of every picture of a set, in sorted order */
#include "pretrain/embed.h"

#include "base/json.h"
#include "cli/device.h"
#include "cli/features.h"
#include "cli/verbs.h"

#include <stdio.h>

Status verb_embed(const Verb *verb, int argc, char **argv)
{
    const char *weights = NULL, *data = NULL, *out = NULL, *features = "pooled", *dtype = "f32";
    int64_t     crop = 0;
    Option      options[] = {
             {"weights", OPTION_TEXT, &weights, "FILE", "safetensors with torchvision names", true},
             {"data", OPTION_TEXT, &data, "DIR", "pictures: a folder, class folders or tar shards",
              true},
             {"out", OPTION_TEXT, &out, "FILE",
              "safetensors to write: features (n,F), and FILE.names.txt beside it", true},
             {"features", OPTION_TEXT, &features, "NAME", "pooled or head (default pooled)", false},
             {"crop", OPTION_INT, &crop, "N",
              "side of the pictures in pixels (default 0: what the weights were trained at)", false},
             {"dtype", OPTION_TEXT, &dtype, "TYPE", "f32 or bf16 activations (default f32)", false},
    };
    CommandLine    line = {.verb = verb,
                           .options = options,
                           .n_options = 6,
                           .operands = "--weights FILE --data DIR --out FILE.safetensors"};
    const Backend *be = NULL;
    EmbedWhat      what = EMBED_POOLED;
    DType          type = F32;
    int64_t        n = 0, width = 0;
    Status         st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    TRY_OUT(features_what(&what, features));
    TRY_OUT(features_check_crop(verb, crop));
    TRY_OUT(device_dtype(&type, dtype));
    TRY_OUT(backend_open(&be, line.common.device, type));
    backend_log_device(be);
    TRY_OUT(embed_file(&n, &width, be, weights, data, out, what, type, crop));
    printf("%s: features (%lld, %lld); names in %s.names.txt\n", out, (long long)n,
           (long long)width, out);
    if (line.common.json) {
        Text       text = {0};
        JsonWriter w = json_writer(&text, 2);
        json_open_object(&w, NULL);
        json_put_string(&w, "features", out);
        json_put_int(&w, "n", n);
        json_put_int(&w, "width", width);
        json_close_object(&w);
        st = json_save(&text, line.common.json);
        text_release(&text);
    }
out:
    options_release(&line);
    return st;
}
