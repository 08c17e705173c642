/* Which backend does what: `cpu` must say what it leaves to `ref` */
extern "C" {
#include "kernels/backend_entries.h"
}
#include "kernels/op_test.h"

TEST(Backends, CpuLeavesOnlyRareOpsToRef)
{
    std::vector<std::string> fallen;
#define SAME(entry)                                                                                \
    if (backend_cpu()->entry == backend_ref()->entry)                                              \
        fallen.push_back(#entry);
    BACKEND_ENTRIES(SAME)
    for (const std::string &name : fallen)
        printf("cpu falls to ref: %s\n", name.c_str());
    EXPECT_EQ(fallen, (std::vector<std::string>{"free",
                                                "sync",
                                                "augment",
                                                "standardise",
                                                "avg_pool_forward",
                                                "avg_pool_backward",
                                                "l2_normalise_forward",
                                                "l2_normalise_backward",
                                                "gather_forward",
                                                "gather_backward",
                                                "concat_forward",
                                                "softmax_forward",
                                                "softmax_cross_entropy_forward",
                                                "softmax_cross_entropy_backward",
                                                "sigmoid_cross_entropy_forward",
                                                "sigmoid_cross_entropy_backward",
                                                "box_regression_forward",
                                                "box_regression_backward",
                                                "weighted_sum_forward",
                                                "top1",
                                                "box.anchors",
                                                "box.encode",
                                                "box.decode",
                                                "box.match",
                                                "box.top_k",
                                                "box.nms",
                                                "box.sample",
                                                "box.roi_targets",
                                                "box.labels_of_images",
                                                "box.rois_pack"}));
}

TEST(Backends, OpenByName)
{
    const Backend *be = nullptr;
    EXPECT_EQ(OK, backend_open(&be, "ref", F32));
    EXPECT_STREQ("ref", be->name);
    const Backend *gpu = nullptr;
    bool           has_gpu = backend_open(&gpu, "cuda", F32) == OK;
    EXPECT_EQ(OK, backend_open(&be, "auto", F32));
    EXPECT_STREQ(has_gpu ? "cuda" : "cpu", be->name);
    EXPECT_EQ(ERR_USAGE, backend_open(&be, "tpu", F32));
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
