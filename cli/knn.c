/* knn.c -- godwit knn: nearest-neighbour accuracy of frozen features, without training anything */
#include "pretrain/knn.h"

#include "base/json.h"
#include "base/log.h"
#include "cli/device.h"
#include "cli/features.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct FeatureSet {
    Source  *source;
    float   *features;
    int64_t *labels;
    int64_t  n, width, n_classes;
} FeatureSet;

static Status read_features(FeatureSet *set, const Backend *be, const Backbone *b, const char *path,
                            const EmbedOptions *how)
{
    TRY(source_open(&set->source, path));
    set->n_classes = source_n_classes(set->source);
    if (set->n_classes == 0)
        return status_fail(ERR_FORMAT,
                           "godwit knn: %s has no labels; class folders or .cls entries are needed",
                           path);
    TRY(embed_source(&set->features, &set->labels, &set->n, &set->width, be, b ? &b->net : NULL,
                     set->source, how));
    knn_normalise(set->features, set->n, set->width);
    return OK;
}

/* What no label says can neither vote nor be right. */
static Status drop_unlabelled(FeatureSet *set, const char *path)
{
    int64_t n = set->n;
    knn_drop_unlabelled(set->features, set->labels, &set->n, set->width);
    if (set->n == 0)
        return status_fail(ERR_FORMAT, "godwit knn: none of the %lld pictures of %s has a label",
                           (long long)n, path);
    if (set->n < n)
        log_info("%s: %lld of %lld pictures have no label and are left out", path,
                 (long long)(n - set->n), (long long)n);
    return OK;
}

static void release_features(FeatureSet *set)
{
    source_close(set->source);
    free(set->features);
    free(set->labels);
}

static Status save(const char *path, double top1, const KnnOptions *knn, const FeatureSet *train,
                   const FeatureSet *test)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_number(&w, "top1", top1);
    json_put_number(&w, "chance", 1.0 / (double)train->n_classes);
    json_put_int(&w, "k", knn->k);
    json_put_number(&w, "T", knn->T);
    json_put_int(&w, "n_train", train->n);
    json_put_int(&w, "n_test", test->n);
    json_put_int(&w, "features", train->width);
    json_put_int(&w, "classes", train->n_classes);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

Status verb_knn(const Verb *verb, int argc, char **argv)
{
    const char *weights = NULL, *train_path = NULL, *test_path = NULL, *features = "pooled",
               *dtype = "f32";
    KnnOptions knn = {.k = 200, .T = 0.1};
    int64_t    crop = 0, limit = 0;
    Option     options[] = {
            {"weights", OPTION_TEXT, &weights, "FILE",
             "safetensors with torchvision names (default none, for --features pixels)", false},
            {"train", OPTION_TEXT, &train_path, "SET", "labelled pictures that vote (the bank)", true},
            {"test", OPTION_TEXT, &test_path, "SET", "labelled pictures to classify", true},
            {"k", OPTION_INT, &knn.k, "N", "neighbours that vote (default 200)", false},
            {"temperature", OPTION_FLOAT, &knn.T, "T",
             "a vote weighs exp(similarity / T) (default 0.1)", false},
            {"features", OPTION_TEXT, &features, "NAME", "pooled, head or pixels (default pooled)",
             false},
            {"crop", OPTION_INT, &crop, "N",
             "side of the pictures in pixels (default 0: what the weights were trained at; without "
                 "weights that of small pictures, 224 for others)",
             false},
            {"limit", OPTION_INT, &limit, "N", "only the first N pictures of each set (default 0: all)",
             false},
            {"dtype", OPTION_TEXT, &dtype, "TYPE", "f32 or bf16 activations (default f32)", false},
    };
    CommandLine    line = {.verb = verb,
                           .options = options,
                           .n_options = 9,
                           .operands = "--weights FILE --train SET --test SET"};
    FeatureSet     train = {0}, test = {0};
    Backbone       backbone = {0};
    bool           is_open = false;
    int64_t       *predicted = NULL;
    const Backend *be = NULL;
    EmbedOptions   how = {.limit = limit};
    Status         st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    how.limit = limit;
    TRY_OUT(features_what(&how.what, features));
    TRY_OUT(device_dtype(&how.dtype, dtype));
    if (knn.k < 1 || !(knn.T > 0)) {
        st = status_fail(ERR_USAGE, "godwit knn: --k must be at least 1 and --temperature above 0");
        goto out;
    }
    if (limit < 0) {
        st = status_fail(ERR_USAGE, "godwit knn: --limit expects 0 or more, found %lld",
                         (long long)limit);
        goto out;
    }
    TRY_OUT(features_check_crop(verb, crop));
    if (how.what != EMBED_PIXELS && !weights) {
        st = status_fail(
            ERR_USAGE, "godwit knn: --weights FILE is missing (only --features pixels needs none)");
        goto out;
    }
    TRY_OUT(backend_open(&be, line.common.device, how.dtype));
    backend_log_device(be);
    if (weights) {
        TRY_OUT(backbone_open(&backbone, be, how.dtype, weights));
        is_open = true;
    }
    TRY_OUT(features_transform(&how.augment, is_open ? &backbone : NULL, crop, train_path));
    TRY_OUT(read_features(&train, be, is_open ? &backbone : NULL, train_path, &how));
    TRY_OUT(read_features(&test, be, is_open ? &backbone : NULL, test_path, &how));
    TRY_OUT(source_relabel(test.labels, test.n, test.source, train.source));
    TRY_OUT(drop_unlabelled(&train, train_path));
    TRY_OUT(drop_unlabelled(&test, test_path));
    predicted = malloc(sizeof *predicted * (size_t)(test.n + 1));
    if (!predicted) {
        st = status_no_memory("godwit knn", test.n * 8);
        goto out;
    }
    TRY_OUT(knn_classify(predicted, be, &knn, test.features, train.features, train.labels, test.n,
                         train.n, train.width, train.n_classes));
    double top1 = knn_accuracy(predicted, test.labels, test.n);
    printf("kNN top-1 %.2f %% (chance %.2f %%): %lld test pictures, bank of %lld, k %lld, T %g, "
           "%lld %s features\n",
           100 * top1, 100.0 / (double)train.n_classes, (long long)test.n, (long long)train.n,
           (long long)knn.k, knn.T, (long long)train.width, features);
    if (line.common.json)
        TRY_OUT(save(line.common.json, top1, &knn, &train, &test));
out:
    free(predicted);
    release_features(&train);
    release_features(&test);
    if (is_open)
        backbone_release(&backbone);
    options_release(&line);
    return st;
}
