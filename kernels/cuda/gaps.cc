#include "kernels/backend_entries.h"

extern "C" {
#include "kernels/cuda/gaps.h"
}

#include <string.h>

#define COUNT(entry) +1
static BackendGap gap[1 BACKEND_ENTRIES(COUNT) BACKEND_OPTIONAL(COUNT)];
static int        n_gaps;
static bool       is_filled;

/* Why optional entries are empty. */
static const BackendGap reasons[] = {
    {"conv_bn_train_forward", "cuDNN's engines that join the two take 1.8 to 2.7 times as long as "
                              "its convolution and our sums (docs/gpu.md)"},
    {"graph_begin", "--sync: a graph runs as one piece, nothing in it could be blamed"},
};

static void note(const char *entry, const char *why)
{
    gap[n_gaps++] = {entry, why};
}

static const char *reason_of(const char *entry)
{
    for (const BackendGap &r : reasons)
        if (strcmp(r.entry, entry) == 0)
            return r.why;
    return "no reason is noted";
}

template <typename Entry, typename... A>
static Status missing(A...)
{
    return status_fail(ERR_UNSUPPORTED, "device cuda: %s is not implemented; use --device cpu",
                       Entry::name());
}

template <typename Entry, typename... A>
static void fill(Status (*&entry)(A...))
{
    if (entry)
        return;
    entry = missing<Entry, A...>;
    note(Entry::name(), "not implemented");
}

/* `free` cannot fail; a table without it would not open. */
template <typename Entry>
static void fill(void (*&)(void *))
{
}

void gaps_fill(Backend *be)
{
    n_gaps = 0;
#define FILL(entry)                                                                                \
    {                                                                                              \
        struct Name {                                                                              \
            static const char *name()                                                              \
            {                                                                                      \
                return #entry;                                                                     \
            }                                                                                      \
        };                                                                                         \
        fill<Name>(be->entry);                                                                     \
    }
#define NOTE(entry)                                                                                \
    if (!be->entry)                                                                                \
        note(#entry, reason_of(#entry));
    BACKEND_ENTRIES(FILL)
    BACKEND_OPTIONAL(NOTE)
    gap[n_gaps] = {};
    is_filled = true;
}

const BackendGap *gaps_list(void)
{
    return is_filled ? gap : nullptr;
}
