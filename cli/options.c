#include "cli/options.h"

#include "base/log.h"
#include "base/threads.h"
#include "kernels/backend.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMON_OPTIONS = 5, MOST_OPTIONS = 40 };

static int edit_distance(const char *a, const char *b)
{
    int row[64];
    int n = (int)strlen(b);
    if (n > 62 || strlen(a) > 62)
        return INT_MAX;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            int drop = row[j] + 1;
            int insert = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < drop ? (change < insert ? change : insert)
                                   : (drop < insert ? drop : insert);
        }
    }
    return row[n];
}

const char *options_nearest(const char *word, const char *const *candidate, int n)
{
    const char *best = NULL;
    int         best_distance = (int)strlen(word) / 2 + 1;
    for (int i = 0; i < n; i++) {
        int d = edit_distance(word, candidate[i]);
        if (d < best_distance) {
            best_distance = d;
            best = candidate[i];
        }
    }
    return best;
}

static void common_table(CommonOptions *c, Option table[COMMON_OPTIONS])
{
    table[0] = (Option){
        "json", OPTION_TEXT, &c->json, "FILE", "also write the result as JSON (default none)",
        false};
    table[1] = (Option){
        "threads", OPTION_INT, &c->threads, "N", "threads; 0 = every core (default 0)", false};
    table[2] =
        (Option){"device",
                 OPTION_TEXT,
                 &c->device,
                 "NAME",
                 "cpu, cuda, auto: cuda where a device answers, or ref: slow and plain (default "
                 "auto)",
                 false};
    table[3] = (Option){"quiet",
                        OPTION_FLAG,
                        &c->quiet,
                        NULL,
                        "only results, warnings and failures (default: progress too)",
                        false};
    table[4] = (Option){"sync",
                        OPTION_FLAG,
                        &c->sync,
                        NULL,
                        "wait for each op of a GPU, so that a failure names it (slow)",
                        false};
}

static void print_option(const Option *o)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->operand ? " " : "",
             o->operand ? o->operand : "");
    printf("  %-24s %s%s\n", left, o->sentence, o->is_required ? " (required)" : "");
}

static void print_help(const CommandLine *line, const Option *common)
{
    printf("usage: godwit %s %s\n\n%s\n", line->verb->name, line->operands, line->verb->sentence);
    if (line->verb->details)
        printf("\n%s\n", line->verb->details);
    printf("\noptions:\n");
    for (int i = 0; i < line->n_options; i++)
        print_option(&line->options[i]);
    for (int i = 0; i < COMMON_OPTIONS; i++)
        print_option(&common[i]);
    print_option(&(Option){"help", OPTION_FLAG, NULL, NULL, "print this text", false});
}

static Status set_value(const CommandLine *line, const Option *o, const char *text)
{
    char *end = NULL;
    errno = 0;
    switch (o->kind) {
    case OPTION_FLAG:
        *(bool *)o->value = true;
        return OK;
    case OPTION_TEXT:
        if (*text == 0)
            return status_fail(ERR_USAGE, "godwit %s: --%s %s is empty: %s", line->verb->name,
                               o->name, o->operand, o->sentence);
        *(const char **)o->value = text;
        return OK;
    case OPTION_INT: {
        long long v = strtoll(text, &end, 10);
        if (errno || end == text || *end)
            return status_fail(ERR_USAGE, "godwit %s: --%s expects a whole number, found \"%s\"",
                               line->verb->name, o->name, text);
        *(int64_t *)o->value = v;
        return OK;
    }
    case OPTION_FLOAT: {
        double v = strtod(text, &end);
        if (errno || end == text || *end)
            return status_fail(ERR_USAGE, "godwit %s: --%s expects a number, found \"%s\"",
                               line->verb->name, o->name, text);
        *(double *)o->value = v;
        return OK;
    }
    }
    return OK;
}

static Status unknown_option(const CommandLine *line, const Option *all, int n, const char *name)
{
    const char *names[MOST_OPTIONS];
    for (int i = 0; i < n; i++)
        names[i] = all[i].name;
    const char *near = options_nearest(name, names, n);
    return status_fail(ERR_USAGE,
                       "godwit %s: unknown option --%s%s%s%s; `godwit %s --help` lists all",
                       line->verb->name, name, near ? "; did you mean --" : "", near ? near : "",
                       near ? "?" : "", line->verb->name);
}

