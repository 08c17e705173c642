/* analysis_report.c -- see analysis_report.h */
#include "eval/analysis_report.h"
#include <math.h>

enum { SHOWN_CONFUSIONS = 10 };

const char *analysis_class_name(const CocoResult *r, const CocoTruth *t, int64_t k)
{
    return k == r->match.K ? "background" : t->category[r->class_category[k]].name;
}

static int64_t all_errors(const Analysis *x)
{
    int64_t n = 0;
    for (int e = 0; e < ERROR_KINDS; e++)
        n += x->errors[e];
    return n;
}

/* The largest cells off the diagonal between categories, one after the other. */
static void confusions_text(Text *out, const Analysis *x, const CocoResult *r, const CocoTruth *t)
{
    int64_t last = INT64_MAX, last_at = -1, n = (x->K + 1) * (x->K + 1);
    text_printf(
        out,
        "\nconfusions most often seen (score >= %.2f, overlap >= .5): annotated as -> found as\n",
        x->confusion_score);
    for (int shown = 0; shown < SHOWN_CONFUSIONS; shown++) {
        int64_t best = 0, at = -1;
        for (int64_t i = 0; i < n; i++) {
            int64_t g = i / (x->K + 1), d = i % (x->K + 1), v = x->confusion[i];
            bool    later = v < last || (v == last && i > last_at);
            if (g != d && g < x->K && d < x->K && later && v > best) {
                best = v;
                at = i;
            }
        }
        if (at < 0)
            break;
        text_printf(out, "  %8lld  %s -> %s\n", (long long)best,
                    analysis_class_name(r, t, at / (x->K + 1)),
                    analysis_class_name(r, t, at % (x->K + 1)));
        last = best;
        last_at = at;
    }
}

void analysis_text(Text *out, const Analysis *x, const CocoResult *r, const CocoTruth *t)
{
    int64_t all = all_errors(x);
    text_printf(out, "\n%-24s %6s %6s %6s %6s\n", "best F1 at overlap .5", "F1", "score", "prec.",
                "recall");
    for (int64_t k = 0; k < x->K; k++) {
        const BestF1 *b = &x->best[k];
        if (!isnan(b->f1))
            text_printf(out, "%-24.24s %6.3f %6.3f %6.3f %6.3f\n", analysis_class_name(r, t, k),
                        b->f1, b->score, b->precision, b->recall);
    }
    text_printf(out, "\nerrors at overlap .5: %lld true results, %lld errors\n",
                (long long)x->n_true, (long long)all);
    for (int e = 0; e < ERROR_KINDS; e++)
        text_printf(out, "  %-14s %8lld  %5.1f %%\n", ERROR_NAME[e], (long long)x->errors[e],
                    all ? 100.0 * (double)x->errors[e] / (double)all : 0.0);
    confusions_text(out, x, r, t);
}

void analysis_json(JsonWriter *w, const Analysis *x, const CocoResult *r, const CocoTruth *t)
{
    int64_t all = all_errors(x);
    json_open_object(w, "analysis");
    json_put_int(w, "true_results", x->n_true);
    json_open_object(w, "errors");
    for (int e = 0; e < ERROR_KINDS; e++) {
        json_open_object(w, ERROR_NAME[e]);
        json_put_int(w, "count", x->errors[e]);
        json_put_number(w, "share", all ? (double)x->errors[e] / (double)all : (double)NAN);
        json_close_object(w);
    }
    json_close_object(w);
    json_open_array(w, "per_class");
    for (int64_t k = 0; k < x->K; k++) {
        json_open_object(w, NULL);
        json_put_string(w, "name", analysis_class_name(r, t, k));
        json_put_number(w, "best_f1", x->best[k].f1);
        json_put_number(w, "best_f1_score", x->best[k].score);
        json_put_number(w, "best_f1_precision", x->best[k].precision);
        json_put_number(w, "best_f1_recall", x->best[k].recall);
        for (int e = 0; e < ERROR_KINDS; e++)
            json_put_int(w, ERROR_NAME[e], x->class_errors[k * ERROR_KINDS + e]);
        json_open_row(w, "precision"); // at overlap .5 and recall 0, .01 ... 1
        for (int64_t p = 0; p < r->match.R; p++) {
            double v = r->match.precision[match_at(&r->match, 0, p, k, 0, r->match.M - 1)];
            json_put_number(w, NULL, v < 0 ? (double)NAN : v);
        }
        json_close_array(w);
        json_close_object(w);
    }
    json_close_array(w);
    json_open_object(w, "confusion");
    json_put_number(w, "score", x->confusion_score);
    json_put_string(w, "axes", "annotated (rows), found (columns); the last of each is background");
    json_open_array(w, "counts");
    for (int64_t g = 0; g <= x->K; g++) {
        json_open_row(w, NULL);
        for (int64_t d = 0; d <= x->K; d++)
            json_put_int(w, NULL, x->confusion[g * (x->K + 1) + d]);
        json_close_array(w);
    }
    json_close_array(w);
    json_close_object(w);
    json_close_object(w);
}

static void difference_text(Text *out, const char *name, const Difference *d)
{
    text_printf(out, "%-24.24s", name);
    if (isnan(d->difference))
        text_puts(out, "      -      -       -\n");
    else
        text_printf(out, " %6.1f %6.1f %+7.2f  %+7.2f .. %+.2f%s\n", 100 * d->ap, 100 * d->other_ap,
                    100 * d->difference, 100 * d->low, 100 * d->high,
                    d->low > 0 || d->high < 0 ? "  *" : "");
}

void against_text(Text *out, const Against *x, const char *other, const CocoResult *r,
                  const CocoTruth *t)
{
    text_printf(
        out,
        "\nagainst %s: AP of both, difference, 95 %% interval over %lld resamples of the images\n",
        other, (long long)x->resamples);
    difference_text(out, "all", &x->all);
    for (int64_t k = 0; k < x->K; k++)
        difference_text(out, analysis_class_name(r, t, k), &x->per_class[k]);
    text_puts(out, "* the interval excludes zero\n");
}

static void difference_json(JsonWriter *w, const Difference *d)
{
    json_put_number(w, "AP", d->ap < 0 ? (double)NAN : d->ap);
    json_put_number(w, "other_AP", d->other_ap < 0 ? (double)NAN : d->other_ap);
    json_put_number(w, "difference", d->difference);
    json_put_number(w, "low", d->low);
    json_put_number(w, "high", d->high);
}

void against_json(JsonWriter *w, const Against *x, const char *other, const CocoResult *r,
                  const CocoTruth *t)
{
    json_open_object(w, "against");
    json_put_string(w, "file", other);
    json_put_int(w, "resamples", x->resamples);
    difference_json(w, &x->all);
    json_open_array(w, "per_class");
    for (int64_t k = 0; k < x->K; k++) {
        json_open_object(w, NULL);
        json_put_string(w, "name", analysis_class_name(r, t, k));
        difference_json(w, &x->per_class[k]);
        json_close_object(w);
    }
    json_close_array(w);
    json_close_object(w);
}
