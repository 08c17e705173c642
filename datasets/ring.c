/* ring.c -- one mutex, two conditions: `work` (items to take or slots freed) and `ready` (a step is done) */
#include "datasets/ring.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/run.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SENTENCE 1024
#define LOOK_S 0.25 // how often a wait looks whether the run is to stop

typedef struct Slot {
    int64_t step, n_items, taken, done;
    bool    filled; // planned and not yet given back
    bool    ready;
    Status  status;
    int64_t failed_item;
    char    sentence[SENTENCE];
} Slot;

typedef struct Worker {
    Ring     *ring;
    pthread_t thread;
    int64_t   id;
    int64_t   slot, item; // at work on; slot -1: idle
    double    since;
} Worker;

struct Ring {
    RingTask        task;
    RingOptions     o;
    pthread_mutex_t lock;
    pthread_cond_t  work, ready;
    Slot           *slot;
    Worker         *worker;
    int64_t         n_started; // threads
    int64_t         planned;   // next step to plan
    int64_t         taken;     // next step to hand out
    int64_t         held;      // slot the caller looks at, -1: none
    bool            stop;
    RingStats       stats;
};

int64_t ring_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

/* Keeps this thread's sentence as the step's, unless a lower item has failed. Locked. */
static void slot_fail(Slot *s, Status st, int64_t item)
{
    if (s->status != OK && s->failed_item <= item)
        return;
    s->status = st;
    s->failed_item = item;
    snprintf(s->sentence, sizeof s->sentence, "%s", status_text());
}

static int64_t slot_of(const Ring *r, int64_t step)
{
    return (step - r->o.start_step) % r->o.n_slots;
}

/* Plans the next step when a slot is free. Locked. */
static bool plan_one(Ring *r)
{
    int64_t i = slot_of(r, r->planned);
    Slot   *s = &r->slot[i];
    if (s->filled || (r->o.end_step > 0 && r->planned >= r->o.end_step))
        return false;
    *s = (Slot){.step = r->planned, .filled = true, .failed_item = INT64_MAX};
    Status st = r->task.plan(r->task.ctx, i, r->planned, &s->n_items);
    r->planned++;
    if (st != OK) {
        s->n_items = 0;
        slot_fail(s, st, -1);
    }
    if (s->n_items == 0) {
        s->ready = true;
        pthread_cond_broadcast(&r->ready);
    }
    return true;
}

/* An item of the earliest step that has one. Locked. */
static bool take_item(Ring *r, Worker *w)
{
    for (int64_t step = r->taken; step < r->planned; step++) {
        Slot *s = &r->slot[slot_of(r, step)];
        if (s->filled && s->step == step && s->taken < s->n_items) {
            w->slot = slot_of(r, step);
            w->item = s->taken++;
            w->since = clock_seconds();
            return true;
        }
    }
    return false;
}

static void complete_item(Ring *r, Worker *w, Status st)
{
    Slot *s = &r->slot[w->slot];
    if (st != OK)
        slot_fail(s, st, w->item);
    bool last = ++s->done == s->n_items;
    if (last && s->status == OK && r->task.finish != NULL) {
        pthread_mutex_unlock(&r->lock);
        st = r->task.finish(r->task.ctx, w->slot);
        pthread_mutex_lock(&r->lock);
        if (st != OK)
            slot_fail(s, st, s->n_items);
    }
    w->slot = -1;
    if (last) {
        s->ready = true;
        pthread_cond_broadcast(&r->ready);
    }
}

