/* resnet.c -- registration and forward pass
 *
 *      basic:       x -> 3x3/s -> 3x3 -----------> + -> ReLU       He et al. 2016, fig. 5 left
 *                   x -> (1x1/s, BN) or as it is --^
 *      bottleneck:  x -> 1x1 -> 3x3/s -> 1x1 ----> + -> ReLU       fig. 5 right
 *
 * Glossary: planes = narrow channels of a stage, inner = channels of the bottleneck's 3x3 (planes *
 * width_per_group / 64
 * * groups), e = expansion. Registration order inside a block: conv1, bn1, conv2, bn2, (conv3,
 * bn3), downsample.
 */
#include "pretrain/resnet.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- registration ---- */

/* Where names are built: a prefix of the model and of the block. */
typedef struct Registrar {
    ParamSet *ps;
    ResNet   *net;
    char      scope[192]; // "backbone.layer1.0."
    Status    status;
} Registrar;

static const char *scoped(Registrar *r, const char *name, const char *leaf)
{
    const char *text = arena_printf(&r->ps->arena, "%s%s.%s", r->scope, name, leaf);
    if (!text && r->status == OK)
        r->status = ERR_MEMORY;
    return text ? text : "?";
}

static Tensor *vector(Registrar *r, const char *name, const char *leaf, ParamKind kind,
                      InitKind init, int64_t n)
{
    ParamSpec spec = {.name = scoped(r, name, leaf),
                      .kind = kind,
                      .init = {init, 0},
                      .is_norm = kind == PARAM_WEIGHT,
                      .is_bias = strcmp(leaf, "bias") == 0};
    return params_add(r->ps, spec, 1, &n);
}

static NormLayer norm_layer(Registrar *r, const char *name, int64_t n)
{
    const ResNetConfig *c = &r->net->config;
    return (NormLayer){
        .op = {.eps = 1e-5f, .momentum = 0.1f, .groups = c->bn_groups},
        .gamma = vector(r, name, "weight", PARAM_WEIGHT, INIT_ONE, n),
        .beta = vector(r, name, "bias", PARAM_WEIGHT, INIT_ZERO, n),
        .running_mean = vector(r, name, "running_mean", PARAM_BUFFER, INIT_ZERO, n),
        .running_var = vector(r, name, "running_var", PARAM_BUFFER, INIT_ONE, n),
        .is_frozen = c->has_frozen_norm,
    };
}

static Tensor *conv_weight(Registrar *r, const char *name, int64_t out, int64_t side, int64_t in,
                           Init init)
{
    ParamSpec spec = {.name = scoped(r, name, "weight"), .kind = PARAM_CONV, .init = init};
    return params_add(r->ps, spec, 4, (int64_t[]){out, side, side, in});
}

typedef struct ConvSize {
    int64_t out, in, side, stride, dilation, groups;
} ConvSize;

static ConvBn conv_bn_layer(Registrar *r, const char *conv, const char *norm, ConvSize s)
{
    ConvBn layer = {0};
    layer.conv.op = (Conv2d){.stride = s.stride,
                             .pad = s.dilation * (s.side / 2),
                             .dilation = s.dilation,
                             .groups = s.groups};
    layer.conv.weight = conv_weight(r, conv, s.out, s.side, s.in / s.groups,
                                    init_kaiming_fan_out(s.out, s.side, s.side));
    layer.norm = norm_layer(r, norm, s.out);
    return layer;
}

static void register_stem(Registrar *r)
{
    const ResNetConfig *c = &r->net->config;
    int64_t             C = resnet_channels(c, 0);
    bool                small = c->has_small_stem;
    /* The CIFAR demonstration makes its 3x3 stem after torchvision's init has run, so it keeps
     * PyTorch's default. */
    Init                init = small ? init_default(3 * 3 * 3) : init_kaiming_fan_out(C, 7, 7);

    r->net->stem.conv.op = small ? (Conv2d){1, 1, 1, 1} : (Conv2d){2, 3, 1, 1};
    r->net->stem.conv.weight = conv_weight(r, "conv1", C, small ? 3 : 7, 3, init);
    r->net->stem.norm = norm_layer(r, "bn1", C);
}

static ResBlock basic_block(Registrar *r, int64_t in, int64_t planes, int64_t stride,
                            int64_t dilation)
{
    ResBlock b = {.n_convs = 2, .has_proj = stride != 1 || in != planes};
    b.conv[0] = conv_bn_layer(r, "conv1", "bn1", (ConvSize){planes, in, 3, stride, dilation, 1});
    b.conv[1] = conv_bn_layer(r, "conv2", "bn2", (ConvSize){planes, planes, 3, 1, dilation, 1});
    if (b.has_proj)
        b.proj = conv_bn_layer(r, "downsample.0", "downsample.1",
                               (ConvSize){planes, in, 1, stride, 1, 1});
    return b;
}

