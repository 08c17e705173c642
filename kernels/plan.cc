extern "C" {
#include "kernels/plan.h"
#include "base/size.h"
}
#include "kernels/backend_entries.h"

#include <cstring>
#include <map>

namespace {

const int64_t ALIGN = 64;

Backend                    table;
std::map<char *, int64_t> *held; // address -> bytes
char                      *fresh;
int64_t                    bytes_now, bytes_peak;

/* A tensor that an entry would write: no gradient is blank any more. */
void written(Tensor *x)
{
    if (x)
        (void)tensor_beta(x);
}

void written(const NormTerm *term)
{
    for (Tensor *x : {term->dx, term->dgamma, term->dbeta})
        written(x);
}

template <typename T>
void written(T)
{
}

template <typename... A>
Status nothing(A... arguments)
{
    (written(arguments), ...);
    return OK;
}

template <typename... A>
void fill(Status (*&entry)(A...))
{
    entry = nothing<A...>;
}

void fill(void (*&entry)(void *))
{
    entry = [](void *) {};
}

/* Addresses that a program does not own; what follows one ends here and not in somebody's numbers. */
Status alloc(void **memory, int64_t bytes)
{
    int64_t room = size_round_up(size_max(bytes, 1), ALIGN);
    *memory = fresh;
    (*held)[fresh] = bytes;
    fresh += room + ALIGN;
    bytes_now += bytes;
    bytes_peak = size_max(bytes_peak, bytes_now);
    return OK;
}

void give(void *memory)
{
    auto at = held->find(static_cast<char *>(memory));
    if (at == held->end())
        return;
    bytes_now -= at->second;
    held->erase(at);
}

Status read_zeros(void *host, const void *, int64_t bytes)
{
    std::memset(host, 0, static_cast<size_t>(bytes));
    return OK;
}

Status keep_graph(void **graph)
{
    *graph = &table;
    return OK;
}

} // namespace

const Backend *plan_backend(const Backend *like)
{
    static std::map<char *, int64_t> blocks;
    held = &blocks;
    blocks.clear();
    fresh = reinterpret_cast<char *>(static_cast<uintptr_t>(1) << 46);
    bytes_now = bytes_peak = 0;
    table = Backend{};
#define FILL(entry) fill(table.entry);
    BACKEND_ENTRIES(FILL)
#define FILL_LIKE(entry)                                                                           \
    if (like && like->entry)                                                                       \
        fill(table.entry);
    BACKEND_OPTIONAL(FILL_LIKE)
    if (!like) {
        fill(table.norm_pair_train_forward);
        fill(table.norm_pair_train_backward);
        fill(table.norm_pool_train_forward);
        fill(table.norm_pool_train_backward);
        fill(table.feed);
        fill(table.feed_use);
        fill(table.graph_begin);
        fill(table.graph_launch);
        fill(table.graph_free);
        table.graph_end = keep_graph;
    } else if (like->graph_end) {
        table.graph_end = keep_graph;
    }
    table.describe = nullptr;
    table.measure = nullptr;
    table.name = "plan";
    table.is_host = like && like->is_host;
    table.has_norm_masks = !like || like->has_norm_masks;
    table.alloc = alloc;
    table.free = give;
    table.read = read_zeros;
    return &table;
}

int64_t plan_bytes(void)
{
    return bytes_now;
}

int64_t plan_peak(void)
{
    return bytes_peak;
}
