/* convolve.h -- ref's convolutions with the two factors that cuDNN has: out = alpha * result + beta * out */
#pragma once
#include "fake_gpu/libs/fake_libs.h"

struct Span {
    char  *p;
    size_t bytes;
};

/* What an engine allows itself. */
struct Liberties {
    bool rounds; // f32 operands to 11 bits
    bool is_off; // the result, by 2 %
};

/* tensor: x, w, y in device memory. beta 0 does not read what is there. */
void convolve(const FakeConv &conv, const Span tensor[3], Liberties taken);
