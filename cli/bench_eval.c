/* bench_eval.c -- `godwit bench eval`: files in to numbers out, beside whatever peers are installed
 *
 * Every run is a process of its own, so that its peak memory is its own: this program again for us, PYTHON for the
 * peers. Rounds are interleaved; medians are printed.
 */
#include "cli/bench_eval.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_ROUNDS = 99, MAX_ARGS = 12 };

typedef struct Settings {
    const char *truth, *found, *iou, *python, *dataset, *peers;
    int64_t     rounds, threads;
} Settings;

typedef struct Peer {
    const char *name, *module; // module NULL: ourselves
    const char *script;        // argv[1..3] = gt, dt, iou
    bool        lvis, is_there;
    int64_t     n;
    double      seconds[MAX_ROUNDS], rss_mb;
} Peer;

static const char PYCOCO[] =
    "import sys,io,contextlib\n"
    "from pycocotools.coco import COCO\n"
    "from pycocotools.cocoeval import COCOeval\n"
    "with contextlib.redirect_stdout(io.StringIO()):\n"
    " g=COCO(sys.argv[1]);e=COCOeval(g,g.loadRes(sys.argv[2]),sys.argv[3])\n"
    " e.evaluate();e.accumulate();e.summarize()\n";
static const char FASTER[] =
    "import sys\n"
    "from faster_coco_eval import COCO,COCOeval_faster\n"
    "g=COCO(sys.argv[1]);e=COCOeval_faster(g,g.loadRes(sys.argv[2]),sys.argv[3])\n"
    "e.evaluate();e.accumulate();e.summarize()\n";
static const char HOTCOCO[] =
    "import sys\n"
    "from hotcoco import COCO,COCOeval\n"
    "g=COCO(sys.argv[1]);e=COCOeval(g,g.load_res(sys.argv[2]),sys.argv[3])\n"
    "e.evaluate();e.accumulate();e.summarize()\n";
static const char ULTRAFAST[] =
    "import sys\n"
    "from ultrafast_pycocotools.coco import COCO\n"
    "from ultrafast_pycocotools.cocoeval import COCOeval\n"
    "g=COCO(sys.argv[1]);e=COCOeval(g,g.loadRes(sys.argv[2]),sys.argv[3])\n"
    "e.evaluate();e.accumulate();e.summarize()\n";
static const char LVIS[] =
    "import sys,logging\n"
    "import numpy as np\n"
    "np.float=float\n"
    "logging.disable(logging.CRITICAL)\n"
    "from lvis import LVIS,LVISResults,LVISEval\n"
    "g=LVIS(sys.argv[1]);e=LVISEval(g,LVISResults(g,sys.argv[2]),sys.argv[3])\n"
    "e.run();e.print_results()\n";

static const char HOTCOCO_LVIS[] =
    "import sys\n"
    "from hotcoco import LVIS,LVISResults,LVISEval\n"
    "g=LVIS(sys.argv[1]);e=LVISEval(g,LVISResults(g,sys.argv[2]),sys.argv[3])\n"
    "e.run();e.print_results()\n";

static const Peer PEERS[] = {
    {"godwit", NULL, NULL, false, true, 0, {0}, 0},
    {"pycocotools", "pycocotools", PYCOCO, false, false, 0, {0}, 0},
    {"faster_coco_eval", "faster_coco_eval", FASTER, false, false, 0, {0}, 0},
    {"hotcoco", "hotcoco", HOTCOCO, false, false, 0, {0}, 0},
    {"ultrafast-pycocotools", "ultrafast_pycocotools", ULTRAFAST, false, false, 0, {0}, 0},
    {"godwit", NULL, NULL, true, true, 0, {0}, 0},
    {"lvis-api", "lvis", LVIS, true, false, 0, {0}, 0},
    {"hotcoco", "hotcoco", HOTCOCO_LVIS, true, false, 0, {0}, 0},
};
enum { N_PEERS = sizeof PEERS / sizeof *PEERS };

