/* plugin.h -- what the program and a backend in a library of its own tell each other
 *
 * The library holds its own copies of base/ and kernels/, hidden; it exports one function. Program and library must come
 * from one build: they share the layout of Backend and Tensor.
 */
#pragma once
#include "base/log.h"
#include "kernels/backend.h"

typedef struct PluginHost {
    int64_t table_bytes;     // sizeof(Backend) of the program
    char *(*sentence)(void); // status_buffer() of the program
    LogLine *log;            // log_line of the program: its level, its file, its progress line
    bool     waits;          // every op waits for itself (--sync)
    DType    dtype;          // the run's, as backend_open was told
} PluginHost;

/* Opens the device and gives its table, the same at every call; `dtype` is heeded at each. ERR_DEVICE. */
typedef Status PluginOpen(const Backend **be, const PluginHost *host);
#define PLUGIN_OPEN "godwit_plugin_open"

/* backend_cuda_gaps of the device that was opened. */
typedef const BackendGap *PluginGaps(void);
#define PLUGIN_GAPS "godwit_plugin_gaps"
