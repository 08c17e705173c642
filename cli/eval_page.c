/* eval_page.c -- headline, tables and definitions of the page; the charts are eval_charts.c. See eval_page.h */
#include "cli/eval_page.h"
#include "cli/eval_charts.h"

#include <math.h>
#include <stdio.h>

enum { MOST_LINES = 40 }; // a longer table scrolls in a window of its own

/* ---- headline ---- */

static void section_result(Html *h, const Card *card)
{
    html_literal(h, "<div class=\"tiles\">\n");
    for (int i = 0; i < card->n_stats; i++) {
        html_raw(h, "<div class=\"%s\"><dl><dt>", i == 0 ? "tile first" : "tile");
        html_text(h, card->stat[i].name);
        html_literal(h, "</dt><dd class=\"figure\">");
        html_number(h, 100 * card->stat[i].value, 1);
        html_literal(h, "</dd><dd>");
        html_text(h, card->stat[i].meaning);
        html_literal(h, "</dd></dl></div>\n");
    }
    html_literal(h, "</div>\n<p class=\"remark\">");
    html_text(h, card->definition);
    html_literal(
        h, ". Numbers are per cent; a dash means undefined: nothing in the ground truth counts.");
    if (card->note) {
        html_literal(h, " Note: ");
        html_text(h, card->note);
        html_literal(h, ".");
    }
    html_literal(h, "</p>\n");
}

static void fact(Html *h, const char *name, const char *value)
{
    html_literal(h, "<div><dt>");
    html_text(h, name);
    html_literal(h, "</dt><dd>");
    html_text(h, value);
    html_literal(h, "</dd></div>\n");
}

static void section_sizes(Html *h, const Card *card)
{
    char number[32];
    html_section(h, "sizes", "What was scored", NULL);
    html_literal(h, "<dl class=\"facts\">\n");
    fact(h, "ground truth", card->truth);
    fact(h, "results", card->found);
    if (card->against)
        fact(h, "compared with", card->against_name);
    for (int i = 0; i < card->n_sizes; i++) {
        snprintf(number, sizeof number, "%lld", (long long)card->size[i].n);
        fact(h, card->size[i].label, number);
    }
    html_literal(h, "</dl>\n");
}

/* ---- tables ---- */

static bool is_shown(const CardColumn *c)
{
    return c->per_row == 1;
}

static void cell(Html *h, const CardColumn *c, int64_t row, bool has_bar)
{
    if (c->kind == CARD_WORD) {
        html_cell(h, c->word[row]);
    } else if (c->kind == CARD_COUNT) {
        html_cell_number(h, c->value[row], NAN, 0);
    } else if (has_bar && isfinite(c->value[row])) {
        html_raw(h, "<td class=\"num bar\" style=\"--share:%.1f%%\">", 100 * c->value[row]);
        html_number(h, 100 * c->value[row], 1);
        html_literal(h, "</td>");
    } else {
        html_cell_number(h, 100 * c->value[row], NAN, 1);
    }
}

static void table(Html *h, const CardTable *t)
{
    const char *column[CARD_MAX_COLUMNS + 1];
    char        heading[CARD_MAX_COLUMNS][40];
    int         n = 0;
    column[n++] = t->row_name;
    for (int c = 0; c < t->n_columns; c++) {
        if (!is_shown(&t->column[c]))
            continue;
        snprintf(heading[c], sizeof heading[c], "%s%s", t->column[c].kind == CARD_WORD ? "" : "#",
                 t->column[c].name);
        column[n++] = heading[c];
    }
    html_raw(h, "<div class=\"%s\">\n", t->n_rows > MOST_LINES ? "tall" : "whole");
    html_table_begin(h, NULL, column, n);
    for (int64_t r = 0; r < t->n_rows; r++) {
        html_row_begin(h, NULL);
        html_literal(h, "<th scope=\"row\">");
        html_text(h, t->row[r]);
        html_literal(h, "</th>");
        for (int c = 0; c < t->n_columns; c++)
            if (is_shown(&t->column[c]))
                cell(h, &t->column[c], r, c == 0);
        html_row_end(h);
    }
    html_table_end(h);
    html_literal(h, "</div>\n");
}

static void section_tables(Html *h, const Card *card)
{
    for (int i = 0; i < card->n_tables; i++) {
        html_section(h, card->table[i].key, card->table[i].title, NULL);
        table(h, &card->table[i]);
    }
}

/* ---- thresholds ---- */

static void section_thresholds(Html *h, const Card *card)
{
    static const char *const column[] = {"category", "#F1", "#score", "#precision", "#recall"};
    const Analysis          *x = card->analysis;
    if (!x)
        return;
    html_section(
        h, "thresholds", "Best thresholds",
        "The score from which results should be kept for the largest F1, the harmonic mean "
        "of precision and recall at overlap .5.");
    html_raw(h, "<div class=\"%s\">\n", x->K > MOST_LINES ? "tall" : "whole");
    html_table_begin(h, NULL, column, 5);
    for (int64_t k = 0; k < x->K; k++) {
        if (isnan(x->best[k].f1))
            continue;
        html_row_begin(h, NULL);
        html_literal(h, "<th scope=\"row\">");
        html_text(h, card->table[0].row[k]);
        html_literal(h, "</th>");
        html_raw(h, "<td class=\"num bar\" style=\"--share:%.1f%%\">", 100 * x->best[k].f1);
        html_number(h, 100 * x->best[k].f1, 1);
        html_literal(h, "</td>");
        html_cell_number(h, x->best[k].score, NAN, 3);
        html_cell_number(h, 100 * x->best[k].precision, NAN, 1);
        html_cell_number(h, 100 * x->best[k].recall, NAN, 1);
        html_row_end(h);
    }
    html_table_end(h);
    html_literal(h, "</div>\n");
}

/* ---- definitions ---- */

static void term(Html *h, const char *name, const char *meaning)
{
    html_literal(h, "<dt>");
    html_text(h, name);
    html_literal(h, "</dt><dd>");
    html_text(h, meaning);
    html_literal(h, "</dd>\n");
}

static void section_definitions(Html *h, const Card *card)
{
    html_section(h, "definitions", "What the numbers mean", NULL);
    html_literal(h, "<dl class=\"terms\">\n");
    for (int c = 0; c < card->table[0].n_columns; c++)
        if (is_shown(&card->table[0].column[c]))
            term(h, card->table[0].column[c].name, card->table[0].column[c].meaning);
    for (int e = 0; e < ERROR_KINDS && card->analysis; e++)
        term(h, ERROR_NAME[e], ERROR_MEANING[e]);
    html_literal(h, "</dl>\n");
}

/* ---- the page ---- */

void eval_page_sections(Html *h, const Card *card)
{
    section_result(h, card);
    section_sizes(h, card);
    eval_chart_against(h, card);
    section_tables(h, card);
    eval_chart_curves(h, card);
    eval_chart_errors(h, card);
    section_thresholds(h, card);
    eval_chart_confusion(h, card);
    section_definitions(h, card);
}

Status eval_page_write(const Card *card, const char *path)
{
    Html h = {0};
    char title[120];
    if (isfinite(card->stat[0].value))
        snprintf(title, sizeof title, "%s: %.1f %s", card->title, 100 * card->stat[0].value,
                 card->stat[0].name);
    else
        snprintf(title, sizeof title, "%s", card->title);
    html_page_open(&h, title, card->found);
    eval_page_sections(&h, card);
    html_page_close(&h);
    Status st = html_save(&h, path);
    html_release(&h);
    return st;
}
