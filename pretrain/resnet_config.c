/* resnet_config.c -- the published members of the family */
#include "pretrain/resnet.h"
#include <math.h>
#include <string.h>

typedef struct Member {
    const char *name;
    bool        is_bottleneck;
    int         n_blocks[4];
    double      width;
    int64_t     groups, width_per_group;
} Member;

static const Member MEMBERS[] = {
    {"resnet18", false, {2, 2, 2, 2}, 1, 1, 64},
    {"resnet34", false, {3, 4, 6, 3}, 1, 1, 64},
    {"resnet50", true, {3, 4, 6, 3}, 1, 1, 64},
    {"resnet101", true, {3, 4, 23, 3}, 1, 1, 64},
    {"resnext50_32x8d", true, {3, 4, 6, 3}, 1, 32, 8},
    {"resnet50w2x", true, {3, 4, 6, 3}, 2, 1, 64},
    {"resnet50w4x", true, {3, 4, 6, 3}, 4, 1, 64},
};

enum { N_MEMBERS = sizeof MEMBERS / sizeof MEMBERS[0] };

/* Letters that agree from the start: enough to suggest a name from this family. */
static int common_prefix(const char *a, const char *b)
{
    int n = 0;
    while (a[n] && a[n] == b[n])
        n++;
    return n;
}

Status resnet_config(ResNetConfig *out, const char *arch)
{
    int nearest = 0;
    for (int i = 0; i < N_MEMBERS; i++) {
        const Member *m = &MEMBERS[i];
        if (common_prefix(arch, m->name) > common_prefix(arch, MEMBERS[nearest].name))
            nearest = i;
        if (strcmp(arch, m->name) != 0)
            continue;
        *out = (ResNetConfig){.is_bottleneck = m->is_bottleneck,
                              .width = m->width,
                              .groups = m->groups,
                              .width_per_group = m->width_per_group,
                              .bn_groups = 1};
        memcpy(out->arch, m->name, strlen(m->name) + 1);
        memcpy(out->n_blocks, m->n_blocks, sizeof out->n_blocks);
        return OK;
    }
    return status_fail(
        ERR_RECIPE,
        "arch: no network is called '%.40s'; nearest is '%s' (resnet18, resnet34, resnet50, "
        "resnet101, resnext50_32x8d, resnet50w2x, resnet50w4x)",
        arch, MEMBERS[nearest].name);
}

/* Channels of the stem and of stage 1's narrow part. */
static int64_t base_planes(const ResNetConfig *c)
{
    return (int64_t)llround(64 * c->width);
}

int64_t resnet_channels(const ResNetConfig *c, int stage)
{
    if (stage == 0)
        return base_planes(c);
    return (base_planes(c) << (stage - 1)) * (c->is_bottleneck ? 4 : 1);
}

int64_t resnet_stride(const ResNetConfig *c, int stage)
{
    int64_t stride = c->has_small_stem ? 1 : 4;
    for (int s = 2; s <= stage; s++)
        stride *= s == 4 && c->is_dilated ? 1 : 2;
    return stride;
}
