/* fibre.h -- stacks that hand the processor to one another
 *
 * Stack 0 is the host's own; others are made on first use, 256 kB each with a guard page, and reused. Switching is a few
 * instructions on x86-64 and swapcontext elsewhere; AddressSanitizer is told about every switch.
 */
#pragma once

/* The entry of every fibre but 0; must not return. */
typedef void FibreMain(void);

/* A fibre that sleeps at the start of `main` (made, or reused after fibre_abandon). */
int fibre_make(FibreMain *main);

/* From the current fibre to `to`, which goes on where it slept. */
void fibre_switch(int to);

int fibre_current(void);

/* From fibre 0: every other fibre forgets what it was doing; the next fibre_make reuses its stack. */
void fibre_abandon(void);