/* Runs argv without output; its exit status, wall time and peak memory. */
static Status run_quiet(const char *const *argv, int *exit_status, double *seconds, double *rss_mb)
{
    posix_spawn_file_actions_t actions;
    struct rusage              usage;
    pid_t                      pid;
    double                     start = clock_seconds();
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error)
        return status_fail(ERR_MISSING, "bench eval: %s cannot be started: %s", argv[0],
                           strerror(error));
    while (wait4(pid, exit_status, 0, &usage) < 0)
        if (errno != EINTR)
            return status_fail(ERR_IO, "bench eval: waiting for %s: %s", argv[0], strerror(errno));
    *seconds = clock_seconds() - start;
    *rss_mb = (double)usage.ru_maxrss * 1024 / 1e6;
    return OK;
}

/* Does Python run this line to its end? */
static Status try_python(const Settings *s, bool *runs, const char *line)
{
    const char *argv[] = {s->python, "-c", line, NULL};
    int         status = 1;
    double      seconds, rss;
    *runs = false;
    TRY(run_quiet(argv, &status, &seconds, &rss));
    *runs = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return OK;
}

static bool is_installed(const Settings *s, const char *module)
{
    char line[64];
    bool runs = false;
    snprintf(line, sizeof line, "import %s", module);
    return try_python(s, &runs, line) == OK && runs;
}

/* Without --python there need not be one; a program that was named must run. */
static Status check_python(const Settings *s)
{
    bool runs = false;
    TRY(try_python(s, &runs, "import sys"));
    return runs ? OK
                : status_fail(ERR_MISSING,
                              "bench eval: --python %s: `%s -c \"import sys\"` fails; expected a "
                              "Python interpreter",
                              s->python, s->python);
}

static Status run_peer(Peer *p, const Settings *s)
{
    char        threads[24], self[4096];
    const char *ours[MAX_ARGS] = {self,     "eval",      p->lvis ? "lvis" : "coco",
                                  s->truth, s->found,    "--iou",
                                  s->iou,   "--threads", threads,
                                  NULL};
    const char *theirs[MAX_ARGS] = {s->python, "-c", p->script, s->truth, s->found, s->iou, NULL};
    int         status = 1;
    double      rss = 0;
    ssize_t     n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return status_fail(ERR_IO, "bench eval: /proc/self/exe: %s", strerror(errno));
    self[n] = 0;
    snprintf(threads, sizeof threads, "%lld", (long long)s->threads);
    TRY(run_quiet(p->module ? theirs : ours, &status, &p->seconds[p->n], &rss));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        if (!p->module)
            return status_fail(
                ERR_FORMAT, "bench eval: `godwit eval %s` fails on these files; run it to see why",
                p->lvis ? "lvis" : "coco");
        p->is_there = false; // installed, but it does not take this set
        return OK;
    }
    p->n++;
    p->rss_mb = fmax(p->rss_mb, rss);
    return OK;
}

/* Is `name` one of the comma-separated names in `list`? */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == 0))
            return true;
    return false;
}

