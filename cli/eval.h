/* eval.h -- the metrics of `godwit eval METRIC GT DT`, one file each */
#pragma once
#include "cli/options.h"

/* argv[0] is the metric's name; each parses its own options, prints its table and writes --json, --csv. */
Status eval_voc(const Verb *verb, int argc, char **argv);
Status eval_cityscapes(const Verb *verb, int argc, char **argv);
Status eval_semseg(const Verb *verb, int argc, char **argv);
Status eval_densepose(const Verb *verb, int argc, char **argv);
Status eval_coco(const Verb *verb, int argc, char **argv);
Status eval_lvis(const Verb *verb, int argc, char **argv);
