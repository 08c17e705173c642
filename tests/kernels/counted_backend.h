/* counted_backend.h -- ref with its allocations counted, to compare a plan with */
#pragma once
extern "C" {
#include "kernels/backend.h"
}
#include <algorithm>
#include <map>

/* One at a time. */
struct Counted {
    static inline std::map<void *, int64_t> held;
    static inline int64_t                   now, peak;
    Backend                                 be = *backend_ref();

    Counted()
    {
        held.clear();
        now = peak = 0;
        be.alloc = alloc;
        be.free = give;
    }
    static Status alloc(void **memory, int64_t bytes)
    {
        TRY(backend_ref()->alloc(memory, bytes));
        held[*memory] = bytes;
        now += bytes;
        peak = std::max(peak, now);
        return OK;
    }
    static void give(void *memory)
    {
        auto at = held.find(memory);
        if (at == held.end())
            return;
        now -= at->second;
        held.erase(at);
        backend_ref()->free(memory);
    }
};
