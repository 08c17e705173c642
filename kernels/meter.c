#include "kernels/meter.h"
#include "kernels/backend.h"

static const Backend *real;
static int64_t        total;
static Profile       *profile;

int64_t meter_bytes(void)
{
    return total;
}

void meter_profile(Profile *p)
{
    profile = p;
}

static void move(const Tensor *const *x, int n)
{
    for (int i = 0; i < n; i++)
        total += x[i] ? tensor_bytes(x[i]) : 0;
}

/* Gradients: read as well where something is there already. */
static void add_to(const Tensor *const *dx, int n)
{
    for (int i = 0; i < n; i++) {
        const Tensor *root = dx[i];
        while (root && root->view_of)
            root = root->view_of;
        total += root ? (root->is_blank ? 1 : 2) * tensor_bytes(dx[i]) : 0;
    }
}

#define LIST(...)                                                                                  \
    (const Tensor *const[]){__VA_ARGS__},                                                          \
        (int)(sizeof((const Tensor *[]){__VA_ARGS__}) / sizeof(const Tensor *))
#define MOVE(...) move(LIST(__VA_ARGS__))
#define ADD_TO(...) add_to(LIST(__VA_ARGS__))

/* ---- memory ---- */

static Status write(void *device, const void *host, int64_t bytes)
{
    total += bytes;
    return real->write(device, host, bytes);
}

static Status read(void *host, const void *device, int64_t bytes)
{
    total += bytes;
    return real->read(host, device, bytes);
}

static Status copy(void *to, const void *from, int64_t bytes)
{
    total += 2 * bytes;
    return real->copy(to, from, bytes);
}

static Status fill(Tensor *x, float value)
{
    MOVE(x);
    return real->fill(x, value);
}

static Status cast(Tensor *y, const Tensor *x)
{
    MOVE(y, x);
    return real->cast(y, x);
}

static Status augment(Tensor *y, const Tensor *x, const Tensor *plan, const PixelStats *stats)
{
    MOVE(y, x, plan);
    return real->augment(y, x, plan, stats);
}

static Status standardise(Tensor *y, const Tensor *x, const Tensor *size, const PixelStats *stats)
{
    MOVE(y, x, size);
    return real->standardise(y, x, size, stats);
}

/* ---- layers ---- */

static Status conv2d_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias,
                             const Conv2d *op)
{
    MOVE(y, x, w, bias);
    return real->conv2d_forward(y, x, w, bias, op);
}

static Status conv2d_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w, const Conv2d *op)
{
    ADD_TO(dx);
    MOVE(dy, w);
    return real->conv2d_backward_data(dx, dy, w, op);
}

static Status conv2d_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy,
                                      const Conv2d *op)
{
    ADD_TO(dw, dbias);
    MOVE(dw ? x : NULL, dy);
    return real->conv2d_backward_weights(dw, dbias, x, dy, op);
}

static Status batch_norm_train_forward(Tensor *y, Tensor *mean, Tensor *rstd, Tensor *running_mean,
                                       Tensor *running_var, const Tensor *x, const Tensor *residual,
                                       const Tensor *gamma, const Tensor *beta, const Norm *op)
{
    MOVE(y, op->mask, mean, rstd, running_mean, running_var, x, residual, gamma, beta);
    MOVE(running_mean, running_var);
    return real->batch_norm_train_forward(y, mean, rstd, running_mean, running_var, x, residual,
                                          gamma, beta, op);
}

static Status batch_norm_eval_forward(Tensor *y, const Tensor *x, const Tensor *residual,
                                      const Tensor *gamma, const Tensor *beta,
                                      const Tensor *running_mean, const Tensor *running_var,
                                      const Norm *op)
{
    MOVE(y, x, residual, gamma, beta, running_mean, running_var);
    return real->batch_norm_eval_forward(y, x, residual, gamma, beta, running_mean, running_var,
                                         op);
}

static Status batch_norm_train_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma,
                                        Tensor *dbeta, const Tensor *dy, const Tensor *y,
                                        const Tensor *x, const Tensor *gamma, const Tensor *mean,
                                        const Tensor *rstd, const Norm *op)
{
    ADD_TO(dx, dresidual, dgamma, dbeta);
    MOVE(dy, op->mask ? op->mask : op->beta ? NULL : y, x, gamma, mean, rstd);
    return real->batch_norm_train_backward(dx, dresidual, dgamma, dbeta, dy, y, x, gamma, mean,
                                           rstd, op);
}

static Status batch_norm_eval_backward(Tensor *dx, Tensor *dresidual, Tensor *dgamma, Tensor *dbeta,
                                       const Tensor *dy, const Tensor *y, const Tensor *x,
                                       const Tensor *gamma, const Tensor *running_mean,
                                       const Tensor *running_var, const Norm *op)
{
    ADD_TO(dx, dresidual, dgamma, dbeta);
    MOVE(dy, y, x, gamma, running_mean, running_var);
    return real->batch_norm_eval_backward(dx, dresidual, dgamma, dbeta, dy, y, x, gamma,
                                          running_mean, running_var, op);
}

