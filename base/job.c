#include "base/job.h"
#include "base/clock.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

RecipeSource job_recipe(const JobOptions *o)
{
    return (RecipeSource){o->recipe, o->folders, o->n_folders, o->overrides, o->n_overrides};
}

/* ---- opening ---- */

static Status read_resume(RunResume *out, const char *word)
{
    *out = RUN_NEW;
    if (word && strcmp(word, "auto") != 0 && strcmp(word, "yes") != 0)
        return status_fail(ERR_USAGE, "--resume: want auto or yes, have '%s'", word);
    if (word)
        *out = strcmp(word, "auto") == 0 ? RUN_AUTO : RUN_RESUME;
    return OK;
}

Status job_open(Job *j, const char *label, const JobOptions *o, const RecipeTable *tables,
                int n_tables, int64_t keep)
{
    Text       recipe = {0};
    RunOptions options = {.keep_last = (int)keep};
    j->label = label;
    if (!o->run_dir)
        return status_fail(ERR_USAGE, "%s: --out is missing (the run folder)", label);
    TRY(read_resume(&options.resume, o->resume));

    recipe_write(&recipe, tables, n_tables);
    Status st = text_status(&recipe);
    options.recipe_json = text_cstr(&recipe);
    if (st == OK)
        st = recipe_hash(&options.recipe_hash, tables, n_tables);
    if (st == OK)
        st = run_open(&j->run, o->run_dir, &options);
    text_release(&recipe);
    return st;
}

Status job_open_metrics(Job *j)
{
    return metrics_open(&j->metrics, run_dir(j->run), j->step > 0 ? j->step : -1, true);
}

void job_begin(Job *j, long long stop_after)
{
    j->first = j->line_step = j->step;
    j->stop_at = stop_after > 0 ? j->first + stop_after : -1;
    j->started = j->line_time = clock_seconds();
    j->is_running = true;
    progress_begin(&j->progress, j->label, j->n_steps, j->step);
}

/* ---- steps ---- */

void job_count(Job *j, const char *note)
{
    j->step++;
    progress_update(&j->progress, j->step, note);
}

bool job_is_log_due(const Job *j)
{
    return j->step % j->log_every == 0 || j->step == j->n_steps;
}

static bool is_stop_asked_for(const Job *j)
{
    return run_stop_requested() || j->step == j->stop_at;
}

bool job_is_save_due(const Job *j)
{
    bool is_round = j->save_every > 0 && j->step % j->save_every == 0;
    return is_round || j->step == j->n_steps || is_stop_asked_for(j);
}

bool job_must_stop(const Job *j)
{
    return is_stop_asked_for(j) && j->step < j->n_steps;
}

Status job_end_line(Job *j, int64_t images_a_step, double wait_s, int64_t device_peak)
{
    Metrics *m = j->metrics;
    double   now = clock_seconds(), elapsed = now - j->line_time;
    double   images = (double)((j->step - j->line_step) * images_a_step);
    double   share = elapsed > 0 ? (wait_s - j->line_wait_s) / elapsed : 0;
    metrics_number(m, "images_per_s", elapsed > 0 ? images / elapsed : 0);
    metrics_number(m, "data_wait", fmin(1, fmax(0, share)));
    metrics_number(m, "peak_mb", (double)memory_peak_rss() / 1048576);
    if (device_peak > 0)
        metrics_number(m, "device_peak_mb", (double)device_peak / 1048576);
    j->line_wait_s = wait_s;
    j->line_time = now;
    j->line_step = j->step;
    return metrics_end(m);
}

/* ---- the end ---- */

void job_end(Job *j)
{
    if (j->is_running)
        progress_end(&j->progress, NULL);
    j->is_running = false;
}

double job_seconds(const Job *j)
{
    return clock_seconds() - j->started;
}

bool job_has_stepped(const Job *j)
{
    return j->step > j->first;
}

double job_rate(const Job *j, int64_t images_a_step)
{
    double seconds = job_seconds(j);
    return seconds > 0 ? (double)((j->step - j->first) * images_a_step) / seconds : 0;
}

Status job_stop_nonfinite(Job *j, int64_t step, const Text *dump, const char *what,
                          const char *advice)
{
    Text path = {0};
    text_printf(&path, "%s/nonfinite_step_%07lld.json", run_dir(j->run), (long long)step);
    Status st = text_status(&path);
    if (st == OK)
        st = json_save(dump, text_cstr(&path));
    if (st == OK)
        st = status_fail(ERR_NONFINITE,
                         "step %lld: %s; images and terms are in %s; a run is resumed with its own "
                         "numbers only: start again in another --out with %s",
                         (long long)step, what, text_cstr(&path), advice);
    text_release(&path);
    return st;
}

Status job_close(Job *j)
{
    job_end(j);
    Status st = metrics_close(j->metrics);
    run_close(j->run);
    *j = (Job){0};
    return st;
}
