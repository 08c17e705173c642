/* card_json.c -- a card as JSON and as CSV
 *
 *   {"metric", "definition", "stats": [...], "stat_names": [...], NAME: number for each, "definitions": {NAME: text},
 *    "sizes": {...}, "thresholds": [...], "per_class": [{"id", "name", COLUMN: value}], a second table,
 *    "analysis": {...}, "confusion": [[...]], "confusion_rows", "confusion_columns", "against": {...}}
 */
#include "eval/card.h"
#include <math.h>
#include <stdio.h>

static void put_fraction(JsonWriter *w, const char *key, double x, bool bug_compatible)
{
    if (isnan(x) && bug_compatible)
        json_put_int(w, key, -1);
    else
        json_put_number(w, key, x);
}

static void put_stats(JsonWriter *w, const Card *c)
{
    json_open_row(w, "stats");
    for (int i = 0; i < c->n_stats; i++)
        put_fraction(w, NULL, c->stat[i].value, c->bug_compatible);
    json_close_array(w);
    json_open_row(w, "stat_names");
    for (int i = 0; i < c->n_stats; i++)
        json_put_string(w, NULL, c->stat[i].name);
    json_close_array(w);
    for (int i = 0; i < c->n_stats; i++)
        put_fraction(w, c->stat[i].name, c->stat[i].value, c->bug_compatible);
    json_open_object(w, "definitions");
    for (int i = 0; i < c->n_stats; i++)
        json_put_string(w, c->stat[i].name, c->stat[i].meaning);
    json_close_object(w);
    json_open_object(w, "sizes");
    for (int i = 0; i < c->n_sizes; i++)
        json_put_int(w, c->size[i].key, c->size[i].n);
    json_close_object(w);
}

static void put_cell(JsonWriter *w, const Card *card, const CardColumn *c, int64_t row)
{
    if (c->kind == CARD_WORD) {
        json_put_string(w, c->name, c->word[row]);
        return;
    }
    if (c->per_row > 1)
        json_open_row(w, c->name);
    for (int i = 0; i < c->per_row; i++) {
        const char *key = c->per_row > 1 ? NULL : c->name;
        double      x = c->value[row * c->per_row + i];
        if (c->kind == CARD_COUNT)
            json_put_int(w, key, (int64_t)x);
        else
            put_fraction(w, key, x, card->bug_compatible);
    }
    if (c->per_row > 1)
        json_close_array(w);
}

static void put_doubles(JsonWriter *w, const char *key, const double *x, int64_t n)
{
    json_open_row(w, key);
    for (int64_t i = 0; i < n; i++)
        json_put_number(w, NULL, x[i]);
    json_close_array(w);
}

static void put_points(JsonWriter *w, const CardPoints *p)
{
    json_open_object(w, "curve");
    put_doubles(w, "recall", p->recall, p->n);
    put_doubles(w, "precision", p->precision, p->n);
    put_doubles(w, "score", p->score, p->n);
    json_close_object(w);
}

static void put_table(JsonWriter *w, const Card *card, const CardTable *t)
{
    (t->is_keyed ? json_open_object : json_open_array)(w, t->key);
    for (int64_t r = 0; r < t->n_rows; r++) {
        json_open_object(w, t->is_keyed ? t->row[r] : NULL);
        if (t->id)
            json_put_int(w, "id", t->id[r]);
        if (!t->is_keyed)
            json_put_string(w, "name", t->row[r]);
        for (int c = 0; c < t->n_columns; c++)
            put_cell(w, card, &t->column[c], r);
        if (card->points && t == card->table)
            put_points(w, &card->points[r]);
        json_close_object(w);
    }
    (t->is_keyed ? json_close_object : json_close_array)(w);
}

