/* misuse.h -- a call that NVIDIA's documentation does not allow: counted, kept for the next test to find, told on stderr */
#pragma once

void fake_misuse(const char *library, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
