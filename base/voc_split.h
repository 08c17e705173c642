/* voc_split.h -- the lists of a PASCAL VOC folder: ROOT/ImageSets/Main/SPLIT.txt */
#pragma once
#include "base/status.h"

/* ERR_MISSING for a SPLIT that has no list: the sentence names the splits that there are, or the VOC folders below when
 * ROOT is a VOCdevkit. */
Status voc_split_fail(const char *root, const char *split);
