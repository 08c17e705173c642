/* bench_eval.h -- evaluators timed as whole processes, files in to numbers out */
#pragma once
#include "cli/options.h"

Status bench_eval_verb(const Verb *verb, int argc, char **argv);