/* An override looks like a key, dotted and of letters, digits and _, the first one lower-case; then '='. */
static bool is_override(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
    return n > 0 && text[0] >= 'a' && text[0] <= 'z' && text[n] == '=';
}

static Status parse_option(CommandLine *line, const Option *all, int n_all, bool *given, int argc,
                           char **argv, int *i)
{
    const char *name = argv[*i] + 2;
    const char *equals = strchr(name, '=');
    char        key[64];
    size_t      length = equals ? (size_t)(equals - name) : strlen(name);
    snprintf(key, sizeof key, "%.*s", (int)(length < 63 ? length : 63), name);
    for (int k = 0; k < n_all; k++) {
        if (strcmp(all[k].name, key) != 0)
            continue;
        const char *text = equals ? equals + 1 : NULL;
        if (all[k].kind == OPTION_FLAG && equals)
            return status_fail(ERR_USAGE, "godwit %s: --%s takes no value", line->verb->name, key);
        if (all[k].kind != OPTION_FLAG && !text) {
            if (*i + 1 >= argc)
                return status_fail(ERR_USAGE, "godwit %s: --%s expects %s after it",
                                   line->verb->name, key, all[k].operand);
            text = argv[++*i];
        }
        given[k] = true;
        return set_value(line, &all[k], text);
    }
    return unknown_option(line, all, n_all, key);
}

static Status check_complete(const CommandLine *line, const Option *all, const bool *given,
                             int n_all)
{
    for (int k = 0; k < n_all; k++)
        if (all[k].is_required && !given[k])
            return status_fail(ERR_USAGE, "godwit %s: --%s %s is missing: %s", line->verb->name,
                               all[k].name, all[k].operand, all[k].sentence);
    if (line->n_operands < line->min_operands)
        return status_fail(ERR_USAGE, "godwit %s: expects `godwit %s %s`, found %d operand%s",
                           line->verb->name, line->verb->name, line->operands, line->n_operands,
                           line->n_operands == 1 ? "" : "s");
    if (line->max_operands >= 0 && line->n_operands > line->max_operands)
        return status_fail(ERR_USAGE, "godwit %s: unexpected \"%s\"; usage: godwit %s %s",
                           line->verb->name, line->operand[line->max_operands], line->verb->name,
                           line->operands);
    return OK;
}

Status options_parse(CommandLine *line, int argc, char **argv)
{
    Option all[MOST_OPTIONS + COMMON_OPTIONS];
    bool   given[MOST_OPTIONS + COMMON_OPTIONS] = {false};
    int    n_all = line->n_options + COMMON_OPTIONS;
    if (!line->common.device)
        line->common.device = "auto";
    if (line->n_options > 0)
        memcpy(all, line->options, sizeof *all * (size_t)line->n_options);
    common_table(&line->common, all + line->n_options);

    line->operand = calloc((size_t)argc + 1, sizeof *line->operand);
    line->override = calloc((size_t)argc + 1, sizeof *line->override);
    if (!line->operand || !line->override)
        return status_no_memory("command line", argc * (long long)sizeof(char *));
    bool only_operands = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            print_help(line, all + line->n_options);
            line->is_help = true;
            return OK;
        } else if (!only_operands && strncmp(word, "--", 2) == 0) {
            TRY(parse_option(line, all, n_all, given, argc, argv, &i));
        } else if (!only_operands && word[0] == '-' && word[1] &&
                   !(word[1] >= '0' && word[1] <= '9')) {
            return status_fail(ERR_USAGE,
                               "godwit %s: options are long (--out, not -o), found \"%s\"",
                               line->verb->name, word);
        } else if (!only_operands && line->takes_overrides && is_override(word)) {
            line->override[line->n_overrides++] = word;
        } else {
            line->operand[line->n_operands++] = word;
        }
    }
    TRY(check_complete(line, all, given, n_all));
    if (line->common.threads < 0 || line->common.threads > 1024)
        return status_fail(ERR_USAGE, "godwit %s: --threads expects 0 to 1024, found %lld",
                           line->verb->name, (long long)line->common.threads);
    threads_set((int)line->common.threads);
    if (line->common.quiet)
        log_set_level(LOG_QUIET);
    backend_wait_for_each_op(line->common.sync);
    return OK;
}

void options_release(CommandLine *line)
{
    free(line->operand);
    free(line->override);
    line->operand = NULL;
    line->override = NULL;
}
