/* card_text.c -- a card for people: sizes, tables in per cent, the reference's lines, definitions */
#include "eval/card.h"
#include <math.h>
#include <string.h>

enum { NAME_WIDTH = 24, SHOWN_CONFUSIONS = 10 };

static void put_percent(Text *out, double x, int width)
{
    if (isnan(x))
        text_printf(out, " %*s", width, "-");
    else
        text_printf(out, " %*.1f", width, 100 * x);
}

static void sizes(Text *out, const Card *card)
{
    for (int i = 0; i < card->n_sizes; i++)
        text_printf(out, "%s%lld %s", i ? ", " : "", (long long)card->size[i].n,
                    card->size[i].label);
    text_puts(out, card->n_sizes ? "\n" : "");
}

static int width_of(const CardColumn *c)
{
    int n = (int)strlen(c->name), least = c->kind == CARD_COUNT ? 8 : 6;
    return n > least ? n : least;
}

static void table(Text *out, const CardTable *t)
{
    text_printf(out, "\n%-*.*s", NAME_WIDTH, NAME_WIDTH, t->row_name);
    for (int c = 0; c < t->n_columns; c++)
        if (t->column[c].per_row == 1)
            text_printf(out, " %*s", width_of(&t->column[c]), t->column[c].name);
    text_putc(out, '\n');
    for (int64_t r = 0; r < t->n_rows; r++) {
        text_printf(out, "%-*.*s", NAME_WIDTH, NAME_WIDTH, t->row[r]);
        for (int c = 0; c < t->n_columns; c++) {
            const CardColumn *col = &t->column[c];
            if (col->per_row > 1)
                continue;
            if (col->kind == CARD_WORD)
                text_printf(out, " %*s", width_of(col), col->word[r]);
            else if (col->kind == CARD_COUNT)
                text_printf(out, " %*lld", width_of(col), (long long)col->value[r]);
            else
                put_percent(out, col->value[r], width_of(col));
        }
        text_putc(out, '\n');
    }
}

static void stats(Text *out, const Card *card)
{
    text_putc(out, '\n');
    for (int i = 0; i < card->n_stats && !card->summary_is_all; i++) {
        text_printf(out, "%-14s", card->stat[i].name);
        put_percent(out, card->stat[i].value, 6);
        text_printf(out, "  %s\n", card->stat[i].meaning);
    }
    if (card->summary)
        text_puts(out, card->summary);
    text_printf(out, "\n%s\n", card->definition);
    if (card->note)
        text_printf(out, "%s\n", card->note);
}

/* The largest cells off the diagonal between categories, one after the other. */
static void confusions(Text *out, const CardMatrix *m)
{
    int64_t last = INT64_MAX, last_at = -1;
    int64_t K = isnan(m->score) ? m->n_rows : m->n_rows - 1; // the last of results is background
    for (int shown = 0; shown < SHOWN_CONFUSIONS; shown++) {
        int64_t best = 0, at = -1;
        for (int64_t i = 0; i < m->n_rows * m->n_columns; i++) {
            int64_t g = i / m->n_columns, d = i % m->n_columns, v = m->counts[i];
            bool    later = v < last || (v == last && i > last_at);
            if (g != d && g < K && d < K && later && v > best) {
                best = v;
                at = i;
            }
        }
        if (at < 0)
            break;
        if (shown == 0 && isnan(m->score))
            text_printf(out, "\nconfusions most often seen (%s): annotated as -> found as\n",
                        m->unit);
        else if (shown == 0)
            text_printf(out,
                        "\nconfusions most often seen (score >= %.2f, overlap .5): annotated as -> "
                        "found as\n",
                        m->score);
        text_printf(out, "  %12lld  %s -> %s\n", (long long)best, m->row[at / m->n_columns],
                    m->column[at % m->n_columns]);
        last = best;
        last_at = at;
    }
}

static void analysis(Text *out, const Card *card)
{
    const Analysis *x = card->analysis;
    int64_t         all = x->n_false + x->errors[ERROR_MISSED];
    text_printf(out, "\n%-*s %6s %6s %6s %6s\n", NAME_WIDTH, "best F1 at overlap .5", "F1", "score",
                "prec.", "recall");
    for (int64_t k = 0; k < x->K; k++) {
        const BestF1 *b = &x->best[k];
        if (!isnan(b->f1))
            text_printf(out, "%-*.*s %6.3f %6.3f %6.3f %6.3f\n", NAME_WIDTH, NAME_WIDTH,
                        card->table[0].row[k], b->f1, b->score, b->precision, b->recall);
    }
    text_printf(out, "\n%lld results are true at overlap .5, %lld are false; errors by kind:\n",
                (long long)x->n_true, (long long)x->n_false);
    for (int e = 0; e < ERROR_KINDS; e++)
        text_printf(out, "  %-12s %10lld  %5.1f %%  %s\n", ERROR_NAME[e], (long long)x->errors[e],
                    all ? 100.0 * (double)x->errors[e] / (double)all : 0.0, ERROR_MEANING[e]);
}

static void difference(Text *out, const char *name, const Difference *d)
{
    text_printf(out, "%-*.*s", NAME_WIDTH, NAME_WIDTH, name);
    if (isnan(d->difference))
        text_puts(out, "      -      -       -\n");
    else if (isnan(d->low))
        text_printf(out, " %6.1f %6.1f %+7.2f        -\n", 100 * d->ours, 100 * d->theirs,
                    100 * d->difference);
    else
        text_printf(out, " %6.1f %6.1f %+7.2f  %+7.2f .. %+.2f%s\n", 100 * d->ours, 100 * d->theirs,
                    100 * d->difference, 100 * d->low, 100 * d->high,
                    d->low > 0 || d->high < 0 ? "  *" : "");
}

static void against(Text *out, const Card *card)
{
    const Against *x = card->against;
    text_printf(
        out,
        "\nagainst %s: %s of both, difference, 95 %% interval over %lld resamples of the images\n",
        card->against_name, x->measure, (long long)x->resamples);
    difference(out, "all", &x->all);
    for (int64_t k = 0; k < x->K; k++)
        difference(out, card->table[0].row[k], &x->per_class[k]);
    text_puts(out, "* the interval excludes zero; -: nothing annotated, or on one image alone\n");
}

void card_text(Text *out, const Card *card)
{
    sizes(out, card);
    for (int t = 0; t < card->n_tables; t++)
        table(out, &card->table[t]);
    stats(out, card);
    if (card->analysis)
        analysis(out, card);
    if (card->confusion.counts)
        confusions(out, &card->confusion);
    if (card->against)
        against(out, card);
}
