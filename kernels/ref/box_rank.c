/* box_rank.c -- ranking and suppression: top-k, NMS */
#include "kernels/ref/ref_box.h"
#include <string.h>

/* A stable radix sort of (key, row), 11 bits a pass: equal keys keep the order of their rows. */
Status box_order(Arena *a, int32_t *order, const float *score, int64_t n)
{
    enum { BITS = 11, BINS = 1 << BITS };
    ArenaMark mark = arena_mark(a);
    uint32_t *key = ARENA_ARRAY(a, uint32_t, n);
    int32_t  *other = ARENA_ARRAY(a, int32_t, n);
    if (key == NULL || other == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        key[i] = ~box_rank_key(score[i]); // ascending: best first
        order[i] = (int32_t)i;
    }
    int32_t *from = order, *to = other;
    for (int shift = 0; shift < 32; shift += BITS) {
        int64_t at[BINS + 1] = {0};
        for (int64_t i = 0; i < n; i++)
            at[(key[i] >> shift & (BINS - 1)) + 1]++;
        for (int b = 0; b < BINS; b++)
            at[b + 1] += at[b];
        for (int64_t i = 0; i < n; i++)
            to[at[key[from[i]] >> shift & (BINS - 1)]++] = from[i];
        int32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != order)
        memcpy(order, from, (size_t)n * sizeof *order);
    arena_rewind(a, mark);
    return OK;
}

int64_t ref_nms_greedy(int32_t *keep, const float *box, const int32_t *order,
                       const int32_t *class_index, int64_t n, float threshold, int64_t max_keep,
                       float *scratch)
{
    (void)scratch;
    int64_t n_kept = 0;
    for (int64_t i = 0; i < n && n_kept < max_keep; i++) {
        int32_t row = order[i];
        bool    survives = true;
        for (int64_t k = 0; k < n_kept && survives; k++) {
            int32_t better = keep[k];
            if (class_index == NULL || class_index[better] == class_index[row])
                survives = !box_overlaps(box + 4 * better, box + 4 * row, threshold);
        }
        if (survives)
            keep[n_kept++] = row;
    }
    return n_kept;
}

Status ref_top_k(Tensor *index, const Tensor *score)
{
    Arena    a = {0};
    Status   st = OK;
    int64_t  n = tensor_count(score), k = index->dim[0];
    int32_t *order = ARENA_ARRAY(&a, int32_t, n), *out = index->data;
    if (order == NULL) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(box_order(&a, order, score->data, n));
    for (int64_t i = 0; i < k; i++)
        out[i] = i < n ? order[i] : -1;
out:
    arena_release(&a);
    return st;
}

Status ref_nms(Tensor *index, Tensor *count, const Tensor *box, const Tensor *score,
               const Tensor *class_index, float threshold)
{
    Arena    a = {0};
    Status   st = OK;
    int64_t  n = box->dim[0], P = index->dim[0], n_kept;
    int32_t *order = ARENA_ARRAY(&a, int32_t, n), *keep = index->data;
    if (order == NULL) {
        st = ERR_MEMORY;
        goto out;
    }
    TRY_OUT(box_order(&a, order, score->data, n));
    n_kept = ref_nms_greedy(keep, box->data, order, class_index ? class_index->data : NULL, n,
                            threshold, P, NULL);
    for (int64_t i = n_kept; i < P; i++)
        keep[i] = -1;
    *(int32_t *)count->data = (int32_t)n_kept;
out:
    arena_release(&a);
    return st;
}
