/* job_line.h -- the command line that pretrain and train share
 *
 *      RECIPE --data DIR --out RUN [--init FILE] [--resume auto|yes] [--keys] [key=value ...]
 */
#pragma once
#include "base/job.h"
#include "cli/options.h"

enum { JOB_LINE_OPTIONS = 12 };

typedef struct JobLine {
    CommandLine line;
    Option      option[JOB_LINE_OPTIONS];
    JobOptions  job; // filled by job_line_parse
    bool        wants_keys;
} JobLine;

/* The shared options, `data` and `init` with the verb's own sentences. PITFALL: options point into *l. */
void job_line_init(JobLine *l, const Verb *verb, const char *data, const char *init);
void job_line_add(JobLine *l, Option option);

/* Parses; answers --help and --keys itself (then *is_done); otherwise fills l->job, and signals stop the run from here
 * on. ERR_USAGE without a recipe, --data or --out. */
Status job_line_parse(JobLine *l, int argc, char **argv, void (*print_keys)(Text *out),
                      bool *is_done);
void   job_line_release(JobLine *l);
