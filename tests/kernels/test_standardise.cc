/* standardise: literals, the padding, the device against ref, what is refused */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ops/standardise.h"
}

class Standardise : public OpTest {
  protected:
    Floats run(const Backend *be, const Dims &d, const Floats &size, const PixelStats &stats,
               DType dtype = F32)
    {
        Bench                b(be, 0, dtype);
        std::vector<uint8_t> bytes((size_t)count_of(d));
        for (size_t i = 0; i < bytes.size(); i++)
            bytes[i] = (uint8_t)(10 * i);
        Tensor *x = tape_input(&b.t, U8, 4, d.data(), bytes.data());
        Tensor *y = standardise(&b.t, x, b.tensor({d[0], 2}, size, false), &stats);
        EXPECT_EQ(OK, tape_status(&b.t)) << status_text();
        EXPECT_EQ(dtype, y->dtype);
        return b.values(y);
    }
};
ON_EVERY_BACKEND(Standardise);

TEST_P(Standardise, TakesTheMeanFromEachChannelAndDividesInsideThePictureAlone)
{
    PixelStats stats = {{0, 10, 20}, {1, 2, 4}};
    EXPECT_EQ(run(GetParam(), {2, 2, 2, 3}, {1, 2, 2, 1}, stats),
              Floats({0,   0,  0,  0,   0,  0,    // 1 wide, 2 high: bytes 0 10 20 | 30 40 50
                      60,  30, 15, 0,   0,  0,    //                 60 70 80 | 90 100 110
                      120, 60, 30, 150, 75, 37.5, // 2 wide, 1 high: 120 130 140 | 150 160 170
                      0,   0,  0,  0,   0,  0}));
}

TEST_P(Standardise, GivesTheBitsOfRef)
{
    PixelStats stats = {{123.675f, 116.280f, 103.530f}, {58.395f, 57.120f, 57.375f}};
    for (DType dtype : {F32, BF16})
        for (const Dims &d : {Dims{2, 50, 67, 3}, {1, 1, 1, 3}, {0, 8, 8, 3}, {700, 3, 5, 3}}) {
            Floats size;
            for (int64_t i = 0; i < d[0]; i++)
                size.insert(size.end(), {(float)(d[2] - i % 3), (float)(d[1] - i % 2)});
            EXPECT_EQ(run(backend_ref(), d, size, stats, dtype),
                      run(GetParam(), d, size, stats, dtype));
        }
}

TEST_P(Standardise, RefusesPlanesAndSizesOfOtherPictures)
{
    Bench      b(GetParam());
    PixelStats stats = {{0, 0, 0}, {1, 1, 1}};
    int64_t    planes[4] = {1, 3, 2, 2}, rows[4] = {1, 2, 2, 3};
    uint8_t    bytes[12] = {};
    Tensor    *size = b.tensor({2, 2}, {2, 2, 2, 2}, false);
    standardise(&b.t, tape_input(&b.t, U8, 4, planes, bytes), size, &stats);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    tape_reset(&b.t, 0);
    size = b.tensor({2, 2}, {2, 2, 2, 2}, false);
    standardise(&b.t, tape_input(&b.t, U8, 4, rows, bytes), size, &stats);
    EXPECT_EQ(ERR_SHAPE, tape_status(&b.t));
    EXPECT_NE(nullptr, strstr(status_text(), "(2,2)")) << status_text();
}
