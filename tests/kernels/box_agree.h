/* box_agree.h -- box work on ref and on the device under test: the same bits in every array */
#pragma once
#include "kernels/op_test.h"

/* A backend, and every array that it made. */
class BoxRun {
  public:
    Bench                             b;
    const BoxBackend                 &box;
    std::vector<std::vector<int32_t>> kept; // words of the arrays

    explicit BoxRun(const Backend *be) : b(be, 0), box(be->box)
    {
    }

    Tensor *make(DType type, const Dims &d)
    {
        Tensor *x = tape_keep(tape_tensor(&b.t, type, (int)d.size(), d.data()));
        made.push_back(x);
        return x;
    }
    Tensor *f32(const Dims &d, const Floats &v)
    {
        return b.tensor(d, v, false);
    }
    Tensor *i32(const Dims &d, const std::vector<int32_t> &v)
    {
        return b.ints(d, v);
    }
    Tensor *anchors(int64_t H, int64_t W, std::vector<double> sides, float stride = 16)
    {
        AnchorGrid grid = {H, W, stride, 0, {}};
        double     ratio[] = {0.5, 1, 2};
        EXPECT_EQ(OK, anchor_cell(&grid, sides.data(), (int64_t)sides.size(), ratio, 3));
        Tensor *x = make(F32, {H * W * grid.A, 4});
        EXPECT_EQ(OK, box.anchors(x, &grid)) << status_text();
        return x;
    }
    Proposals proposals(int64_t N, int64_t P)
    {
        return {make(F32, {N, P, 4}), make(F32, {N, P}), make(I32, {N})};
    }
    void read_all()
    {
        for (Tensor *x : made) {
            std::vector<int32_t> v((size_t)tensor_count(x));
            EXPECT_EQ(OK, b.t.be->read(v.data(), x->data, (int64_t)v.size() * 4)) << status_text();
            kept.push_back(v);
        }
    }

  private:
    std::vector<Tensor *> made;
};

inline void expect_same_bits(const std::function<void(BoxRun &)> &work)
{
    BoxRun want(backend_ref()), got(device_under_test());
    for (BoxRun *run : {&want, &got}) {
        work(*run);
        run->read_all();
    }
    ASSERT_EQ(want.kept.size(), got.kept.size());
    for (size_t i = 0; i < want.kept.size(); i++)
        for (size_t j = 0; j < want.kept[i].size(); j++)
            ASSERT_EQ(want.kept[i][j], got.kept[i][j]) << "array " << i << ", word " << j;
}

/* n boxes with corners in 0 .. extent and sides up to `side`. */
inline Floats random_boxes(int64_t n, uint64_t key, double extent, double side)
{
    Floats v;
    Rng    r = rng_at(11, RNG_TEST, key, 0);
    for (int64_t i = 0; i < n; i++) {
        float x = (float)rng_range(&r, 0, extent), y = (float)rng_range(&r, 0, extent);
        for (float c : {x, y, x + (float)rng_range(&r, 1, side), y + (float)rng_range(&r, 1, side)})
            v.push_back(c);
    }
    return v;
}
