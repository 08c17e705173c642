/* options.h -- the command line of one verb, declared once
 *
 * Verbs come first, options are long (--out DIR or --out=DIR), recipe overrides (key=value) stand
 * anywhere after the verb. One table parses, rejects (ERR_USAGE with the nearest name) and prints
 * --help with units and defaults.
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum OptionKind { OPTION_FLAG, OPTION_TEXT, OPTION_INT, OPTION_FLOAT } OptionKind;

typedef struct Option {
    const char *name; // without the dashes: "out"
    OptionKind  kind;
    void *value; // bool *, const char **, int64_t * or double *; holds the default before parsing
    const char *operand;  // shown in help: "DIR", "N"; NULL for flags
    const char *sentence; // shown in help, with unit and default
    bool        is_required;
} Option;

/* What every verb understands; filled by options_parse. */
typedef struct CommonOptions {
    const char *json;    // --json FILE: the printed table as JSON, NULL = none
    int64_t     threads; // --threads N: 0 = all cores
    const char *device;  // --device cpu|cuda|auto
    bool        quiet;   // --quiet: only warnings and results
    bool        sync;    // --sync: every op of a device waits for itself
} CommonOptions;

typedef struct Verb Verb;

typedef struct CommandLine {
    const Verb   *verb;
    Option       *options; // the verb's own, `n_options` of them
    int           n_options;
    const char   *operands; // shown in usage: "RECIPE --data DIR --out RUN [key=value ...]"
    int           min_operands, max_operands; // max -1: any number
    bool          takes_overrides;            // key=value operands go to `override`
    /* results */
    CommonOptions common;
    const char  **operand; // positional arguments in order
    int           n_operands;
    const char  **override;
    int           n_overrides;
    bool          is_help; // --help was given and printed: the verb returns OK at once
} CommandLine;

struct Verb {
    const char *name;
    const char *sentence;                                   // one line for `godwit help`
    Status (*run)(const Verb *verb, int argc, char **argv); // argv[0] is the verb's name
    const char *details;                                    // paragraphs for --help, may be NULL
};

/* Every verb, ended by a NULL name. */
extern const Verb VERBS[];

/* Parses argv[1..]; prints help to stdout for --help. Also applies --threads and --quiet. ERR_USAGE
 * says what is wrong. Returned arrays live until options_release. */
Status options_parse(CommandLine *line, int argc, char **argv);
void   options_release(CommandLine *line);

/* The candidate nearest to `word` by edit distance, or NULL if none is near. For "did you mean". */
const char *options_nearest(const char *word, const char *const *candidate, int n);
