/* formula.h -- the numbers of tests/golden/pretrain/formula.py, and its files of expected values */
#pragma once
extern "C" {
#include "base/status.h"
#include "kernels/params.h"
}
#include <cmath>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <string>
#include <vector>

using Floats = std::vector<float>;

inline uint32_t fnv1a(const std::string &name)
{
    uint32_t h = 0x811C9DC5u;
    for (unsigned char b : name)
        h = (h ^ b) * 0x01000193u;
    return h;
}

inline double uniform_at(uint32_t seed, uint64_t i)
{
    uint32_t x = (uint32_t)(i * 2654435761u + seed);
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    x ^= x >> 16;
    return (double)(x >> 8) / 16777216.0;
}

inline Floats formula_images(const std::string &name, int64_t n, int64_t side) // (n,side,side,3)
{
    Floats v((size_t)(n * side * side * 3));
    for (size_t i = 0; i < v.size(); i++)
        v[i] = (float)(3 * uniform_at(fnv1a(name), i) - 1.5);
    return v;
}

inline bool ends_with(const std::string &s, const std::string &tail)
{
    return s.size() >= tail.size() && s.compare(s.size() - tail.size(), tail.size(), tail) == 0;
}

inline Floats formula_weight(const std::string &name, const Tensor &x)
{
    Floats   v((size_t)tensor_count(&x));
    uint32_t seed = fnv1a(name);
    bool     positive = ends_with(name, "running_var") || ends_with(name, "weight");
    for (size_t i = 0; i < v.size(); i++) {
        double u = uniform_at(seed, i);
        if (x.ndim == 4)
            v[i] = (float)((2 * u - 1) * (double)(float)std::sqrt(
                                             6.0 / (double)(x.dim[0] * x.dim[1] * x.dim[2])));
        else if (x.ndim == 2)
            v[i] = (float)((2 * u - 1) * (double)(float)(1 / std::sqrt((double)x.dim[1])));
        else if (ends_with(name, "bn3.weight"))
            v[i] = (float)(0.2 * (0.5 + u)); // small residuals keep rounding errors from growing
        else
            v[i] = (float)(positive ? 0.5 + u : 0.4 * (u - 0.5));
    }
    return v;
}

inline void formula_fill(ParamSet *ps)
{
    for (int i = 0; i < ps->n_params; i++) {
        Param *p = ps->param[i];
        Floats v = formula_weight(p->spec.name, p->value);
        ASSERT_EQ(OK, ps->be->write(p->value.data, v.data(), (int64_t)(v.size() * sizeof(float))));
    }
}

inline Floats device_values(const Backend *be, const Tensor *x)
{
    Floats v((size_t)tensor_count(x));
    EXPECT_EQ(OK, be->read(v.data(), x->data, tensor_bytes(x))) << status_text();
    return v;
}

/* Norm, and product with formula numbers. */
struct Probe {
    double norm = 0, product = 0;
    Probe(const std::string &name, const Floats &x)
    {
        uint32_t seed = fnv1a("probe:" + name);
        for (size_t i = 0; i < x.size(); i++) {
            norm += (double)x[i] * x[i];
            product += (double)x[i] * (2 * uniform_at(seed, i) - 1);
        }
        norm = std::sqrt(norm);
    }
};

/* Rows "key words value value ...": the key is everything up to the first number. */
class Golden {
  public:
    explicit Golden(const std::string &file)
    {
        std::ifstream in(std::string(GODWIT_SOURCE_DIR) + "/tests/golden/pretrain/" + file);
        EXPECT_TRUE(in.good()) << file;
        for (std::string line; std::getline(in, line);) {
            std::istringstream words(line);
            std::string        key;
            Floats             values;
            for (std::string w; words >> w;) {
                char  *end;
                double v = std::strtod(w.c_str(), &end);
                if (*end == 0)
                    values.push_back((float)v);
                else
                    key += (key.empty() ? "" : " ") + w;
            }
            rows_[key] = values;
        }
    }
    const Floats &operator[](const std::string &key) const
    {
        static const Floats none;
        auto                row = rows_.find(key);
        EXPECT_TRUE(row != rows_.end()) << "no golden row " << key;
        return row == rows_.end() ? none : row->second;
    }
    /* A tensor against its two numbers, within rel of its norm. */
    void expect(const std::string &key, const std::string &name, const Floats &x, double rel) const
    {
        const Floats &want = (*this)[key];
        Probe         have(name, x);
        ASSERT_EQ(2u, want.size()) << key;
        double scale = std::fmax((double)want[0], 1e-6);
        EXPECT_NEAR(want[0], have.norm, rel * scale) << key;
        EXPECT_NEAR(want[1], have.product, rel * scale) << key;
        count_ += 2;
    }
    int count() const
    {
        return count_;
    }

  private:
    std::map<std::string, Floats> rows_;
    mutable int                   count_ = 0;
};

inline double rms(const Floats &v)
{
    double sum = 0;
    for (float x : v)
        sum += (double)x * x;
    return std::sqrt(sum / (double)v.size());
}

/* Every `step`-th of x against want, within rel of want's root mean square. */
inline void expect_sampled(const Floats &want, const Floats &x, size_t step, double rel)
{
    ASSERT_EQ(want.size(), (x.size() + step - 1) / step);
    for (size_t i = 0; i < want.size(); i++)
        EXPECT_NEAR(want[i], x[i * step], rel * rms(want)) << "number " << i * step;
}
