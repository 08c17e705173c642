/* faults.h -- the n-th call fails
 *
 *      faults_allocation(3);                               malloc, malloc, malloc -> NULL, malloc, ...
 *      st = json_parse(...);
 *      bool reached = faults_end();                        false: it needs fewer than three
 *
 * Linked into a test program, the functions of faults.c stand before those of libc and of the sanitizers, for the
 * program's own code and for the libraries it uses alike; they pass calls on until a fault is armed. Allocations fail
 * for the arming thread only, files for all threads. As a shared object in LD_PRELOAD the same file fails the files of a
 * whole program, as GODWIT_FAULTS says: "KIND NTH TIMES ERRNO PATH", KIND 0 for writes and 1 for reads.
 *
 * PITFALL: libc's own stdio (fopen, fwrite) opens and writes past us.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef enum FaultKind {
    FAULT_WRITES, // open that creates, write, pwrite, ftruncate, fsync, rename, mkdir
    FAULT_READS,  // read, pread
} FaultKind;

/* malloc, calloc, realloc and posix_memalign of this thread: the nth from now (1: the next) returns NULL, once. */
void faults_allocation(int64_t nth);

/* The nth matching call from now and the times - 1 after it fail with errno = reason. Only files whose path contains
 * `path` count. */
void faults_files(FaultKind kind, int64_t nth, int64_t times, int reason, const char *path);

/* Disarms both; true when a call failed. */
bool faults_end(void);