static Status conv_bn_train_forward(Tensor *y, Tensor *conv, Tensor *mean, Tensor *rstd,
                                    Tensor *running_mean, Tensor *running_var, const Tensor *x,
                                    const Tensor *w, const Tensor *residual, const Tensor *gamma,
                                    const Tensor *beta, const Conv2d *op, const Norm *norm)
{
    MOVE(conv, x, w);
    MOVE(y, mean, rstd, running_mean, running_var, conv, residual, gamma, beta);
    MOVE(running_mean, running_var);
    return real->conv_bn_train_forward(y, conv, mean, rstd, running_mean, running_var, x, w,
                                       residual, gamma, beta, op, norm);
}

static Status norm_pair_train_forward(Tensor *y, const NormTerm *a, const NormTerm *b,
                                      const Norm *op)
{
    const NormTerm *term[] = {a, b};
    MOVE(y);
    for (int i = 0; i < 2; i++) {
        const NormTerm *k = term[i];
        MOVE(k->mean, k->rstd, k->running_mean, k->running_var, k->x, k->gamma, k->beta);
        MOVE(k->running_mean, k->running_var);
    }
    return real->norm_pair_train_forward(y, a, b, op);
}

static Status norm_pair_train_backward(const Tensor *dy, const NormTerm *a, const NormTerm *b,
                                       const Norm *op)
{
    const NormTerm *term[] = {a, b};
    MOVE(dy);
    for (int i = 0; i < 2; i++) {
        const NormTerm *k = term[i];
        ADD_TO(k->dx, k->dgamma, k->dbeta);
        MOVE(k->x, k->gamma, k->beta, k->mean, k->rstd);
    }
    return real->norm_pair_train_backward(dy, a, b, op);
}

static Status norm_pool_train_forward(Tensor *y, Tensor *where, Tensor *picked, Tensor *mean,
                                      Tensor *rstd, Tensor *running_mean, Tensor *running_var,
                                      const Tensor *x, const Tensor *gamma, const Tensor *beta,
                                      const Norm *norm)
{
    MOVE(y, where, picked, mean, rstd, running_mean, running_var, x, gamma, beta);
    MOVE(running_mean, running_var);
    return real->norm_pool_train_forward(y, where, picked, mean, rstd, running_mean, running_var, x,
                                         gamma, beta, norm);
}

static Status norm_pool_train_backward(Tensor *dx, Tensor *dgamma, Tensor *dbeta, const Tensor *dy,
                                       const Tensor *where, const Tensor *picked, const Tensor *x,
                                       const Tensor *gamma, const Tensor *mean, const Tensor *rstd,
                                       const Norm *norm)
{
    ADD_TO(dx, dgamma, dbeta);
    MOVE(dy, where, picked, x, gamma, mean, rstd);
    return real->norm_pool_train_backward(dx, dgamma, dbeta, dy, where, picked, x, gamma, mean,
                                          rstd, norm);
}

static Status relu_forward(Tensor *y, const Tensor *x)
{
    MOVE(y, x);
    return real->relu_forward(y, x);
}

static Status relu_backward(Tensor *dx, const Tensor *dy, const Tensor *y)
{
    ADD_TO(dx);
    MOVE(dy, y);
    return real->relu_backward(dx, dy, y);
}

static Status add_forward(Tensor *y, const Tensor *a, const Tensor *b)
{
    MOVE(y, a, b);
    return real->add_forward(y, a, b);
}

static Status add_backward(Tensor *dx, const Tensor *dy)
{
    ADD_TO(dx);
    MOVE(dy);
    return real->add_backward(dx, dy);
}

static Status max_pool_forward(Tensor *y, Tensor *where, const Tensor *x, const Pool2d *op)
{
    MOVE(y, where, x);
    return real->max_pool_forward(y, where, x, op);
}

static Status max_pool_backward(Tensor *dx, const Tensor *dy, const Tensor *where, const Pool2d *op)
{
    ADD_TO(dx);
    MOVE(dy, where);
    return real->max_pool_backward(dx, dy, where, op);
}

static Status avg_pool_forward(Tensor *y, const Tensor *x, const Pool2d *op)
{
    MOVE(y, x);
    return real->avg_pool_forward(y, x, op);
}

static Status avg_pool_backward(Tensor *dx, const Tensor *dy, const Pool2d *op)
{
    ADD_TO(dx);
    MOVE(dy);
    return real->avg_pool_backward(dx, dy, op);
}

static Status mean_hw_forward(Tensor *y, const Tensor *x)
{
    MOVE(y, x);
    return real->mean_hw_forward(y, x);
}

