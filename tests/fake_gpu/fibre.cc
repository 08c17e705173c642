#include "fake_gpu/fibre.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <deque>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

enum { STACK_BYTES = 256 << 10, GUARD_BYTES = 4096 };

struct Fibre {
    char *stack; // NULL for the host's
#if defined(__x86_64__)
    void *sp;
#else
    ucontext_t context;
#endif
    void       *fake_stack; // AddressSanitizer's
    const void *bottom;
    size_t      bytes;
};

static std::deque<Fibre> fibres(1); // addresses stay
static int               current, n_used = 1;
static FibreMain        *entry;

#if defined(__x86_64__)
/* Saves what a function must preserve on this stack, and takes up where the other one saved its own. */
extern "C" void fake_gpu_swap(void **save, void *load);
asm(".text\n"
    ".globl fake_gpu_swap\n"
    ".hidden fake_gpu_swap\n"
    ".type fake_gpu_swap, @function\n"
    "fake_gpu_swap:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size fake_gpu_swap, . - fake_gpu_swap\n");
#endif

static void arrived(Fibre *here)
{
#if defined(__SANITIZE_ADDRESS__)
    const void *bottom;
    size_t      bytes;
    __sanitizer_finish_switch_fiber(here->fake_stack, &bottom, &bytes);
    if (!fibres[0].bottom) { // the first switch away from the host's stack says where that lies
        fibres[0].bottom = bottom;
        fibres[0].bytes = bytes;
    }
#else
    (void)here;
#endif
}

static void start()
{
    arrived(&fibres[(size_t)current]);
    entry();
    abort();
}

static void prepare(Fibre *f)
{
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(f->stack, STACK_BYTES);
#endif
    f->fake_stack = nullptr;
    f->bottom = f->stack;
    f->bytes = STACK_BYTES;
#if defined(__x86_64__)
    void **top = (void **)(f->stack + STACK_BYTES);
    *--top = nullptr; // a return address for nobody: keeps the stack aligned as a call would
    *--top = (void *)start;
    for (int i = 0; i < 6; i++)
        *--top = nullptr;
    f->sp = top;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = nullptr;
    makecontext(&f->context, start, 0);
#endif
}

int fibre_make(FibreMain *main)
{
    entry = main;
    if (n_used == (int)fibres.size()) {
        void *m = mmap(nullptr, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (m == MAP_FAILED || mprotect(m, GUARD_BYTES, PROT_NONE) != 0) {
            fprintf(stderr, "fake_gpu: no memory for the stack of a thread\n");
            abort();
        }
        fibres.emplace_back();
        fibres.back().stack = (char *)m + GUARD_BYTES;
    }
    prepare(&fibres[(size_t)n_used]);
    return n_used++;
}

void fibre_switch(int to)
{
    Fibre *from = &fibres[(size_t)current], *next = &fibres[(size_t)to];
    current = to;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&from->fake_stack, next->bottom, next->bytes);
#endif
#if defined(__x86_64__)
    fake_gpu_swap(&from->sp, next->sp);
#else
    swapcontext(&from->context, &next->context);
#endif
    arrived(from);
}

int fibre_current(void)
{
    return current;
}

void fibre_abandon(void)
{
    n_used = 1;
}
