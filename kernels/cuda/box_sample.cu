/* box_sample.cu -- draws the tickets, selects the smallest: foreground and background are segments of one selection */
#include "kernels/cuda/box_sample.cuh"
#include "kernels/cuda/box.cuh"

/* draw (N,room): four tickets a thread, one Philox block. */
__global__ void draw_kernel(uint32_t *draw, int64_t room, BoxRandom random, BoxStage stage)
{
    int64_t image = blockIdx.y;
    draw += image * room;
    for (int64_t block = gpu_index(); 4 * block < room; block += gpu_stride()) {
        uint32_t four[4];
        box_draw4(four, random.seed, random.iteration, random.first_image + image, stage,
                  (uint32_t)block);
        for (int j = 0; j < 4 && 4 * block + j < room; j++)
            draw[4 * block + j] = four[j];
    }
}

struct TicketKeys {
    const int32_t     *label;
    const uint32_t    *draw;
    int64_t            room, most[2]; // of foreground, of background
    __device__ int64_t count(int64_t) const
    {
        return room;
    }
    __device__ int64_t wanted(int64_t segment) const
    {
        return most[segment % 2];
    }
    __device__ SortKey operator()(int64_t segment, int64_t i) const
    {
        int64_t at = segment / 2 * room + i;
        int32_t own = label[at];
        bool    is_ours = segment % 2 == 0 ? own > 0 : own == 0;
        return is_ours ? (SortKey)draw[at] << 32 | (uint32_t)i : SORT_NONE;
    }
};

Status box_sample(const char *op_name, BoxSample *sample, Scratch *scratch, const int32_t *label,
                  int64_t N, int64_t room, int64_t S, double fg_fraction, const BoxRandom &random,
                  BoxStage stage)
{
    SortKey  *key;
    int32_t  *n_found;
    uint32_t *draw;
    int64_t   most_fg = (int64_t)((double)S * fg_fraction);
    TRY(scratch->take(&key, 2 * N * S));
    TRY(scratch->take(&n_found, 2 * N));
    TRY(scratch->take(&draw, N * room));
    *sample = {key, n_found, S};
    if (N < 1)
        return OK;
    TicketKeys keys = {label, draw, room, {min(most_fg, S), S}};
    TRY(gpu_launch(op_name, draw_kernel, box_grid((room + 3) / 4, N), GPU_BLOCK, 0, draw, room,
                   random, stage));
    return gpu_select(op_name, key, n_found, 2 * N, S, room, keys);
}

__global__ void sample_kernel(int32_t *index, int32_t *count, BoxSample sample)
{
    int64_t n_fg = sample.n_fg(0), n_bg = sample.n_bg(0);
    for (int64_t s = gpu_index(); s < sample.S; s += gpu_stride())
        index[s] = s < n_fg + n_bg ? (int32_t)sample.row(0, s) : -1;
    if (gpu_index() == 0) {
        count[0] = (int32_t)n_fg;
        count[1] = (int32_t)n_bg;
    }
}

Status cuda_sample(Tensor *index, Tensor *count, const Tensor *label, double fg_fraction,
                   const BoxRandom *random)
{
    Scratch   scratch("sample");
    BoxSample sample;
    TRY(box_sample("sample", &sample, &scratch, tensor_as<int32_t>(label), 1, label->dim[0],
                   index->dim[0], fg_fraction, *random, BOX_STAGE_RPN));
    return gpu_launch("sample", sample_kernel, gpu_grid(index->dim[0]), GPU_BLOCK, 0,
                      tensor_as<int32_t>(index), tensor_as<int32_t>(count), sample);
}
