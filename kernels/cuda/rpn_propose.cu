/* rpn_propose.cu -- proposals of a batch
 *
 *      logits --select, sort--> the best of each level --decode, clip--> candidates --sort--> of all levels --nms--> kept
 *
 * A level keeps `room` slots an image. Candidate number l room + rank is also its order among equals. A candidate that
 * is empty or not finite has the key SORT_NONE; with one level its gap stays where it is, for the order is right already.
 */
#include "kernels/cuda/nms.cuh"
#include "kernels/cuda/sort.cuh"

struct ProposeIn {
    LevelBoxes         anchors;
    const float       *logit[BOX_MAX_LEVELS], *size;
    const Box         *delta[BOX_MAX_LEVELS];
    int64_t            pre_top;
    __device__ int64_t anchors_of(int l) const
    {
        return anchors.offset[l + 1] - anchors.offset[l];
    }
};

/* Segment image L + l. */
struct LogitKeys {
    ProposeIn          in;
    __device__ int64_t count(int64_t segment) const
    {
        return in.anchors_of((int)(segment % in.anchors.L));
    }
    __device__ int64_t wanted(int64_t segment) const
    {
        return min(count(segment), in.pre_top);
    }
    __device__ SortKey operator()(int64_t segment, int64_t i) const
    {
        int l = (int)(segment % in.anchors.L);
        return sort_key_of_score(in.logit[l][segment / in.anchors.L * in.anchors_of(l) + i], i);
    }
};

/* (N, L room) of each. */
struct Candidates {
    SortKey *key;
    Box     *box;
    float   *score;
    int64_t  room;
};

__device__ static float decode_anchor(const ProposeIn &in, Box *box, int64_t image, int l,
                                      int64_t row)
{
    float   unit[4] = {1, 1, 1, 1};
    int64_t at = image * in.anchors_of(l) + row;
    Box     delta = in.delta[l][at], anchor = in.anchors.anchor[l][row];
    box_decode(box->at, delta.at, anchor.at, unit);
    return in.logit[l][at];
}

/* One slot a thread: grid (slots, N L). first_bad: the least SortKey of image, level and rank that is not finite. */
__global__ void propose_decode_kernel(Candidates c, SortKey *first_bad, ProposeIn in,
                                      const SortKey *ranked, const int32_t *n_ranked)
{
    int64_t segment = blockIdx.y, image = segment / in.anchors.L;
    int     l = (int)(segment % in.anchors.L);
    for (int64_t rank = gpu_index(); rank < c.room; rank += gpu_stride()) {
        int64_t at = segment * c.room + rank;
        c.key[at] = SORT_NONE;
        if (rank >= n_ranked[segment])
            continue;
        Box   box;
        float score = decode_anchor(in, &box, image, l, sort_index(ranked[at]));
        if (!isfinite(score) || !box_is_finite(box.at)) {
            atomicMin(first_bad, (SortKey)at);
            continue;
        }
        box_clip(box.at, in.size[2 * image], in.size[2 * image + 1]);
        if (!(box.at[2] > box.at[0]) || !(box.at[3] > box.at[1]))
            continue;
        c.box[at] = box;
        c.score[at] = score;
        c.key[at] = sort_key_of_score(score, l * c.room + rank);
    }
}

/* Complains about the first slot that is not finite, of the first call that has one: one thread. */
__global__ void propose_note_kernel(BoxNote *note, const SortKey *first_bad, ProposeIn in,
                                    const SortKey *ranked, int64_t room)
{
    if (*first_bad == SORT_NONE || note->complaint != BOX_FINE)
        return;
    int64_t segment = (int64_t)*first_bad / room;
    Box     box;
    note->image = segment / in.anchors.L;
    note->level = (int32_t)(segment % in.anchors.L);
    note->anchor = sort_index(ranked[*first_bad]);
    note->logit = decode_anchor(in, &box, note->image, note->level, note->anchor);
    for (int j = 0; j < 4; j++)
        note->box[j] = box.at[j];
    note->complaint = BOX_NOT_FINITE;
}

