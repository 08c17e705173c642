/* relu, add, fill, cast, memory: one pass over the numbers */
#include "base/size.h"
#include "base/threads.h"
#include "kernels/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE = 2 << 20, ALIGN = 64 };

/* Large blocks start at a large page: fewer page faults and misses of the address cache. */
Status cpu_alloc(void **memory, int64_t bytes)
{
    *memory = NULL;
    if (bytes < 0 || bytes > INT64_MAX - HUGE)
        return status_no_memory("tensor", bytes);
    int64_t align = bytes >= 2 * HUGE ? HUGE : ALIGN;
    int64_t whole = size_round_up(size_max(bytes, 1), ALIGN);
    if (posix_memalign(memory, (size_t)align, (size_t)whole) != 0) {
        *memory = NULL;
        return status_no_memory("tensor", bytes);
    }
    if (align == HUGE)
        (void)madvise(*memory, (size_t)whole, MADV_HUGEPAGE); // a wish, not a need
    return OK;
}

typedef struct Pass {
    void             *to;
    const void       *a, *b;
    float             value;
    int64_t           bytes, bytes_from;
    const TypedLoops *loops;
} Pass;

#define TO(i) ((char *)k->to + (i)*k->bytes)
#define A(i) ((const char *)k->a + (i)*k->bytes_from)
#define B(i) ((const char *)k->b + (i)*k->bytes)

enum { LEAST = 16384 };

static void run(ThreadsBody *body, int64_t n, Pass *k)
{
    threads_for(n, size_round_up(threads_grain(n, LEAST), 64), body, k);
}

static Pass pass_of(Tensor *to, const Tensor *a, const Tensor *b)
{
    return (Pass){.to = to->data,
                  .a = a ? a->data : NULL,
                  .b = b ? b->data : NULL,
                  .bytes = dtype_bytes(to->dtype),
                  .bytes_from = a ? dtype_bytes(a->dtype) : 0,
                  .loops = loops_of(to)};
}

static void copy_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    memcpy(TO(i), A(i), (size_t)(end - i));
}

Status cpu_copy(void *to, const void *from, int64_t bytes)
{
    Pass k = {.to = to, .a = from, .bytes = 1, .bytes_from = 1};
    run(copy_part, bytes, &k);
    return OK;
}

static void fill_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    k->loops->fill(TO(i), k->value, end - i);
}

Status cpu_fill(Tensor *x, float value)
{
    Pass k = pass_of(x, NULL, NULL);
    k.value = value;
    run(fill_part, tensor_count(x), &k);
    return OK;
}

static void cast_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    if (k->bytes == k->bytes_from)
        memcpy(TO(i), A(i), (size_t)((end - i) * k->bytes));
    else if (k->bytes == 4)
        cpu_loops()->widen((float *)(void *)TO(i), (const uint16_t *)(const void *)A(i), end - i);
    else
        cpu_loops()->narrow((uint16_t *)(void *)TO(i), (const float *)(const void *)A(i), end - i);
}

Status cpu_cast(Tensor *y, const Tensor *x)
{
    Pass k = pass_of(y, x, NULL);
    run(cast_part, tensor_count(y), &k);
    return OK;
}

static void relu_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    k->loops->relu(TO(i), A(i), end - i);
}

Status cpu_relu_forward(Tensor *y, const Tensor *x)
{
    Pass k = pass_of(y, x, NULL);
    run(relu_part, tensor_count(y), &k);
    return OK;
}

static void relu_back_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    k->loops->relu_back(TO(i), A(i), B(i), k->value, end - i);
}

Status cpu_relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y)
{
    Pass k = pass_of(dx, dy, y);
    k.value = tensor_beta(dx);
    run(relu_back_part, tensor_count(dx), &k);
    return OK;
}

static void add_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    k->loops->add(TO(i), A(i), B(i), end - i);
}

Status cpu_add_forward(Tensor *y, const Tensor *a, const Tensor *b)
{
    Pass k = pass_of(y, a, b);
    run(add_part, tensor_count(y), &k);
    return OK;
}

static void accumulate_part(void *ctx, int64_t i, int64_t end)
{
    Pass *k = ctx;
    k->loops->accumulate(TO(i), A(i), k->value, end - i);
}

Status cpu_add_backward(Tensor *dx, const Tensor *dy)
{
    Pass k = pass_of(dx, dy, NULL);
    k.value = tensor_beta(dx);
    run(accumulate_part, tensor_count(dx), &k);
    return OK;
}
