/* log.h -- one line for people on stderr
 *
 *      quiet   errors and warnings          debug lines start with the time since the program
 * started info    + what happens (default) debug   + what the program decides
 *
 * Lines are written whole, from any thread, with one write each; control characters of the text are
 * shown as \xNN, so that a file name cannot move the cursor. A progress line on the terminal is
 * wiped first (progress.h). Writing never fails: a closed stderr is ignored.
 */
#pragma once
#include <stdint.h>

typedef enum LogLevel { LOG_QUIET, LOG_INFO, LOG_DEBUG } LogLevel;

void     log_set_level(LogLevel level);
LogLevel log_level(void);

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "warning: ..." and counted. */
void    log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int64_t log_warnings(void);

/* As log_warn for the first `most` calls with this counter, then counted only, so that a broken
 * data set does not flood the terminal. `*count` starts at 0 and is increased at each call, from
 * any thread. */
void log_warn_some(int64_t *count, int64_t most, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "error: ...", always written. For main. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Where lines go: a file descriptor, 2 at the start. */
void log_set_fd(int fd);
int  log_fd(void);

/* What the calls above come to: one line of a kind, which the level may hide. A warning whose text is NULL is counted
 * only. */
typedef enum LogKind { LOG_LINE, LOG_DETAIL, LOG_WARNING, LOG_ERROR } LogKind;
void log_line(LogKind kind, const char *text);

/* A plug-in library has its own copy of this file. log_share makes it hand its lines to the program's log_line. */
typedef void LogLine(LogKind kind, const char *text);
void         log_share(LogLine *of_the_program);
