/* verbs.h -- one function a verb; each lives in the file of its name */
#pragma once
#include "cli/options.h"

Status verb_bench(const Verb *verb, int argc, char **argv);
Status verb_check(const Verb *verb, int argc, char **argv);
Status verb_compare(const Verb *verb, int argc, char **argv);
Status verb_demo(const Verb *verb, int argc, char **argv);
Status verb_doctor(const Verb *verb, int argc, char **argv);
Status verb_embed(const Verb *verb, int argc, char **argv);
Status verb_eval(const Verb *verb, int argc, char **argv);
Status verb_help(const Verb *verb, int argc, char **argv);
Status verb_knn(const Verb *verb, int argc, char **argv);
Status verb_plan(const Verb *verb, int argc, char **argv);
Status verb_predict(const Verb *verb, int argc, char **argv);
Status verb_pretrain(const Verb *verb, int argc, char **argv);
Status verb_scenes(const Verb *verb, int argc, char **argv);
Status verb_train(const Verb *verb, int argc, char **argv);
