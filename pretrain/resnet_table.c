/* resnet_table.c -- what a run prints about its network before the first step
 *
 *      layer    kind              weights   in                 out
 *      conv1    7x7 /2, pool       9.4 k    224x224x3       -> 56x56x64
 *      layer1   3 bottlenecks    215.8 k    56x56x64        -> 56x56x256
 */
#include "pretrain/resnet.h"
#include <stdio.h>

static int64_t conv_count(const ConvBn *layer)
{
    return tensor_count(layer->conv.weight) + 2 * tensor_count(layer->norm.gamma);
}

static int64_t stage_count(const ResNet *net, int s)
{
    int64_t n = 0;
    for (int b = 0; b < net->config.n_blocks[s - 1]; b++) {
        const ResBlock *block = &net->stage[s - 1][b];
        for (int i = 0; i < block->n_convs; i++)
            n += conv_count(&block->conv[i]);
        n += block->has_proj ? conv_count(&block->proj) : 0;
    }
    return n;
}

static int64_t head_count(const ResNet *net)
{
    int64_t n = 0;
    for (int i = 0; i < 2; i++)
        if (net->fc[i].weight)
            n += tensor_count(net->fc[i].weight) + tensor_count(net->fc[i].bias);
    return n;
}

typedef struct Map {
    int64_t height, width, channels;
} Map;

static void row(Text *out, const char *layer, const char *kind, int64_t count, Map in, Map to)
{
    text_printf(out, "%-8s %-22s %11lld   %lldx%lldx%lld -> %lldx%lldx%lld\n", layer, kind,
                (long long)count, (long long)in.height, (long long)in.width, (long long)in.channels,
                (long long)to.height, (long long)to.width, (long long)to.channels);
}

/* Cells after a stride: ceil, as every padded convolution and pool here gives. */
static Map shrink(Map in, int64_t by, int64_t channels)
{
    return (Map){(in.height + by - 1) / by, (in.width + by - 1) / by, channels};
}

void resnet_table(Text *out, const ResNet *net, int64_t height, int64_t width)
{
    const ResNetConfig *c = &net->config;
    Map                 in = {height, width, 3}, to;
    int64_t             total = conv_count(&net->stem) + head_count(net);

    text_printf(out, "%-8s %-22s %11s   in -> out\n", "layer", "kind", "weights");
    to = shrink(in, resnet_stride(c, 0), resnet_channels(c, 0));
    row(out, "conv1", c->has_small_stem ? "3x3" : "7x7 /2, pool /2", conv_count(&net->stem), in,
        to);
    for (int s = 1; s <= RESNET_STAGES; s++) {
        char name[16], kind[48];
        in = to;
        to = shrink(in, resnet_stride(c, s) / resnet_stride(c, s - 1), resnet_channels(c, s));
        snprintf(name, sizeof name, "layer%d", s);
        snprintf(kind, sizeof kind, "%d %s%s", c->n_blocks[s - 1],
                 c->is_bottleneck ? "bottlenecks" : "basic blocks",
                 s == 4 && c->is_dilated ? ", dilated" : "");
        total += stage_count(net, s);
        row(out, name, kind, stage_count(net, s), in, to);
    }
    if (net->head != HEAD_NONE)
        row(out, "fc", net->head == HEAD_MLP ? "mean, MLP" : "mean, linear", head_count(net), to,
            (Map){1, 1, net->n_out});
    text_printf(out, "%-31s %11lld   %s, width %g, batch norm in %lld group%s\n", "total",
                (long long)total, c->arch, c->width, (long long)c->bn_groups,
                c->bn_groups == 1 ? "" : "s");
}
