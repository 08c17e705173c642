#include "fake_gpu/libs/misuse.h"
#include "fake_gpu/libs/fake_libs.h"

#include <stdarg.h>
#include <stdio.h>

void fake_misuse(const char *library, const char *fmt, ...)
{
    char    text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fprintf(stderr, "fake %s: %s\n", library, text);
    fake_libs()->n_misuses++;
    fake_libs()->last_misuse = text;
}
