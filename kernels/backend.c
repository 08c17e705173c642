#include "kernels/backend.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "kernels/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool waits;

void backend_wait_for_each_op(bool yes)
{
    waits = yes;
}

/* Where the plug-in lies: what GODWIT_CUDA names, beside the program, in the installed library folder. false when nowhere. */
static bool find_plugin(char path[PATH_MAX])
{
    static const char *const place[] = {"libgodwit_cuda.so",
                                        GODWIT_PLUGIN_DIR "/libgodwit_cuda.so"};
    const char              *named = getenv("GODWIT_CUDA");
    if (named && *named) {
        snprintf(path, PATH_MAX, "%s", named);
        return true;
    }
    for (size_t i = 0; i < sizeof place / sizeof *place; i++)
        if (file_beside_program(path, PATH_MAX, place[i]) && access(path, R_OK) == 0)
            return true;
    return false;
}

void *backend_cuda_library(void)
{
    static void *library;
    char         path[PATH_MAX];
    if (library)
        return library;
    if (!find_plugin(path)) {
        (void)status_fail(ERR_DEVICE, "device cuda: there is no plug-in libgodwit_cuda.so beside "
                                      "the program or in " GODWIT_PLUGIN_DIR
                                      " from there (it is built where a CUDA toolkit is found); "
                                      "use --device cpu");
        return NULL;
    }
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        (void)status_fail(ERR_DEVICE, "device cuda: the plug-in does not load: %s", dlerror());
    return library;
}

static Status open_cuda(const Backend **be, DType dtype)
{
    void *library = backend_cuda_library();
    if (!library)
        return ERR_DEVICE;
    PluginOpen *open = NULL;
    *(void **)&open = dlsym(library, PLUGIN_OPEN);
    if (!open)
        return status_fail(ERR_DEVICE, "device cuda: the plug-in has no %s", PLUGIN_OPEN);
    PluginHost host = {(int64_t)sizeof(Backend), status_buffer(), log_line, waits, dtype};
    return open(be, &host);
}

const BackendGap *backend_cuda_gaps(void)
{
    void       *library = backend_cuda_library();
    PluginGaps *gaps = NULL;
    if (library)
        *(void **)&gaps = dlsym(library, PLUGIN_GAPS);
    return gaps ? gaps() : NULL;
}

/* Cheaper to ask than to load the plug-in's libraries. */
bool backend_may_have_cuda(void)
{
    const char *named = getenv("GODWIT_CUDA");
    if ((named && *named) || access("/dev/nvidiactl", F_OK) == 0)
        return true;
    void *driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL);
    if (driver)
        dlclose(driver);
    return driver != NULL;
}

/* A GPU that seems to be there and is not used is worth a word. */
static const Backend *open_auto(DType dtype)
{
    const Backend *be = NULL;
    if (backend_may_have_cuda()) {
        if (open_cuda(&be, dtype) == OK)
            return be;
        log_warn("--device auto takes the cpu: %s", status_text());
    }
    return backend_cpu();
}

Status backend_open(const Backend **be, const char *device, DType dtype)
{
    if (strcmp(device, "auto") == 0) {
        *be = open_auto(dtype);
        return OK;
    }
    if (strcmp(device, "cpu") == 0) {
        *be = backend_cpu();
        return OK;
    }
    if (strcmp(device, "ref") == 0) {
        *be = backend_ref();
        return OK;
    }
    if (strcmp(device, "cuda") == 0)
        return open_cuda(be, dtype);
    return status_fail(ERR_USAGE, "device: expected cpu, cuda, ref or auto, found \"%s\"", device);
}

Status backend_alloc(const Backend *be, void **memory, int64_t bytes, const char *what)
{
    Status st = be->alloc(memory, bytes);
    char   cause[400];
    if (st != ERR_MEMORY)
        return st;
    snprintf(cause, sizeof cause, "%s", status_text());
    return status_fail(st, "%s, %.2f MB: %s", what, (double)bytes / 1e6, cause);
}

void backend_log_device(const Backend *be)
{
    static const Backend *told;
    DeviceFacts           facts;
    if (told == be)
        return;
    told = be;
    if (be->describe && be->describe(&facts) == OK)
        log_info("device: %s, %s, %.1f of %.1f GB free", be->name, facts.name,
                 (double)facts.free_bytes / 1e9, (double)facts.total_bytes / 1e9);
    else
        log_info("device: %s, %d thread%s", be->name, threads_count(),
                 threads_count() == 1 ? "" : "s");
}

int64_t backend_peak_bytes(const Backend *be)
{
    DeviceFacts facts;
    return be->describe && be->describe(&facts) == OK ? facts.peak_bytes : 0;
}

void backend_log_peak(const Backend *be)
{
    DeviceFacts facts;
    if (be && be->describe && be->describe(&facts) == OK)
        log_info("%s: at most %.2f of %.2f GB were in use", facts.name,
                 (double)facts.peak_bytes / 1e9, (double)facts.total_bytes / 1e9);
}
