/* batch.c -- evaluates many small COCO or LVIS sets from stdin, for random_compare.py
 *
 * in:  one line of integers, then the two files
 *        KIND(0 coco, 1 lvis) IOU BUG USE_CATS N_CAPS caps... N_IMAGES ids... N_CATS ids... GT_BYTES DT_BYTES
 * out: int64 status, and when it is 0 int64 T R K A M, then precision, recall, scores, int64 n, stats[n]; otherwise
 *      int64 length and the sentence
 */
#include "eval/coco.h"
#include "eval/lvis.h"
#include <stdio.h>
#include <stdlib.h>

static long long number(void)
{
    long long v;
    if (scanf("%lld", &v) != 1)
        exit(0);
    return v;
}

static void put(const void *p, size_t size, int64_t n)
{
    fwrite(p, size, (size_t)n, stdout);
}

static void put_int(int64_t v)
{
    put(&v, sizeof v, 1);
}

static int64_t *ids(int64_t n)
{
    int64_t *id = malloc((size_t)(n + 1) * sizeof *id);
    for (int64_t i = 0; i < n; i++)
        id[i] = number();
    return id;
}

static char *bytes(int64_t n)
{
    char *b = malloc((size_t)n + 1);
    if (fread(b, 1, (size_t)n, stdin) != (size_t)n)
        exit(1);
    return b;
}

int main(void)
{
    int64_t n_sets = 0;
    for (;;) {
        CocoReadOptions read = {0};
        CocoEvalOptions opt = {0};
        LvisOptions     lvis = {.max_per_image = 300};
        CocoTruth       truth = {0};
        CocoResults     found = {0};
        CocoResult      out = {0};
        LvisResult      lout = {0};
        Arena           a = {0};
        bool            is_lvis = number() != 0;
        read.lvis = is_lvis;
        read.piece_bytes = n_sets++ % 2 ? 256 : 0; // every other set as large files are read
        opt.iou = read.iou = lvis.iou = (CocoIou)number();
        opt.bug_compatible = read.bug_compatible = lvis.bug_compatible = number() != 0;
        opt.ignore_categories = number() == 0;
        opt.n_caps = (int)number();
        for (int i = 0; i < opt.n_caps; i++)
            opt.cap[i] = number();
        if (is_lvis && opt.n_caps)
            lvis.max_per_image = opt.cap[0];
        opt.n_image_ids = number();
        int64_t *images = ids(opt.n_image_ids);
        opt.image_id = opt.n_image_ids ? images : NULL;
        opt.n_category_ids = number();
        int64_t *cats = ids(opt.n_category_ids);
        opt.category_id = opt.n_category_ids ? cats : NULL;
        int64_t n_gt = number(), n_dt = number();
        getchar();
        char  *gt = bytes(n_gt), *dt = bytes(n_dt);
        Status st = coco_truth_parse(&truth, &read, gt, n_gt, "gt");
        if (st == OK)
            st = coco_results_parse(&found, &read, &truth, dt, n_dt, "dt");
        if (st == OK)
            st = is_lvis ? lvis_evaluate(&a, &lvis, &lout, &truth, &found)
                         : coco_evaluate(&a, &opt, &out, &truth, &found);
        put_int(st);
        if (st == OK) {
            const MatchResult *m = is_lvis ? &lout.match : &out.match;
            put_int(m->T);
            put_int(m->R);
            put_int(m->K);
            put_int(m->A);
            put_int(m->M);
            put(m->precision, 8, m->T * m->R * m->K * m->A * m->M);
            put(m->recall, 8, m->T * m->K * m->A * m->M);
            put(m->scores, 8, m->T * m->R * m->K * m->A * m->M);
            int n = is_lvis ? lout.n_stats : out.n_stats;
            put_int(n);
            for (int i = 0; i < n; i++)
                put(is_lvis ? &lout.stat[i].value : &out.stat[i].value, 8, 1);
        } else {
            int64_t n = 0;
            for (const char *t = status_text(); t[n]; n++)
                ;
            put_int(n);
            put(status_text(), 1, n);
        }
        fflush(stdout);
        coco_truth_release(&truth);
        coco_results_release(&found);
        arena_release(&a);
        free(images);
        free(cats);
        free(gt);
        free(dt);
    }
}
