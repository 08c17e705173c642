/* verbs.h -- one function a verb; each lives in the file of its name */
#pragma once
#include "cli/options.h"

Status verb_eval(const Verb *verb, int argc, char **argv);
Status verb_doctor(const Verb *verb, int argc, char **argv);
Status verb_help(const Verb *verb, int argc, char **argv);
