/* events.h -- scalars for TensorBoard
 *
 *      record:  u64 LE length | u32 masked CRC-32C of the length | protobuf Event | u32 masked
 * CRC-32C of the Event
 *
 * The file is tb/events.out.tfevents.TIME.HOST.PID.N, as TensorBoard looks for it. Format:
 * tensorflow/core/util/event.proto and lib/io/record_writer. The Event messages (wall_time, step,
 * one scalar Summary.Value) are encoded by hand.
 */
#pragma once
#include "base/status.h"
#include <stdint.h>

typedef struct EventWriter EventWriter;

/* Creates the folder and a new file in it. */
Status events_open(EventWriter **w, const char *dir) STATUS_MUST_USE;

/* NaN and infinities are written as they are: TensorBoard shows them. */
Status events_scalar(EventWriter *w, const char *tag, int64_t step, double value) STATUS_MUST_USE;
Status events_flush(EventWriter *w) STATUS_MUST_USE;
Status events_close(EventWriter *w) STATUS_MUST_USE; // NULL is fine

/* CRC-32C (Castagnoli) of bytes: "123456789" gives e3069283. */
uint32_t events_crc32c(const void *bytes, int64_t n);

/* The path of the file being written. */
const char *events_path(const EventWriter *w);
