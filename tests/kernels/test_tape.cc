/* The tape: memory that repeats, failures that are told once, and its pool */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/bench.h"
#include "kernels/profile.h"
#include <cJSON.h>
}
#include <fstream>
#include <sstream>
#include <unistd.h>

static Tensor *chain(Bench &b, Tensor *x, int n)
{
    for (int i = 0; i < n; i++)
        x = relu(&b.t, add(&b.t, x, x));
    return x;
}

TEST(Tape, AStepThatRepeatsAllocatesNothing)
{
    Bench                b(backend_cpu());
    std::vector<int64_t> held;
    for (int step = 0; step < 4; step++) {
        tape_reset(&b.t, TAPE_RECORD | TAPE_TRAIN);
        Tensor *x = b.tensor({100, 100}, noise(10000, 1));
        ASSERT_EQ(OK, tape_backward(&b.t, b.dot(chain(b, x, 5), noise(10000, 2))));
        held.push_back(tape_pool_bytes(&b.t));
    }
#if !defined(__SANITIZE_ADDRESS__)
    EXPECT_EQ(held[1], held[0]);
    EXPECT_EQ(held[3], held[0]);
#endif
}

TEST(Tape, BackwardGivesMemoryBackAsItGoes)
{
    Bench   b(backend_cpu());
    Tensor *x = b.tensor({1000, 100}, noise(100000, 1));
    Tensor *l = b.dot(chain(b, x, 20), Floats(100000, 1.0f)); // 40 activations of 400 kB
    ASSERT_EQ(OK, tape_backward(&b.t, l));
    EXPECT_LT(tape_peak_bytes(&b.t), 49 * 400000); // and not 80 with gradients
}

TEST(Tape, AnInferenceKeepsOnlyWhatIsNotDone)
{
    Bench   b(backend_cpu(), 0);
    Tensor *x = b.tensor({1000, 100}, noise(100000, 1), false);
    for (int i = 0; i < 20; i++) {
        Tensor *y = relu(&b.t, x);
        if (i > 0)
            tape_done(&b.t, x);
        x = y;
    }
    EXPECT_LT(tape_peak_bytes(&b.t), 4 * 400000);
}

TEST(Tape, FailsOnceAndStaysQuiet)
{
    Bench   b(backend_ref());
    Tensor *x = b.tensor({2, 3}, Floats(6, 1.0f)), *y = b.tensor({3, 2}, Floats(6, 1.0f));
    Tensor *z = relu(&b.t, add(&b.t, add(&b.t, x, y), x));
    EXPECT_EQ(0, tensor_count(z));
    EXPECT_EQ(ERR_SHAPE, tape_backward(&b.t, z));
    EXPECT_STREQ("add: (2,3) of f32 and (3,2) of f32 differ", status_text());
    tape_reset(&b.t, TAPE_RECORD);
    EXPECT_EQ(OK, tape_status(&b.t));
}

TEST(Tape, BackwardWantsAScalar)
{
    Bench b(backend_ref());
    EXPECT_EQ(ERR_SHAPE, tape_backward(&b.t, b.tensor({2}, {1, 2})));
}

TEST(Tape, RefusesImpossibleSizes)
{
    Bench   b(backend_ref());
    int64_t huge[2] = {INT64_MAX / 2, 8}, negative[1] = {-1};
    EXPECT_EQ(0, tensor_count(tape_tensor(&b.t, F32, 2, huge)));
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    tape_reset(&b.t, 0);
    tape_tensor(&b.t, F32, 1, negative);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
}

TEST(Tape, ProfileNamesOpsAndShapes)
{
    Bench       b(backend_cpu());
    Profile     p = {};
    std::string path = ::testing::TempDir() + "godwit_trace_" + std::to_string(getpid()) + ".json";
    ASSERT_EQ(OK, profile_trace_open(&p, path.c_str())) << status_text();
    b.t.profile = &p;
    Tensor *x = b.tensor({10, 10}, noise(100, 1));
    ASSERT_EQ(OK, tape_backward(&b.t, b.dot(chain(b, x, 3), Floats(100, 1.0f))));
    profile_sort(&p);
    ASSERT_EQ(OK, profile_trace_close(&p));
    std::ifstream     file(path);
    std::stringstream text;
    text << file.rdbuf();
    remove(path.c_str());
    cJSON *events = cJSON_Parse(text.str().c_str());
    ASSERT_NE(nullptr, events) << text.str();
    EXPECT_EQ(3 + 2 * 7, cJSON_GetArraySize(events)); // the rows' names, 7 ops there and back
    cJSON_Delete(events);
    bool found = false;
    for (int i = 0; i < p.n_rows; i++)
        if (std::string(p.row[i].key).rfind("relu (10,10)", 0) == 0) {
            found = true;
            EXPECT_EQ(3, p.row[i].calls);
            EXPECT_GT(p.row[i].backward_ms, 0);
        }
    EXPECT_TRUE(found);
}

/* A backend whose n-th allocation fails: nothing may crash or leak, and the sentence must come through. */
static int    allocations_left;
static Status scarce_alloc(void **memory, int64_t bytes)
{
    *memory = nullptr;
    return allocations_left-- > 0 ? backend_ref()->alloc(memory, bytes)
                                  : status_no_memory("tensor", bytes);
}

TEST(Tape, SurvivesTheFailureOfEveryAllocation)
{
    Backend scarce = *backend_ref();
    scarce.alloc = scarce_alloc;
    for (int n = 0; n < 200; n++) {
        allocations_left = n;
        Tape t;
        ASSERT_EQ(OK, tape_init(&t, &scarce, F32));
        tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
        int64_t dim[2] = {4, 4};
        Floats  v = noise(16, 1);
        Tensor *x = tape_input(&t, F32, 2, dim, v.data());
        if (tape_status(&t) == OK)
            x->wants_grad = true;
        int64_t     one[2] = {1, 16};
        Tensor     *y = relu(&t, add(&t, x, x));
        LinearLayer l = {tape_input(&t, F32, 2, one, v.data()), nullptr};
        Status      st = tape_backward(&t, linear(&t, &l, reshape(&t, y, 2, one)));
        tape_release(&t);
        if (st == OK) {
            EXPECT_GT(n, 3);
            return;
        }
        EXPECT_EQ(ERR_MEMORY, st) << status_text();
        if (n == 1) { // the first sum
            EXPECT_STREQ("f32 (4,4): tensor: no memory for 64 bytes; this step holds 0.00 GB "
                         "already, a smaller batch or bf16 needs less",
                         status_text());
        }
    }
    FAIL() << "200 allocations were not enough";
}

TEST(Bench, ReportsAMachineThatComputes)
{
    double gflops = 0;
    ASSERT_EQ(OK, bench_peak_flops(&gflops));
    EXPECT_GT(gflops, 0.1);
    EXPECT_STREQ("x86-64-v", std::string(bench_cpu_level()).substr(0, 8).c_str());
    OpBench rows[2];
    int     n = 0;
    ASSERT_EQ(OK, bench_ops(rows, &n, 2, backend_cpu(), F32, 1, 1)) << status_text();
    EXPECT_EQ(2, n);
    EXPECT_GT(rows[0].forward_ms, 0);
    EXPECT_NEAR(rows[0].gflop, 2e-9 * 112 * 112 * 64 * 147, 1e-6);
}
