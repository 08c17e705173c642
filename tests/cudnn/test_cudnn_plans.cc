/* Every convolution of the paper's models has a plan that is deterministic and exact enough, on A100 and H100
 *
 * cuDNN plans for a device that is described by its properties, so this needs no GPU. Plans of kernels that are compiled
 * at run time need a driver even so.
 */
extern "C" {
#include "kernels/cuda/lib_cudnn_engines.h"
}
#include <cstring>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

struct Device {
    const char *name;
    int         version, processors, shared, l2, clock_khz, memory_khz;
};

static void PrintTo(const Device &device, std::ostream *out)
{
    *out << device.name;
}

static std::string json(const Device &d)
{
    char text[1200];
    snprintf(text, sizeof text,
             "{\"maxGridSize\": [2147483647, 65535, 65535], \"maxBlockSize\": [1024, 1024, 64], "
             "\"regsPerBlock\": 65536, \"multiProcessorCount\": %d, \"warpSize\": 32, "
             "\"maxSharedMemoryPerBlock\": 49152, \"maxSharedMemoryPerBlockOptin\": %d, "
             "\"reservedSharedMemoryPerBlock\": 1024, \"maxRegistersPerSM\": 65536, "
             "\"maxCtasPerSM\": 32, \"maxThreadsPerBlock\": 1024, \"maxThreadsPerSM\": 2048, "
             "\"pciDeviceId\": 0, \"isTccDriver\": 0, \"supportCoopLaunch\": 1, "
             "\"smClockRateKHz\": %d, \"memClockRateKHz\": %d, \"l2CacheSize\": %d, "
             "\"deviceName\": \"%s\", \"deviceVer\": %d, \"driverVer\": 13000, "
             "\"totalGlobalMem\": 80000000000, \"cudaDeviceId\": 0}",
             d.processors, d.shared, d.clock_khz, d.memory_khz, d.l2, d.name, d.version);
    return text;
}

struct Shape {
    int N, H, Ci, Co, k, stride, dilation, groups;
};

/* ResNet-50 at 224 pixels (every distinct convolution), a ResNeXt stage, dilated conv5, the RPN, and odd ones. */
static const std::vector<Shape> SHAPES = {
    {256, 224, 3, 64, 7, 2, 1, 1},     {256, 56, 64, 64, 1, 1, 1, 1},
    {256, 56, 64, 64, 3, 1, 1, 1},     {256, 56, 64, 256, 1, 1, 1, 1},
    {256, 56, 256, 64, 1, 1, 1, 1},    {256, 56, 256, 128, 1, 1, 1, 1},
    {256, 56, 128, 128, 3, 2, 1, 1},   {256, 28, 128, 512, 1, 1, 1, 1},
    {256, 56, 256, 512, 1, 2, 1, 1},   {256, 28, 512, 128, 1, 1, 1, 1},
    {256, 28, 128, 128, 3, 1, 1, 1},   {256, 28, 256, 256, 3, 2, 1, 1},
    {256, 14, 256, 1024, 1, 1, 1, 1},  {256, 28, 512, 1024, 1, 2, 1, 1},
    {256, 14, 1024, 256, 1, 1, 1, 1},  {256, 14, 256, 256, 3, 1, 1, 1},
    {256, 14, 512, 512, 3, 2, 1, 1},   {256, 7, 512, 2048, 1, 1, 1, 1},
    {256, 14, 1024, 2048, 1, 2, 1, 1}, {256, 7, 2048, 512, 1, 1, 1, 1},
    {256, 7, 512, 512, 3, 1, 1, 1},    {512, 7, 512, 512, 3, 1, 1, 1},
    {32, 28, 256, 256, 3, 1, 1, 32},   {2, 38, 512, 512, 3, 1, 2, 1},
    {2, 50, 1024, 1024, 3, 1, 1, 1},   {2, 50, 1024, 15, 1, 1, 1, 1},
    {2, 50, 1024, 60, 1, 1, 1, 1},     {3, 17, 20, 36, 3, 1, 1, 1}};

