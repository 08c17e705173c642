/* weights.h -- weights in and out of a detector */
#pragma once
#include "datasets/detection.h"
#include "detect/faster_rcnn_c4.h"

/* Do the backbone's shapes and metadata fit the recipe? ERR_FORMAT says in one sentence which of architecture, width,
 * stem, stride placement and channel order differ and which key to set; other pixel statistics are a warning. What a file
 * does not say counts as fitting. */
Status detect_check_backbone(const DetectConfig *c, const char *path);

/* A backbone's weights (torchvision's names; "module.encoder_q." of MoCo's own files is stripped) into the body. Every
 * tensor of the body must be there; heads of classification ("fc.*") are ignored; RPN, extra norm and box head keep
 * their initial values. Logs what was loaded. ERR_FORMAT names what is missing, extra or of another shape. */
Status detect_load_backbone(ParamSet *ps, const char *path);

/* model.safetensors with class names and ids in its metadata. */
Status detect_save_model(const ParamSet *ps, const char *path, const DetSet *classes,
                         const char *arch);

/* The classes that a model's metadata names, into an empty set. */
Status detect_read_classes(DetSet *classes, const char *path);
