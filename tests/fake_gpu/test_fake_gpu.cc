/* The emulated device itself: what it computes, and what it catches */
#include "kernels/op_test.h"

#include <dlfcn.h>

/* A function of self_kernels.cu. */
template <typename F>
static F *self(const char *name)
{
    (void)device_under_test();
    F *f = nullptr;
    *(void **)&f = dlsym(backend_cuda_library(), name);
    EXPECT_NE(nullptr, (void *)f) << name;
    return f;
}

class FakeGpu : public ::testing::Test {
  protected:
    const Backend      *be = device_under_test();
    std::vector<void *> memory;

    void SetUp() override
    {
        if (!dlsym(backend_cuda_library(), "fake_gpu_last_fault"))
            GTEST_SKIP() << "these are faults to be made on the emulated device only";
    }
    void TearDown() override
    {
        for (void *p : memory)
            be->free(p);
        EXPECT_EQ(OK, be->sync());
    }
    void *ints(const std::vector<int> &v)
    {
        void *p = nullptr;
        EXPECT_EQ(OK, be->alloc(&p, (int64_t)v.size() * 4));
        EXPECT_EQ(OK, be->write(p, v.data(), (int64_t)v.size() * 4));
        memory.push_back(p);
        return p;
    }
    std::vector<int> read(void *p, size_t n)
    {
        std::vector<int> v(n);
        EXPECT_EQ(OK, be->read(v.data(), p, (int64_t)n * 4)) << status_text();
        return v;
    }
    std::vector<int> counting(int n)
    {
        std::vector<int> v;
        for (int i = 0; i < n; i++)
            v.push_back(i);
        return v;
    }
};

/* A fault ends the emulated device for its process, as CUDA's own faults do: such tests run in a process of their own. */
#define EXPECT_FAULT(statement, sentence)                                                          \
    EXPECT_EXIT(                                                                                   \
        {                                                                                          \
            Status st = statement;                                                                 \
            if (st == OK)                                                                          \
                st = be->sync();                                                                   \
            fprintf(stderr, "%s\n", st == OK ? "no fault" : status_text());                        \
            _exit(st == ERR_DEVICE ? 3 : 0);                                                       \
        },                                                                                         \
        ::testing::ExitedWithCode(3), sentence)

TEST_F(FakeGpu, ThreadsMeetAtBarriersAndShareMemory)
{
    void *x = ints(counting(96)), *y = ints(std::vector<int>(96));
    ASSERT_EQ(OK, self<Status(void *, const void *, int)>("self_reverse")(y, x, 96));
    std::vector<int> want = counting(96), got = read(y, 96);
    EXPECT_EQ(std::vector<int>(want.rbegin(), want.rend()), got);
}

TEST_F(FakeGpu, ShufflesReadTheLanesThatCudaSays)
{
    void *y = ints(std::vector<int>(192));
    ASSERT_EQ(OK, self<Status(void *)>("self_shuffle")(y));
    std::vector<int> got = read(y, 192);
    for (int l = 0; l < 32; l++) {
        EXPECT_EQ(5, got[(size_t)l]);
        EXPECT_EQ(l % 8 < 2 ? l : l - 2, got[(size_t)(32 + l)]);
        EXPECT_EQ(l % 16 > 12 ? l : l + 3, got[(size_t)(64 + l)]);
        EXPECT_EQ(l ^ 16, got[(size_t)(96 + l)]);
        EXPECT_EQ(0x49249249, got[(size_t)(128 + l)]);
        EXPECT_EQ(496, got[(size_t)(160 + l)]);
    }
}

TEST_F(FakeGpu, AtomicsOfManyBlocksAddUp)
{
    void *count = ints({0, 0}), *sum = ints({0}), *most = ints({-1});
    ASSERT_EQ(OK, self<Status(void *, void *, void *)>("self_count")(count, sum, most));
    EXPECT_EQ(std::vector<int>({480, 0}), read(count, 2));
    EXPECT_EQ(479, read(most, 1)[0]);
    int   bits = read(sum, 1)[0];
    float total;
    memcpy(&total, &bits, 4);
    EXPECT_EQ(720.0f, total);
}

