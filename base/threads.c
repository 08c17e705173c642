#include "base/threads.h"
#include "base/size.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static atomic_int n_threads;

static int available_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}

void threads_set(int n)
{
    if (n < 1)
        n = available_cores();
    atomic_store(&n_threads, n);
#ifdef _OPENMP
    omp_set_num_threads(n);
#endif
}

int threads_count(void)
{
    if (atomic_load(&n_threads) == 0)
        threads_set(0);
    return atomic_load(&n_threads);
}

int64_t threads_grain(int64_t n, int64_t least)
{
    int64_t pieces = (int64_t)threads_count() * 4;
    return size_max((n + pieces - 1) / pieces, size_max(least, 1));
}

#ifdef _OPENMP

void threads_for(int64_t n, int64_t grain, ThreadsBody *body, void *ctx)
{
    int64_t ranges = (n + grain - 1) / grain;
    int     team = (int)size_min(threads_count(), ranges);
    if (team <= 1 || omp_in_parallel()) {
        for (int64_t r = 0; r < ranges; r++)
            body(ctx, r * grain, size_min((r + 1) * grain, n));
        return;
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
    for (int64_t r = 0; r < ranges; r++)
        body(ctx, r * grain, size_min((r + 1) * grain, n));
}

#else

typedef struct Loop {
    int64_t      n, grain;
    ThreadsBody *body;
    void        *ctx;
    atomic_llong next;
} Loop;

static _Thread_local int inside_loop;

static void *run_ranges(void *arg)
{
    Loop *loop = arg;
    inside_loop++;
    for (;;) {
        int64_t begin = (int64_t)atomic_fetch_add(&loop->next, 1) * loop->grain;
        if (begin >= loop->n)
            break;
        loop->body(loop->ctx, begin, size_min(begin + loop->grain, loop->n));
    }
    inside_loop--;
    return NULL;
}

void threads_for(int64_t n, int64_t grain, ThreadsBody *body, void *ctx)
{
    enum { MOST = 64 };
    pthread_t helper[MOST];
    Loop      loop = {.n = n, .grain = grain, .body = body, .ctx = ctx};
    int64_t   ranges = (n + grain - 1) / grain;
    int       wanted = inside_loop ? 0 : (int)size_min(size_min(threads_count(), ranges) - 1, MOST);
    int       n_helpers = 0;
    while (n_helpers < wanted && pthread_create(&helper[n_helpers], NULL, run_ranges, &loop) == 0)
        n_helpers++;
    run_ranges(&loop);
    for (int i = 0; i < n_helpers; i++)
        pthread_join(helper[i], NULL);
}

#endif
