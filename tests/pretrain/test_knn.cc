/* knn: votes that a person can check, ties, and the same answer for any number of threads */
#include "pretrain/formula.h"
extern "C" {
#include "base/threads.h"
#include "pretrain/knn.h"
}

namespace {

using Ints = std::vector<int64_t>;

Ints classify(KnnOptions o, Floats test, const Floats &bank, const Ints &label, int64_t F,
              int64_t n_classes)
{
    int64_t n = (int64_t)test.size() / F;
    Ints    predicted((size_t)n, -1);
    EXPECT_EQ(OK, knn_classify(predicted.data(), backend_ref(), &o, test.data(), bank.data(),
                               label.data(), n, (int64_t)label.size(), F, n_classes))
        << status_text();
    return predicted;
}

/* Two near rows of class 1 against one identical row of class 0. */
const Floats bank = {1, 0, 0.8f, 0.6f, 0.8f, -0.6f, -1, 0};
const Ints   label = {0, 1, 1, 2};

TEST(Knn, TakesTheNearestForKOne)
{
    EXPECT_EQ((Ints{0, 2}), classify({1, 0.1}, {1, 0, -1, 0}, bank, label, 2, 3));
}

TEST(Knn, WeighsVotesByExpOfSimilarityOverT)
{
    /* votes at T: class 0 exp(1/T), class 1 2 exp(.8/T); equal where exp(.2/T) = 2, T = .2885 */
    EXPECT_EQ((Ints{0}), classify({3, 0.28}, {1, 0}, bank, label, 2, 3));
    EXPECT_EQ((Ints{1}), classify({3, 0.30}, {1, 0}, bank, label, 2, 3));
}

TEST(Knn, TakesEqualSimilaritiesInBankOrderAndEqualVotesForTheSmallerClass)
{
    const Floats same = {1, 0, 1, 0, 1, 0};
    EXPECT_EQ((Ints{2}), classify({1, 0.1}, {1, 0}, same, {2, 1, 0}, 2, 3));
    EXPECT_EQ((Ints{0}), classify({3, 0.1}, {1, 0}, same, {2, 1, 0}, 2, 3));
}

TEST(Knn, CutsKToTheBankAndSurvivesSmallT)
{
    EXPECT_EQ((Ints{0}), classify({1000, 1e-4}, {1, 0}, bank, label, 2, 3));
}

TEST(Knn, GivesTheSameForAnyNumberOfThreads)
{
    const int64_t n = 500, m = 700, F = 24;
    Floats        test, rows;
    Ints          labels;
    for (int64_t i = 0; i < n * F; i++)
        test.push_back((float)(uniform_at(1, (uint64_t)i) - 0.5));
    for (int64_t i = 0; i < m * F; i++)
        rows.push_back((float)(uniform_at(2, (uint64_t)i) - 0.5));
    for (int64_t i = 0; i < m; i++)
        labels.push_back(i % 7);
    knn_normalise(test.data(), n, F);
    knn_normalise(rows.data(), m, F);
    int threads = threads_count();
    threads_set(1);
    Ints one = classify({50, 0.1}, test, rows, labels, F, 7);
    threads_set(3);
    Ints three = classify({50, 0.1}, test, rows, labels, F, 7);
    threads_set(threads);
    EXPECT_EQ(one, three);
    EXPECT_NEAR(1, rms(Floats(test.begin(), test.begin() + F)) * std::sqrt((double)F), 1e-6);
}

TEST(Knn, RefusesALabelOutsideTheClasses)
{
    int64_t      predicted;
    KnnOptions   o = {1, 0.1};
    const Ints   bad = {0, 1, 1, 3};
    const Floats test = {1, 0};
    EXPECT_EQ(ERR_FORMAT, knn_classify(&predicted, backend_ref(), &o, test.data(), bank.data(),
                                       bad.data(), 1, 4, 2, 3));
}

TEST(Knn, CountsTheShareOfRightAnswers)
{
    EXPECT_DOUBLE_EQ(0.75, knn_accuracy(Ints{1, 2, 3, 4}.data(), Ints{1, 2, 3, 0}.data(), 4));
    EXPECT_DOUBLE_EQ(0, knn_accuracy(nullptr, nullptr, 0));
}

} // namespace

TEST(Knn, LeavesOutWhatHasNoLabel)
{
    std::vector<float> x = {0, 0, 1, 1, 2, 2, 3, 3};
    Ints               label = {-1, 5, -1, 7};
    int64_t            n = 4;
    knn_drop_unlabelled(x.data(), label.data(), &n, 2);
    ASSERT_EQ(2, n);
    EXPECT_EQ((std::vector<float>{1, 1, 3, 3}), std::vector<float>(x.begin(), x.begin() + 4));
    EXPECT_EQ((Ints{5, 7}), Ints(label.begin(), label.begin() + 2));
}
