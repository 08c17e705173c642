/* ledger: rows of numbers kept on the device; a device that is not the host is played by a table without is_host */
#include "kernels/op_test.h"
extern "C" {
#include "kernels/ledger.h"
}

TEST(Ledger, GivesBackTheNumbersOfEachStepInOrder)
{
    Backend far = *backend_ref();
    far.is_host = false;
    Ledger l;
    ASSERT_EQ(OK, ledger_open(&l, &far, 4, 3));
    for (int step = 0; step < 3; step++) {
        EXPECT_FALSE(ledger_is_due(&l));
        float   loss = 0.5f + (float)step;
        int32_t regions = 100 + step;
        double  squares = 1e-9 * (step + 1);
        ASSERT_EQ(OK, ledger_put(&l, 0, &loss, 1));
        ASSERT_EQ(OK, ledger_put(&l, 1, &regions, 1));
        ASSERT_EQ(OK, ledger_put(&l, 2, &squares, 2));
        ledger_end_step(&l);
    }
    EXPECT_TRUE(ledger_is_due(&l)); // full
    int64_t n = 0;
    ASSERT_EQ(OK, ledger_read(&l, &n));
    ASSERT_EQ(3, n);
    for (int64_t row = 0; row < 3; row++) {
        EXPECT_EQ(0.5f + (float)row, ledger_f32(&l, row, 0));
        EXPECT_EQ(100 + row, ledger_i32(&l, row, 1));
        EXPECT_EQ(1e-9 * (double)(row + 1), ledger_f64(&l, row, 2));
    }
    ASSERT_EQ(OK, ledger_read(&l, &n));
    EXPECT_EQ(0, n);
    ledger_close(&l);
}

TEST(Ledger, IsDueAfterEveryStepWhereReadingIsFree)
{
    Ledger l;
    float  loss = 1;
    ASSERT_EQ(OK, ledger_open(&l, backend_cpu(), 1, 64));
    EXPECT_FALSE(ledger_is_due(&l));
    ASSERT_EQ(OK, ledger_put(&l, 0, &loss, 1));
    ledger_end_step(&l);
    EXPECT_TRUE(ledger_is_due(&l));
    ledger_close(&l);
}
