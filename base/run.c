/* run.c -- the folder, its lock and its checkpoints; signals are in run_signals.c */
#include "base/run.h"
#include "base/recipe.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include "base/size.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MOST_FAILURES = 3, DEFAULT_KEEP = 2, HOST_BYTES = 256 };

struct Run {
    Arena      arena;
    char      *dir;
    char      *checkpoints; // dir/checkpoints
    RunOptions options;
    int        lock;     // the file that holds the lock, -1: none
    int64_t    saved;    // step of the newest checkpoint, -1: none
    int        failures; // saves that failed in a row
};

/* ---- the lock ---- */

/* "HOST PID" of the holder as the file says it. */
static void read_holder(int fd, char out[HOST_BYTES + 32])
{
    ssize_t n = pread(fd, out, HOST_BYTES + 31, 0);
    out[n > 0 ? n : 0] = 0;
    out[strcspn(out, "\n")] = 0;
}

/* The kernel's lock goes when its process goes, so a dead holder never blocks; the text is for people. */
static Status take_lock(Run *run)
{
    char  holder[HOST_BYTES + 32], host[HOST_BYTES] = "?", mine[HOST_BYTES + 32];
    char *path = file_join(&run->arena, run->dir, "lock");
    if (!path)
        return ERR_MEMORY;
    run->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (run->lock < 0)
        return status_fail(ERR_CREATE, "%s: cannot create: %s", path, strerror(errno));
    read_holder(run->lock, holder);
    if (flock(run->lock, LOCK_EX | LOCK_NB) != 0) {
        Status st = errno == EWOULDBLOCK
                        ? status_fail(ERR_USAGE,
                                      "%s: another process writes this run (host and pid: %s); "
                                      "wait for it, stop it, or "
                                      "choose another folder",
                                      run->dir, *holder ? holder : "not said")
                        : status_fail(ERR_IO, "%s: cannot lock: %s", path, strerror(errno));
        close(run->lock);
        run->lock = -1;
        return st;
    }
    if (*holder)
        log_info("%s: taking over from a process that ended without closing the run (%s)", run->dir,
                 holder);
    gethostname(host, sizeof host - 1);
    int n = number_snprintf(mine, sizeof mine, "%s %ld\n", host, (long)getpid());
    if (ftruncate(run->lock, 0) != 0 || pwrite(run->lock, mine, (size_t)n, 0) != n)
        return status_fail(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    return OK;
}

static void give_lock_back(Run *run)
{
    if (run->lock < 0)
        return;
    /* Emptied, not removed: removing it would let two processes lock two files of one name. */
    if (ftruncate(run->lock, 0) != 0)
        log_debug("%s: the lock file could not be emptied", run->dir);
    close(run->lock);
    run->lock = -1;
}

/* ---- the checkpoints in the folder ---- */

/* The step of "step_0002000.safetensors"; -1 for other names. */
static int64_t step_of(const char *name)
{
    int64_t step, n;
    if (strncmp(name, "step_", 5) != 0)
        return -1;
    n = (int64_t)strspn(name + 5, "0123456789");
    if (n < 7 || strcmp(name + 5 + n, ".safetensors") != 0 || !number_parse_int(&step, name + 5, n))
        return -1;
    return step;
}

static int descending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x > y ? -1 : x < y;
}

/* The steps that have a file, newest first. */
static Status list_steps(Arena *a, int64_t **steps, int64_t *n, const char *dir)
{
    char  **names;
    int64_t n_names;
    *n = 0;
    TRY(file_list(a, &names, &n_names, dir));
    *steps = ARENA_ARRAY(a, int64_t, n_names);
    if (!*steps)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n_names; i++)
        if (step_of(names[i]) >= 0)
            (*steps)[(*n)++] = step_of(names[i]);
    if (*n > 0)
        qsort(*steps, (size_t)*n, sizeof **steps, descending);
    return OK;
}

static char *step_path(Arena *a, const Run *run, int64_t step)
{
    return arena_printf(a, "%s/step_%07lld.safetensors", run->checkpoints, (long long)step);
}

/* ---- opening ---- */

