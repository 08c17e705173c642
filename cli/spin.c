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
    char    self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    self[n] = 0;
    /* About 0.2 ms: bridges the gaps within a step (a sleeping core takes long to wake), gives way in longer ones. */
    if (setenv("GOMP_SPINCOUNT", "10000", 1) == 0)
        execv(self, argv); // comes back only on failure: then the long spin stays
}