static void put_analysis(JsonWriter *w, const Card *card)
{
    const Analysis *x = card->analysis;
    int64_t         all = x->n_false + x->errors[ERROR_MISSED], R = card->curves.n_points;
    json_open_object(w, "analysis");
    json_put_number(w, "overlap", .5);
    json_put_int(w, "true_results", x->n_true);
    json_put_int(w, "false_results", x->n_false);
    json_open_object(w, "errors");
    for (int e = 0; e < ERROR_KINDS; e++) {
        json_open_object(w, ERROR_NAME[e]);
        json_put_int(w, "count", x->errors[e]);
        json_put_number(w, "share", all ? (double)x->errors[e] / (double)all : (double)NAN);
        json_put_string(w, "definition", ERROR_MEANING[e]);
        json_close_object(w);
    }
    json_close_object(w);
    put_doubles(w, "recall", card->curves.recall, R);
    json_open_array(w, "per_class");
    for (int64_t k = 0; k < x->K; k++) {
        json_open_object(w, NULL);
        json_put_string(w, "name", card->table[0].row[k]);
        json_put_number(w, "best_f1", x->best[k].f1);
        json_put_number(w, "best_f1_score", x->best[k].score);
        json_put_number(w, "best_f1_precision", x->best[k].precision);
        json_put_number(w, "best_f1_recall", x->best[k].recall);
        for (int e = 0; e < ERROR_KINDS; e++)
            json_put_int(w, ERROR_NAME[e], x->class_errors[k * ERROR_KINDS + e]);
        put_doubles(w, "precision", card->curves.precision + k * R, R);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

static void put_names(JsonWriter *w, const char *key, const char *const *name, int64_t n)
{
    json_open_row(w, key);
    for (int64_t i = 0; i < n; i++)
        json_put_string(w, NULL, name[i]);
    json_close_array(w);
}

static void put_confusion(JsonWriter *w, const CardMatrix *m)
{
    json_put_string(w, "confusion_unit", m->unit);
    if (!isnan(m->score))
        json_put_number(w, "confusion_score", m->score);
    put_names(w, "confusion_rows", m->row, m->n_rows);
    put_names(w, "confusion_columns", m->column, m->n_columns);
    json_open_array(w, "confusion");
    for (int64_t i = 0; i < m->n_rows; i++) {
        json_open_row(w, NULL);
        for (int64_t j = 0; j < m->n_columns; j++)
            json_put_int(w, NULL, m->counts[i * m->n_columns + j]);
        json_close_array(w);
    }
    json_close_array(w);
}

static void put_difference(JsonWriter *w, const char *measure, const Difference *d)
{
    char other[32];
    snprintf(other, sizeof other, "other_%s", measure);
    json_put_number(w, measure, d->ours);
    json_put_number(w, other, d->theirs);
    json_put_number(w, "difference", d->difference);
    json_put_number(w, "low", d->low);
    json_put_number(w, "high", d->high);
}

static void put_against(JsonWriter *w, const Card *card)
{
    json_open_object(w, "against");
    json_put_string(w, "file", card->against_name);
    json_put_int(w, "resamples", card->against->resamples);
    put_difference(w, card->against->measure, &card->against->all);
    json_open_array(w, "per_class");
    for (int64_t k = 0; k < card->against->K; k++) {
        json_open_object(w, NULL);
        json_put_string(w, "name", card->table[0].row[k]);
        put_difference(w, card->against->measure, &card->against->per_class[k]);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}

Status card_json(Text *out, const Card *card)
{
    JsonWriter w = json_writer(out, 1);
    json_open_object(&w, NULL);
    json_put_string(&w, "metric", card->metric);
    if (card->variant_key)
        json_put_string(&w, card->variant_key, card->variant);
    json_put_string(&w, "definition", card->definition);
    json_put_string(&w, "ground_truth", card->truth);
    json_put_string(&w, "detections", card->found);
    json_put_bool(&w, "bug_compatible", card->bug_compatible);
    if (card->note)
        json_put_string(&w, "note", card->note);
    put_stats(&w, card);
    if (card->threshold)
        put_doubles(&w, "thresholds", card->threshold, card->n_thresholds);
    for (int t = 0; t < card->n_tables; t++)
        put_table(&w, card, &card->table[t]);
    if (card->analysis)
        put_analysis(&w, card);
    if (card->confusion.counts)
        put_confusion(&w, &card->confusion);
    if (card->against)
        put_against(&w, card);
    json_close_object(&w);
    return text_status(out);
}

/* ---- CSV ---- */

static void csv_heading(Text *out, const Card *card, const CardTable *t)
{
    text_csv(out, t->row_name);
    if (t->id)
        text_puts(out, ",id");
    for (int c = 0; c < t->n_columns; c++)
        for (int i = 0; i < t->column[c].per_row; i++) {
            text_putc(out, ',');
            text_puts(out, t->column[c].name);
            if (t->column[c].per_row > 1)
                text_printf(out, "@%.2f", card->threshold[i]);
        }
    text_putc(out, '\n');
}

static void csv_cells(Text *out, const CardColumn *c, int64_t row)
{
    for (int i = 0; i < c->per_row; i++) {
        text_putc(out, ',');
        if (c->kind == CARD_WORD)
            text_csv(out, c->word[row]);
        else if (c->kind == CARD_COUNT)
            text_int(out, (int64_t)c->value[row * c->per_row + i]);
        else if (!isnan(c->value[row * c->per_row + i]))
            text_number(out, c->value[row * c->per_row + i]);
    }
}

void card_csv(Text *out, const Card *card)
{
    for (int i = 0; i < card->n_tables; i++) {
        const CardTable *t = &card->table[i];
        text_puts(out, i > 0 ? "\n" : "");
        csv_heading(out, card, t);
        for (int64_t r = 0; r < t->n_rows; r++) {
            text_csv(out, t->row[r]);
            if (t->id) {
                text_putc(out, ',');
                text_int(out, t->id[r]);
            }
            for (int c = 0; c < t->n_columns; c++)
                csv_cells(out, &t->column[c], r);
            text_putc(out, '\n');
        }
    }
}
