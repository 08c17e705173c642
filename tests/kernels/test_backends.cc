/* Which backend does what: `cpu` must say what it leaves to `ref` */
#include "kernels/op_test.h"

#define SAME(entry)                                                                                \
    if (backend_cpu()->entry == backend_ref()->entry)                                              \
    fallen.push_back(#entry)

TEST(Backends, CpuLeavesOnlyRareOpsToRef)
{
    std::vector<std::string> fallen;
    SAME(alloc);
    SAME(free);
    SAME(write);
    SAME(read);
    SAME(copy);
    SAME(fill);
    SAME(cast);
    SAME(sync);
    SAME(conv2d_forward);
    SAME(conv2d_backward_data);
    SAME(conv2d_backward_weights);
    SAME(batch_norm_train_forward);
    SAME(batch_norm_eval_forward);
    SAME(batch_norm_train_backward);
    SAME(batch_norm_eval_backward);
    SAME(relu_forward);
    SAME(relu_backward);
    SAME(add_forward);
    SAME(add_backward);
    SAME(max_pool_forward);
    SAME(max_pool_backward);
    SAME(avg_pool_forward);
    SAME(avg_pool_backward);
    SAME(mean_hw_forward);
    SAME(mean_hw_backward);
    SAME(linear_forward);
    SAME(linear_backward_data);
    SAME(linear_backward_weights);
    SAME(l2_normalise_forward);
    SAME(l2_normalise_backward);
    SAME(gather_forward);
    SAME(gather_backward);
    SAME(concat_forward);
    SAME(softmax_forward);
    SAME(sgd);
    SAME(ema);
    SAME(scale);
    SAME(sum_squares);
    for (const std::string &name : fallen)
        printf("cpu falls to ref: %s\n", name.c_str());
    EXPECT_EQ(fallen, (std::vector<std::string>{
                          "free", "sync", "avg_pool_forward", "avg_pool_backward",
                          "l2_normalise_forward", "l2_normalise_backward", "gather_forward",
                          "gather_backward", "concat_forward", "softmax_forward"}));
}

TEST(Backends, OpenByName)
{
    const Backend *be = nullptr;
    EXPECT_EQ(OK, backend_open(&be, "ref"));
    EXPECT_STREQ("ref", be->name);
    EXPECT_EQ(OK, backend_open(&be, "auto"));
    EXPECT_STREQ("cpu", be->name);
    EXPECT_EQ(ERR_USAGE, backend_open(&be, "tpu"));
}

TEST(Backends, RoundToBf16AsHardwareDoes)
{
    EXPECT_EQ(0x3f80, bf16_from_f32(1.0f));
    EXPECT_EQ(0x3f80, bf16_from_f32(1.00390625f)); // half-way: to the even neighbour
    EXPECT_EQ(0x3f82, bf16_from_f32(1.01171875f));
    EXPECT_EQ(0x7f80, bf16_from_f32(3.4e38f));
    EXPECT_EQ(0xff80, bf16_from_f32(-INFINITY));
    EXPECT_TRUE(std::isnan(bf16_to_f32(bf16_from_f32(NAN))));
}
