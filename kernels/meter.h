/* meter.h -- a backend that counts the bytes which its operations have to move
 *
 *      be = meter(be);                    the same entries, counted
 *      ... a step ...
 *      meter_bytes()                      grew by what the step's operations have to read and write
 *
 * Every tensor counts once for each call that it is given to, a gradient that is added to twice: what has to cross the
 * memory's bus where every operation is a pass of its own and nothing is read again. A fused convolution and batch norm
 * counts as the two that it is, so devices and backends compare; batch norm that pools counts without the map that it does
 * not store. What passes the bus may be more (batch norm reads its
 * input for the statistics and once more) and, where caches or fusion help, less. Of gather and roi_align the whole x
 * counts, box work does not.
 *
 * One backend of a process is metered at a time. A launched graph counts nothing: the calls that it keeps did.
 */
#pragma once
#include "kernels/profile.h"

const Backend *meter(const Backend *be);
int64_t        meter_bytes(void); // since the process started

/* Calls of the optimiser (sum_squares, clip, sgd, ema), which know no tape, go into this profile. NULL: into none. */
void meter_profile(Profile *p);
