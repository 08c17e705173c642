/* supervised.c -- classification */
#include "pretrain/supervised.h"
#include "kernels/ops/losses.h"

Status supervised_init(Supervised *s, const Backend *be, DType dtype, const ResNetConfig *net,
                       int64_t n_classes, uint64_t seed)
{
    *s = (Supervised){.n_classes = n_classes};
    if (n_classes < 2)
        return status_fail(
            ERR_FORMAT,
            "supervised training needs labels of at least two classes, the data has %lld "
            "(class folders, or key.cls beside key.jpg in shards)",
            (long long)n_classes);
    params_init(&s->params, be, false);
    Status st = OK;
    TRY_OUT(resnet_register(&s->net, &s->params, net, "", HEAD_LINEAR, n_classes));
    TRY_OUT(params_commit(&s->params, dtype, seed));
out:
    if (st != OK)
        supervised_release(s);
    return st;
}

void supervised_release(Supervised *s)
{
    params_release(&s->params);
    *s = (Supervised){0};
}

Tensor *supervised_loss(Tape *t, Supervised *s, Tensor **right, Tensor *images, const Tensor *label)
{
    Tensor *logits = resnet_head(t, &s->net, resnet_features(t, &s->net, images));
    *right = top1(t, logits, label);
    s->params.n_batches_tracked++;
    return softmax_cross_entropy(t, logits, label, 0);
}
