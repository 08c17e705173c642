#include "kernels/backend.h"
#include "kernels/cpu/cpu_regions.h"

#include <pthread.h>

static Backend        CPU;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    CPU = *backend_ref();
    CPU.name = "cpu";
    cpu_regions_fill(&CPU);
}

const Backend *backend_cpu(void)
{
    pthread_once(&once, fill_table);
    return &CPU;
}
