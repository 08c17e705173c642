/* main.c -- the table of verbs, and the only place that prints a failure and exits */
#include "cli/spin.h"
#include "cli/verbs.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

const Verb VERBS[] = {
    {"demo", "everything below, small, on generated photographs, in minutes on a CPU", verb_demo,
     NULL},
    {"scenes", "writes generated photographs as VOC, COCO, class folders or shards", verb_scenes,
     NULL},
    {"check", "finds broken boxes, pictures and ids before a run does", verb_check,
     "Exit 65 when there is an error that training would stop at; warnings alone are 0."},
    {"pretrain", "trains a backbone: MoCo v1/v2 or supervised", verb_pretrain,
     "RECIPE is a file or a bare name (docs/pretrain.md lists them); key=value changes one of its "
     "keys, and --keys lists all of\n"
     "them. RUN gets recipe.json, metrics.jsonl, tb/, checkpoints/ and backbone.safetensors."},
    {"knn", "judges features by their nearest neighbours", verb_knn, NULL},
    {"embed", "writes features of a set of pictures", verb_embed, NULL},
    {"train", "fine-tunes a detector from a backbone", verb_train,
     "RECIPE is a file or a bare name (voc_r50_c4_24k_moco, bccd_small, ...); key=value changes "
     "one of its keys, and --keys\n"
     "lists all of them. RUN gets recipe.json, metrics.jsonl, tb/, checkpoints/, model.safetensors "
     "and detections.json."},
    {"predict", "finds objects in pictures: boxes as JSON and drawn", verb_predict, NULL},
    {"eval", "scores any tool's results: eval METRIC GT DT", verb_eval, NULL},
    {"compare", "the paper's table from finished runs: rows by initialisation", verb_compare,
     "RUN is what `godwit train` left, with --trials too. Runs of one initialisation (--init-name) "
     "are trials of one "
     "row: mean and sample\n"
     "deviation. In brackets stands the difference to the supervised row; the paper's rows follow. "
     "Runs that were scored by\n"
     "different definitions are refused."},
    {"plan", "says what memory a recipe takes, before it runs", verb_plan,
     "Steps that compute nothing are counted, with pictures of the largest size that the recipe "
     "allows; no data is opened. What\n"
     "libraries and ops take for themselves while they work is not in the sum: allow 2.5 GB on a "
     "GPU. --device cuda plans for\n"
     "a GPU that is not here, too."},
    {"bench", "times steps, data, ops and evaluators", verb_bench, NULL},
    {"doctor", "says what this machine can do and what is missing", verb_doctor, NULL},
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

/* Otherwise the first files that are opened take the numbers of streams that came closed, and what is said goes into them. Writing
 * to stdout still fails. */
static void fill_closed_streams(void)
{
    static const int MODE[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", MODE[fd]) != fd)
            _exit(74);
}

/* Each shard stays open; shells allow 1024 files where the system allows many more. */
static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files); // refused: the shards may be few enough
}

static Status run(int argc, char **argv)
{
    static char *help[] = {(char *)"help", NULL};
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        TRY(verb_help(NULL, 1, help));
        return argc < 2 ? status_fail(ERR_USAGE, "godwit: which verb?") : OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("godwit %s\n", GODWIT_VERSION);
        return OK;
    }
    const Verb *verb = VERBS;
    while (verb->name && strcmp(verb->name, argv[1]) != 0)
        verb++;
    return verb->name ? verb->run(verb, argc - 1, argv + 1) : unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
    fill_closed_streams();
    raise_file_limit();
    spin_less(argv);
    signal(SIGPIPE, SIG_IGN); // a closed stdout is an error to report, not a death
    signal(SIGXFSZ, SIG_IGN); // so is a file that may not grow
    Status st = run(argc, argv);
    if (st == OK && (fflush(stdout) != 0 || ferror(stdout)))
        st = status_fail(ERR_IO, "godwit: the output could not be written to stdout");
    if (st != OK)
        fprintf(stderr, "%s\n", status_text());
    return status_exit_code(st);
}
