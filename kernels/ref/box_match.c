/* box_match.c -- which ground truth a box stands for, and which boxes are looked at
 *
 * No table of all overlaps: the first pass keeps each box's best ground truth and each ground truth's best overlap, the
 * second computes overlaps again to find every box that attains a ground truth's best.
 */
#include "kernels/ref/ref_box.h"
#include <stdlib.h>
#include <string.h>

void box_match_best(const BoxMatcher *m, float *iou, int32_t *arg, const float *box, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        iou[i] = 0;
        arg[i] = 0;
        for (int64_t g = 0; g < m->n_gt; g++) {
            float v = box_iou(m->gt + 4 * g, box + 4 * i);
            if (v > iou[i]) {
                iou[i] = v;
                arg[i] = (int32_t)g;
            }
            if (v > m->best[g])
                m->best[g] = v;
        }
    }
}

void box_match_label(const BoxMatcher *m, int32_t *label, const float *iou, const float *box,
                     int64_t n, const BoxMatch *op)
{
    for (int64_t i = 0; i < n; i++) {
        label[i] = m->n_gt == 0 || iou[i] < op->bg_below ? 0 : iou[i] >= op->fg_from ? 1 : -1;
        if (op->keeps_low_quality)
            for (int64_t g = 0; g < m->n_gt && label[i] != 1; g++)
                if (box_iou(m->gt + 4 * g, box + 4 * i) == m->best[g])
                    label[i] = 1;
    }
}

Status ref_match(Tensor *label, Tensor *gt_index, const Tensor *box, const Tensor *gt,
                 const BoxMatch *op)
{
    Arena      a = {0};
    int64_t    n = box->dim[0], n_gt = gt->dim[0];
    float     *iou = ARENA_ARRAY(&a, float, n), *best = ARENA_ARRAY(&a, float, n_gt);
    BoxMatcher m = {n_gt, gt->data, best};
    Status     st = iou && best ? OK : ERR_MEMORY;
    if (st == OK) {
        box_match_best(&m, iou, gt_index->data, box->data, n);
        box_match_label(&m, label->data, iou, box->data, n, op);
    }
    arena_release(&a);
    return st;
}

typedef struct Ticket {
    uint32_t draw;
    int32_t  row;
} Ticket;

static int by_draw(const void *pa, const void *pb)
{
    const Ticket *a = pa, *b = pb;
    if (a->draw != b->draw)
        return a->draw < b->draw ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* Every box has a ticket with its own number; the smallest numbers win. */
Status box_sample_image(Arena *a, int32_t *chosen, int64_t *n_fg, int64_t *n_bg,
                        const int32_t *label, int64_t n, int64_t per_image, double fg_fraction,
                        const BoxRandom *random, int64_t image, BoxStage stage)
{
    ArenaMark mark = arena_mark(a);
    Ticket   *fg = ARENA_ARRAY(a, Ticket, n), *bg = ARENA_ARRAY(a, Ticket, n);
    int64_t   n_fgs = 0, n_bgs = 0, most_fg = (int64_t)((double)per_image * fg_fraction);
    uint32_t  draw[4] = {0};
    if (fg == NULL || bg == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        if (i % 4 == 0)
            box_draw4(draw, random->seed, random->iteration, random->first_image + image, stage,
                      (uint32_t)(i / 4));
        Ticket ticket = {draw[i % 4], (int32_t)i};
        if (label[i] > 0)
            fg[n_fgs++] = ticket;
        else if (label[i] == 0)
            bg[n_bgs++] = ticket;
    }
    qsort(fg, (size_t)n_fgs, sizeof *fg, by_draw);
    qsort(bg, (size_t)n_bgs, sizeof *bg, by_draw);
    *n_fg = n_fgs < most_fg ? n_fgs : most_fg;
    *n_bg = n_bgs < per_image - *n_fg ? n_bgs : per_image - *n_fg;
    for (int64_t i = 0; i < *n_fg; i++)
        chosen[i] = fg[i].row;
    for (int64_t i = 0; i < *n_bg; i++)
        chosen[*n_fg + i] = bg[i].row;
    arena_rewind(a, mark);
    return OK;
}

Status ref_sample(Tensor *index, Tensor *count, const Tensor *label, double fg_fraction,
                  const BoxRandom *random)
{
    Arena    a = {0};
    int64_t  S = index->dim[0], n_fg = 0, n_bg = 0;
    int32_t *out = index->data, *counts = count->data;
    Status st = box_sample_image(&a, out, &n_fg, &n_bg, label->data, label->dim[0], S, fg_fraction,
                                 random, 0, BOX_STAGE_RPN);
    if (st == OK) {
        for (int64_t i = n_fg + n_bg; i < S; i++)
            out[i] = -1;
        counts[0] = (int32_t)n_fg;
        counts[1] = (int32_t)n_bg;
    }
    arena_release(&a);
    return st;
}
