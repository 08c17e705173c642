/* A device that fills up: what is said, what is tried before, and what is counted */
#include "fake_gpu/no_room.h"
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/losses.h"
}

#include <dlfcn.h>
#include <set>

class Memory : public ::testing::Test {
  protected:
    const Backend *be = device_under_test();

    void SetUp() override
    {
        if (!dlsym(backend_cuda_library(), "fake_gpu_last_fault"))
            GTEST_SKIP() << "only the emulated device's memory can be made small";
    }
    void TearDown() override
    {
        unsetenv("FAKE_GPU_MEMORY");
        EXPECT_EQ(OK, be->sync());
    }
    /* From now on the device has what it holds, and `bytes` more. */
    void leave(int64_t bytes)
    {
        unsetenv("FAKE_GPU_MEMORY");
        DeviceFacts facts;
        ASSERT_EQ(OK, be->sync());
        ASSERT_EQ(OK, be->describe(&facts));
        setenv("FAKE_GPU_MEMORY",
               std::to_string(facts.total_bytes - facts.free_bytes + bytes).c_str(), 1);
    }
    /* What the sentences name when `build`, a scalar, and its backward pass meet ever larger devices, until they fit. */
    std::set<std::string> names(const Build &build, const std::vector<Leaf> &leaves,
                                int64_t step = 512)
    {
        std::set<std::string> found;
        for (int64_t room = 0;; room += step) {
            Bench                 b(be);
            std::vector<Tensor *> in;
            for (const Leaf &l : leaves)
                in.push_back(b.tensor(l.dims, l.values, l.wants_grad));
            leave(room);
            Status      st = tape_backward(&b.t, build(b, in));
            std::string text = status_text(), what = what_found_no_room(text);
            unsetenv("FAKE_GPU_MEMORY");
            EXPECT_EQ(OK, be->sync());
            if (st == OK)
                return found;
            EXPECT_EQ(ERR_MEMORY, st) << text;
            EXPECT_NE("", what) << text;
            EXPECT_NE(std::string::npos, text.find("; this step holds ")) << text;
            if (what.empty())
                return found;
            found.insert(what);
        }
    }
};

static Tensor *sum(Bench &b, Tensor *y, Tensor *weight)
{
    int64_t     row[2] = {1, tensor_count(y)};
    LinearLayer l = {weight, nullptr};
    return linear(&b.t, &l, reshape(&b.t, y, 2, row));
}

TEST_F(Memory, OfABatchNormIsAskedForByName)
{
    Build norm = [](Bench &b, std::vector<Tensor *> &in) {
        NormLayer l = {norm_options(2), in[1], in[2], in[3], in[4], false};
        return sum(b, batch_norm(&b.t, &l, in[0], nullptr, true), in[5]);
    };
    Floats                ones(64, 1.0f);
    std::set<std::string> said = names(norm, {{{4, 3, 3, 64}, noise(2304, 1)},
                                              {{64}, ones},
                                              {{64}, ones},
                                              {{64}, ones, false},
                                              {{64}, ones, false},
                                              {{1, 2304}, noise(2304, 2), false}});
    for (const char *name : {"f32 (4,3,3,64)", "batch_norm", "batch_norm gradient"})
        EXPECT_EQ(1u, said.count(name)) << name;
}

TEST_F(Memory, OfALayersBiasIsAskedForByName)
{
    Build layer = [](Bench &b, std::vector<Tensor *> &in) {
        LinearLayer l = {in[1], in[2]};
        return sum(b, linear(&b.t, &l, in[0]), in[3]);
    };
    std::set<std::string> said = names(layer, {{{70, 40}, noise(2800, 1)},
                                               {{90, 40}, noise(3600, 2)},
                                               {{90}, noise(90, 3)},
                                               {{1, 6300}, noise(6300, 4), false}});
    for (const char *name : {"f32 (70,90)", "bias gradient"})
        EXPECT_EQ(1u, said.count(name)) << name;
}