/* recipe.json as this run resolved it. */
static Status write_recipe(Run *run)
{
    Text        text = {0};
    const char *path = file_join(&run->arena, run->dir, "recipe.json");
    if (!run->options.recipe_json)
        return OK;
    text_puts(&text, run->options.recipe_json);
    Status st = path ? json_save(&text, path) : ERR_MEMORY;
    text_release(&text);
    return st;
}

/* After a resume: evaluations read the file, which somebody may have changed or removed. */
static Status keep_recipe(Run *run)
{
    Arena       scratch = {0};
    char       *there = NULL;
    int64_t     n = 0;
    const char *mine = run->options.recipe_json,
               *path = file_join(&scratch, run->dir, "recipe.json");
    Status st = path ? OK : ERR_MEMORY;
    bool   is_there = path && file_exists(path), is_mine = false;
    if (mine && is_there)
        st = file_read(&scratch, &there, &n, path, RECIPE_MAX_BYTES);
    if (st == OK && there)
        is_mine = n >= (int64_t)strlen(mine) && strncmp(there, mine, strlen(mine)) == 0;
    if (st != ERR_MEMORY && mine && !is_mine) {
        if (is_there)
            log_warn("%s: is not the recipe of this run; written anew", path);
        st = write_recipe(run);
    }
    arena_release(&scratch);
    return st;
}

/* Weights without checkpoints are a finished run whose checkpoints were removed, or something else that is worth keeping. A run
 * that has not come to its first checkpoint has the best ones at most. */
static Status refuse_results(Run *run)
{
    char  **name;
    int64_t n;
    TRY(file_list(&run->arena, &name, &n, run->dir));
    for (int64_t i = 0; i < n; i++) {
        const char *dot = strrchr(name[i], '.');
        if (dot && strcmp(dot, ".safetensors") == 0 && strcmp(name[i], "best.safetensors") != 0)
            return status_fail(ERR_USAGE,
                               "%s: holds %s and no checkpoint to go on from; choose another "
                               "folder, or remove it",
                               run->dir, name[i]);
    }
    return OK;
}

static Status prepare(Run *run, const char *dir, const RunOptions *options)
{
    int64_t *steps, n;
    run->options = options ? *options : (RunOptions){.resume = RUN_AUTO};
    if (run->options.keep_last < 1)
        run->options.keep_last = DEFAULT_KEEP;
    run->dir = arena_strdup(&run->arena, dir);
    run->checkpoints = run->dir ? file_join(&run->arena, dir, "checkpoints") : NULL;
    if (!run->checkpoints)
        return ERR_MEMORY;
    if (run->options.recipe_json) {
        run->options.recipe_json = arena_strdup(&run->arena, run->options.recipe_json);
        if (!run->options.recipe_json)
            return ERR_MEMORY;
    }
    TRY(file_make_dirs(run->checkpoints));
    TRY(take_lock(run));
    TRY(file_sweep(run->dir, true));
    TRY(file_sweep(run->checkpoints, true));
    TRY(list_steps(&run->arena, &steps, &n, run->checkpoints));
    if (run->options.resume == RUN_NEW && n > 0)
        return status_fail(ERR_USAGE,
                           "%s: holds checkpoints up to step %lld; continue with --resume auto, or "
                           "choose another folder",
                           dir, (long long)steps[0]);
    if (run->options.resume == RUN_RESUME && n == 0)
        return status_fail(ERR_MISSING, "%s: holds no checkpoint to resume from", run->checkpoints);
    if (n == 0)
        TRY(refuse_results(run));
    return n == 0 ? write_recipe(run) : OK;
}

Status run_open(Run **out, const char *dir, const RunOptions *options)
{
    Run *run = calloc(1, sizeof *run);
    *out = NULL;
    if (!run)
        return status_no_memory("run", sizeof *run);
    run->lock = -1;
    run->saved = -1;
    Status st = prepare(run, dir, options);
    if (st != OK) {
        run_close(run);
        return st;
    }
    *out = run;
    return OK;
}

void run_close(Run *run)
{
    if (!run)
        return;
    give_lock_back(run);
    arena_release(&run->arena);
    free(run);
}

