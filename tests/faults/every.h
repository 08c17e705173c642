/* every.h -- a piece of work is repeated, each time with one later call failing, until it no longer makes that many
 *
 * Each failing run must end with the given status and leave nothing behind (the asan preset sees leaks); the last run
 * must succeed. Sentences are checked to exist: a status without one helps nobody.
 */
#pragma once
#include <gtest/gtest.h>
#include <cstring>
#include <string>
extern "C" {
#include "base/status.h"
#include "faults/faults.h"
}

/* What a library below may make of an allocation that failed: nothing, when it does without (the work then checks its
 * result itself); or damage of the file, said in these words, when it does not tell them apart. */
struct Library {
    bool        does_without;
    const char *mistakes_it_for;
};

/* How many allocations `work` makes; each fails once, after `before` has set things up. `work` frees what it made also
 * when it fails.
 * PITFALL: its own C++ strings would fail too, by throwing; make them outside. */
template <class Work, class Before>
int64_t every_allocation_fails(const Work &work, Library library, const Before &before)
{
    for (int64_t nth = 1; nth < 100000; nth++) {
        before();
        (void)status_fail(OK, "%s", "");
        faults_allocation(nth);
        Status st = work();
        if (!faults_end()) {
            EXPECT_EQ(st, OK) << status_text();
            return nth - 1;
        }
        if (st == OK && library.does_without)
            continue;
        if (st == ERR_FORMAT && library.mistakes_it_for &&
            strstr(status_text(), library.mistakes_it_for))
            continue;
        EXPECT_EQ(st, ERR_MEMORY) << "allocation " << nth << ": " << status_text();
        EXPECT_STRNE(status_text(), "") << "allocation " << nth;
        if (testing::Test::HasFailure())
            return -1;
    }
    ADD_FAILURE() << "the work does not end";
    return -1;
}
template <class Work>
int64_t every_allocation_fails(const Work &work, Library library = {})
{
    return every_allocation_fails(work, library, [] {});
}

/* How many calls on files whose path contains `path` the work makes; each fails once with `reason`, after `before` has
 * set things up, and the work with one of two statuses and the system's reason in its sentence. */
template <class Before, class Work>
int64_t every_file_call_fails(FaultKind kind, int reason, const std::string &path, Status expected,
                              Status or_else, const Before &before, const Work &work)
{
    for (int64_t nth = 1; nth < 10000; nth++) {
        before();
        (void)status_fail(OK, "%s", "");
        faults_files(kind, nth, 1, reason, path.c_str());
        Status st = work();
        if (!faults_end()) {
            EXPECT_EQ(st, OK) << status_text();
            return nth - 1;
        }
        EXPECT_TRUE(st == expected || st == or_else)
            << "call " << nth << ": status " << st << ", " << status_text();
        EXPECT_NE(nullptr, strstr(status_text(), strerror(reason)))
            << "call " << nth << ": " << status_text();
        if (testing::Test::HasFailure())
            return -1;
    }
    ADD_FAILURE() << "the work does not end";
    return -1;
}
