#include "cli/job_line.h"
#include "cli/device.h"

#include <assert.h>
#include <stdio.h>

void job_line_add(JobLine *l, Option option)
{
    assert(l->line.n_options < JOB_LINE_OPTIONS);
    l->option[l->line.n_options++] = option;
}

void job_line_init(JobLine *l, const Verb *verb, const char *data, const char *init)
{
    *l = (JobLine){.line = {.verb = verb,
                            .operands = "RECIPE --data DIR --out RUN [--init FILE] [key=value ...]",
                            .max_operands = 1,
                            .takes_overrides = true}};
    l->line.options = l->option;
    job_line_add(l, (Option){"data", OPTION_TEXT, &l->job.data, "DIR", data, false});
    job_line_add(l, (Option){"out", OPTION_TEXT, &l->job.run_dir, "RUN",
                             "the run folder, made if absent", false});
    job_line_add(l, (Option){"init", OPTION_TEXT, &l->job.init, "FILE", init, false});
    job_line_add(l, (Option){"resume", OPTION_TEXT, &l->job.resume, "auto|yes",
                             "go on from the newest checkpoint: if there is one, or it must be "
                             "there (default: a new run)",
                             false});
    job_line_add(l,
                 (Option){"keys", OPTION_FLAG, &l->wants_keys, NULL,
                          "print every recipe key with unit, default, range and meaning", false});
}

static Status print(void (*write)(Text *out))
{
    Text text = {0};
    write(&text);
    Status st = text_status(&text);
    if (st == OK)
        fputs(text_cstr(&text), stdout);
    text_release(&text);
    return st;
}

Status job_line_parse(JobLine *l, int argc, char **argv, void (*print_keys)(Text *out),
                      bool *is_done)
{
    CommandLine *line = &l->line;
    TRY(options_parse(line, argc, argv));
    *is_done = line->is_help || l->wants_keys;
    if (line->is_help)
        return OK;
    if (l->wants_keys)
        return print(print_keys);
    const char *missing = line->n_operands < 1 ? "RECIPE is missing"
                          : !l->job.data       ? "--data is missing"
                          : !l->job.run_dir    ? "--out RUN is missing"
                                               : NULL;
    if (missing || line->n_operands > 1)
        return status_fail(ERR_USAGE, "godwit %s: %s; expects `godwit %s %s`", line->verb->name,
                           missing ? missing : "one RECIPE only", line->verb->name, line->operands);
    l->job.recipe = line->operand[0];
    l->job.overrides = line->override;
    l->job.n_overrides = line->n_overrides;
    l->job.device = line->common.device;
    l->job.folders = recipe_folders(&l->job.n_folders);
    run_signals_install();
    return OK;
}

void job_line_release(JobLine *l)
{
    options_release(&l->line);
}
