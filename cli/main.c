/* main.c -- the table of verbs, and the only place that prints a failure and exits */
#include "cli/verbs.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

const Verb VERBS[] = {
    {"doctor", "says what this machine can do and what is missing", verb_doctor, NULL},
    {"eval", "scores any tool's results: eval METRIC GT DT", verb_eval, NULL},
    {"help", "lists the verbs, or explains one: godwit help VERB", verb_help, NULL},
    {NULL, NULL, NULL, NULL},
};

static Status unknown_verb(const char *name)
{
    const char *names[64];
    int         n = 0;
    for (const Verb *v = VERBS; v->name && n < 64; v++)
        names[n++] = v->name;
    const char *near = options_nearest(name, names, n);
    return status_fail(ERR_USAGE, "godwit: unknown verb \"%s\"%s%s%s; `godwit help` lists all",
                       name, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); // a closed stdout is an error to report, not a death
    static char *help[] = {(char *)"help", NULL};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)verb_help(NULL, 1, help);
        return argc < 2 ? 64 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("godwit %s\n", GODWIT_VERSION);
        return 0;
    }
    Status      st = OK;
    const Verb *verb = VERBS;
    while (verb->name && strcmp(verb->name, argv[1]) != 0)
        verb++;
    st = verb->name ? verb->run(verb, argc - 1, argv + 1) : unknown_verb(argv[1]);
    if (st == OK && (fflush(stdout) != 0 || ferror(stdout)))
        st = status_fail(ERR_IO, "godwit: the output could not be written to stdout");
    if (st != OK)
        fprintf(stderr, "%s\n", status_text());
    return status_exit_code(st);
}
