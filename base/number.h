/* number.h -- numbers to text and back, the same in every locale
 *
 * Parsing is strict: the whole of the given bytes must be the number; no white space, no "0x",
 * "inf" or "nan", and an overflow is a failure, never a silent infinity. Doubles are correctly
 * rounded (to nearest, ties to even).
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_CHARS = 32 }; // room for any printed number and its terminating zero

/* [+-]digits within int64; false and *out untouched otherwise. */
bool number_parse_int(int64_t *out, const char *bytes, int64_t n);

/* [+-]digits[.digits][e[+-]digits] (or .digits), at most 1000 bytes, finite; false and *out
 * untouched otherwise. A value below the smallest subnormal rounds to zero. */
bool number_parse_double(double *out, const char *bytes, int64_t n);

/* The shortest decimal that reads back as `value`: 0.1, 1e+20, 3, -0.0. "nan", "inf", "-inf" for those.
 * Returns the number of characters. */
int number_print(char out[NUMBER_CHARS], double value);

/* printf in the "C" locale, whatever the program's is. Returns as snprintf. */
int number_snprintf(char *out, int64_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

int number_vsnprintf(char *out, int64_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* True when the bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF);
 * otherwise *bad (may be NULL) is the offset of the first wrong byte. */
bool utf8_check(const char *bytes, int64_t n, int64_t *bad);
