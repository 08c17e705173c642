/* digest.h -- 64 bits that tell two data sets apart (XXH3), in the order in which things are added; not for secrets
 *
 *      Digest d = {0};
 *      digest_string(&d, name);
 *      digest_bytes(&d, &label, sizeof label);
 *      char text[DIGEST_TEXT];
 *      digest_text(&d, text);               "00f3a2..."
 */
#pragma once
#include <stdint.h>

enum { DIGEST_TEXT = 17 };

typedef struct Digest {
    uint64_t value;
} Digest;

void digest_bytes(Digest *d, const void *bytes, int64_t n);
void digest_string(Digest *d, const char *text); // its end too
void digest_text(const Digest *d, char text[DIGEST_TEXT]);
