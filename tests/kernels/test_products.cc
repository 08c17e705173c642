/* The packed products of the cpu backend, every instruction set that this machine runs */
extern "C" {
#include "kernels/body/bf16.h"
#include "kernels/cpu/loops.h"
}
#include "kernels/op_test.h"

#include <cstdlib>
#include <memory>

using Level = const CpuLoops *;

static std::vector<Level> levels()
{
    std::vector<Level> all = {cpu_loops_v2()};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v3"))
        all.push_back(cpu_loops_v3());
    if (__builtin_cpu_supports("x86-64-v4"))
        all.push_back(cpu_loops_v4());
    if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512bf16"))
        all.push_back(cpu_loops_v4bf16());
#endif
    return all;
}

/* Zeroed memory that starts at a cache line. */
struct Block {
    std::unique_ptr<void, decltype(&free)> owned;
    explicit Block(int64_t n_bytes) : owned(nullptr, free)
    {
        size_t whole = (size_t)(n_bytes + 128) / 64 * 64;
        owned.reset(aligned_alloc(64, whole));
        memset(owned.get(), 0, whole);
    }
    char *at(int64_t byte = 0) const
    {
        return (char *)owned.get() + byte;
    }
};

/* Numbers that bf16 holds, as f32 and as bf16. */
struct Numbers {
    Floats                wide;
    std::vector<uint16_t> low;
    Numbers(int64_t n, uint64_t key) : wide(noise(n, key)), low((size_t)n)
    {
        for (size_t i = 0; i < low.size(); i++) {
            low[i] = bf16_from_f32(wide[i]);
            wide[i] = bf16_to_f32(low[i]);
        }
    }
    const void *as(bool is_low, int64_t i) const
    {
        return is_low ? (const void *)(low.data() + i) : (const void *)(wide.data() + i);
    }
};

struct Way {
    const char         *name;
    const ProductLoops *product, *packing;
    bool                is_low_a, is_low_b; // bf16 in memory
};

static std::vector<Way> ways(Level level)
{
    std::vector<Way> all = {{"f32", &level->of_f32, &level->of_f32, false, false},
                            {"widened", &level->of_f32, &level->of_widened, false, true}};
    if (level->of_pairs.pair)
        all.push_back({"pairs", &level->of_pairs, &level->of_pairs, true, true});
    return all;
}

static int64_t up(int64_t n, int64_t step)
{
    return (n + step - 1) / step * step;
}

/* c = old c + a b' + bias with a (rows, K), b (n, K) in one tap, against sums in double. */
static void check_product(Level level, const Way &way, int64_t rows, int64_t n, int64_t K)
{
    int64_t nr = level->nr, mr = level->mr, units = K / way.product->pair, panels = up(n, nr) / nr;
    Numbers a(rows * K, 1), b(n * K, 2);
    Floats  bias = noise(n, 3), old = noise(rows * n, 4), c = old;
    Block   packed(panels * units * nr * 4), sums(up(rows, mr) * nr * 4);
    for (int64_t p = 0; p < panels; p++)
        way.packing->pack_turned(packed.at(p * units * nr * 4), b.as(way.is_low_b, p * nr * K), K,
                                 K, std::min(nr, n - p * nr));
    std::vector<const void *> from;
    std::vector<void *>       to;
    for (int64_t i = 0; i < up(rows, mr); i++)
        from.push_back(a.as(way.is_low_a, std::min(i, rows - 1) * K));
    for (int64_t i = 0; i < rows; i++)
        to.push_back(c.data() + i * n);
    int64_t tap = 0;
    Product p = {};
    p.rows = rows;
    p.n = n;
    p.K = units;
    p.taps = 1;
    p.a = from.data();
    p.tap = &tap;
    p.b = packed.at();
    p.panel = units * nr;
    p.c = to.data();
    p.sums = (float *)(void *)sums.at();
    p.bias = bias.data();
    p.adds = true;
    way.product->product(&p);
    Floats want;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = (double)old[i * n + j] + (double)bias[j];
            for (int64_t k = 0; k < K; k++)
                sum += (double)a.wide[i * K + k] * (double)b.wide[j * K + k];
            want.push_back((float)sum);
        }
    expect_close(c, want, 1e-5, way.name); // K f32 additions of numbers of size 1 in another order
}

TEST(Products, AgreeWithPlainSumsOnEveryInstructionSet)
{
    for (Level level : levels())
        for (const Way &way : ways(level)) {
            SCOPED_TRACE(level->level);
            check_product(level, way, 1, 1, 2);
            check_product(level, way, 13, 37, 22);
            check_product(level, way, 24, 64, 64);
            check_product(level, way, 9, 16, 2100); // more than is summed in one go
        }
}

/* c = a' b with a (places, rows), b (places, n). */
static void check_outer(Level level, const Way &way, int64_t rows, int64_t n, int64_t places)
{
    int64_t nr = level->nr, mr = level->mr, units = places / way.product->pair;
    bool    is_low = way.is_low_b; // both operands are packed
    Numbers a(places * rows, 1), b(places * n, 2);
    Block   groups(up(rows, mr) * units * 4), panels(up(n, nr) * units * 4);
    Strands from_a = {{a.as(is_low, 0), a.as(is_low, units * rows * (way.product->pair - 1))},
                      {rows, rows}};
    Strands from_b = {{b.as(is_low, 0), b.as(is_low, units * n * (way.product->pair - 1))}, {n, n}};
    way.packing->pack_groups(groups.at(), &from_a, units, rows, units * mr);
    way.packing->pack_panels(panels.at(), &from_b, units, n, units * nr);
    Floats  c((size_t)(rows * n), NAN), want;
    int64_t line = 0;
    Outer   p = {};
    p.rows = rows;
    p.n = n;
    p.n_lines = 1;
    p.Q = units;
    p.a = groups.at();
    p.b = panels.at();
    p.group = units * mr;
    p.panel = units * nr;
    p.step = 1;
    p.line = &line;
    p.c = c.data();
    p.ldc = n;
    way.product->outer(&p);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t k = 0; k < places; k++)
                sum += (double)a.wide[k * rows + i] * (double)b.wide[k * n + j];
            want.push_back((float)sum);
        }
    expect_close(c, want, 1e-5, way.name);
}

TEST(Products, SumOverPlacesOnEveryInstructionSet)
{
    for (Level level : levels())
        for (const Way &way : ways(level)) {
            SCOPED_TRACE(level->level);
            check_outer(level, way, 1, 1, 2);
            check_outer(level, way, 13, 37, 22);
            check_outer(level, way, 16, 64, 300);
        }
}
