/* eval_coco.c -- `godwit eval coco` and `godwit eval lvis` */
#include "cli/eval.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/eval_output.h"
#include "eval/cards.h"

#include <stdio.h>
#include <string.h>

typedef struct Settings {
    bool        lvis;
    const char *truth, *found, *iou, *arrays, *max_dets, *images, *categories, *areas, *thresholds;
    bool        bug_compatible, agnostic, ignore_unknown, lenient;
    EvalOutput  output;
} Settings;

/* "1,10,100" */
static Status parse_list(Arena *a, int64_t **out, int64_t *n, const char *text, const char *option)
{
    int64_t most = 1;
    *n = 0;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    *out = ARENA_ARRAY(a, int64_t, most);
    if (!*out)
        return status_no_memory("list", most * 8);
    for (const char *at = text;;) {
        const char *end = strchr(at, ',');
        int64_t     len = end ? end - at : (int64_t)strlen(at);
        if (!number_parse_int(&(*out)[*n], at, len))
            return status_fail(ERR_USAGE,
                               "eval: --%s wants integers separated by commas, not \"%s\"", option,
                               text);
        ++*n;
        if (!end)
            return OK;
        at = end + 1;
    }
}

static Status choose_iou(const Settings *s, CocoIou *iou)
{
    static const char *const NAME[3] = {"bbox", "segm", "keypoints"};
    for (int i = 0; i < (s->lvis ? 2 : 3); i++)
        if (strcmp(s->iou, NAME[i]) == 0) {
            *iou = (CocoIou)i;
            return OK;
        }
    return status_fail(ERR_USAGE, "eval: --iou is bbox%s, not \"%s\"",
                       s->lvis ? " or segm" : ", segm or keypoints", s->iou);
}

/* One number that ends at one of `ends`; *at is moved behind it. */
static bool parse_part(double *out, const char **at, const char *ends)
{
    size_t n = strcspn(*at, ends);
    if (!number_parse_double(out, *at, (int64_t)n))
        return false;
    *at += n;
    return true;
}

/* "all:0:1e10,tiny:0:256" */
static Status parse_areas(Arena *a, CocoEvalOptions *opt, const char *text)
{
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ":,");
        double low, high;
        char  *name = arena_printf(a, "%.*s", (int)n, at);
        if (!name)
            return status_no_memory("area ranges", (int64_t)n);
        at += n;
        if (n == 0 || n > 15 || *at++ != ':' || !parse_part(&low, &at, ":,") || *at++ != ':' ||
            !parse_part(&high, &at, ",") || opt->n_areas == MATCH_MAX_AREAS)
            return status_fail(ERR_USAGE,
                               "eval: --areas wants at most %d ranges NAME:LOW:HIGH with commas, "
                               "names of at most 15 letters, not \"%s\"",
                               MATCH_MAX_AREAS, text);
        opt->area_name[opt->n_areas] = name;
        opt->area[opt->n_areas][0] = low;
        opt->area[opt->n_areas++][1] = high;
        if (*at == 0)
            return OK;
    }
}

/* "0.5,0.75" */
static Status parse_thresholds(CocoEvalOptions *opt, const char *text)
{
    for (const char *at = text;; at++) {
        double t;
        if (opt->n_thresholds == MATCH_MAX_THRESHOLDS || !parse_part(&t, &at, ","))
            return status_fail(
                ERR_USAGE, "eval: --thresholds wants at most %d numbers with commas, not \"%s\"",
                MATCH_MAX_THRESHOLDS, text);
        opt->threshold[opt->n_thresholds++] = t;
        if (*at == 0)
            return OK;
    }
}

static Status unlisted(const Settings *s, const char *option, int64_t id)
{
    return status_fail(ERR_FORMAT, "eval coco: --%s: %lld is not in %s", option, (long long)id,
                       s->truth);
}

/* An id that the ground truth does not have would leave a smaller set, or an empty one, without a word. */
static Status check_ids(const Settings *s, const CocoEvalOptions *opt, const CocoTruth *t)
{
    for (int64_t i = 0; i < opt->n_image_ids; i++) {
        int64_t k = 0;
        while (k < t->n_images && t->image[k].id != opt->image_id[i])
            k++;
        if (k == t->n_images)
            return unlisted(s, "images", opt->image_id[i]);
    }
    for (int64_t i = 0; i < opt->n_category_ids; i++)
        if (coco_category_at(t, opt->category_id[i]) < 0)
            return unlisted(s, "categories", opt->category_id[i]);
    return OK;
}

