#include "kernels/cpu/scratch.h"
#include "base/size.h"
#include "base/status.h"

#include <pthread.h>
#include <stdlib.h>

enum { ALIGN = 64, MOST_IDLE = 64 };

/* Sits in the 64 bytes before the block. */
typedef struct Head {
    int64_t bytes;
} Head;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Head           *idle[MOST_IDLE]; // the largest last
static int             n_idle;

void *scratch_take(int64_t n_bytes)
{
    Head *head = NULL;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < n_idle && !head; i++)
        if (idle[i]->bytes >= n_bytes) {
            head = idle[i];
            n_idle--;
            for (int j = i; j < n_idle; j++)
                idle[j] = idle[j + 1];
        }
    if (!head && n_idle > 0)
        free(idle[--n_idle]); // too small: make room for its successor
    pthread_mutex_unlock(&lock);
    if (!head) {
        int64_t bytes = size_round_up(size_max(n_bytes, 1), 4096);
        head = aligned_alloc(ALIGN, (size_t)(bytes + ALIGN + SCRATCH_SLACK));
        if (!head) {
            (void)status_no_memory("scratch", n_bytes);
            return NULL;
        }
        head->bytes = bytes;
    }
    return (char *)head + ALIGN;
}

void scratch_give(void *memory)
{
    if (!memory)
        return;
    Head *head = (Head *)(void *)((char *)memory - ALIGN);
    pthread_mutex_lock(&lock);
    if (n_idle < MOST_IDLE) {
        int at = n_idle++;
        for (; at > 0 && idle[at - 1]->bytes > head->bytes; at--)
            idle[at] = idle[at - 1];
        idle[at] = head;
        head = NULL;
    }
    pthread_mutex_unlock(&lock);
    free(head);
}