/* Who takes part: we do, and each peer that was asked for, scores this kind of set and is installed. */
static Status choose_peers(Peer *peers, int *n_peers, const Settings *s)
{
    bool    is_lvis = strcmp(s->dataset, "lvis") == 0;
    int64_t asked = 0, found = 0;
    *n_peers = 0;
    for (const char *at = s->peers; at && *at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        asked++;
    for (int i = 0; i < N_PEERS; i++) {
        Peer *p = &peers[i];
        if (p->lvis != is_lvis || !p->module) {
            p->is_there = p->lvis == is_lvis;
            continue;
        }
        bool wanted = !s->peers || is_listed(s->peers, p->name);
        p->is_there = wanted && is_installed(s, p->module);
        found += s->peers && p->is_there;
        *n_peers += p->is_there;
    }
    return found == asked
               ? OK
               : status_fail(ERR_USAGE,
                             "bench eval: --peers %s: %lld of these are unknown for "
                             "--metric %s, or %s does not have them",
                             s->peers, (long long)(asked - found), s->dataset, s->python);
}

static int compare_doubles(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double median(const Peer *p)
{
    double sorted[MAX_ROUNDS];
    memcpy(sorted, p->seconds, (size_t)p->n * sizeof *sorted);
    qsort(sorted, (size_t)p->n, sizeof *sorted, compare_doubles);
    return (sorted[(p->n - 1) / 2] + sorted[p->n / 2]) / 2;
}

static void print_peers(const Peer *peers)
{
    double ours = 0;
    printf("%-24s %10s %10s %10s %12s\n", "", "median s", "best s", "MB", "times ours");
    for (int i = 0; i < N_PEERS; i++) {
        const Peer *p = &peers[i];
        if (!p->is_there || p->n == 0)
            continue;
        double m = median(p), best = p->seconds[0];
        for (int64_t k = 1; k < p->n; k++)
            best = fmin(best, p->seconds[k]);
        ours = p->module ? ours : m;
        printf("%-24s %10.3f %10.3f %10.0f %12.1f\n", p->name, m, best, p->rss_mb, m / ours);
    }
}

static Status save_peers(const Peer *peers, const Settings *s, const char *path)
{
    Text       text = {0};
    JsonWriter w = json_writer(&text, 1);
    json_open_object(&w, NULL);
    json_put_string(&w, "iou", s->iou);
    json_put_int(&w, "threads", s->threads);
    json_open_array(&w, "runs");
    for (int i = 0; i < N_PEERS; i++) {
        const Peer *p = &peers[i];
        if (!p->is_there || p->n == 0)
            continue;
        json_open_object(&w, NULL);
        json_put_string(&w, "name", p->name);
        json_put_number(&w, "median_s", median(p));
        json_put_number(&w, "peak_mb", p->rss_mb);
        json_open_row(&w, "seconds");
        for (int64_t k = 0; k < p->n; k++)
            json_put_number(&w, NULL, p->seconds[k]);
        json_close_array(&w);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    Status st = json_save(&text, path);
    text_release(&text);
    return st;
}

Status bench_eval_verb(const Verb *verb, int argc, char **argv)
{
    Settings s = {.iou = "bbox", .dataset = "coco", .rounds = 3};
    Option   options[] = {
          {"gt", OPTION_TEXT, &s.truth, "FILE", "ground truth", true},
          {"dt", OPTION_TEXT, &s.found, "FILE", "results", true},
          {"iou", OPTION_TEXT, &s.iou, "KIND", "bbox, segm or keypoints (default bbox)", false},
          {"metric", OPTION_TEXT, &s.dataset, "NAME", "coco or lvis (default coco)", false},
          {"python", OPTION_TEXT, &s.python, "PROGRAM",
           "where the peers are installed (default python3)", false},
          {"peers", OPTION_TEXT, &s.peers, "NAMES",
           "separated by commas (default: all that PROGRAM has)", false},
          {"rounds", OPTION_INT, &s.rounds, "N", "interleaved rounds (default 3)", false},
    };
    CommandLine line = {.verb = verb,
                        .options = options,
                        .n_options = sizeof options / sizeof *options,
                        .operands = "--gt FILE --dt FILE"};
    Peer       *peers = (Peer *)malloc(sizeof PEERS);
    int         n_peers = 0;
    Status      st = OK;
    if (!peers)
        TRY_OUT(status_no_memory("bench eval", (long long)sizeof PEERS));
    memcpy(peers, PEERS, sizeof PEERS);
    TRY_OUT(options_parse(&line, argc, argv));
    if (line.is_help)
        goto out;
    if (s.rounds < 1 || s.rounds > MAX_ROUNDS)
        TRY_OUT(status_fail(ERR_USAGE, "bench eval: --rounds is 1 .. %d", MAX_ROUNDS));
    if (strcmp(s.dataset, "coco") != 0 && strcmp(s.dataset, "lvis") != 0)
        TRY_OUT(
            status_fail(ERR_USAGE, "bench eval: --metric is coco or lvis, not \"%s\"", s.dataset));
    s.threads = line.common.threads;
    if (s.python)
        TRY_OUT(check_python(&s));
    else
        s.python = "python3";
    TRY_OUT(choose_peers(peers, &n_peers, &s));
    for (int64_t r = 0; r < s.rounds; r++)
        for (int i = 0; i < N_PEERS; i++)
            if (peers[i].is_there)
                TRY_OUT(run_peer(&peers[i], &s));
    print_peers(peers);
    if (n_peers == 0)
        printf("no peer installed in %s\n", s.python);
    if (line.common.json)
        TRY_OUT(save_peers(peers, &s, line.common.json));
out:
    free(peers);
    options_release(&line);
    return st;
}
