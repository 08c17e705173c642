/* backbone.h -- trained bodies in files
 *
 *      backbone.safetensors   torchvision's names without fc: `resnet50().load_state_dict(..., strict=False)` takes it
 *      metadata               arch, width, stem, dilated, stride_in_1x1, mean, std, channel_order, crop, method, step
 *
 * Reading works on any file of torchvision names: what the shapes say (depth, width, groups, stem, head) is taken from
 * the shapes; what they cannot say (stride placement, dilation, pixel statistics) from the metadata, with torchvision's
 * ImageNet conventions when there is none.
 */
#pragma once
#include "base/safetensors.h"
#include "pretrain/resnet.h"

typedef struct BackboneInfo {
    float       mean[3], std[3]; // of pixels in 0..1, RGB
    int64_t     crop;            // side it was trained at, pixels; 0: not known
    bool        has_small_stem;  // then test pictures are not resized
    const char *method;          // "moco", "supervised"; may be NULL
    int64_t     step;
} BackboneInfo;

/* Writes the body of `net` (parameters in `ps`), and with its head when with_head. */
Status backbone_save(const char *path, const ParamSet *ps, const ResNet *net,
                     const BackboneInfo *info, bool with_head);

/* A network for inference (frozen) from a file. Head tensors, where present, become its head. */
typedef struct Backbone {
    ParamSet     params;
    ResNet       net;
    BackboneInfo info;
} Backbone;

/* ERR_FORMAT when the file holds no network that resnet.h knows, naming what is missing. Names may begin with
 * "module.encoder_q." (MoCo's own files). */
Status backbone_open(Backbone *b, const Backend *be, DType dtype, const char *path);
void   backbone_release(Backbone *b);

/* The architecture that a file's tensors imply, for inspect and for detectors; *head and *n_out too. */
Status backbone_config(ResNetConfig *out, HeadKind *head, int64_t *n_out, BackboneInfo *info,
                       const SafeFile *f, const char *prefix);