/* Boxes in the order of their keys, their levels as classes: grid (slots, N). */
__global__ void propose_order_kernel(Box *ordered, int32_t *level, Candidates c, int64_t n)
{
    int64_t image = blockIdx.y;
    for (int64_t i = gpu_index(); i < n; i += gpu_stride()) {
        SortKey key = c.key[image * n + i];
        level[image * n + i] = key == SORT_NONE ? NMS_NO_BOX : (int32_t)(sort_index(key) / c.room);
        if (key != SORT_NONE)
            ordered[image * n + i] = c.box[image * n + sort_index(key)];
    }
}

/* One proposal a thread: grid (P, N). */
__global__ void propose_write_kernel(Box *box, float *score, int32_t *count, NmsKept kept,
                                     Candidates c, int64_t n)
{
    int64_t image = blockIdx.y, P = kept.most;
    for (int64_t p = gpu_index(); p < P; p += gpu_stride()) {
        bool is_kept = p < kept.n[image];
        Box  own = {};
        score[image * P + p] = -INFINITY;
        if (is_kept) {
            int64_t at = image * n + sort_index(c.key[image * n + kept.row[image * P + p]]);
            own = c.box[at];
            score[image * P + p] = c.score[at];
        }
        box[image * P + p] = own;
    }
    if (gpu_index() == 0)
        count[image] = kept.n[image];
}

static Status complain(const SortKey *first_bad, const ProposeIn &in, const SortKey *ranked,
                       int64_t room)
{
    return gpu_launch("rpn_propose", propose_note_kernel, 1, 1, 0, box_note(), first_bad, in,
                      ranked, room);
}

Status cuda_rpn_propose(const Proposals *out, const Tensor *const *logit,
                        const Tensor *const *delta, const Tensor *const *anchors, int L,
                        const Tensor *size, const RpnPropose *op)
{
    static const char name[] = "rpn_propose";
    Scratch           scratch(name);
    ProposeIn         in = {};
    Candidates        c = {};
    SortKey          *ranked, *first_bad;
    int32_t          *n_ranked, *level;
    Box              *ordered;
    NmsKept           kept;
    int64_t           N = size->dim[0], P = out->box->dim[1], n_most = 0;
    in.anchors = box_levels(anchors, L);
    in.size = tensor_as<float>(size);
    in.pre_top = op->pre_top;
    for (int l = 0; l < L; l++) {
        in.logit[l] = tensor_as<float>(logit[l]);
        in.delta[l] = box_rows(delta[l]);
        n_most = max(n_most, anchors[l]->dim[0]);
        c.room = max(c.room, min(anchors[l]->dim[0], op->pre_top));
    }
    int64_t n = L * c.room; // of an image
    if (N < 1)
        return OK;
    TRY(scratch.take(&ranked, N * n));
    TRY(scratch.take(&n_ranked, N * L));
    TRY(scratch.take(&first_bad, 1));
    TRY(scratch.take(&c.key, N * n));
    TRY(scratch.take(&c.box, N * n));
    TRY(scratch.take(&c.score, N * n));
    TRY(scratch.take(&ordered, N * n));
    TRY(scratch.take(&level, N * n));

    TRY(gpu_check(name, cudaMemsetAsync(first_bad, 0xff, sizeof *first_bad, gpu_stream())));
    TRY(gpu_select(name, ranked, n_ranked, N * L, c.room, n_most, LogitKeys{in}));
    TRY(gpu_launch(name, propose_decode_kernel, box_grid(c.room, N * L), GPU_BLOCK, 0, c, first_bad,
                   in, ranked, n_ranked));
    if (op->is_strict)
        TRY(complain(first_bad, in, ranked, c.room));
    if (L > 1)
        TRY(gpu_sort(name, c.key, nullptr, N, n));
    TRY(gpu_launch(name, propose_order_kernel, box_grid(n, N), GPU_BLOCK, 0, ordered, level, c, n));
    TRY(box_nms(name, &kept, &scratch, NmsBoxes{ordered, level, nullptr, n}, N, P, op->nms));
    return gpu_launch(name, propose_write_kernel, box_grid(P, N), GPU_BLOCK, 0, box_rows(out->box),
                      tensor_as<float>(out->score), tensor_as<int32_t>(out->count), kept, c, n);
}
