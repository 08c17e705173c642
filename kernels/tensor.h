/* tensor.h -- a shaped view of device memory
 *
 * Row-major and contiguous. Images are (N,H,W,C); convolution weights (Cout,kh,kw,Cin/groups); linear weights (O,I).
 * `data` belongs to a backend's device: only backend_read, backend_write and kernels touch it.
 */
#pragma once
#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef enum DType { F32, BF16, I32, I64, U8 } DType;

enum { TENSOR_MAX_DIMS = 5 };

typedef struct Tensor Tensor;
struct Tensor {
    DType   dtype;
    int     ndim; // 0 .. TENSOR_MAX_DIMS; a scalar has none
    int64_t dim[TENSOR_MAX_DIMS];
    void   *data;

    Tensor
        *grad; // same shape; NULL until backward reaches it (parameters own theirs from the start)
    Tensor *low; // a parameter's bfloat16 copy, refreshed by the optimiser; NULL in float32 runs
    bool    wants_grad; // a gradient with respect to this tensor is needed
    bool
        is_blank; // a gradient that holds nothing yet: the next kernel overwrites it instead of adding
    bool is_kept;   // survives backward and tape_done although the tape made it (losses, logits)
    bool is_needed; // a node may read it during backward: tape_done leaves it alone
    bool is_pooled; // `data` came from the tape's pool and returns there
    Tensor *
        view_of; // the tensor whose memory (and gradient) this one shares under other dims; or NULL
};

/* Number of elements; 1 for a scalar. */
int64_t tensor_count(const Tensor *x);

/* Bytes of one element and of the whole tensor. */
int64_t dtype_bytes(DType d);
int64_t tensor_bytes(const Tensor *x);

/* "f32", "bf16", "i32", "i64", "u8". */
const char *dtype_name(DType d);

/* "(2,512,25,42)" into buf (64 bytes are enough); returns buf. For sentences. */
const char *tensor_shape_text(const Tensor *x, char buf[64]);

bool tensor_same_shape(const Tensor *a, const Tensor *b);
