/* handles.h -- what the opaque types of godwit.h are */
#pragma once
#include "eval/rle.h"
#include <godwit.h>

struct gw_mask {
    Arena arena;
    Rle   rle;
    char *text; // the compressed string
};
