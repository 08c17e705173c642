/* run_signals.c -- the part of run.h that listens to signals */
#include "base/run.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_int stop_signal;
static atomic_int n_interrupts;

/* Only what a handler may do: atomics, write, _exit. */
static void on_signal(int sig)
{
    static const char FIRST[] = "\nstopping after this step; once more to stop at once\n";
    static const char SECOND[] = "\nstopped at once; the last checkpoint is intact\n";
    ssize_t           ignored = 0;
    atomic_store(&stop_signal, sig);
    if (sig != SIGINT)
        return;
    if (atomic_fetch_add(&n_interrupts, 1) == 0) {
        ignored = write(2, FIRST, sizeof FIRST - 1);
        (void)ignored;
        return;
    }
    ignored = write(2, SECOND, sizeof SECOND - 1);
    (void)ignored;
    _exit(75);
}

void run_signals_install(void)
{
    static const int SIGNALS[] = {SIGTERM, SIGINT, SIGUSR1, SIGHUP};
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
        /* nohup ignores SIGHUP on purpose. */
        if (SIGNALS[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
            before.sa_handler == SIG_IGN)
            continue;
        sigaction(SIGNALS[i], &action, NULL);
    }
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool run_stop_requested(void)
{
    return atomic_load(&stop_signal) != 0;
}

int run_stop_signal(void)
{
    return atomic_load(&stop_signal);
}

Status run_check_stop(void)
{
    int sig = run_stop_signal();
    return sig == 0 ? OK : status_fail(ERR_INTERRUPTED, "stopped by signal %d", sig);
}

void run_request_stop(int sig)
{
    atomic_store(&stop_signal, sig);
    if (sig == 0)
        atomic_store(&n_interrupts, 0);
}
