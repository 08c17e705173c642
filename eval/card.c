/* card.c -- filling a card; see card.h */
#include "eval/card.h"
#include "base/safetensors.h"
#include <assert.h>
#include <math.h>

void card_stat(Card *card, const char *name, double value, const char *meaning)
{
    assert(card->n_stats < CARD_MAX_STATS);
    card->stat[card->n_stats++] = (CardStat){name, card_defined(value), meaning};
}

void card_size(Card *card, const char *key, const char *label, int64_t n)
{
    assert(card->n_sizes < CARD_MAX_SIZES);
    card->size[card->n_sizes++] = (CardSize){key, label, n};
}

CardTable *card_table(Card *card, const char *key, const char *title, const char *row_name,
                      const char *const *row, int64_t n_rows)
{
    assert(card->n_tables < CARD_MAX_TABLES);
    CardTable *t = &card->table[card->n_tables++];
    *t =
        (CardTable){.key = key, .title = title, .row_name = row_name, .row = row, .n_rows = n_rows};
    return t;
}

double *card_column(Arena *a, CardTable *table, const char *name, CardKind kind,
                    const char *meaning, int per_row)
{
    assert(table->n_columns < CARD_MAX_COLUMNS);
    CardColumn *c = &table->column[table->n_columns];
    *c = (CardColumn){.name = name, .kind = kind, .meaning = meaning, .per_row = per_row};
    c->value = ARENA_ARRAY(a, double, table->n_rows *per_row);
    table->n_columns += c->value != NULL;
    return c->value;
}

Status card_summary(Arena *a, Card *card, Text *lines)
{
    Status st = text_status(lines);
    card->summary = st == OK ? arena_strdup(a, text_cstr(lines)) : NULL;
    text_release(lines);
    return st == OK && !card->summary ? ERR_MEMORY : st;
}

double card_defined(double value)
{
    return value < 0 ? (double)NAN : value;
}

static const double *curves_of(Arena *a, const MatchTask *task, const MatchResult *m)
{
    double *y = ARENA_ARRAY(a, double, m->K * m->R);
    for (int64_t k = 0; y && k < m->K; k++)
        for (int64_t p = 0; p < m->R; p++)
            y[k * m->R + p] =
                card_defined(m->precision[match_at(m, task->main, p, k, 0, m->M - 1)]);
    return y;
}

Status card_add_analysis(Arena *a, Card *card, const Analysis *analysis, const MatchTask *task,
                         const MatchResult *match, const MatchResult *other)
{
    int64_t      K = match->K;
    const char **name = ARENA_ARRAY(a, const char *, K + 1);
    card->curves = (CardCurves){.n_points = match->R,
                                .recall = task->recall,
                                .precision = curves_of(a, task, match),
                                .other_precision = other ? curves_of(a, task, other) : NULL};
    if (!name || !card->curves.precision || (other && !card->curves.other_precision))
        return status_no_memory("curves", K * match->R * 8);
    for (int64_t k = 0; k < K; k++)
        name[k] = card->table[0].row[k];
    name[K] = "background";
    card->analysis = analysis;
    card->confusion = (CardMatrix){.counts = analysis->confusion,
                                   .n_rows = K + 1,
                                   .n_columns = K + 1,
                                   .row = name,
                                   .column = name,
                                   .unit = "results",
                                   .score = analysis->confusion_score};
    return OK;
}

Status card_arrays(const char *path, const MatchResult *m, bool has_caps)
{
    int        extra = has_caps ? 1 : 0;
    SafeTensor tensors[3] = {
        {.name = "precision",
         .type = SAFE_F64,
         .n_dims = 4 + extra,
         .dim = {m->T, m->R, m->K, m->A, m->M},
         .data = m->precision},
        {.name = "recall",
         .type = SAFE_F64,
         .n_dims = 3 + extra,
         .dim = {m->T, m->K, m->A, m->M},
         .data = m->recall},
        {.name = "scores",
         .type = SAFE_F64,
         .n_dims = 4 + extra,
         .dim = {m->T, m->R, m->K, m->A, m->M},
         .data = m->scores},
    };
    return safetensors_write(path, tensors, 3, NULL, 0);
}