const char *run_dir(const Run *run)
{
    return run->dir;
}

int64_t run_saved_step(const Run *run)
{
    return run->saved;
}

/* ---- resuming ---- */

static Status check_recipe(const Run *run, const SafeFile *f)
{
    char        mine[32];
    const char *theirs = safetensors_meta(f, "recipe_hash");
    number_snprintf(mine, sizeof mine, "%016llx", (unsigned long long)run->options.recipe_hash);
    if (theirs && strcmp(theirs, mine) == 0)
        return OK;
    if (run->options.allow_other_recipe) {
        log_warn("%s: was written with another recipe (hash %s, now %s)", f->path,
                 theirs ? theirs : "none", mine);
        return OK;
    }
    Text    change = {0};
    Arena   scratch = {0};
    char   *before = NULL, *path = file_join(&scratch, run->dir, "recipe.json");
    int64_t n;
    if (path && run->options.recipe_json &&
        file_read(&scratch, &before, &n, path, RECIPE_MAX_BYTES) == OK)
        recipe_difference(&change, before, run->options.recipe_json);
    bool   is_told = text_status(&change) == OK && change.len > 0;
    Status st = status_fail(ERR_RECIPE,
                            "%s: was written with another recipe (%s); resume with the keys and "
                            "overrides of %s/recipe.json",
                            f->path, is_told ? text_cstr(&change) : "its hash differs", run->dir);
    text_release(&change);
    arena_release(&scratch);
    return st;
}

/* Opens one checkpoint and makes sure that it is one of ours, of this step. */
static Status open_step(SafeFile *f, const char *path, int64_t step)
{
    int64_t said;
    TRY(safetensors_open(f, path));
    const char *text = safetensors_meta(f, "step");
    if (f->has_checksum && text && number_parse_int(&said, text, (int64_t)strlen(text)) &&
        said == step)
        return OK;
    safetensors_close(f);
    return status_fail(ERR_FORMAT, "%s: is no checkpoint of step %lld", path, (long long)step);
}

/* Renames the damaged checkpoints that are newer than the one to resume from, so that keep_last does
 * not count them. */
static void set_aside(const Run *run, Arena *a, const int64_t *steps, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        char *path = step_path(a, run, steps[i]);
        char *aside = path ? arena_printf(a, "%s.damaged", path) : NULL;
        if (!aside || rename(path, aside) != 0)
            log_warn("step %lld: the damaged checkpoint cannot be renamed", (long long)steps[i]);
    }
}

Status run_resume(Run *run, SafeFile *f, int64_t *step)
{
    Status   st = OK;
    Arena    arena = {0};
    int64_t *steps, n;
    *step = -1;
    *f = (SafeFile){0};
    TRY_OUT(list_steps(&arena, &steps, &n, run->checkpoints));
    for (int64_t i = 0; i < n; i++) {
        char *path = step_path(&arena, run, steps[i]);
        st = path ? open_step(f, path, steps[i]) : ERR_MEMORY;
        if (st == OK) {
            TRY_OUT(check_recipe(run, f));
            set_aside(run, &arena, steps, i);
            *step = run->saved = steps[i];
            TRY_OUT(keep_recipe(run));
            goto out;
        }
        if (st != ERR_FORMAT)
            goto out; // the disk or the memory failed, not the file
        log_warn("%s; going back to the checkpoint before it", status_text());
    }
    if (n > 0)
        st = status_fail(ERR_FORMAT, "%s: none of %lld checkpoints is whole", run->checkpoints,
                         (long long)n);
out:
    if (st != OK)
        safetensors_close(f);
    arena_release(&arena);
    return st;
}

static Status same_shape(const SafeFile *f, const SafeTensor *want, const SafeTensor *have)
{
    if (have->type != want->type)
        return status_fail(ERR_SHAPE, "%s: \"%s\" is %s, expected %s", f->path, want->name,
                           safetensors_type_name(have->type), safetensors_type_name(want->type));
    bool same = have->n_dims == want->n_dims;
    for (int i = 0; same && i < have->n_dims; i++)
        same = have->dim[i] == want->dim[i];
    if (!same)
        return status_fail(ERR_SHAPE,
                           "%s: \"%s\" has %lld values in %d dimensions, expected %lld in %d",
                           f->path, want->name, (long long)safetensors_count(have), have->n_dims,
                           (long long)safetensors_count(want), want->n_dims);
    return OK;
}

