/* fuzz_safetensors.c -- any bytes are refused with a sentence or give tensors that lie inside them */
#include "base/safetensors.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    SafeFile f;
    Status   st = safetensors_open_bytes(&f, (const char *)bytes, (int64_t)n, "fuzz");
    if (st != OK && st != ERR_FORMAT)
        abort();
    for (int64_t i = 0; i < f.n; i++) {
        const SafeTensor *t = &f.tensor[i];
        const uint8_t    *data = t->data;
        if (safetensors_find(&f, t->name) != t || data < bytes || data + t->n_bytes > bytes + n)
            abort();
        float values[64];
        if (safetensors_count(t) <= 64 && safetensors_to_f32(t, values, safetensors_count(t)) != OK)
            abort();
    }
    safetensors_close(&f);
    return 0;
}
