/* fuzz_tar.c -- any bytes give members with safe names within the limits, or a sentence */
#include "base/file.h"
#include "base/tar.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    TarLimits  limits = {.max_member = 1 << 16, .max_total = 1 << 20};
    TarReader *t;
    Arena      arena = {0};
    bool       found = true;
    Status     st = tar_open_bytes(&t, bytes, (int64_t)n, "fuzz", &limits);
    for (int i = 0; st == OK && found && i < 1000; i++) {
        TarMember m;
        char     *data;
        int64_t   k;
        st = tar_next(t, &m, &found);
        if (st != OK || !found)
            break;
        if (file_check_relative(m.name) != OK || m.n_bytes > limits.max_member)
            abort();
        if (i % 3 != 0)
            st = tar_read(t, &arena, &data, &k);
        arena_release(&arena);
    }
    if (st != OK && st != ERR_FORMAT)
        abort();
    tar_close(t);
    arena_release(&arena);
    return 0;
}