static Status mean_hw_backward(Tensor *dx, const Tensor *dy)
{
    ADD_TO(dx);
    MOVE(dy);
    return real->mean_hw_backward(dx, dy);
}

static Status linear_forward(Tensor *y, const Tensor *x, const Tensor *w, const Tensor *bias)
{
    MOVE(y, x, w, bias);
    return real->linear_forward(y, x, w, bias);
}

static Status linear_backward_data(Tensor *dx, const Tensor *dy, const Tensor *w)
{
    ADD_TO(dx);
    MOVE(dy, w);
    return real->linear_backward_data(dx, dy, w);
}

static Status linear_backward_weights(Tensor *dw, Tensor *dbias, const Tensor *x, const Tensor *dy)
{
    ADD_TO(dw, dbias);
    MOVE(dw ? x : NULL, dy);
    return real->linear_backward_weights(dw, dbias, x, dy);
}

/* ---- rows and regions ---- */

static Status l2_normalise_forward(Tensor *y, Tensor *norm, const Tensor *x)
{
    MOVE(y, norm, x);
    return real->l2_normalise_forward(y, norm, x);
}

static Status l2_normalise_backward(Tensor *dx, const Tensor *dy, const Tensor *y,
                                    const Tensor *norm)
{
    ADD_TO(dx);
    MOVE(dy, y, norm);
    return real->l2_normalise_backward(dx, dy, y, norm);
}

static Status gather_forward(Tensor *y, const Tensor *x, const Tensor *index)
{
    MOVE(y, x, index);
    return real->gather_forward(y, x, index);
}

static Status gather_backward(Tensor *dx, const Tensor *dy, const Tensor *index)
{
    ADD_TO(dx);
    MOVE(dy, index);
    return real->gather_backward(dx, dy, index);
}

static Status concat_forward(Tensor *y, const Tensor *const *x, int n)
{
    MOVE(y);
    move(x, n);
    return real->concat_forward(y, x, n);
}

static Status softmax_forward(Tensor *y, const Tensor *x)
{
    MOVE(y, x);
    return real->softmax_forward(y, x);
}

static Status roi_align_forward(Tensor *y, const Tensor *x, const Tensor *rois, const RoiAlign *op)
{
    MOVE(y, x, rois);
    return real->roi_align_forward(y, x, rois, op);
}

static Status roi_align_backward(Tensor *dx, const Tensor *dy, const Tensor *rois,
                                 const RoiAlign *op)
{
    ADD_TO(dx);
    MOVE(dy, rois);
    return real->roi_align_backward(dx, dy, rois, op);
}

/* ---- losses ---- */

static Status info_nce_forward(Tensor *loss, Tensor *stats, Tensor *prob, const Tensor *q,
                               const Tensor *k, const Tensor *queue, float temperature)
{
    MOVE(loss, stats, prob, q, k, queue);
    return real->info_nce_forward(loss, stats, prob, q, k, queue, temperature);
}

static Status info_nce_backward(Tensor *dq, float dloss_scale, const Tensor *dloss,
                                const Tensor *prob, const Tensor *k, const Tensor *queue,
                                float temperature)
{
    ADD_TO(dq);
    MOVE(dloss, prob, k, queue);
    return real->info_nce_backward(dq, dloss_scale, dloss, prob, k, queue, temperature);
}

static Status top1(Tensor *count, const Tensor *x, const Tensor *label)
{
    MOVE(count, x, label);
    return real->top1(count, x, label);
}

static Status softmax_cross_entropy_forward(Tensor *loss, Tensor *prob, const Tensor *x,
                                            const Tensor *label, float norm)
{
    MOVE(loss, prob, x, label);
    return real->softmax_cross_entropy_forward(loss, prob, x, label, norm);
}

static Status softmax_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *prob,
                                             const Tensor *label, float norm)
{
    ADD_TO(dx);
    MOVE(dloss, prob, label);
    return real->softmax_cross_entropy_backward(dx, dloss, prob, label, norm);
}

static Status sigmoid_cross_entropy_forward(Tensor *loss, const Tensor *x, const Tensor *label,
                                            float norm)
{
    MOVE(loss, x, label);
    return real->sigmoid_cross_entropy_forward(loss, x, label, norm);
}

static Status sigmoid_cross_entropy_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                             const Tensor *label, float norm)
{
    ADD_TO(dx);
    MOVE(dloss, x, label);
    return real->sigmoid_cross_entropy_backward(dx, dloss, x, label, norm);
}

static Status box_regression_forward(Tensor *loss, const Tensor *x, const Tensor *target,
                                     const Tensor *label, float beta, float norm)
{
    MOVE(loss, x, target, label);
    return real->box_regression_forward(loss, x, target, label, beta, norm);
}