Status run_restore(const SafeFile *f, const SafeTensor *arrays, int64_t n)
{
    /* All are checked before the first is copied, so a failure changes nothing. */
    for (int64_t i = 0; i < n; i++) {
        const SafeTensor *have = safetensors_find(f, arrays[i].name);
        if (!have)
            return status_fail(ERR_FORMAT, "%s: \"%s\" is missing", f->path, arrays[i].name);
        TRY(same_shape(f, &arrays[i], have));
    }
    if (f->n != n)
        return status_fail(ERR_FORMAT, "%s: holds %lld arrays, expected %lld", f->path,
                           (long long)f->n, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        const SafeTensor *have = safetensors_find(f, arrays[i].name);
        if (have->n_bytes > 0)
            memcpy((void *)(uintptr_t)arrays[i].data, have->data, (size_t)have->n_bytes);
    }
    return OK;
}

/* ---- saving ---- */

/* Removes what is older than the newest keep_last. */
static Status prune(const Run *run, Arena *a)
{
    int64_t *steps, n;
    TRY(list_steps(a, &steps, &n, run->checkpoints));
    for (int64_t i = run->options.keep_last; i < n; i++) {
        char *path = step_path(a, run, steps[i]);
        if (!path)
            return ERR_MEMORY;
        TRY(file_remove(path));
    }
    return OK;
}

static Status write_checkpoint(Run *run, Arena *a, int64_t step, const SafeTensor *arrays,
                               int64_t n, const SafeMeta *meta, int64_t n_meta)
{
    SafeMeta *all = ARENA_ARRAY(a, SafeMeta, n_meta + 2);
    char     *path = step_path(a, run, step), *latest = file_join(a, run->checkpoints, "latest");
    char     *said = arena_printf(a, "%lld", (long long)step);
    char     *hash = arena_printf(a, "%016llx", (unsigned long long)run->options.recipe_hash);
    char     *line = path ? arena_printf(a, "%s\n", file_base(path)) : NULL;
    if (!all || !latest || !said || !hash || !line)
        return ERR_MEMORY;
    if (n_meta > 0)
        memcpy(all, meta, (size_t)n_meta * sizeof *meta);
    all[n_meta] = (SafeMeta){"step", said};
    all[n_meta + 1] = (SafeMeta){"recipe_hash", hash};
    TRY(safetensors_write(path, arrays, n, all, n_meta + 2));
    run->saved = step;
    TRY(file_write(latest, line, (int64_t)strlen(line)));
    return prune(run, a);
}

Status run_save(Run *run, int64_t step, const SafeTensor *arrays, int64_t n, const SafeMeta *meta,
                int64_t n_meta)
{
    Arena  arena = {0};
    Status st = step < 0 ? status_fail(ERR_SHAPE, "checkpoint of step %lld", (long long)step)
                         : write_checkpoint(run, &arena, step, arrays, n, meta, n_meta);
    arena_release(&arena);
    if (st == OK)
        run->failures = 0;
    if (st != ERR_IO && st != ERR_CREATE)
        return st;
    if (++run->failures >= MOST_FAILURES)
        return status_fail(
            ERR_IO,
            "%s: %d checkpoints in a row could not be written; the last good one is of step %lld",
            run->checkpoints, run->failures, (long long)run->saved);
    log_warn("%s; the run goes on (failure %d of %d in a row)", status_text(), run->failures,
             MOST_FAILURES);
    return OK;
}

Status run_interrupted(const Run *run)
{
    if (run->saved < 0)
        return status_fail(ERR_INTERRUPTED, "%s: stopped by a signal before the first checkpoint",
                           run->dir);
    return status_fail(ERR_INTERRUPTED,
                       "%s: stopped by a signal, saved at step %lld; go on with --resume auto",
                       run->dir, (long long)run->saved);
}
