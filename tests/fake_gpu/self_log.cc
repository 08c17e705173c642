/* self_log.cc -- lines that the plug-in writes by itself, as its libraries' plans do */
extern "C" {
#include "base/log.h"
}

extern "C" __attribute__((visibility("default"))) void self_log(void)
{
    int64_t count = 0;
    log_info("chosen: %d", 7);
    log_debug("tried: %d", 3);
    for (int i = 0; i < 3; i++)
        log_warn_some(&count, 1, "odd: %d", i);
}
