/* tape.h -- operations as they happen, and the way back
 *
 *      Tape t;  tape_init(&t, backend, F32);
 *      for (step ...) {
 *          tape_reset(&t, TAPE_RECORD | TAPE_TRAIN);
 *          Tensor *loss = model(&t, ...);                     // every op runs at once and appends a node
 *          TRY(tape_backward(&t, loss));                      // nodes walked last to first
 *          TRY(sgd_step(...));
 *      }
 *
 * A failed op stores its status on the tape and returns &t->nothing, an empty tensor; later ops see the status and
 * return it too, so models never check. tape_backward, or tape_status at the end of an inference, reports once.
 *
 * Memory: activations, their gradients and what nodes save come from a pool that settles after the first step: the
 * same sequence of ops gets the same addresses and allocates nothing. During backward an activation returns to the
 * pool as soon as the node that made it is done, and so does its gradient. A tape that does not record (inference, the
 * key encoder) gives memory back when the model says tape_done(t, x).
 *
 * Gradients: the first contribution overwrites (grad->is_blank), later ones add. Kernels obey tensor_beta().
 */
#pragma once
#include "base/arena.h"
#include "kernels/tensor.h"

typedef struct Backend Backend;
typedef struct Tape    Tape;
typedef struct Node    Node;
typedef struct Pool    Pool;
typedef struct Profile Profile;

/* Adds to the gradients of node->in from node->out->grad; may free nothing. */
typedef Status NodeBackward(Tape *t, Node *node);

enum { NODE_MAX_IN = 6, NODE_MAX_SAVED = 5 };

struct Node {
    NodeBackward *backward;
    Tensor       *out;
    Tensor       *in[NODE_MAX_IN]; // operands: inputs and parameters, NULL where absent
    Tensor       *saved
        [NODE_MAX_SAVED]; // what forward kept for backward; returned to the pool after backward
    const void *op;       // the op's options, copied into the tape's arena
    const char *name;     // for sentences and traces: "conv2d"
    Node       *before;
};

enum {
    TAPE_RECORD = 1, // append nodes: a backward pass will follow
    TAPE_TRAIN = 2,  // batch norm uses batch statistics and updates the running ones
};

struct Tape {
    const Backend *be;
    DType          dtype; // of activations: F32 or BF16
    bool           is_recording;
    bool           is_training;
    const Tensor
            *count;   // for batch norm (Norm.count): how many of the images exist; a model sets it
                      // around ops on rows whose number only the device knows. NULL: all of them
    Status   status;  // of the first op that failed since tape_reset
    Tensor   nothing; // what failed ops return
    Node    *last;
    Arena    arena;   // tensor headers, nodes and options of this step
    Pool    *pool;    // device memory of this step
    Profile *profile; // NULL, or where times go op by op (profile.h, godwit bench)
};

/* Opens a tape whose activations have `dtype` on `be`. ERR_MEMORY. */
Status tape_init(Tape *t, const Backend *be, DType dtype);
void   tape_release(Tape *t);

/* Forgets the last step: all its tensors are invalid afterwards. flags: TAPE_RECORD | TAPE_TRAIN. */
void tape_reset(Tape *t, int flags);

/* A new tensor of this step, contents undefined. On failure the tape fails and &t->nothing comes back. */
Tensor *tape_tensor(Tape *t, DType dtype, int ndim, const int64_t *dim);
#define TAPE_TENSOR(t, dtype, ...)                                                                 \
    tape_tensor((t), (dtype), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),           \
                (int64_t[]){__VA_ARGS__})

/* As tape_tensor, filled from host memory (same dtype). */
Tensor *tape_input(Tape *t, DType dtype, int ndim, const int64_t *dim, const void *host);

/* x under other dims (same count): no copy, gradient shared. One of the dims may be -1. */
Tensor *reshape(Tape *t, Tensor *x, int ndim, const int64_t *dim);
#define RESHAPE(t, x, ...)                                                                         \
    reshape((t), (x), (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                   \
            (int64_t[]){__VA_ARGS__})

/* The same values without history: no gradient flows through. */
Tensor *detach(Tape *t, Tensor *x);

/* x survives backward and tape_done until the next tape_reset. Returns x. */
Tensor *tape_keep(Tensor *x);

/* The model will not read x again: a tape that does not record takes its memory back now. */
void tape_done(Tape *t, Tensor *x);

/* For ops. Appends a node unless the tape does not record or no input wants a gradient (then saved tensors return to
 * the pool at once). Sets y->wants_grad. Returns y. */
Tensor *tape_record(Tape *t, const char *name, Tensor *y, NodeBackward *backward, Tensor *const *in,
                    int n_in, Tensor *const *saved, int n_saved, const void *op, int64_t op_bytes);

/* For ops. The gradient of x to write into: allocated blank on first use, in x's dtype. NULL on failure. */
Tensor *tape_grad(Tape *t, Tensor *x);

/* Keeps the first failure and returns &t->nothing. */
Tensor *tape_fail(Tape *t, Status st);

/* For kernels. 0 if dx is blank (and from now on is not), else 1: dx = beta * dx + contribution. */
float tensor_beta(Tensor *dx);

/* Runs the nodes last to first from a scalar loss with gradient 1. Parameters' gradients are added into; blank ones
 * that no node reached stay blank. Reports the tape's stored failure. */
Status tape_backward(Tape *t, Tensor *loss);

/* The tape's stored failure, OK if none. */
Status tape_status(const Tape *t);

/* Copies a tensor of this step to host memory (f32 tensors; bf16 are widened). Waits for the device. */
Status tape_read(Tape *t, float *host, const Tensor *x);

/* Bytes that the pool holds, and the most that were in use at once since tape_init. */
int64_t tape_pool_bytes(const Tape *t);
int64_t tape_peak_bytes(const Tape *t);
