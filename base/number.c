#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1000, EXACT_DIGITS = 15, EXACT_POWER = 22 };

static locale_t       c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t the_c_locale(void)
{
    pthread_once(&c_locale_once, make_c_locale);
    return c_locale;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool number_parse_int(int64_t *out, const char *bytes, int64_t n)
{
    int64_t i = 0, value = 0;
    bool    negative = n > 0 && bytes[0] == '-';
    if (n > 0 && (bytes[0] == '-' || bytes[0] == '+'))
        i++;
    if (i >= n)
        return false;
    for (; i < n; i++) {
        if (!is_digit(bytes[i]) || __builtin_mul_overflow(value, (int64_t)10, &value))
            return false;
        int64_t digit = bytes[i] - '0';
        if (__builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *out = value;
    return true;
}

/* What a decimal says, as far as the fast path needs it. */
typedef struct Decimal {
    bool     negative;
    bool     is_short; // all digits fit `digits` exactly
    uint64_t digits;   // the digits without the point
    int      power;    // value = digits * 10^power; clamped to +-100000
} Decimal;

/* The grammar of number.h; false when the bytes do not follow it. */
static bool scan_decimal(Decimal *d, const char *s, int64_t n)
{
    int64_t i = 0, seen = 0, significant = 0, point_shift = 0;
    *d = (Decimal){.is_short = true};
    if (i < n && (s[i] == '-' || s[i] == '+'))
        d->negative = s[i++] == '-';
    for (bool after_point = false; i < n; i++) {
        if (s[i] == '.' && !after_point) {
            after_point = true;
            continue;
        }
        if (!is_digit(s[i]))
            break;
        seen++;
        point_shift += after_point;
        if (significant > 0 || s[i] != '0')
            significant++;
        if (significant <= EXACT_DIGITS)
            d->digits = d->digits * 10 + (uint64_t)(s[i] - '0');
    }
    if (seen == 0)
        return false;
    d->is_short = significant <= EXACT_DIGITS;
    int64_t power = 0;
    if (i < n && (s[i] == 'e' || s[i] == 'E')) {
        i++;
        bool down = i < n && s[i] == '-';
        if (i < n && (s[i] == '-' || s[i] == '+'))
            i++;
        if (i >= n)
            return false;
        for (; i < n && is_digit(s[i]); i++)
            power = power > 100000 ? power : power * 10 + (s[i] - '0');
        power = down ? -power : power;
    }
    d->power = (int)(power - point_shift);
    return i == n;
}

bool number_parse_double(double *out, const char *bytes, int64_t n)
{
    static const double power_of_ten[EXACT_POWER + 1] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    Decimal d;
    if (n < 1 || n > MOST_BYTES || !scan_decimal(&d, bytes, n))
        return false;
    if (d.is_short && d.power >= -EXACT_POWER && d.power <= EXACT_POWER) {
        /* Both operands are exact doubles, so the one rounding is the right one (Clinger 1990). */
        double m = (double)d.digits;
        m = d.power < 0 ? m / power_of_ten[-d.power] : m * power_of_ten[d.power];
        *out = d.negative ? -m : m;
        return true;
    }
    char     copy[MOST_BYTES + 1];
    locale_t c = the_c_locale();
    if (!c)
        return false;
    memcpy(copy, bytes, (size_t)n);
    copy[n] = 0;
    double value = strtod_l(copy, NULL, c);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

static int vprint(char *out, int64_t size, const char *fmt, va_list args)
{
    locale_t c = the_c_locale();
    locale_t before = c ? uselocale(c) : (locale_t)0;
    int      n = vsnprintf(out, (size_t)size, fmt, args);
    if (c)
        uselocale(before);
    return n;
}

int number_vsnprintf(char *out, int64_t size, const char *fmt, va_list args)
{
    return vprint(out, size, fmt, args);
}

int number_snprintf(char *out, int64_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vprint(out, size, fmt, args);
    va_end(args);
    return n;
}

int number_print(char out[NUMBER_CHARS], double value)
{
    if (!isfinite(value))
        return snprintf(out, NUMBER_CHARS, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
    if (value == 0 && signbit(value)) // "-0" would be read as an integer, which has no sign
        return snprintf(out, NUMBER_CHARS, "-0.0");
    if (value == floor(value) && fabs(value) < 1e15)
        return snprintf(out, NUMBER_CHARS, "%lld", (long long)value);
    /* 15 digits survive a double, and %g drops their trailing zeros; subnormals hold fewer. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15;; digits++) {
        double back;
        int    n = number_snprintf(out, NUMBER_CHARS, "%.*g", digits, value);
        if (digits == 17 || (number_parse_double(&back, out, n) && back == value))
            return n;
    }
}

bool utf8_check(const char *bytes, int64_t n, int64_t *bad)
{
    const unsigned char *s = (const unsigned char *)bytes;
    for (int64_t i = 0; i < n;) {
        int      more;
        uint32_t code;
        if (s[i] < 0x80) {
            i++;
            continue;
        }
        if (s[i] >= 0xC2 && s[i] <= 0xDF)
            more = 1, code = s[i] & 0x1F;
        else if (s[i] >= 0xE0 && s[i] <= 0xEF)
            more = 2, code = s[i] & 0x0F;
        else if (s[i] >= 0xF0 && s[i] <= 0xF4)
            more = 3, code = s[i] & 0x07;
        else
            more = -1, code = 0;
        bool right = more > 0 && i + more < n;
        for (int k = 1; right && k <= more; k++) {
            right = (s[i + k] & 0xC0) == 0x80;
            code = code << 6 | (s[i + k] & 0x3F);
        }
        if (right && more == 2)
            right = code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
        if (right && more == 3)
            right = code >= 0x10000 && code <= 0x10FFFF;
        if (!right) {
            if (bad)
                *bad = i;
            return false;
        }
        i += more + 1;
    }
    return true;
}
