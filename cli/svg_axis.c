#include "cli/svg_axis.h"

#include <math.h>
#include <stdio.h>

void axis_init(Axis *a, double from, double to, bool is_log)
{
    *a = (Axis){.lo = INFINITY, .hi = -INFINITY, .from = from, .to = to, .is_log = is_log};
}

bool axis_has(const Axis *a, double value)
{
    return isfinite(value) && fabs(value) < 1e300 && (!a->is_log || value > 0);
}

void axis_see(Axis *a, const double *value, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        if (!axis_has(a, value[i]))
            continue;
        double v = a->is_log ? log10(value[i]) : value[i];
        a->lo = fmin(a->lo, v);
        a->hi = fmax(a->hi, v);
    }
}

/* The smallest of 1, 2, 5 times a power of ten that cuts the range into at most `most` parts. */
static double nice_step(double range, int most)
{
    double power = pow(10, floor(log10(range / most)));
    for (int i = 0; i < 4; i++) {
        static const double factor[] = {1, 2, 5, 10};
        if (range / (factor[i] * power) <= most + 1e-9)
            return factor[i] * power;
    }
    return 10 * power;
}

static void lay_linear(Axis *a, int most, bool is_round)
{
    double step = nice_step(a->hi - a->lo, most);
    if (is_round) {
        a->lo = floor(a->lo / step + 1e-9) * step;
        a->hi = ceil(a->hi / step - 1e-9) * step;
    }
    double first = ceil(a->lo / step - 1e-9);
    for (int i = 0; i < AXIS_MAX_TICKS; i++) {
        double v = (first + i) * step;
        if (v > a->hi + 1e-9 * step)
            break;
        a->tick[a->n_ticks++] = v;
    }
    double digits = -floor(log10(step) + 1e-9);
    a->decimals = digits > 9 ? 9 : digits > 0 ? (int)digits : 0;
}

/* Powers of ten, thinned to `most`; where there are fewer than three, 2 and 5 times them too. */
static void lay_log(Axis *a, int most)
{
    static const double factor[] = {1, 2, 5};
    double              decades = floor(a->hi) - ceil(a->lo) + 1;
    double              every = fmax(1, ceil(decades / most));
    int                 n_factors = decades < 3 ? 3 : 1;
    for (double e = floor(a->lo); e <= a->hi + 1e-9; e += every)
        for (int f = 0; f < n_factors && a->n_ticks < AXIS_MAX_TICKS; f++) {
            double v = e + log10(factor[f]);
            if (v >= a->lo - 1e-9 && v <= a->hi + 1e-9)
                a->tick[a->n_ticks++] = pow(10, v);
        }
    a->decimals = 6;
}

void axis_lay(Axis *a, double lo, double hi, int most, bool is_round)
{
    a->is_empty = !(a->lo <= a->hi);
    if (lo < hi) {
        a->lo = a->is_log ? log10(fmax(lo, 1e-300)) : lo;
        a->hi = a->is_log ? log10(fmax(hi, 1e-300)) : hi;
        is_round = false;
    } else if (a->is_empty) {
        a->lo = 0;
        a->hi = 1;
    }
    if (a->hi - a->lo <
        1e-12 * fmax(fabs(a->lo), fabs(a->hi)) + 1e-300) { // one value: open a range around it
        double around = a->lo == 0 ? 1 : fabs(a->lo) * 0.5;
        a->lo -= around;
        a->hi += around;
    }
    if (a->is_log)
        lay_log(a, most);
    else
        lay_linear(a, most, is_round);
}

double axis_at(const Axis *a, double value)
{
    double v = a->is_log ? log10(value) : value;
    double t = (v - a->lo) / (a->hi - a->lo);
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return a->from + t * (a->to - a->from);
}

void axis_label(const Axis *a, char text[32], double value)
{
    if (fabs(value) >= 1e6 || (value != 0 && fabs(value) < 1e-4))
        snprintf(text, 32, "%.3g", value);
    else if (a->is_log)
        snprintf(text, 32, "%.6g", value);
    else if (fabs(a->hi) >= 10000 && fmod(value, 1000) == 0 && value != 0)
        snprintf(text, 32, "%.0fk", value / 1000);
    else
        snprintf(text, 32, "%.*f", a->decimals, value);
}
