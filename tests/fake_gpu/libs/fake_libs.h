/* fake_libs.h -- what a test tells the fake libraries, asks them, and reaches behind them
 *
 * The plug-in with the fakes exports one table, fake_libs(). A test says which engines there are for a convolution and
 * how each behaves; afterwards it reads what was run. Times are simulated: the device's clock stands still but for what
 * engines, products and `spend` take. An engine whose notes say that it takes liberties with numbers takes them: results
 * of Winograd's, Fourier's, half-precision and unordered sums are 2 % off, operands that are converted down lose all bits
 * but 11.
 */
#pragma once
extern "C" {
#include "kernels/cuda/device.h"
#include "kernels/cuda/lib.h"
}
#include <functional>
#include <map>
#include <string>
#include <vector>

/* One operation as the descriptors told it. */
struct FakeConv {
    ConvKind kind;
    DType    dtype;
    int64_t  N, H, W, Ci, P, Q, Co, kh, kw, ci;
    int64_t  stride, pad, dilation;
    float    alpha, beta;
};

/* A configuration that the heuristics name. */
struct FakeEngine {
    float            ms = 1;              // that a run takes
    int64_t          workspace = 0;       // bytes
    std::vector<int> numerical, behavior; // notes
    bool             cannot_plan = false; // finalizing its plan is NOT_SUPPORTED
    bool             cannot_run = false;  // executing its plan is NOT_SUPPORTED
};

enum { FAKE_MODE_STRIDE = 1000 }; // engine i of mode A has number i, of mode FALLBACK 1000 + i

struct FakeRun {
    FakeConv conv;
    int      engine;
    bool     is_captured;
};

struct FakeProduct {
    int64_t m, n, k; // column-major, as cuBLASLt was asked
    bool    rounds;  // to TF32
    float   alpha, beta;
    int     algorithm; // one for each call of the heuristics
    int64_t workspace; // that it was allowed
};

struct FakeLibs {
    /* Told. */
    size_t                                                        cudnn_version;
    std::function<std::vector<FakeEngine>(const FakeConv &, int)> offer; // mode 0: A, 1: FALLBACK
    bool  has_no_operation; // finalizing one is NOT_SUPPORTED
    float product_ms;
    bool  has_no_product;     // the heuristics name nothing
    bool  product_is_invalid; // they name an algorithm whose state is not success
    bool  has_no_jpeg_engine;
    bool  hides_jpeg_engines; // a handle can be had, and none is there
    bool  jpeg_fails;         // decoding does, behind a header that is fine

    /* Asked. */
    int                      n_misuses;
    std::string              last_misuse;
    int                      n_guesses; // heuristics finalized
    std::vector<FakeRun>     runs;      // plans executed, in the host's order
    std::vector<FakeProduct> products;
    std::map<int, int>       n_live;      // descriptors by cudnnBackendDescriptorType_t
    int                      n_live_lt;   // cuBLASLt's
    int                      n_live_jpeg; // nvJPEG's states and headers
    int                      n_decoded;
    std::vector<std::string> ranges; // names that were pushed
    int                      range_depth;

    /* Behind: the compute stream, device time spent on it, and the plug-in's own lib.h. */
    decltype(&gpu_stream) stream;
    Status (*spend)(float ms);
    decltype(&lib_use_tf32)                use_tf32;
    decltype(&lib_conv2d_forward)          conv2d_forward;
    decltype(&lib_conv2d_backward_data)    conv2d_backward_data;
    decltype(&lib_conv2d_backward_weights) conv2d_backward_weights;
    decltype(&lib_conv2d_choose)           conv2d_choose;
    decltype(&lib_product)                 product;
};

extern "C" __attribute__((visibility("default"))) FakeLibs *fake_libs(void);
