/* metrics.h -- what a run measured: one JSON line per record, flushed at once, and the same for
 * TensorBoard
 *
 *      {"step":1200,"kind":"train","loss":0.842,"lr":0.02}
 *
 * After a resume at step s only lines with step <= s are kept (a line cut by a crash goes too), so
 * no step is there twice. TensorBoard's event files keep their older records, and TensorBoard lets
 * the later file win.
 */
#pragma once
#include "base/json.h"
#include "base/status.h"
#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct Metrics Metrics;

/* dir/metrics.jsonl and, with_events, dir/tb/. resume_step < 0 starts an empty file. */
Status metrics_open(Metrics **m, const char *dir, int64_t resume_step,
                    bool with_events) STATUS_MUST_USE;

/* begin, any number of values, end: one line. kind: "train", "eval", ...; tags in TensorBoard are
 * kind/name. */
void   metrics_begin(Metrics *m, const char *kind, int64_t step);
void   metrics_number(Metrics *m, const char *name,
                      double value); // NaN and infinities: null in the line
void   metrics_int(Metrics *m, const char *name, int64_t value);
void   metrics_text(Metrics *m, const char *name, const char *value); // not in TensorBoard
Status metrics_end(Metrics *m) STATUS_MUST_USE;

Status metrics_close(Metrics *m) STATUS_MUST_USE; // NULL is fine
