/* eval.c -- `godwit eval METRIC GT DT`: scores any tool's results */
#include "cli/eval.h"
#include "cli/verbs.h"

#include <stdio.h>
#include <string.h>

static const Verb METRICS[] = {
    {"voc", "PASCAL VOC AP: 11-point and area, .50 to .95", eval_voc, NULL},
    {"cityscapes", "Cityscapes: AP of instances, IoU of pixels (--task)", eval_cityscapes, NULL},
    {"semseg", "mean IoU of label images: VOC or any list of classes", eval_semseg, NULL},
    {"densepose", "DensePose: GPS, GPSm, mask IoU (--mode)", eval_densepose, NULL},
    {"coco", "COCO AP and AR of boxes, masks or keypoints", eval_coco, NULL},
    {"lvis", "LVIS AP of boxes or masks: federated rules", eval_lvis, NULL},
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
