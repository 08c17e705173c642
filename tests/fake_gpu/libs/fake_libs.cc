#include "fake_gpu/libs/fake_libs.h"
#include "fake_gpu/stream.h"

#include <cudnn.h>

static FakeEngine engine(float ms)
{
    FakeEngine e;
    e.ms = ms;
    return e;
}

/* Unless a test says otherwise: one that is right for everything, the last of others that must be left alone, cannot be had
 * or are right for bf16 only. */
static std::vector<FakeEngine> usual_offer(const FakeConv &, int mode)
{
    if (mode == 1)
        return {};
    FakeEngine atomic = engine(0.1f), tf32 = engine(0.4f), unplannable = engine(0.2f),
               large = engine(0.2f), refused = engine(0.2f), good = engine(1);
    atomic.numerical = {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC};
    tf32.numerical = {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS};
    unplannable.cannot_plan = true;
    large.workspace = (int64_t)1 << 30;
    refused.cannot_run = true;
    good.behavior = {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION};
    good.workspace = 1 << 16;
    return {atomic, unplannable, large, refused, tf32, good};
}

static Status spend(float ms)
{
    return gpu_check("spend", fake_gpu_enqueue(gpu_stream(), [ms] {
                         fake_gpu_spend((double)ms);
                         return true;
                     }));
}

static FakeLibs make()
{
    FakeLibs l = {};
    l.cudnn_version = 91400;
    l.offer = usual_offer;
    l.product_ms = 1;
    l.stream = gpu_stream;
    l.spend = spend;
    l.use_tf32 = lib_use_tf32;
    l.conv2d_forward = lib_conv2d_forward;
    l.conv2d_backward_data = lib_conv2d_backward_data;
    l.conv2d_backward_weights = lib_conv2d_backward_weights;
    l.conv2d_choose = lib_conv2d_choose;
    l.product = lib_product;
    fake_gpu_stop_clock();
    return l;
}

FakeLibs *fake_libs(void)
{
    static FakeLibs libs = make();
    return &libs;
}
