/* nms.cu -- tiles of 64 ranked boxes, one after another:
 *
 *      1. every box of the tile against all boxes kept so far                        1024 threads: 64 boxes x 16 shares of the kept
 *      2. every pair within the tile: bit j of beats[i] when box i would suppress j
 *      3. one thread goes through the bits, best first; who is left is kept
 *
 * One block does a segment (an image) from end to end, and stops when enough are kept, so nothing is stored a pair: the
 * triangle of bits over 12000 boxes would be 9 MB an image, written and read back. At most n x kept overlaps; those that
 * do not meet cost no division.
 */
#include "kernels/cuda/nms.cuh"

enum { TILE = 64, BLOCK = 1024 };

/* Kept boxes again, side by side: (n_segments,most). */
struct Kept {
    Box     *box;
    int32_t *class_index, *row, *n;
    int64_t  most;
};

__device__ static bool suppresses(const Box &better, const Box &box, float threshold)
{
    return box_overlaps(better.at, box.at, threshold);
}

__global__ void __launch_bounds__(BLOCK) nms_kernel(Kept kept, NmsBoxes boxes, float threshold)
{
    GPU_SHARED(Box, tile, [TILE]);
    GPU_SHARED(int32_t, tile_class, [TILE]);
    GPU_SHARED(unsigned, fallen, [TILE / GPU_WARP]);
    GPU_SHARED(unsigned long long, beats, [TILE]);
    GPU_SHARED(int32_t, survivor, [TILE]);
    GPU_SHARED(int, n_survivors, [1]);

    int64_t  segment = blockIdx.x, n_kept = 0, t = threadIdx.x;
    int64_t  begin = boxes.start ? boxes.start[segment] : segment * boxes.room;
    int64_t  end = boxes.start ? boxes.start[segment + 1] : begin + boxes.room;
    Box     *kept_box = kept.box + segment * kept.most;
    int32_t *kept_class = kept.class_index + segment * kept.most;
    int64_t  i = t % TILE, share = t / TILE, n_shares = blockDim.x / TILE;
    for (int64_t first = begin; first < end && n_kept < kept.most; first += TILE) {
        if (t < TILE) {
            tile_class[t] = first + t < end ? boxes.class_index[first + t] : NMS_NO_BOX;
            tile[t] = tile_class[t] != NMS_NO_BOX ? boxes.box[first + t] : Box();
            beats[t] = 0;
        }
        if (t < TILE / GPU_WARP)
            fallen[t] = 0;
        __syncthreads();

        Box     own = tile[i];
        int32_t own_class = tile_class[i];
        bool    falls = own_class == NMS_NO_BOX;
        for (int64_t k = share; k < n_kept && !falls; k += n_shares)
            falls = kept_class[k] == own_class && suppresses(kept_box[k], own, threshold);
        unsigned mask = __ballot_sync(GPU_ALL_LANES, falls);
        if (gpu_lane() == 0 && mask)
            atomicOr(&fallen[i / GPU_WARP], mask);
        unsigned long long bits = 0; // of this thread's share of the boxes that `own` may beat
        for (int64_t j = i + 1 + share; j < TILE && own_class != NMS_NO_BOX; j += n_shares)
            if (tile_class[j] == own_class && suppresses(own, tile[j], threshold))
                bits |= 1ull << j;
        if (bits)
            atomicOr(&beats[i], bits);
        __syncthreads();

        if (t == 0) {
            unsigned long long alive = ~((unsigned long long)fallen[1] << 32 | fallen[0]);
            int                n = 0;
            while (alive && n_kept + n < kept.most) {
                int best = __ffsll((long long)alive) - 1;
                survivor[n++] = best;
                alive &= ~(beats[best] | 1ull << best);
            }
            n_survivors[0] = n;
        }
        __syncthreads();

        if (t < n_survivors[0]) {
            int32_t s = survivor[t];
            kept_box[n_kept + t] = tile[s];
            kept_class[n_kept + t] = tile_class[s];
            kept.row[segment * kept.most + n_kept + t] = (int32_t)(first - begin) + s;
        }
        n_kept += n_survivors[0];
        __syncthreads();
    }
    if (t == 0)
        kept.n[segment] = (int32_t)n_kept;
}

Status box_nms(const char *op_name, NmsKept *out, Scratch *scratch, const NmsBoxes &boxes,
               int64_t n_segments, int64_t most, float threshold)
{
    Kept kept = {nullptr, nullptr, nullptr, nullptr, most};
    TRY(scratch->take(&kept.box, n_segments * most));
    TRY(scratch->take(&kept.class_index, n_segments * most));
    TRY(scratch->take(&kept.row, n_segments * most));
    TRY(scratch->take(&kept.n, n_segments));
    *out = {kept.row, kept.n, most};
    if (n_segments < 1)
        return OK;
    int64_t block = min((most / TILE + 1) * TILE, (int64_t)BLOCK);
    return gpu_launch(op_name, nms_kernel, dim3((unsigned)n_segments), dim3((unsigned)block), 0,
                      kept, boxes, threshold);
}
