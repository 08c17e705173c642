/* spin.c -- threads that wait should let others work
 *
 * GNU OpenMP's threads spin for a long while at the end of each loop. Beside a data loader, or on a shared machine, that
 * burns the cores that the others need: one training step was seen to take six times as long. The library reads its
 * settings when it is loaded, before main (and libc restores the environment after .preinit_array), so the program sets
 * its default and starts itself once more. A user's own OMP_WAIT_POLICY or GOMP_SPINCOUNT stands.
 */
#include "cli/spin.h"

#include <stdlib.h>
#include <unistd.h>

void spin_less(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "2000", 1) == 0) // a few microseconds: bridges the gaps within an op
        execv("/proc/self/exe", argv);             // comes back only where /proc is absent: then spin
}
