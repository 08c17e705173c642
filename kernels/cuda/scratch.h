/* scratch.h -- device memory of one entry, freed in stream order when the entry returns
 *
 *      Scratch scratch("iou");
 *      float  *iou;
 *      TRY(scratch.take(&iou, N * n));
 */
#pragma once
#include "kernels/cuda/gpu.h"
#include <assert.h>

class Scratch {
  public:
    /* The name stands in the sentence when there is no room. */
    explicit Scratch(const char *name) : op(name)
    {
    }
    Scratch(const Scratch &) = delete;
    Scratch &operator=(const Scratch &) = delete;
    ~Scratch()
    {
        while (n_taken > 0)
            cuda_free(taken[--n_taken]);
    }

    /* n elements, contents undefined. At most MOST calls. */
    template <typename T>
    Status take(T **p, int64_t n)
    {
        void *memory = nullptr;
        assert(n_taken < MOST);
        TRY(cuda_scratch(op, &memory, n * (int64_t)sizeof(T)));
        taken[n_taken++] = memory;
        *p = static_cast<T *>(memory);
        return OK;
    }

  private:
    enum { MOST = 16 };
    const char *op;
    void       *taken[MOST];
    int         n_taken = 0;
};
