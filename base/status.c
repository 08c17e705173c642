#include "base/status.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char own_sentence[STATUS_TEXT_BYTES];

static char *own_buffer(void)
{
    return own_sentence;
}

static char *(*buffer)(void) = own_buffer;

char *(*status_buffer(void))(void)
{
    return buffer;
}

void status_share(char *(*of_this_thread)(void))
{
    buffer = of_this_thread;
}

Status status_fail(Status code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(buffer(), STATUS_TEXT_BYTES, fmt, args);
    va_end(args);
    (void)text_on_a_line(buffer(), STATUS_TEXT_BYTES, buffer());
    return code;
}

Status status_no_memory(const char *what, long long bytes)
{
    return status_fail(ERR_MEMORY, "%s: no memory for %lld bytes", what, bytes);
}

const char *status_text(void)
{
    return buffer();
}

int status_exit_code(Status st)
{
    switch (st) {
    case OK:
        return 0;
    case ERR_USAGE:
        return 64;
    case ERR_FORMAT:
        return 65;
    case ERR_MISSING:
        return 66;
    case ERR_SHAPE:
    case ERR_NONFINITE:
        return 70;
    case ERR_MEMORY:
    case ERR_DEVICE:
    case ERR_UNSUPPORTED:
        return 71;
    case ERR_CREATE:
        return 73;
    case ERR_IO:
        return 74;
    case ERR_INTERRUPTED:
        return 75;
    case ERR_RECIPE:
        return 78;
    }
    return 70;
}
