/* block.h -- one block of GPU threads on one host thread
 *
 *      fibre 1:  thread 0 --------> barrier                        sleeps here with its stack
 *      fibre 2:      thread 1 --------> barrier                    ...
 *      fibre n:          thread n-1 --> barrier, the last: all go on
 *
 * Threads start in order. One that meets no collective runs to its end and the next starts on the same stack, without a
 * switch. One that must wait sleeps on its stack, and the next starts on another. When nobody can go on, a thread that
 * was expected never came: the kernel is stopped and the fault names both threads and the line of the barrier.
 *
 * Shared memory is garbage (all bits set: NaN) at the start of every block, with guarded ends.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <functional>

struct FakeDim {
    unsigned x, y, z;
    FakeDim(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
typedef FakeDim dim3;
typedef FakeDim uint3;

enum FakeWarpOp { FAKE_SYNC, FAKE_BALLOT, FAKE_SHFL, FAKE_SHFL_UP, FAKE_SHFL_DOWN, FAKE_SHFL_XOR };

/* What one lane brings to a warp's collective. */
struct FakeWarpCall {
    FakeWarpOp  op;
    uint64_t    value;
    int         lane, width; // of a shuffle
    const char *file;
    int         line;
};

enum FakeState { FAKE_FRESH, FAKE_RUNNING, FAKE_READY, FAKE_AT_BLOCK, FAKE_AT_WARP, FAKE_DONE };

struct FakeThread {
    FakeDim      index;
    unsigned     flat; // x fastest
    FakeState    state;
    int          fibre; // the stack it sleeps on
    FakeWarpCall call;  // where it waits, and with what
    unsigned     mask;
    uint64_t     result;
};

extern FakeThread *fake_self; // NULL while host code runs
extern FakeDim     fake_block_index, fake_block_dim, fake_grid_dim;

void     fake_syncthreads(const char *file, int line);
int      fake_syncthreads_count(int predicate, const char *file, int line);
uint64_t fake_warp(FakeWarpCall call, unsigned mask);

/* The shared array of declaration `site` in this block; `dynamic` is the launch's own. */
void *fake_shared(const void *site, size_t bytes);
void *fake_shared_dynamic(void);

/* Stops the kernel that runs, from inside it. */
[[noreturn]] void fake_fault(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs every block of a grid now; what stopped it, or an empty string. */
const char *fake_run_grid(const char *kernel, FakeDim grid, FakeDim block, size_t shared_bytes,
                          const std::function<void()> &body);

/* An atomic access of the thread that runs, for the race detector. */
void fake_atomic(void *p, size_t bytes);

/* Queues a kernel on a stream. `kernel` must outlive it. */
struct CUstream_st;
void fake_launch(const char *kernel, FakeDim grid, FakeDim block, size_t shared_bytes,
                 CUstream_st *stream, std::function<void()> body);

/* What stopped the last kernel that was stopped: for tests of the device itself. */
extern "C" __attribute__((visibility("default"))) const char *fake_gpu_last_fault(void);
