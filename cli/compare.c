/* compare.c -- godwit compare RUN...: the paper's table from finished runs */
#include "cli/compare.h"

#include "base/file.h"
#include "base/json.h"
#include "cli/report.h"
#include "cli/verbs.h"
#include "eval/coco.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void compare_spread(double *mean, double *deviation, const double *value, int n)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        sum += value[i];
    *mean = n > 0 ? sum / n : NAN;
    for (int i = 0; i < n; i++)
        squares += (value[i] - *mean) * (value[i] - *mean);
    *deviation = n > 1 ? sqrt(squares / (n - 1)) : 0;
}

Status compare_add(CompareTable *t, const char *init, double ap, double ap50, double ap75)
{
    CompareRow *row = NULL;
    for (int i = 0; i < t->n_rows; i++)
        if (strcmp(t->row[i].init, init) == 0)
            row = &t->row[i];
    if (!row) {
        if (t->n_rows == COMPARE_MAX_ROWS)
            return status_fail(ERR_USAGE, "compare: more than %d different initialisations",
                               COMPARE_MAX_ROWS);
        row = &t->row[t->n_rows++];
        *row = (CompareRow){.init = init};
    }
    if (row->n_trials == COMPARE_MAX_TRIALS)
        return status_fail(ERR_USAGE, "compare: more than %d trials of \"%s\"", COMPARE_MAX_TRIALS,
                           init);
    row->ap[row->n_trials] = ap;
    row->ap50[row->n_trials] = ap50;
    row->ap75[row->n_trials] = ap75;
    row->n_trials++;
    return OK;
}

static int paper_rank(const char *init)
{
    return strcmp(init, "random") == 0 ? 0 : strcmp(init, "supervised") == 0 ? 1 : 2;
}

void compare_sort(CompareTable *t)
{
    for (int i = 1; i < t->n_rows; i++)
        for (int j = i; j > 0 && paper_rank(t->row[j].init) < paper_rank(t->row[j - 1].init); j--) {
            CompareRow held = t->row[j];
            t->row[j] = t->row[j - 1];
            t->row[j - 1] = held;
        }
}

static const CompareRow *supervised_row(const CompareTable *t)
{
    for (int i = 0; i < t->n_rows; i++)
        if (strcmp(t->row[i].init, "supervised") == 0)
            return &t->row[i];
    return NULL;
}

/* "55.9 (+2.4)", "55.9 +-0.4 (+2.4)", "-" when undefined. */
static void print_cell(const double *value, int n, const double *reference, int n_reference)
{
    char   cell[64];
    double mean, deviation;
    int    used = 0;
    compare_spread(&mean, &deviation, value, n);
    if (isnan(mean)) {
        printf(" %20s", "-");
        return;
    }
    used += snprintf(cell, sizeof cell, "%.1f", mean);
    if (n > 1)
        used += snprintf(cell + used, sizeof cell - (size_t)used, " +-%.1f", deviation);
    if (reference && reference != value) {
        double base, spread;
        compare_spread(&base, &spread, reference, n_reference);
        snprintf(cell + used, sizeof cell - (size_t)used, " (%+.1f)", mean - base);
    }
    printf(" %20s", cell);
}

/* The paper's rows are VOC's: beside an AP of COCO they would mislead. */
static bool has_published(const CompareTable *t)
{
    return !t->definition || strcmp(t->definition, coco_definition(COCO_BBOX)) != 0;
}

static const PublishedTable *const published[] = {&REPORT_VOC0712_C4, &REPORT_VOC07_C4};

enum { N_PUBLISHED = sizeof published / sizeof *published };

static void print_published(const PublishedTable *p)
{
    printf("\npublished, not ours (%s): %s\n", p->source, p->title);
    for (int i = 0; i < p->n_rows; i++)
        printf("%-28s %20.1f %20.1f %20.1f\n", p->row[i].init, p->row[i].ap50, p->row[i].ap,
               p->row[i].ap75);
}

void compare_print(const CompareTable *t)
{
    const CompareRow *sup = supervised_row(t);
    printf("%-28s %20s %20s %20s\n", "initialisation", "AP50", "AP", "AP75");
    for (int i = 0; i < t->n_rows; i++) {
        const CompareRow *r = &t->row[i];
        printf("%-28s", r->init);
        print_cell(r->ap50, r->n_trials, sup ? sup->ap50 : NULL, sup ? sup->n_trials : 0);
        print_cell(r->ap, r->n_trials, sup ? sup->ap : NULL, sup ? sup->n_trials : 0);
        print_cell(r->ap75, r->n_trials, sup ? sup->ap75 : NULL, sup ? sup->n_trials : 0);
        printf(r->n_trials > 1 ? "   %d trials\n" : "\n", r->n_trials);
    }
    if (sup)
        printf("in brackets: difference to the supervised row\n");
    if (t->definition)
        printf("AP: %s\n", t->definition);
    for (int i = 0; i < N_PUBLISHED && has_published(t); i++)
        print_published(published[i]);
}

static void put_spread(JsonWriter *w, const char *key, const double *value, int n,
                       bool want_deviation)
{
    double mean, deviation;
    compare_spread(&mean, &deviation, value, n);
    json_put_number(w, key, want_deviation ? deviation : mean);
}

