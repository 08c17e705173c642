/* run.h -- a run folder and its checkpoints: interrupted is not lost
 *
 *      RUN/recipe.json                            resolved recipe
 *          lock                                   host and pid of the one writer
 *          checkpoints/step_0002000.safetensors   the newest few, each complete and checksummed
 *          checkpoints/latest                     the newest one's name, for people and scripts
 *
 * A checkpoint is a list of named host arrays and some metadata strings in one safetensors file,
 * written aside, synced and renamed. Resume takes the newest that is whole; a damaged one is named
 * and passed over.
 *
 *      TRY(run_open(&run, dir, &options));
 *      TRY_OUT(run_resume(run, &checkpoint, &step));         // -1: nothing to resume
 *      if (step >= 0)
 *          TRY_OUT(run_restore(&checkpoint, arrays, n));
 *      for (step = max(step, 0); step < n_steps && !run_stop_requested(); step++) {
 *          ...
 *          if (due || run_stop_requested())
 *              TRY_OUT(run_save(run, step + 1, arrays, n, NULL, 0));
 *      }
 *      st = run_stop_requested() ? run_interrupted(run) : OK;
 */
#pragma once
#include "base/safetensors.h"
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct Run Run;

typedef enum RunResume {
    RUN_NEW,    // the folder must hold no checkpoint: ERR_USAGE otherwise
    RUN_AUTO,   // resume when there is something to resume
    RUN_RESUME, // there must be a checkpoint: ERR_MISSING otherwise
} RunResume;

typedef struct RunOptions {
    RunResume   resume;
    int         keep_last;   // checkpoints kept; 0: 2
    const char *recipe_json; // resolved recipe, written to recipe.json; may be NULL
    uint64_t    recipe_hash; // stored in each checkpoint; a resume with another hash is ERR_RECIPE
    bool        allow_other_recipe; // a resume with another hash warns instead
} RunOptions;

/* Makes the folder, takes the lock (ERR_USAGE naming the holder when another live process has it),
 * sweeps temporary files. Options may be NULL. */
Status      run_open(Run **run, const char *dir, const RunOptions *options) STATUS_MUST_USE;
void        run_close(Run *run); // gives the lock back; NULL is fine
const char *run_dir(const Run *run);

/* Opens the newest whole checkpoint: *step is its step, or -1 (and `f` empty) when there is none.
 * Close f with safetensors_close. */
Status run_resume(Run *run, SafeFile *f, int64_t *step) STATUS_MUST_USE;

/* Copies each array out of the checkpoint into arrays[i].data (cast to non-const). Every array must
 * be there with the same type and shape, and nothing else may be in the file: ERR_SHAPE /
 * ERR_FORMAT name the array. */
Status run_restore(const SafeFile *f, const SafeTensor *arrays, int64_t n) STATUS_MUST_USE;

/* Writes checkpoints/step_%07d, then `latest`, then removes the oldest beyond keep_last. When the
 * disk is full or broken the old files stay, a warning is logged and OK is returned; the third
 * failure in a row is ERR_IO. */
Status run_save(Run *run, int64_t step, const SafeTensor *arrays, int64_t n, const SafeMeta *meta,
                int64_t n_meta) STATUS_MUST_USE;

/* The step of the newest checkpoint saved or resumed by this Run, -1 for none. */
int64_t run_saved_step(const Run *run);

/* SIGTERM, SIGINT, SIGUSR1, SIGHUP set a flag; a second SIGINT ends the program at once (exit 75),
 * which harms no file. SIGPIPE is ignored. */
void run_signals_install(void);
bool run_stop_requested(void);
int  run_stop_signal(void);     // its number, 0 when none came
void run_request_stop(int sig); // as if the signal had come; 0 clears the flag

/* ERR_INTERRUPTED once a stop was asked for: for long work between two steps, such as an evaluation, which is left
 * unfinished and done again after the resume. */
Status run_check_stop(void) STATUS_MUST_USE;

/* ERR_INTERRUPTED with the sentence how to go on. */
Status run_interrupted(const Run *run);