TEST_F(Memory, OfALossIsAskedForByName)
{
    Build loss = [](Bench &b, std::vector<Tensor *> &in) {
        in[1]->dtype = I32; // the same zeros
        return softmax_cross_entropy(&b.t, in[0], in[1], 0);
    };
    std::set<std::string> said =
        names(loss, {{{70, 40}, noise(2800, 1)}, {{70}, Floats(70, 0.0f), false}});
    for (const char *name : {"f32 (70,40)", "softmax_cross_entropy"})
        EXPECT_EQ(1u, said.count(name)) << name;
}

TEST_F(Memory, OfAContrastIsAskedForByName)
{
    Build nce = [](Bench &b, std::vector<Tensor *> &in) {
        return info_nce(&b.t, nullptr, in[0], in[1], in[2], 0.2f);
    };
    std::set<std::string> said = names(nce,
                                       {{{8, 32}, noise(256, 1)},
                                        {{8, 32}, noise(256, 2), false},
                                        {{100, 32}, noise(3200, 3), false}},
                                       256);
    for (const char *name : {"f32 (8,101)", "info_nce", "info_nce gradient"})
        EXPECT_EQ(1u, said.count(name)) << name;
}

/* No tape stands around the optimiser. */
TEST_F(Memory, OfTheOptimiserIsAskedForByName)
{
    void *x = nullptr;
    ASSERT_EQ(OK, be->alloc(&x, 4096));
    leave(0);
    EXPECT_EQ(ERR_MEMORY, be->sum_squares((double *)x, (const float *)x, 1000, true));
    EXPECT_EQ(0u, std::string(status_text()).find("sum_squares: the GPU has no room for "))
        << status_text();
    be->free(x);
}

TEST_F(Memory, ThatIsFreedBehindQueuedWorkIsThereForTheNextAllocation)
{
    void   *p = nullptr;
    int64_t bytes = 1 << 20;
    leave(bytes + bytes / 2);
    for (int i = 0; i < 3; i++) {
        ASSERT_EQ(OK, be->alloc(&p, bytes)) << status_text();
        be->free(p);
    }
}

/* A 7x7 convolution by 2 whose shape lets the emulator fold it. */
TEST_F(Memory, ThatDoesNotSufficeForFoldingLeavesTheConvolutionAsItIs)
{
    Build conv = [](Bench &b, std::vector<Tensor *> &in) {
        ConvLayer l = {{2, 3, 1, 1}, in[1], nullptr};
        return conv2d(&b.t, &l, in[0]);
    };
    Dims                  x = {2, 33, 32, 3}, w = {8, 7, 7, 3};
    std::vector<Leaf>     leaves = {{x, noise(count_of(x), 1)}, {w, noise(count_of(w), 2, 0.1f)}};
    Outcome               want = run_op(backend_ref(), conv, leaves, BF16, TAPE_TRAIN);
    Bench                 b(be, TAPE_TRAIN, BF16);
    std::vector<Tensor *> in;
    for (const Leaf &l : leaves)
        in.push_back(b.tensor(l.dims, l.values, false, BF16));
    leave(10000); // y takes 8704 bytes, the folded x 19200
    Tensor *y = conv(b, in);
    ASSERT_EQ(OK, tape_status(&b.t)) << status_text();
    expect_close(b.values(y), want.y, 1e-2, "output"); // of bf16
}

/* As a captured step's scratch memory is: none of the pool's. */
TEST_F(Memory, OfAGraphIsPartOfThePeak)
{
    const int64_t bytes = 16 << 20;
    DeviceFacts   before, after;
    void         *p = nullptr, *graph = nullptr;
    ASSERT_EQ(OK, be->describe(&before));
    ASSERT_EQ(OK, be->graph_begin());
    Status st = be->alloc(&p, bytes);
    be->free(p);
    ASSERT_EQ(OK, be->graph_end(&graph));
    ASSERT_EQ(OK, st);
    ASSERT_EQ(OK, be->graph_launch(graph));
    ASSERT_EQ(OK, be->sync());
    ASSERT_EQ(OK, be->describe(&after));
    EXPECT_GE(after.peak_bytes,
              before.peak_bytes + bytes / 2); // another test's graph may have had some
    be->graph_free(graph);
}
