/* report_text.c -- the paper's numbers and the meaning of ours */
#include "cli/report_parts.h"

#include <math.h>
#include <stddef.h>

/* He et al. 2020 (CVPR; arXiv 1911.05722v3), table 2 for R50-C4; the MoCo repository's detection page for v2. */
static const PublishedRow voc0712[] = {
    {"random", 33.8, 60.2, 33.1},
    {"supervised, ImageNet-1M", 53.5, 81.3, 58.8},
    {"MoCo, ImageNet-1M", 55.9, 81.5, 62.6},
    {"MoCo, Instagram-1B", 57.2, 82.2, 63.7},
    {"MoCo v2, 200 epochs", 57.0, 82.4, 63.6},
    {"MoCo v2, 800 epochs", 57.4, 82.5, 64.0},
};
static const PublishedRow voc07[] = {
    {"supervised, ImageNet-1M", 42.4, 74.4, 42.7}, {"MoCo, ImageNet-1M", 46.6, 74.9, 50.1},
    {"MoCo, ImageNet-14M", 46.9, 75.2, 50.2},      {"MoCo, YFCC-100M", 45.9, 74.7, 49.0},
    {"MoCo, Instagram-1B", 47.6, 75.6, 51.7},
};

const PublishedTable REPORT_VOC0712_C4 = {
    .title =
        "Trained on VOC 07+12 trainval, tested on VOC 07 test; Faster R-CNN R50-C4, 24k iterations",
    .source = "He et al. 2020, table 2; MoCo v2 rows from the authors' repository",
    .row = voc0712,
    .n_rows = 6,
    .baseline = 1,
};
const PublishedTable REPORT_VOC07_C4 = {
    .title =
        "Trained on VOC 07 trainval, tested on VOC 07 test; Faster R-CNN R50-C4, 9k iterations",
    .source = "He et al. 2020, table 4",
    .row = voc07,
    .n_rows = 5,
    .baseline = 0,
};

const ReportTerm REPORT_TERMS[] = {
    {"IoU", "Intersection over union: the area two boxes share, divided by the area they cover "
            "together. 1 is a perfect match."},
    {"Precision and recall", "Predictions are taken in order of their score. Precision is the "
                             "share of them so far that are right; "
                             "recall is the share of all objects they have found. A prediction is "
                             "right if it has the object's class, "
                             "reaches the IoU threshold and is the first to claim that object."},
    {"AP50, AP75", "Average precision at IoU 0.50 or 0.75: the area under the precision-recall "
                   "curve, with precision made non-increasing "
                   "first, averaged over classes. In points, 0 to 100."},
    {"AP", "The mean of AP at the ten thresholds 0.50, 0.55 ... 0.95. It rewards boxes that fit "
           "tightly."},
    {"Trial",
     "One fine-tuning run with its own seed. All rows of a trial share the seed: the same order of "
     "pictures, the same initial values "
     "of the layers that are new. The deviation is the sample deviation (divided by n - 1)."},
    {"MoCo loss", "The cross entropy of telling, for one crop, its other crop from the K keys in "
                  "the queue. ln(K + 1) is chance; lower is better."},
    {"kNN accuracy",
     "Each test picture gets the class that its nearest training pictures vote for, by cosine "
     "similarity of the features. "
     "No weight is trained for it, so it shows what pretraining alone has learned."},
};
const int REPORT_N_TERMS = (int)(sizeof REPORT_TERMS / sizeof *REPORT_TERMS);

static void published_table(Html *h, const PublishedTable *t)
{
    static const char *const column[] = {"initialisation", "#AP50", "#", "#AP", "#", "#AP75", "#"};
    html_literal(h, "<div>\n");
    html_table_begin(h, t->title, column, 7);
    for (int i = 0; i < t->n_rows; i++) {
        const PublishedRow *row = &t->row[i], *b = t->baseline >= 0 && t->baseline < t->n_rows
                                                       ? &t->row[t->baseline]
                                                       : NULL;
        double              value[3] = {row->ap50, row->ap, row->ap75}, base[3] = {NAN, NAN, NAN};
        if (b)
            base[0] = b->ap50, base[1] = b->ap, base[2] = b->ap75;
        html_row_begin(h, NULL);
        html_cell(h, row->init);
        for (int k = 0; k < 3; k++) {
            html_cell_number(h, value[k], NAN, 1);
            if (!b || row == b)
                html_literal(h, "<td></td>");
            else
                html_cell_delta(h, value[k] - base[k], 1);
        }
        html_row_end(h);
    }
    html_table_end(h);
    html_literal(h, "<p style=\"font-size:13.5px;margin-top:-10px\">Source: ");
    html_text(h, t->source);
    html_literal(h, ".</p>\n</div>\n");
}

void report_published(Html *h, const Report *r)
{
    if (r->n_published <= 0)
        return;
    html_section(h, "published", "What the paper reports",
                 "Real photographs, a full ResNet-50, a million and more images for pretraining. "
                 "Compare the order of the rows "
                 "and the sign of the differences with ours, not the height of the numbers.");
    html_literal(h, r->n_published > 1 ? "<div class=\"duo\">\n" : "<div>\n");
    for (int i = 0; i < r->n_published; i++)
        published_table(h, &r->published[i]);
    html_literal(h, "</div>\n");
}
