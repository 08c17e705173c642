/* help.c -- godwit help [VERB [METRIC or KIND]] */
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

static void print_overview(void)
{
    printf("godwit %s: pretrain with Momentum Contrast, fine-tune detectors, score them exactly\n\n"
           "usage: godwit VERB ... (options are long; recipe overrides are key=value)\n\n",
           GODWIT_VERSION);
    for (const Verb *v = VERBS; v->name; v++)
        printf("  %-10s %s\n", v->name, v->sentence);
    printf("\nStart with `godwit demo --out runs/demo`, then `godwit VERB --help`.\n"
           "Exit codes: 0 ok, 64 usage, 65 bad data, 66 missing input, 70 internal or non-finite, "
           "71 device or memory,\n"
           "73 cannot create, 74 I/O, 75 interrupted and resumable, 78 bad recipe.\n");
}

Status verb_help(const Verb *verb, int argc, char **argv)
{
    (void)verb;
    if (argc < 2 || argv[1][0] == '-') {
        print_overview();
        return OK;
    }
    for (const Verb *v = VERBS; v->name; v++)
        if (strcmp(v->name, argv[1]) == 0 && v->run != verb_help) {
            /* `help eval coco` is `eval coco --help`. */
            char *help[] = {argv[1], argc > 2 ? argv[2] : (char *)"--help", (char *)"--help", NULL};
            return v->run(v, argc > 2 ? 3 : 2, help);
        }
    if (strcmp(argv[1], "help") == 0) {
        print_overview();
        return OK;
    }
    return status_fail(ERR_USAGE, "godwit help: there is no verb \"%s\"; `godwit help` lists all",
                       argv[1]);
}