/* More blocks than fit 16 bits, as a batch of crops or rows has. */
TEST_F(FakeGpu, RunsGridsOfMoreThan65535Blocks)
{
    const int blocks = 66000, threads = 32;
    void     *x = ints(counting(blocks * threads)), *y = ints(std::vector<int>(blocks));
    ASSERT_EQ(OK, (self<Status(void *, const void *, int, int)>("self_sum_blocks")(y, x, blocks,
                                                                                   threads)));
    std::vector<int> got = read(y, blocks);
    for (int b = 0; b < blocks; b++)
        ASSERT_EQ((int)((unsigned)threads * ((unsigned)b * threads) + threads * (threads - 1) / 2),
                  got[(size_t)b])
            << b;
}

TEST_F(FakeGpu, AMissingThreadAtABarrierIsNamed)
{
    void *y = ints(std::vector<int>(64));
    EXPECT_FAULT(self<Status(void *)>("self_miss_a_barrier")(y),
                 "thread \\(0,0,0\\) waits at the block's barrier of self_kernels.cu:[0-9]+, "
                 "thread \\(3,0,0\\) has left the kernel");
}

TEST_F(FakeGpu, ThreadsAtDifferentBarriersAreNamed)
{
    void *y = ints(std::vector<int>(64));
    EXPECT_FAULT(self<Status(void *)>("self_part_at_barriers")(y), "divergent barrier");
}

TEST_F(FakeGpu, ALaneThatAShuffleAwaitsIsNamed)
{
    void *y = ints(std::vector<int>(32));
    EXPECT_FAULT(self<Status(void *)>("self_leave_lane_out")(y),
                 "waits at the warp's barrier .*, thread \\(7,0,0\\) has left the kernel");
}

TEST_F(FakeGpu, AStoreOutsideAnAllocationIsCaught)
{
    void *y = ints({1, 2, 3});
#if defined(__SANITIZE_ADDRESS__)
    EXPECT_DEATH((void)(self<Status(void *, int)>("self_store_past_the_end")(y, 3), be->sync()),
                 "AddressSanitizer");
#else
    EXPECT_FAULT(self<Status(void *, int)>("self_store_past_the_end")(y, 3),
                 "store_past_the_end.*writes 4 bytes outside");
#endif
}

TEST_F(FakeGpu, HostCodeThatFollowsADevicePointerIsStopped)
{
    void *y = ints({1, 2, 3});
    ASSERT_EQ(OK, be->sync());
    EXPECT_DEATH(*(volatile int *)y = 1, "host code touched device memory");
}

/* Large blocks of the host are mapped right below what the device reserves, so a loop that runs past one ends there. */
TEST_F(FakeGpu, HostCodeThatRunsPastItsOwnMemoryIsNotTakenForIt)
{
    char *begin = nullptr, *end = nullptr;
    void *y = ints({1});
    self<void(char **, char **)>("fake_gpu_arena")(&begin, &end);
    EXPECT_LE(begin, (char *)y);
    EXPECT_DEATH((void)*(volatile char *)(begin - 1), "left its own memory, which lies beside");
    EXPECT_DEATH((void)*(volatile char *)end, "left its own memory, which lies beside");
    EXPECT_DEATH((void)*(volatile char *)begin, "host code touched device memory");
}

TEST_F(FakeGpu, AFullDeviceSaysSo)
{
    void *p = nullptr;
    EXPECT_EQ(ERR_MEMORY, be->alloc(&p, (int64_t)1 << 40));
    EXPECT_EQ(nullptr, p);
    EXPECT_NE(std::string::npos, std::string(status_text()).find("no room for 1099511627776 bytes"))
        << status_text();
    EXPECT_EQ(OK, be->alloc(&p, 16));
    be->free(p);
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_F(FakeGpu, ASharedArrayReadWithoutABarrierIsNamed)
{
    void *y = ints(std::vector<int>(64)), *x = ints(counting(64));
    EXPECT_FAULT(self<Status(void *, const void *)>("self_forget_the_barrier")(y, x),
                 "forget_the_barrier.*race in shared memory.*no barrier between");
}

TEST_F(FakeGpu, AShuffleIsNoBarrierForMemory)
{
    void *y = ints(std::vector<int>(32)), *x = ints(counting(32));
    EXPECT_FAULT(self<Status(void *, const void *)>("self_shuffle_for_a_barrier")(y, x),
                 "shuffle_for_a_barrier.*race in shared memory.*no barrier between");
}
#endif
