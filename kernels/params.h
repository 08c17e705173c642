/* params.h -- the parameters of a model in flat buffers
 *
 *      values   | conv1.weight | bn1.weight | bn1.bias | layer1.0.conv1.weight | ...     one allocation, f32
 *      grads    | ...                                                                    same layout
 *      momentum | ...                                                                    same layout
 *      low      | ...                                                                    same layout, bf16 (bf16 runs)
 *      buffers  | bn1.running_mean | bn1.running_var | ...                               not learned
 *
 * So SGD, the key encoder's average, finiteness checks and checkpoints are passes over flat memory, and two ParamSets
 * built by the same code (query and key encoder) have one layout. Spans start at multiples of 16 elements.
 *
 * On disk, convolution weights are (Cout,Cin/groups,kh,kw) under torchvision's names; in memory (Cout,kh,kw,Cin/groups).
 * The transposition happens in params_save and params_load, nowhere else. Every X.running_mean is accompanied on disk
 * by an int64 scalar X.num_batches_tracked, as torchvision has it.
 */
#pragma once
#include "base/arena.h"
#include "kernels/backend.h"

typedef enum InitKind {
    INIT_ZERO,
    INIT_ONE,
    INIT_NORMAL,  // N(0, a)
    INIT_UNIFORM, // U(-a, a)
} InitKind;

typedef struct Init {
    InitKind kind;
    float    a;
} Init;

/* torchvision's and detectron2's rules (spec: He et al. 2015; PyTorch nn.init) as Init values. */
Init init_kaiming_fan_out(int64_t cout, int64_t kh, int64_t kw); // N(0, sqrt(2 / (cout*kh*kw)))
Init init_default(int64_t fan_in);       // U(+-1/sqrt(fan_in)): nn.Linear, nn.Conv2d, their biases
Init init_xavier_fan_in(int64_t fan_in); // U(+-sqrt(3/fan_in)): c2_xavier_fill

typedef enum ParamKind {
    PARAM_WEIGHT, // any shape, learned
    PARAM_CONV,   // (Cout,kh,kw,Cin/groups), learned, transposed on disk
    PARAM_BUFFER, // running statistics, queue: saved, never learned
} ParamKind;

typedef struct ParamSpec {
    const char *name; // "layer1.0.conv1.weight"
    ParamKind   kind;
    Init        init;
    bool        is_norm; // batch norm's weight or bias: detection recipes give it no weight decay
    bool        is_bias;
} ParamSpec;

typedef struct Param {
    ParamSpec spec;
    Tensor value; // value.grad is its gradient (learned kinds), value.low its bf16 copy (bf16 runs)
    Tensor grad, low;
    int64_t offset; // elements from the start of its flat buffer
} Param;

typedef struct ParamSet {
    const Backend *be;
    Arena          arena;
    Param        **param; // in order of registration
    int            n_params, capacity;
    float         *values, *grads, *momentum; // device; n_values elements
    void          *low;                       // device; NULL in f32 runs
    float         *buffers;                   // device; n_buffers elements
    double        *squares; // device: sum of the squares of the gradients that sgd_step saw last
    int64_t        n_values, n_buffers;
    int64_t        n_batches_tracked;
    bool           is_frozen; // no gradients and no momentum: the key encoder
    Status         status;    // of the first failed params_add
} ParamSet;

/* Opens an empty set. A frozen set (key encoder, inference) has no gradients and no momentum. */
void params_init(ParamSet *ps, const Backend *be, bool is_frozen);
void params_release(ParamSet *ps);

/* Registers one parameter and returns its tensor, whose data is valid after params_commit. Failures (duplicate name, memory)
 * are kept in ps->status and reported by params_commit. */
Tensor *params_add(ParamSet *ps, ParamSpec spec, int ndim, const int64_t *dim);

/* Lays out and allocates everything, bf16 copies too if dtype is BF16, then draws the initial values: parameter `name` from
 * rng_at(seed, RNG_INIT, XXH3-like hash of name, 0), so the values do not depend on the order of registration. */
Status params_commit(ParamSet *ps, DType dtype, uint64_t seed);

Param  *params_find(const ParamSet *ps, const char *name); // NULL if absent
int64_t params_learned_count(const ParamSet *ps);          // numbers, without padding and buffers

/* Marks all gradients blank: the start of a step. */
void params_clear_grads(ParamSet *ps);

/* Fills gradients that no node reached with zeros: before the optimiser. */
Status params_finish_grads(ParamSet *ps);

/* to = from, values and buffers: key encoder at step 0. Layouts must agree (ERR_SHAPE). */
Status params_copy(ParamSet *to, const ParamSet *from);

/* theta_k = m * theta_k + (1 - m) * theta_q for every learned parameter, not for buffers. [MoCo, eq. 2] */
Status params_average(ParamSet *k, const ParamSet *q, float m);

/* bf16 copies from the f32 values (after loading). */
Status params_refresh_low(ParamSet *ps);

/* Writes values and buffers as safetensors in PyTorch's layout. `prefix` ("" or "module.encoder_q.") goes before every
 * name; metadata: pairs key, value, ending with NULL (may be NULL). */
Status params_save(const ParamSet *ps, const char *path, const char *prefix,
                   const char *const *metadata);

typedef struct LoadReport {
    int    n_loaded, n_missing, n_unused;
    Arena  arena;
    char **missing, **unused; // names, for printing
} LoadReport;

typedef struct LoadOptions {
    const char *prefix; // strip this from file names; names without it are unused
    const char *const                *
        allow_missing; // patterns (fnmatch, e.g. "fc.*") of names that may keep their initial values; NULL-terminated
    const char *const *allow_unused; // patterns of file names that may be ignored
} LoadOptions;

/* Reads values and buffers from safetensors. Strict: a missing, extra or wrongly shaped tensor is ERR_FORMAT unless a
 * pattern allows it; non-finite values are ERR_FORMAT. num_batches_tracked is read or absent. */
Status params_load(ParamSet *ps, const char *path, const LoadOptions *options, LoadReport *report);
