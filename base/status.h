/* status.h -- how every function of godwit fails
 *
 * A function that can fail returns a Status; OK is 0. The function that knows the cause writes one
 * sentence with status_fail (what, where, expected, found, how to mend it); callers pass the code
 * up and leave the sentence alone. The sentence lives per thread and survives until the thread's
 * next status_fail. Only main prints it and exits.
 *
 *      TRY(file_open(&f, path));              returns the code
 *      TRY_OUT(read_header(f));               stores it in `st` and jumps to `out`
 */
#pragma once

typedef enum Status {
    OK = 0,
    ERR_USAGE,       // the command line is wrong                     exit 64
    ERR_FORMAT,      // a file's content is wrong                     exit 65
    ERR_MISSING,     // an input does not exist or cannot be opened   exit 66
    ERR_SHAPE,       // sizes that do not fit together                exit 70
    ERR_NONFINITE,   // a loss or weight became NaN or infinite       exit 70
    ERR_MEMORY,      // an allocation failed                          exit 71
    ERR_DEVICE,      // a device failed or is absent                  exit 71
    ERR_UNSUPPORTED, // this build or backend cannot do it            exit 71
    ERR_CREATE,      // an output cannot be created                   exit 73
    ERR_IO,          // reading or writing failed on the way          exit 74
    ERR_INTERRUPTED, // stopped by a signal; the run can be resumed   exit 75
    ERR_RECIPE,      // a recipe or override is wrong                 exit 78
} Status;

#define STATUS_MUST_USE __attribute__((warn_unused_result))

enum { STATUS_TEXT_BYTES = 1024 };

/* Keeps the sentence for this thread (at most 1023 bytes, cut beyond) and returns `code`. */
Status status_fail(Status code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For a failed allocation: needs no memory itself; `what` must outlive the sentence. Returns
 * ERR_MEMORY. */
Status status_no_memory(const char *what, long long bytes);

/* The sentence of this thread's last failure; "" when there was none. */
const char *status_text(void);

/* A plug-in library has its own copy of this file. status_share makes it keep its sentences where the program keeps
 * them: in what the program's status_buffer() returns, STATUS_TEXT_BYTES of each thread. */
char *(*status_buffer(void))(void);
void status_share(char *(*of_this_thread)(void));

/* The sysexits code of a status: 0, 64, 65, 66, 70, 71, 73, 74, 75 or 78. */
int status_exit_code(Status st);

#define TRY(expr)                                                                                  \
    do {                                                                                           \
        Status try_status_ = (expr);                                                               \
        if (try_status_ != OK)                                                                     \
            return try_status_;                                                                    \
    } while (0)

#define TRY_OUT(expr)                                                                              \
    do {                                                                                           \
        st = (expr);                                                                               \
        if (st != OK)                                                                              \
            goto out;                                                                              \
    } while (0)