static void put_row(JsonWriter *w, const CompareRow *r, const CompareRow *sup)
{
    const char   *name[3] = {"AP", "AP50", "AP75"};
    const double *mine[3] = {r->ap, r->ap50, r->ap75};
    json_open_object(w, NULL);
    json_put_string(w, "init", r->init);
    for (int k = 0; k < 3; k++)
        put_spread(w, name[k], mine[k], r->n_trials, false);
    json_open_object(w, "deviation");
    for (int k = 0; k < 3; k++)
        put_spread(w, name[k], mine[k], r->n_trials, true);
    json_close_object(w);
    if (sup && sup != r) {
        const double *theirs[3] = {sup->ap, sup->ap50, sup->ap75};
        json_open_object(w, "delta");
        for (int k = 0; k < 3; k++) {
            double a, b, spread;
            compare_spread(&a, &spread, mine[k], r->n_trials);
            compare_spread(&b, &spread, theirs[k], sup->n_trials);
            json_put_number(w, name[k], a - b);
        }
        json_close_object(w);
    }
    json_open_array(w, "trials");
    for (int i = 0; i < r->n_trials; i++) {
        json_open_object(w, NULL);
        for (int k = 0; k < 3; k++)
            json_put_number(w, name[k], mine[k][i]);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

static void put_published(JsonWriter *w, const PublishedTable *p)
{
    for (int i = 0; i < p->n_rows; i++) {
        json_open_object(w, NULL);
        json_put_string(w, "init", p->row[i].init);
        json_put_number(w, "AP", p->row[i].ap);
        json_put_number(w, "AP50", p->row[i].ap50);
        json_put_number(w, "AP75", p->row[i].ap75);
        json_put_string(w, "setting", p->title);
        json_close_object(w);
    }
}

Status compare_save(const CompareTable *t, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 2);
    json_open_object(&w, NULL);
    json_put_string(&w, "definition", t->definition);
    json_open_array(&w, "rows");
    for (int i = 0; i < t->n_rows; i++)
        put_row(&w, &t->row[i], supervised_row(t));
    json_close_array(&w);
    json_open_array(&w, "published");
    for (int i = 0; i < N_PUBLISHED && has_published(t); i++)
        put_published(&w, published[i]);
    json_close_array(&w);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

/* ---- the verb ---- */

/* The newest "eval" record of RUN/metrics.jsonl; texts live in `arena`. */
typedef struct RunScore {
    double      ap, ap50, ap75; // fractions
    const char *init, *definition;
    bool        is_found;
} RunScore;

static Status read_record(Arena *arena, RunScore *score, const char *line, int64_t n,
                          const char *path)
{
    JsonValue  *record = NULL;
    const char *kind = "";
    TRY(json_parse(arena, &record, line, n, path, NULL));
    TRY(json_opt_string(record, "kind", &kind));
    if (strcmp(kind, "eval") != 0)
        return OK;
    *score = (RunScore){
        .ap = NAN, .ap50 = NAN, .ap75 = NAN, .init = "unnamed", .definition = "", .is_found = true};
    TRY(json_opt_number(record, "ap", &score->ap));
    TRY(json_opt_number(record, "ap50", &score->ap50));
    TRY(json_opt_number(record, "ap75", &score->ap75));
    TRY(json_opt_string(record, "init", &score->init));
    return json_opt_string(record, "definition", &score->definition);
}

static Status read_run(Arena *arena, RunScore *score, const char *run)
{
    char       *bytes = NULL;
    int64_t     n = 0;
    const char *path = file_join(arena, run, "metrics.jsonl");
    if (!path)
        return ERR_MEMORY;
    if (!file_exists(path))
        return status_fail(
            ERR_MISSING, "%s: no metrics.jsonl; expected a folder that `godwit train` wrote", run);
    const char *backbone = file_join(arena, run, "backbone.safetensors");
    if (backbone && file_exists(backbone))
        return status_fail(ERR_FORMAT,
                           "%s is a pretraining run and has no AP; compare takes runs of "
                           "`godwit train`",
                           run);
    TRY(file_read(arena, &bytes, &n, path, 256 << 20));
    for (char *line = bytes, *end; (end = memchr(line, '\n', (size_t)(bytes + n - line)));
         line = end + 1)
        TRY(read_record(arena, score, line, end - line, path));
    if (!score->is_found)
        return status_fail(
            ERR_FORMAT,
            "%s: the run was never evaluated; finish it with `godwit train ... --resume auto`",
            run);
    return OK;
}

static Status add_run(Arena *arena, CompareTable *table, const char *run)
{
    RunScore score = {0};
    TRY(read_run(arena, &score, run));
    if (table->definition && strcmp(table->definition, score.definition) != 0)
        return status_fail(ERR_FORMAT,
                           "godwit compare: %s was scored by another definition (%s) than the runs "
                           "before it (%s)",
                           run, score.definition, table->definition);
    table->definition = score.definition;
    return compare_add(table, score.init, 100 * score.ap, 100 * score.ap50, 100 * score.ap75);
}

/* A run, or the trials that `godwit train --trials` left in it. */
static Status add_runs(Arena *arena, CompareTable *table, const char *run)
{
    for (int i = 0;; i++) {
        const char *trial = arena_printf(arena, "%s/trial-%d", run, i);
        if (!trial)
            return ERR_MEMORY;
        if (!file_is_dir(trial))
            return i > 0 ? OK : add_run(arena, table, run);
        TRY(add_run(arena, table, trial));
    }
}

Status verb_compare(const Verb *verb, int argc, char **argv)
{
    CommandLine line = {
        .verb = verb, .operands = "RUN RUN ...", .min_operands = 1, .max_operands = -1};
    Arena        arena = {0};
    CompareTable table = {0};
    Status       st = OK;
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    for (int i = 0; i < line.n_operands; i++)
        TRY_OUT(add_runs(&arena, &table, line.operand[i]));
    compare_sort(&table);
    compare_print(&table);
    if (line.common.json)
        TRY_OUT(compare_save(&table, line.common.json));
out:
    arena_release(&arena);
    options_release(&line);
    return st;
}
