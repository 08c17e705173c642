/* job.h -- what stands around the steps of any training run: recipe, folder, lock, resume, metrics, progress, stops
 *
 *      TRY(job_open(&job, "pretrain", options, tables, n_tables, keep));  // RUN made and locked, recipe.json written
 *      ...                                                                // model; a checkpoint sets job.step
 *      TRY(job_open_metrics(&job));
 *      job_begin(&job, options->stop_after);
 *      while (job.step < job.n_steps) {
 *          ...                                                            // one step
 *          job_count(&job, "loss 6.42");
 *          if (job_is_log_due(&job))  ... job_end_line
 *          if (job_is_save_due(&job)) ...
 *          if (job_must_stop(&job))
 *              return run_interrupted(job.run);
 *      }
 *      job_end(&job);
 *      st = job_close(&job);
 */
#pragma once
#include "base/metrics.h"
#include "base/progress.h"
#include "base/recipe.h"
#include "base/run.h"

/* What a caller asks of a training run. */
typedef struct JobOptions {
    const char        *recipe;  // path, or a bare name looked for in `folders`; NULL: the defaults
    const char *const *folders; // may be NULL
    int                n_folders;
    const char *const *overrides; // "solver.lr=0.01", ...
    int                n_overrides;
    const char        *data;    // folder of the data set
    const char        *run_dir; // created; locked while the run lives
    const char        *device;  // "cpu", "ref", "cuda", "auto"; NULL: auto
    const char        *resume;  // NULL: a new run; "auto": go on if there is a checkpoint; "yes":
                                // there must be one
    const char        *init;    // weights to start from; NULL: drawn
    long long          stop_after; // steps of this call, then stop as a signal would; 0: to the end
} JobOptions;

typedef struct Job {
    const char *label;
    Run        *run;
    Metrics    *metrics;
    Progress    progress;
    bool        is_running;
    int64_t     step, n_steps;         // taken so far, of the run
    int64_t     first, stop_at;        // of this call; stop_at -1: none
    int64_t     log_every, save_every; // steps; save_every 0: at the end alone
    double      started, line_time, line_wait_s;
    int64_t     line_step;
} Job;

/* The recipe that the options name. */
RecipeSource job_recipe(const JobOptions *o);

/* Makes and locks the run folder, writes the resolved recipe. `label` names the verb in sentences and on the progress
 * line; `keep` checkpoints are kept. ERR_USAGE, ERR_RECIPE (resumed with other numbers), ERR_MISSING, ERR_IO. */
Status job_open(Job *j, const char *label, const JobOptions *o, const RecipeTable *tables,
                int n_tables, int64_t keep) STATUS_MUST_USE;

/* After j->step is known. */
Status job_open_metrics(Job *j) STATUS_MUST_USE;

/* The clock starts: the steps follow. */
void job_begin(Job *j, long long stop_after);

/* One step more. `note` stands behind the counter. */
void job_count(Job *j, const char *note);

bool job_is_log_due(const Job *j);
bool job_is_save_due(const Job *j); // also before a stop
bool job_must_stop(const Job *j);   // a signal came, or stop_after is reached, before the end

/* Puts images_per_s, data_wait (share), peak_mb and device_peak_mb into the open line of metrics and ends it. wait_s:
 * seconds that the loader has waited in all. device_peak: bytes, 0 where the device is the host. */
Status job_end_line(Job *j, int64_t images_a_step, double wait_s,
                    int64_t device_peak) STATUS_MUST_USE;

/* The steps are over, whatever the outcome. */
void job_end(Job *j);

double job_seconds(const Job *j);     // since job_begin
bool   job_has_stepped(const Job *j); // in this call: false when a finished run was resumed
double job_rate(const Job *j, int64_t images_a_step);

/* Writes `dump` as RUN/nonfinite_step_N.json and returns ERR_NONFINITE: "step N: WHAT; images and terms are in FILE;
 * ... start again in another --out with ADVICE". */
Status job_stop_nonfinite(Job *j, int64_t step, const Text *dump, const char *what,
                          const char *advice) STATUS_MUST_USE;

/* Also for a zeroed one. */
Status job_close(Job *j) STATUS_MUST_USE;
