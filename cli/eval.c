/* eval.c -- `godwit eval METRIC GT DT`: scores any tool's results */
#include "cli/eval.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

#define FILES_TEXT                                                                                 \
    "--json holds full precision (null where undefined), --csv one line a row of the tables, "     \
    "--html\n"                                                                                     \
    "a page that needs no network. Definitions: docs/eval.md."

#define PIXELS_TEXT                                                                                \
    "--against scores a second folder and gives the difference of IoU per class with a 95 %\n"     \
    "interval over resampled images. "

#define MATCHES_TEXT                                                                               \
    "--analyse adds the score with the best F1 per category, the kinds of error at overlap .5\n"   \
    "(localisation, class, both, duplicate, background, missed) and a confusion matrix. "          \
    "--against\n"                                                                                  \
    "scores a second result file and gives the difference per category with a 95 % interval "      \
    "over\n"                                                                                       \
    "resampled images. "

static const Verb METRICS[] = {
    {"voc", "PASCAL VOC AP: 11-point and area, .50 to .95", eval_voc,
     "GT is a VOCdevkit year (.../VOCdevkit/VOC2007), DT its comp4_det_*.txt files or COCO-style "
     "JSON.\n"
     "Prints both averages at ten overlaps, per class and as means. Difficult objects count "
     "neither\n"
     "way; boxes include both end pixels.\n\n" MATCHES_TEXT FILES_TEXT},
    {"cityscapes", "Cityscapes: AP of instances, IoU of pixels (--task)", eval_cityscapes,
     "GT_DIR holds *_gtFine_instanceIds.png or *_gtFine_labelIds.png, PRED_DIR lists of masks "
     "(.txt) or\n"
     "label images. Prints AP and AP50 of the eight things, or IoU and iIoU of classes and "
     "categories\n"
     "with the confusion matrix, as cityscapesScripts computes them.\n\nInstances: " MATCHES_TEXT
     "\n\nPixels: " PIXELS_TEXT FILES_TEXT},
    {"semseg", "mean IoU of label images: VOC or any list of classes", eval_semseg,
     "Two folders of label PNGs with the same relative paths. Prints IoU by detectron2's "
     "definition\n"
     "(classes without ground truth left out) and the VOC devkit's, accuracies, sizes, and the "
     "pairs\n"
     "confused most often.\n\n" PIXELS_TEXT FILES_TEXT},
    {"densepose", "DensePose: GPS, GPSm, mask IoU (--mode)", eval_densepose,
     "GT is a COCO file with dp_ fields, DT results with uv_data. Prints the reference's numbers "
     "and AP\n"
     "and AR at every threshold.\n\n" MATCHES_TEXT FILES_TEXT},
    {"coco", "COCO AP and AR of boxes, masks or keypoints", eval_coco,
     "GT is an annotation file, DT a result file in COCO's format. Prints a table of categories, "
     "then\n"
     "pycocotools' summary: the same numbers to the last bit.\n\n" MATCHES_TEXT FILES_TEXT},
    {"lvis", "LVIS AP of boxes or masks: federated rules", eval_lvis,
     "GT is an LVIS annotation file (v0.5 or v1), DT a result file in COCO's format. Prints a "
     "table of\n"
     "categories with their frequency, then lvis-api's numbers. A result counts only in images "
     "where\n"
     "its category was annotated or listed as absent.\n\n" MATCHES_TEXT FILES_TEXT},
    {NULL, NULL, NULL, NULL},
};

static void print_metrics(void)
{
    printf("usage: godwit eval METRIC GT DT [options]\n\nmetrics:\n");
    for (const Verb *m = METRICS; m->name; m++)
        printf("  %-12s %s\n", m->name, m->sentence);
    printf("\n`godwit eval METRIC --help` lists the options of one.\n");
}

Status verb_eval(const Verb *verb, int argc, char **argv)
{
    (void)verb;
    if (argc < 2)
        return status_fail(ERR_USAGE, "eval: which metric? `godwit eval --help` lists them");
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_metrics();
        return OK;
    }
    const char *names[16];
    int         n = 0;
    for (const Verb *m = METRICS; m->name; m++) {
        if (strcmp(m->name, argv[1]) == 0) {
            char name[32];
            snprintf(name, sizeof name, "eval %s", m->name);
            Verb sub = {name, m->sentence, m->run, m->details};
            return sub.run(&sub, argc - 1, argv + 1);
        }
        names[n++] = m->name;
    }
    const char *near = options_nearest(argv[1], names, n);
    return status_fail(ERR_USAGE,
                       "eval: unknown metric \"%s\"%s%s%s; `godwit eval --help` lists them",
                       argv[1], near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}
