/* --sync: a failure names the op that caused it, whichever kind of work it was; without, the next wait tells it */
#include "kernels/op_test.h"

#include <dlfcn.h>

/* Work that goes wrong while it runs. A fault ends the device for its process, and so does --sync: each of these runs in a
 * process that opens the device anew. */
typedef Status Fault(const Backend *be, void *memory);

static const int64_t BYTES = 1024;

static Status kernel(const Backend *, void *memory)
{
    Status (*miss_a_barrier)(void *) = nullptr;
    *(void **)&miss_a_barrier = dlsym(backend_cuda_library(), "self_miss_a_barrier");
    return miss_a_barrier(memory);
}

static Status copy(const Backend *be, void *memory)
{
    return be->copy((char *)memory + BYTES / 2, memory, BYTES);
}

static Status write(const Backend *be, void *memory)
{
    std::vector<char> host((size_t)(2 * BYTES));
    return be->write(memory, host.data(), 2 * BYTES);
}

static Status feed(const Backend *be, void *memory)
{
    std::vector<char> host((size_t)(2 * BYTES));
    TRY(be->sync());
    return be->feed(memory, host.data(), 2 * BYTES);
}

static Status feed_use(const Backend *be, void *memory)
{
    std::vector<char> host((size_t)BYTES);
    TRY(be->sync());
    TRY(be->feed(memory, host.data(), BYTES));
    return be->feed_use((char *)memory + BYTES / 2, memory, BYTES);
}

class Sync : public ::testing::Test {
  protected:
    void SetUp() override
    {
        setenv("GODWIT_CUDA", GODWIT_TEST_PLUGIN, 0);
        if (!dlsym(backend_cuda_library(), "fake_gpu_last_fault"))
            GTEST_SKIP() << "these are faults to be made on the emulated device only";
        GTEST_FLAG_SET(death_test_style, "threadsafe"); // a program of its own
    }
    /* Ends with the sentence, and when it came: "at once", from the op itself, or with the next "wait". */
    [[noreturn]] static void tell(Fault *fault, bool waits)
    {
        const Backend *be = nullptr;
        void          *memory = nullptr;
        backend_wait_for_each_op(waits);
        Status st = backend_open(&be, "cuda", F32);
        if (st == OK)
            st = be->alloc(&memory, BYTES);
        if (st == OK)
            st = fault(be, memory);
        const char *when = st == OK ? "wait" : "at once";
        if (st == OK)
            st = be->feed_use(memory, memory, 1); // which waits for feeds
        if (st == OK)
            st = be->sync();
        fprintf(stderr, "%s: %s\n", when, st == OK ? "no fault" : status_text());
        _exit(0);
    }
};

TEST_F(Sync, NamesTheKernel)
{
    EXPECT_EXIT(tell(kernel, true), ::testing::ExitedWithCode(0),
                "at once: miss_a_barrier: .*\\)\n");
    EXPECT_EXIT(tell(kernel, false), ::testing::ExitedWithCode(0),
                "wait: .*; an earlier op may have caused it: --sync finds the guilty one");
}

TEST_F(Sync, NamesTheCopy)
{
    EXPECT_EXIT(tell(copy, true), ::testing::ExitedWithCode(0), "at once: copy: .*\\)\n");
    EXPECT_EXIT(tell(copy, false), ::testing::ExitedWithCode(0), "wait: .*--sync finds");
}

TEST_F(Sync, NamesTheWrite)
{
    EXPECT_EXIT(tell(write, true), ::testing::ExitedWithCode(0), "at once: write: .*\\)\n");
    EXPECT_EXIT(tell(write, false), ::testing::ExitedWithCode(0), "wait: .*--sync finds");
}

TEST_F(Sync, NamesTheFeedAndItsUse)
{
    EXPECT_EXIT(tell(feed, true), ::testing::ExitedWithCode(0), "at once: feed: .*\\)\n");
    EXPECT_EXIT(tell(feed, false), ::testing::ExitedWithCode(0), "wait: .*--sync finds");
    EXPECT_EXIT(tell(feed_use, true), ::testing::ExitedWithCode(0), "at once: copy: .*\\)\n");
}