static Status fill_options(Arena *a, const Settings *s, CocoEvalOptions *opt,
                           const CocoTruth *truth)
{
    int64_t *caps, *ids, n;
    opt->bug_compatible = s->bug_compatible;
    opt->ignore_categories = s->agnostic;
    if (s->max_dets) {
        TRY(parse_list(a, &caps, &n, s->max_dets, "max-dets"));
        if (n > MATCH_MAX_CAPS)
            return status_fail(ERR_USAGE, "eval: --max-dets takes at most %d numbers",
                               MATCH_MAX_CAPS);
        memcpy(opt->cap, caps, (size_t)n * sizeof *caps);
        opt->n_caps = (int)n;
    }
    if (s->areas)
        TRY(parse_areas(a, opt, s->areas));
    if (s->thresholds)
        TRY(parse_thresholds(opt, s->thresholds));
    if (s->images) {
        TRY(parse_list(a, &ids, &opt->n_image_ids, s->images, "images"));
        opt->image_id = ids;
    }
    if (s->categories) {
        TRY(parse_list(a, &ids, &opt->n_category_ids, s->categories, "categories"));
        opt->category_id = ids;
    }
    return check_ids(s, opt, truth);
}

static Status open_other(CocoResults *other, const Settings *s, CocoIou iou, const CocoTruth *truth)
{
    CocoReadOptions read = {
        .iou = iou, .ignore_unknown = s->ignore_unknown, .lenient = s->lenient, .lvis = s->lvis};
    TRY(coco_results_read(other, &read, truth, s->output.against));
    fputs(text_cstr(&other->warnings), stderr);
    return OK;
}

static Status coco_scored(Arena *a, EvalScored *out, Card *card, CocoResult *result,
                          const CocoEvalOptions *opt, const CocoTruth *truth,
                          const CocoResults *found)
{
    TRY(coco_evaluate(a, opt, result, truth, found));
    TRY(coco_card(a, card, result, truth, opt->bug_compatible));
    *out = (EvalScored){card, result->task, &result->match, result->overlap};
    return OK;
}

static Status lvis_scored(Arena *a, EvalScored *out, Card *card, LvisResult *result,
                          const LvisOptions *opt, const CocoTruth *truth, const CocoResults *found)
{
    TRY(lvis_evaluate(a, opt, result, truth, found));
    TRY(lvis_card(a, card, result, truth, opt->bug_compatible));
    *out = (EvalScored){card, result->task, &result->match, result->overlap};
    return OK;
}

static Status finish(Arena *a, const CommandLine *line, const Settings *s, Card *card,
                     const EvalScored *ours, const EvalScored *theirs)
{
    card->truth = s->truth;
    card->found = s->found;
    if (eval_wants_analysis(&s->output))
        TRY(eval_analyse(a, card, &s->output, AGAINST_POINTS, ours,
                         s->output.against ? theirs : NULL));
    TRY(eval_write(line, &s->output, card));
    return s->arrays ? card_arrays(s->arrays, ours->match, !s->lvis) : OK;
}

/* pycocotools looks AP's cap up by its value: without it in the list there is no AP, and no error either. */
static void warn_of_caps(const Settings *s, const CocoResult *r)
{
    int64_t cap = r->stat[0].cap;
    for (int i = 0; i < r->task->n_caps; i++)
        if (r->task->cap[i] == cap)
            return;
    log_warn("eval coco: %s at %lld results, which --max-dets %s lacks: undefined here; add %lld "
             "to the list",
             r->iou == COCO_KEYPOINTS ? "every number is defined" : "AP is defined", (long long)cap,
             s->max_dets, (long long)cap);
}

static Status score_coco(Arena *a, const CommandLine *line, const Settings *s,
                         const CocoTruth *truth, const CocoResults *found, CocoIou iou)
{
    CocoEvalOptions opt = {.iou = iou};
    CocoResult      result, other_result;
    CocoResults     other = {0};
    Card            card, other_card;
    EvalScored      ours, theirs;
    Status          st = OK;
    TRY_OUT(fill_options(a, s, &opt, truth));
    TRY_OUT(coco_scored(a, &ours, &card, &result, &opt, truth, found));
    warn_of_caps(s, &result);
    if (s->output.against) {
        TRY_OUT(open_other(&other, s, iou, truth));
        TRY_OUT(coco_scored(a, &theirs, &other_card, &other_result, &opt, truth, &other));
    }
    TRY_OUT(finish(a, line, s, &card, &ours, &theirs));
out:
    coco_results_release(&other);
    return st;
}

