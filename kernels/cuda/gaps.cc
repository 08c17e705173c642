#include "kernels/backend_entries.h"

extern "C" {
#include "kernels/cuda/gaps.h"
}

#define COUNT(entry) +1
static const char *name_of_gap[1 BACKEND_ENTRIES(COUNT)];
static int         n_gaps;

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
    name_of_gap[n_gaps++] = Entry::name();
}

/* `free` cannot fail; a table without it would not open. */
template <typename Entry>
static void fill(void (*&)(void *))
{
}

void gaps_fill(Backend *be)
{
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
    BACKEND_ENTRIES(FILL)
}

const char *const *gaps_names(void)
{
    return name_of_gap;
}