static ConvKey key_of(ConvKind kind, DType type, const Shape &s)
{
    ConvKey k;
    memset(&k, 0, sizeof k);
    k.kind = kind;
    k.type = (int32_t)type;
    k.N = s.N;
    k.H = k.W = s.H;
    k.Ci = s.Ci;
    k.Co = s.Co;
    k.kh = k.kw = s.k;
    k.ci = s.Ci / s.groups;
    k.stride = s.stride;
    k.dilation = s.dilation;
    k.pad = s.k / 2 * s.dilation;
    k.P = k.Q = (s.H + 2 * k.pad - s.dilation * (s.k - 1) - 1) / s.stride + 1;
    return k;
}

class CudnnPlans : public ::testing::TestWithParam<Device> {
  protected:
    CudnnTarget target = {};

    void SetUp() override
    {
        if (cudnnGetVersion() < 90800)
            GTEST_SKIP() << "cuDNN plans for described devices from 9.8 on";
        std::string text = json(GetParam());
        ASSERT_EQ(OK, cudnn_make("test", &target.properties, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR));
        ASSERT_EQ(OK,
                  cudnn_set("test", target.properties, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                            CUDNN_TYPE_CHAR, (int64_t)text.size(), text.c_str()));
        ASSERT_EQ(OK, cudnn_finish("test", target.properties)) << status_text();
    }
    void TearDown() override
    {
        cudnn_forget(&target.properties);
    }
    /* Whether some engine that we take makes a plan. */
    bool has_plan(const ConvKey &key)
    {
        ConvGraph g;
        Status    st = conv_graph_make("test", &g, nullptr, &key);
        EXPECT_EQ(OK, st) << status_text();
        bool found = false;
        for (int mode = 0; st == OK && mode < CUDNN_N_MODES && !found; mode++) {
            cudnnBackendDescriptor_t config[CUDNN_MOST_CONFIGS] = {};
            int64_t                  n = 0;
            EXPECT_EQ(OK, cudnn_configs("test", config, &n, &target, &g, mode)) << status_text();
            for (int64_t i = 0; i < n && !found; i++) {
                if (!cudnn_is_exact_enough(config[i], &key))
                    continue;
                cudnnBackendDescriptor_t plan = cudnn_plan_of(&target, config[i]);
                found = plan != nullptr;
                cudnn_forget(&plan);
            }
            for (auto &c : config)
                cudnn_forget(&c);
        }
        conv_graph_release(&g);
        return found;
    }
};

INSTANTIATE_TEST_SUITE_P(
    On, CudnnPlans,
    ::testing::Values(Device{"A100", 800, 108, 166912, 41943040, 1410000, 1593000},
                      Device{"H100", 900, 132, 232448, 52428800, 1980000, 2619000}),
    [](const ::testing::TestParamInfo<Device> &i) { return std::string(i.param.name); });

TEST_P(CudnnPlans, EveryConvolutionHasOneInEveryDirectionAndType)
{
    for (DType type : {BF16, F32})
        for (ConvKind kind : {CONV_FORWARD, CONV_DATA, CONV_WEIGHTS})
            for (const Shape &s : SHAPES) {
                if (kind == CONV_DATA && s.Ci == 3)
                    continue; // nobody wants the gradient of a picture
                EXPECT_TRUE(has_plan(key_of(kind, type, s)))
                    << "kind " << kind << " " << dtype_name(type) << ": x " << s.H << "x" << s.H
                    << "x" << s.Ci << ", " << s.k << "x" << s.k << " to " << s.Co << ", stride "
                    << s.stride << ", dilation " << s.dilation << ", groups " << s.groups;
            }
}

TEST_P(CudnnPlans, WhatCudnnRefusesIsRefusedWithASentence)
{
    ConvKey key = key_of(CONV_FORWARD, F32, {1, 8, 4, 4, 3, 1, 1, 1});
    key.Q = 5; // the output does not fit the input
    ConvGraph g;
    EXPECT_NE(OK, conv_graph_make("conv2d", &g, nullptr, &key));
    EXPECT_EQ(0u, std::string(status_text()).find("conv2d: cuDNN: CUDNN_STATUS_")) << status_text();
    conv_graph_release(&g);
}
