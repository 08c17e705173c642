/* resnet.h -- residual networks: the body of everything that is pretrained here
 *
 *      image (N,H,W,3)
 *        |  stem     conv 7x7 /2, BN, ReLU, max pool 3x3 /2      stride 4    (small stem: conv 3x3, stride 1)
 *        v  layer1   stage 1, C2                                 stride 4    width*64  * e channels
 *        |  layer2   stage 2, C3                                 stride 8    width*128 * e
 *        |  layer3   stage 3, C4                                 stride 16   width*256 * e
 *        |  layer4   stage 4, C5                                 stride 32   width*512 * e  (16 when dilated)
 *        v  mean over H and W -> features (N,F) -> head (N,O)
 *
 * He et al. 2016 ("V1.5": the stride sits on the 3x3, as in torchvision); ResNeXt: Xie et al. 2017; wide nets: Kolesnikov
 * et al. 2019. e = 4 (bottleneck) or 1 (basic). Names, order and initial values are torchvision's. Parameters are registered
 * in a ParamSet; a ResNet only points at them and owns nothing.
 */
#pragma once
#include "base/text.h"
#include "kernels/ops/nn.h"
#include "kernels/params.h"

enum { RESNET_STAGES = 4, RESNET_MAX_BLOCKS = 36 };

typedef struct ResNetConfig {
    char    arch[32];      // "resnet50": what was asked for
    bool    is_bottleneck; // three convolutions a block, else two
    int     n_blocks[4];   // of stages 1..4
    double  width;         // factor on every channel count, the stem's too; 1 is the published net
    int64_t groups;        // of the 3x3: 32 in ResNeXt
    int64_t width_per_group;   // 64; 8 in ResNeXt 32x8d
    bool    has_small_stem;    // 3x3 stride 1, no max pool: 32-pixel pictures
    bool    is_dilated;        // layer4 keeps stride 16: every 3x3 in it has dilation 2 (paper A.1,
                               // detectron2)
    bool    has_stride_in_1x1; // MSRA weights: the stride sits on the first 1x1
    bool    has_frozen_norm;   // batch norm always uses the running statistics
    int64_t
        bn_groups; // G: batch norm over G contiguous parts of the batch, as G processes would; 1
} ResNetConfig;

/* *out = the published network: resnet18, resnet34, resnet50, resnet101, resnext50_32x8d,
 * resnet50w2x, resnet50w4x; width 1 (2 and 4 for the last two). ERR_RECIPE: another name, with the
 * nearest. */
Status resnet_config(ResNetConfig *out, const char *arch);

/* Channels out of stage s: 0 the stem, 1..4 C2..C5. Stage 4's are the features, F. */
int64_t resnet_channels(const ResNetConfig *c, int stage);
/* Pixels per cell of stage s (0 is the stem after its pool). */
int64_t resnet_stride(const ResNetConfig *c, int stage);

typedef struct ResBlock {
    ConvBn conv[3];  // basic: two 3x3; bottleneck: 1x1, 3x3, 1x1
    ConvBn proj;     // 1x1 of the shortcut: "downsample"
    int    n_convs;  // 2 or 3
    bool   has_proj; // else the shortcut is the identity
} ResBlock;

typedef enum HeadKind {
    HEAD_NONE,   // features only
    HEAD_LINEAR, // fc: F -> O                        MoCo v1, classification
    HEAD_MLP,    // fc.0: F -> F, ReLU, fc.2: F -> O  MoCo v2
} HeadKind;

typedef struct ResNet {
    ResNetConfig config;
    ConvBn       stem;
    ResBlock    *stage[4]; // n_blocks[s] each, in the ParamSet's arena
    HeadKind     head;
    int64_t      n_out; // O
    LinearLayer  fc[2]; // linear: fc[0]; MLP: fc.0, fc.2
} ResNet;

/* Registers stem, stages and head under `prefix` + torchvision's names ("backbone." +
 * "layer1.0.conv1.weight"). The tensors hold values after params_commit. ERR_MEMORY, ERR_RECIPE
 * (impossible width or groups). */
Status resnet_register(ResNet *net, ParamSet *ps, const ResNetConfig *config, const char *prefix,
                       HeadKind head, int64_t n_out);

/* G of every batch norm; whether every batch norm is frozen. */
void resnet_set_bn_groups(ResNet *net, int64_t groups);
void resnet_set_frozen_norm(ResNet *net, bool is_frozen);

/* x (N,H,W,3) normalised pixels -> (N,H/4,W/4,C) of the tape's dtype. */
Tensor *resnet_stem(Tape *t, const ResNet *net, Tensor *x);
/* Stage s = 1..4 (layer1..layer4) of the map before it. A tape that does not record still holds x:
 * tape_done is the caller's, who knows whether x is read again. A detector of the C4 kind runs
 * stem..3 on images and 4 on regions. */
Tensor *resnet_stage(Tape *t, const ResNet *net, int s, Tensor *x);

/* All four maps, for pyramids. */
typedef struct Stages {
    Tensor *c2, *c3, *c4, *c5;
} Stages;
Stages resnet_stages(Tape *t, const ResNet *net, Tensor *x);

/* (N,H,W,3) -> (N,F) f32: everything up to and including the mean. */
Tensor *resnet_features(Tape *t, const ResNet *net, Tensor *x);
/* (N,F) f32 -> (N,O) f32; HEAD_NONE returns x. */
Tensor *resnet_head(Tape *t, const ResNet *net, Tensor *x);

/* The layer table of the start of a run, one line a stage, for H x W pictures. */
void resnet_table(Text *out, const ResNet *net, int64_t height, int64_t width);
