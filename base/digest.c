#include "base/digest.h"
#include "base/number.h"

#include <string.h>
#include <xxhash.h>

void digest_bytes(Digest *d, const void *bytes, int64_t n)
{
    d->value = XXH3_64bits_withSeed(bytes, (size_t)n, d->value);
}

void digest_string(Digest *d, const char *text)
{
    digest_bytes(d, text, (int64_t)strlen(text) + 1);
}

void digest_text(const Digest *d, char text[DIGEST_TEXT])
{
    number_snprintf(text, DIGEST_TEXT, "%016llx", (unsigned long long)d->value);
}