static Status score_lvis(Arena *a, const CommandLine *line, const Settings *s,
                         const CocoTruth *truth, const CocoResults *found, CocoIou iou)
{
    LvisOptions opt = {.iou = iou, .max_per_image = 300, .bug_compatible = s->bug_compatible};
    LvisResult  result, other_result;
    CocoResults other = {0};
    Card        card, other_card;
    EvalScored  ours, theirs;
    Status      st = OK;
    if (s->max_dets &&
        !number_parse_int(&opt.max_per_image, s->max_dets, (int64_t)strlen(s->max_dets)))
        TRY_OUT(status_fail(ERR_USAGE, "eval lvis: --max-dets wants one number, not \"%s\"",
                            s->max_dets));
    TRY_OUT(lvis_scored(a, &ours, &card, &result, &opt, truth, found));
    if (s->output.against) {
        TRY_OUT(open_other(&other, s, iou, truth));
        TRY_OUT(lvis_scored(a, &theirs, &other_card, &other_result, &opt, truth, &other));
    }
    TRY_OUT(finish(a, line, s, &card, &ours, &theirs));
out:
    coco_results_release(&other);
    return st;
}

static Status score(const CommandLine *line, const Settings *s)
{
    Arena           a = {0};
    CocoTruth       truth = {0};
    CocoResults     found = {0};
    CocoReadOptions read = {.bug_compatible = s->bug_compatible,
                            .ignore_unknown = s->ignore_unknown,
                            .lenient = s->lenient,
                            .lvis = s->lvis};
    Status          st = OK;
    TRY_OUT(choose_iou(s, &read.iou));
    TRY_OUT(coco_read(&truth, &found, &read, s->truth, s->found));
    fputs(text_cstr(&truth.warnings), stderr);
    fputs(text_cstr(&found.warnings), stderr);
    TRY_OUT((s->lvis ? score_lvis : score_coco)(&a, line, s, &truth, &found, read.iou));
out:
    arena_release(&a);
    coco_truth_release(&truth);
    coco_results_release(&found);
    return st;
}

static Status run(const Verb *verb, int argc, char **argv, bool lvis)
{
    Settings s = {.iou = "bbox", .lvis = lvis, .output = EVAL_OUTPUT_DEFAULTS};
    Option   table[] = {
          {"gt", OPTION_TEXT, &s.truth, "FILE", "ground truth, instead of the first operand", false},
          {"dt", OPTION_TEXT, &s.found, "FILE", "results, instead of the second operand", false},
          {"iou", OPTION_TEXT, &s.iou, "KIND",
         lvis ? "bbox or segm (default bbox)" : "bbox, segm or keypoints (default bbox)", false},
          {"arrays", OPTION_TEXT, &s.arrays, "FILE",
           "precision, recall and scores as safetensors, with the reference's axes", false},
          {"max-dets", OPTION_TEXT, &s.max_dets, "N",
         lvis ? "results per image, -1 for all (default 300)"
                : "results per image and category, three or more with commas (default 1,10,100; "
                  "keypoints 20)",
           false},
          {"bug-compatible", OPTION_FLAG, &s.bug_compatible, NULL,
           "repeat the reference's defects: annotation id 0, duplicated and unlisted ids, -1 for "
             "undefined",
           false},
          {"ignore-unknown", OPTION_FLAG, &s.ignore_unknown, NULL,
           "leave out results on images that the ground truth does not list", false},
          {"lenient", OPTION_FLAG, &s.lenient, NULL,
           "leave out, with a count, masks that are damaged or of another size than their image",
           false},
          EVAL_FILE_OPTIONS(s.output),
          EVAL_ANALYSIS_OPTIONS(s.output),
          {"images", OPTION_TEXT, &s.images, "IDS", "only these image ids, with commas", false},
          {"categories", OPTION_TEXT, &s.categories, "IDS", "only these category ids, with commas",
           false},
          {"areas", OPTION_TEXT, &s.areas, "RANGES",
           "NAME:LOW:HIGH with commas instead of all, small, medium and large; the first is called "
             "all",
           false},
          {"thresholds", OPTION_TEXT, &s.thresholds, "LIST",
           "ascending, with commas, instead of 0.5, 0.55 ... 0.95", false},
          {"class-agnostic", OPTION_FLAG, &s.agnostic, NULL, "ignore categories (useCats = 0)",
           false},
    };
    CommandLine line = {.verb = verb,
                        .options = table,
                        .n_options = (int)(sizeof table / sizeof *table) - (lvis ? 5 : 0),
                        .operands = "GT DT",
                        .max_operands = 2};
    Status      st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    TRY_OUT(eval_take_files(&line, &s.truth, &s.found));
    if (!s.truth || !s.found)
        TRY_OUT(status_fail(ERR_USAGE, "%s: needs a ground truth and results: godwit %s GT DT",
                            verb->name, verb->name));
    TRY_OUT(eval_check_output(verb, &s.output, s.bug_compatible));
    TRY_OUT(score(&line, &s));
out:
    options_release(&line);
    return st;
}

Status eval_coco(const Verb *verb, int argc, char **argv)
{
    return run(verb, argc, argv, false);
}

Status eval_lvis(const Verb *verb, int argc, char **argv)
{
    return run(verb, argc, argv, true);
}