static ResBlock bottleneck_block(Registrar *r, int64_t in, int64_t planes, int64_t stride,
                                 int64_t dilation)
{
    const ResNetConfig *c = &r->net->config;
    int64_t             inner = planes * c->width_per_group / 64 * c->groups, out = 4 * planes;
    int64_t s1 = c->has_stride_in_1x1 ? stride : 1, s3 = c->has_stride_in_1x1 ? 1 : stride;

    ResBlock b = {.n_convs = 3, .has_proj = stride != 1 || in != out};
    b.conv[0] = conv_bn_layer(r, "conv1", "bn1", (ConvSize){inner, in, 1, s1, 1, 1});
    b.conv[1] =
        conv_bn_layer(r, "conv2", "bn2", (ConvSize){inner, inner, 3, s3, dilation, c->groups});
    b.conv[2] = conv_bn_layer(r, "conv3", "bn3", (ConvSize){out, inner, 1, 1, 1, 1});
    if (b.has_proj)
        b.proj =
            conv_bn_layer(r, "downsample.0", "downsample.1", (ConvSize){out, in, 1, stride, 1, 1});
    return b;
}

static void register_stage(Registrar *r, const char *prefix, int s)
{
    const ResNetConfig *c = &r->net->config;
    int                 n = c->n_blocks[s - 1];
    int64_t             planes = resnet_channels(c, 0) << (s - 1);
    int64_t             in = resnet_channels(c, s - 1);
    bool                dilated = s == 4 && c->is_dilated;
    int64_t             stride = s == 1 || dilated ? 1 : 2;
    ResBlock           *blocks = ARENA_ARRAY(&r->ps->arena, ResBlock, n);
    r->net->stage[s - 1] = blocks;
    if (!blocks) {
        r->status = ERR_MEMORY;
        return;
    }
    for (int b = 0; b < n; b++) {
        snprintf(r->scope, sizeof r->scope, "%slayer%d.%d.", prefix, s, b);
        blocks[b] = (c->is_bottleneck ? bottleneck_block : basic_block)(
            r, in, planes, b == 0 ? stride : 1, dilated ? 2 : 1);
        in = resnet_channels(c, s);
    }
}

static LinearLayer linear_layer(Registrar *r, const char *name, int64_t out, int64_t in)
{
    ParamSpec weight = {
        .name = scoped(r, name, "weight"), .kind = PARAM_WEIGHT, .init = init_default(in)};
    ParamSpec   bias = {.name = scoped(r, name, "bias"),
                        .kind = PARAM_WEIGHT,
                        .init = init_default(in),
                        .is_bias = true};
    LinearLayer layer;
    layer.weight = params_add(r->ps, weight, 2, (int64_t[]){out, in});
    layer.bias = params_add(r->ps, bias, 1, &out);
    return layer;
}

static void register_head(Registrar *r)
{
    ResNet *net = r->net;
    int64_t F = resnet_channels(&net->config, 4);
    if (net->head == HEAD_LINEAR) {
        net->fc[0] = linear_layer(r, "fc", net->n_out, F);
    } else if (net->head == HEAD_MLP) {
        net->fc[0] = linear_layer(r, "fc.0", F, F);
        net->fc[1] = linear_layer(r, "fc.2", net->n_out, F);
    }
}

static Status check_config(const ResNetConfig *c, const char *prefix, HeadKind head, int64_t n_out)
{
    double channels = 64 * c->width;
    if (!(channels >= 1 && channels <= 1024) || fabs(channels - round(channels)) > 1e-9)
        return status_fail(
            ERR_RECIPE, "width: 64 * %g = %g channels in the stem; want a whole number in 1..1024",
            c->width, channels);
    if (c->groups < 1 || c->width_per_group < 1 || (int64_t)channels * c->width_per_group / 64 < 1)
        return status_fail(ERR_RECIPE,
                           "width %g leaves no channel in each of the %lld groups of %s", c->width,
                           (long long)c->groups, c->arch);
    if (c->bn_groups < 1)
        return status_fail(ERR_RECIPE, "bn_groups: want at least 1, have %lld",
                           (long long)c->bn_groups);
    for (int s = 0; s < RESNET_STAGES; s++)
        if (c->n_blocks[s] < 1 || c->n_blocks[s] > RESNET_MAX_BLOCKS)
            return status_fail(ERR_RECIPE, "n_blocks[%d]: want 1..%d, have %d", s,
                               RESNET_MAX_BLOCKS, c->n_blocks[s]);
    if (head != HEAD_NONE && n_out < 1)
        return status_fail(ERR_RECIPE, "%s: a head needs at least one output, have %lld", c->arch,
                           (long long)n_out);
    if (strlen(prefix) > 128)
        return status_fail(ERR_USAGE, "resnet_register: prefix longer than 128 letters");
    return OK;
}

