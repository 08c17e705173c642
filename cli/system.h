/* system.h -- what this machine is, for doctor, reports and results */
#pragma once
#include <stddef.h>

/* "AMD EPYC 7763 64-Core Processor", cut to `size`. */
void system_processor(char *out, size_t size);

/* The widest vector instructions in words, and what they mean for bf16 runs. */
const char *system_vectors(void);
