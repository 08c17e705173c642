#include "cli/system.h"

#include <stdio.h>
#include <string.h>

void system_processor(char *out, size_t size)
{
    snprintf(out, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return;
    char line[256];
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0) {
            char *name = strchr(line, ':');
            if (name) {
                name += 2;
                name[strcspn(name, "\n")] = 0;
                snprintf(out, size, "%s", name);
            }
            break;
        }
    fclose(f);
}

const char *system_vectors(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16"))
        return "AVX-512 with bf16 (bf16 runs are native)";
    if (__builtin_cpu_supports("avx512f"))
        return "AVX-512 (bf16 runs save memory, not time)";
    if (__builtin_cpu_supports("avx2"))
        return "AVX2 (bf16 runs save memory, not time)";
    return "SSE (training will be slow: AVX2 is wanted)";
#else
    return "generic";
#endif
}