Status resnet_register(ResNet *net, ParamSet *ps, const ResNetConfig *config, const char *prefix,
                       HeadKind head, int64_t n_out)
{
    TRY(check_config(config, prefix, head, n_out));
    *net = (ResNet){.config = *config, .head = head, .n_out = head == HEAD_NONE ? 0 : n_out};
    Registrar r = {.ps = ps, .net = net, .status = OK};

    snprintf(r.scope, sizeof r.scope, "%s", prefix);
    register_stem(&r);
    for (int s = 1; s <= RESNET_STAGES && r.status == OK; s++)
        register_stage(&r, prefix, s);
    snprintf(r.scope, sizeof r.scope, "%s", prefix);
    register_head(&r);
    return r.status;
}

/* ---- batch norm settings ---- */

typedef void NormVisit(NormLayer *norm, int64_t value);

static void each_norm(ResNet *net, NormVisit *visit, int64_t value)
{
    visit(&net->stem.norm, value);
    for (int s = 0; s < RESNET_STAGES; s++)
        for (int b = 0; b < net->config.n_blocks[s]; b++) {
            ResBlock *block = &net->stage[s][b];
            for (int i = 0; i < block->n_convs; i++)
                visit(&block->conv[i].norm, value);
            if (block->has_proj)
                visit(&block->proj.norm, value);
        }
}

static void set_groups(NormLayer *norm, int64_t groups)
{
    norm->op.groups = groups;
}

static void set_frozen(NormLayer *norm, int64_t is_frozen)
{
    norm->is_frozen = is_frozen != 0;
}

void resnet_set_bn_groups(ResNet *net, int64_t groups)
{
    net->config.bn_groups = groups;
    each_norm(net, set_groups, groups);
}

void resnet_set_frozen_norm(ResNet *net, bool is_frozen)
{
    net->config.has_frozen_norm = is_frozen;
    each_norm(net, set_frozen, is_frozen);
}

/* ---- forward ---- */

Tensor *resnet_stem(Tape *t, const ResNet *net, Tensor *x)
{
    const Pool2d pool = {.size = 3, .stride = 2, .pad = 1};
    x = cast(t, t->dtype, x);
    return net->config.has_small_stem ? conv_bn_act(t, &net->stem, x, NULL, true)
                                      : conv_bn_relu_pool(t, &net->stem, &pool, x);
}

/* (N,H,W,Cin) -> (N,H/s,W/s,Cout) */
static Tensor *res_block(Tape *t, const ResBlock *b, Tensor *x)
{
    const ConvBn *last = &b->conv[b->n_convs - 1];
    Tensor       *y = x;
    for (int i = 0; i < b->n_convs - 1; i++) {
        Tensor *narrow = conv_bn_act(t, &b->conv[i], y, NULL, true);
        if (y != x)
            tape_done(t, y);
        y = narrow;
    }
    Tensor *out = b->has_proj ? conv_bn_pair(t, last, y, &b->proj, x, true)
                              : conv_bn_act(t, last, y, x, true);
    tape_done(t, y);
    return out;
}

Tensor *resnet_stage(Tape *t, const ResNet *net, int s, Tensor *x)
{
    Tensor *y = x;
    for (int b = 0; b < net->config.n_blocks[s - 1]; b++) {
        Tensor *next = res_block(t, &net->stage[s - 1][b], y);
        if (y != x)
            tape_done(t, y);
        y = next;
    }
    return y;
}

Stages resnet_stages(Tape *t, const ResNet *net, Tensor *x)
{
    Tensor *stem = resnet_stem(t, net, x);
    Stages  c = {.c2 = resnet_stage(t, net, 1, stem)};
    tape_done(t, stem);
    c.c3 = resnet_stage(t, net, 2, c.c2);
    c.c4 = resnet_stage(t, net, 3, c.c3);
    c.c5 = resnet_stage(t, net, 4, c.c4);
    return c;
}

Tensor *resnet_features(Tape *t, const ResNet *net, Tensor *x)
{
    Tensor *y = resnet_stem(t, net, x);
    for (int s = 1; s <= RESNET_STAGES; s++) {
        Tensor *next = resnet_stage(t, net, s, y);
        tape_done(t, y);
        y = next;
    }
    Tensor *pooled = mean_hw(t, y);
    tape_done(t, y);
    return cast(t, F32, pooled);
}

Tensor *resnet_head(Tape *t, const ResNet *net, Tensor *x)
{
    if (net->head == HEAD_NONE)
        return x;
    Tensor *y = linear(t, &net->fc[0], x);
    return net->head == HEAD_LINEAR ? y : linear(t, &net->fc[1], relu(t, y));
}