static Status box_regression_backward(Tensor *dx, const Tensor *dloss, const Tensor *x,
                                      const Tensor *target, const Tensor *label, float beta,
                                      float norm)
{
    ADD_TO(dx);
    MOVE(dloss, x, target, label);
    return real->box_regression_backward(dx, dloss, x, target, label, beta, norm);
}

static Status weighted_sum_forward(Tensor *y, const Tensor *const *x, const float *weight, int n)
{
    MOVE(y);
    move(x, n);
    return real->weighted_sum_forward(y, x, weight, n);
}

/* ---- the optimiser: n f32 numbers of each span, a bf16 copy written where there is one ---- */

static Status noted(const char *op, Status st)
{
    if (profile)
        profile_optimiser(profile, real, op);
    return st;
}

static Status sum_squares(double *squares, const float *x, int64_t n, bool is_first)
{
    total += 4 * n;
    return noted("sum_squares", real->sum_squares(squares, x, n, is_first));
}

static Status clip(float *x, int64_t n, const double *squares, float max_norm)
{
    total += 8 * n;
    return noted("clip", real->clip(x, n, squares, max_norm));
}

static Status sgd(float *w, float *v, const float *g, void *low, int64_t n, float lr,
                  float momentum, float decay, bool is_first, const double *squares)
{
    total += n * (8 + (is_first ? 4 : 8) + 4 + (low ? 2 : 0));
    return noted("sgd", real->sgd(w, v, g, low, n, lr, momentum, decay, is_first, squares));
}

static Status ema(float *k, const float *q, void *low, int64_t n, float m)
{
    total += n * (8 + 4 + (low ? 2 : 0));
    return noted("ema", real->ema(k, q, low, n, m));
}

const Backend *meter(const Backend *be)
{
    static Backend metered;
    real = be;
    metered = *be;
    metered.write = write;
    metered.read = read;
    metered.copy = copy;
    metered.fill = fill;
    metered.cast = cast;
    metered.augment = augment;
    metered.standardise = standardise;
    metered.conv2d_forward = conv2d_forward;
    metered.conv2d_backward_data = conv2d_backward_data;
    metered.conv2d_backward_weights = conv2d_backward_weights;
    metered.batch_norm_train_forward = batch_norm_train_forward;
    metered.batch_norm_eval_forward = batch_norm_eval_forward;
    metered.batch_norm_train_backward = batch_norm_train_backward;
    metered.batch_norm_eval_backward = batch_norm_eval_backward;
    if (be->conv_bn_train_forward)
        metered.conv_bn_train_forward = conv_bn_train_forward;
    if (be->norm_pair_train_forward) {
        metered.norm_pair_train_forward = norm_pair_train_forward;
        metered.norm_pair_train_backward = norm_pair_train_backward;
    }
    if (be->norm_pool_train_forward) {
        metered.norm_pool_train_forward = norm_pool_train_forward;
        metered.norm_pool_train_backward = norm_pool_train_backward;
    }
    metered.relu_forward = relu_forward;
    metered.relu_backward = relu_backward;
    metered.add_forward = add_forward;
    metered.add_backward = add_backward;
    metered.max_pool_forward = max_pool_forward;
    metered.max_pool_backward = max_pool_backward;
    metered.avg_pool_forward = avg_pool_forward;
    metered.avg_pool_backward = avg_pool_backward;
    metered.mean_hw_forward = mean_hw_forward;
    metered.mean_hw_backward = mean_hw_backward;
    metered.linear_forward = linear_forward;
    metered.linear_backward_data = linear_backward_data;
    metered.linear_backward_weights = linear_backward_weights;
    metered.l2_normalise_forward = l2_normalise_forward;
    metered.l2_normalise_backward = l2_normalise_backward;
    metered.gather_forward = gather_forward;
    metered.gather_backward = gather_backward;
    metered.concat_forward = concat_forward;
    metered.softmax_forward = softmax_forward;
    metered.roi_align_forward = roi_align_forward;
    metered.roi_align_backward = roi_align_backward;
    metered.info_nce_forward = info_nce_forward;
    metered.info_nce_backward = info_nce_backward;
    metered.top1 = top1;
    metered.softmax_cross_entropy_forward = softmax_cross_entropy_forward;
    metered.softmax_cross_entropy_backward = softmax_cross_entropy_backward;
    metered.sigmoid_cross_entropy_forward = sigmoid_cross_entropy_forward;
    metered.sigmoid_cross_entropy_backward = sigmoid_cross_entropy_backward;
    metered.box_regression_forward = box_regression_forward;
    metered.box_regression_backward = box_regression_backward;
    metered.weighted_sum_forward = weighted_sum_forward;
    metered.sum_squares = sum_squares;
    metered.clip = clip;
    metered.sgd = sgd;
    metered.ema = ema;
    return &metered;
}