static void *worker_main(void *arg)
{
    Worker *w = arg;
    Ring   *r = w->ring;
    pthread_mutex_lock(&r->lock);
    while (!r->stop) {
        if (!take_item(r, w)) {
            if (plan_one(r))
                pthread_cond_broadcast(&r->work);
            else
                pthread_cond_wait(&r->work, &r->lock);
            continue;
        }
        pthread_mutex_unlock(&r->lock);
        Status st = r->task.work(r->task.ctx, w->slot, w->item, w->id);
        pthread_mutex_lock(&r->lock);
        complete_item(r, w, st);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Threads that see no signals: those belong to the main thread. */
static Status start_workers(Ring *r)
{
    sigset_t all, before;
    int      code = 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int64_t i = 0; i < r->o.n_workers && code == 0; i++) {
        r->worker[i] = (Worker){.ring = r, .id = i, .slot = -1};
        code = pthread_create(&r->worker[i].thread, NULL, worker_main, &r->worker[i]);
        r->n_started += code == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0 && r->n_started == 0)
        return status_fail(ERR_MEMORY, "loader: no thread could be started: %s", strerror(code));
    return OK;
}

Status ring_open(Ring **out, const RingTask *task, const RingOptions *o)
{
    Ring *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL)
        return status_no_memory("a loader", sizeof *r);
    r->task = *task;
    r->o = *o;
    r->planned = r->taken = o->start_step;
    r->held = -1;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    pthread_cond_init(&r->ready, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r->slot = calloc((size_t)o->n_slots, sizeof *r->slot);
    r->worker = calloc((size_t)o->n_workers, sizeof *r->worker);
    Status st = r->slot == NULL || r->worker == NULL ? status_no_memory("a loader's ring", 0) : OK;
    if (st == OK)
        st = start_workers(r);
    if (st != OK)
        ring_close(r);
    else
        *out = r;
    return st;
}

/* Says what the step `s` is waiting for. Locked; the names are described without the lock. */
static void warn_stall(Ring *r, int64_t slot, double waited)
{
    const Worker *oldest = NULL;
    for (int64_t i = 0; i < r->n_started; i++) {
        const Worker *w = &r->worker[i];
        if (w->slot == slot && (oldest == NULL || w->since < oldest->since))
            oldest = w;
    }
    r->stats.n_stalls++;
    if (oldest == NULL) {
        log_warn("no batch for %.0f s", waited);
        return;
    }
    int64_t item = oldest->item;
    pthread_mutex_unlock(&r->lock);
    log_warn("no batch for %.0f s: still waiting for %s", waited,
             r->task.describe(r->task.ctx, slot, item));
    pthread_mutex_lock(&r->lock);
}

static struct timespec seconds_from_now(double s)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)s;
    t.tv_nsec += (long)((s - (double)(time_t)s) * 1e9);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

Status ring_next(Ring *r, int64_t *slot, int64_t *step)
{
    if (r->o.end_step > 0 && r->taken >= r->o.end_step)
        return status_fail(ERR_USAGE, "loader: step %lld was asked for, the last is %lld",
                           (long long)r->taken, (long long)r->o.end_step - 1);
    double begin = clock_seconds();
    pthread_mutex_lock(&r->lock);
    if (r->held >= 0) { // the caller is done with it
        r->slot[r->held].filled = false;
        r->held = -1;
        r->taken++;
        if (r->o.end_step > 0 && r->taken >= r->o.end_step) {
            pthread_mutex_unlock(&r->lock);
            return ring_next(r, slot, step);
        }
        pthread_cond_broadcast(&r->work);
    }
    int64_t i = slot_of(r, r->taken);
    Slot   *s = &r->slot[i];
    double  warn_at = begin + r->o.stall_s;
    while (!(s->filled && s->step == r->taken && s->ready)) {
        struct timespec until = seconds_from_now(LOOK_S < r->o.stall_s ? LOOK_S : r->o.stall_s);
        if (pthread_cond_timedwait(&r->ready, &r->lock, &until) != ETIMEDOUT)
            continue;
        if (run_stop_requested()) {
            pthread_mutex_unlock(&r->lock);
            return run_check_stop();
        }
        if (clock_seconds() >= warn_at) {
            warn_stall(r, i, clock_seconds() - begin);
            warn_at = clock_seconds() + r->o.stall_s;
        }
    }
    r->stats.last_wait_s = clock_seconds() - begin;
    r->stats.wait_s += r->stats.last_wait_s;
    Status st = s->status;
    if (st == OK) {
        *slot = i;
        *step = s->step;
        r->held = i;
    } else {
        st = status_fail(st, "%s", s->sentence);
    }
    pthread_mutex_unlock(&r->lock);
    return st;
}

RingStats ring_stats(const Ring *r)
{
    return r->stats; // written by ring_next's thread alone
}

void ring_close(Ring *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->work);
    pthread_mutex_unlock(&r->lock);
    for (int64_t i = 0; i < r->n_started; i++)
        pthread_join(r->worker[i].thread, NULL);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->work);
    pthread_cond_destroy(&r->ready);
    free(r->slot);
    free(r->worker);
    free(r);
}
