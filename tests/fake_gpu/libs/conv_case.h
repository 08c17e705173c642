/* conv_case.h -- one convolution with its tensors on a device, run through lib.h and compared with ref */
#pragma once
#include "fake_gpu/libs/fresh_device.h"
#include "kernels/op_test.h"

static const ConvKind KINDS[] = {CONV_FORWARD, CONV_DATA, CONV_WEIGHTS};

inline Tensor header(DType dtype, const Dims &d, void *data)
{
    Tensor t = {};
    t.dtype = dtype;
    t.ndim = (int)d.size();
    std::copy(d.begin(), d.end(), t.dim);
    t.data = data;
    t.is_blank = true;
    return t;
}

/* Numbers as a tensor keeps them. */
class Stored {
  public:
    Stored(DType stored_as, const Floats &v) : dtype(stored_as)
    {
        for (float x : v)
            if (dtype == BF16)
                low.push_back(bf16_from_f32(x));
            else
                full.push_back(x);
    }
    void *data()
    {
        return dtype == BF16 ? (void *)low.data() : (void *)full.data();
    }
    Floats floats() const
    {
        Floats v = full;
        for (uint16_t x : low)
            v.push_back(bf16_to_f32(x));
        return v;
    }

  private:
    DType                 dtype;
    Floats                full;
    std::vector<uint16_t> low;
};

/* A tensor in a device's memory, `offset` bytes behind where an allocation begins. */
class OnDevice {
  public:
    Tensor t;

    OnDevice(const Backend *on, DType dtype, const Dims &d, const Floats &v, int64_t offset = 0)
        : t(header(dtype, d, nullptr)), be(on)
    {
        Stored s(dtype, v);
        EXPECT_EQ(OK, be->alloc(&memory, offset + tensor_bytes(&t))) << status_text();
        t.data = (char *)memory + offset;
        EXPECT_EQ(OK, be->write(t.data, s.data(), tensor_bytes(&t)));
    }
    OnDevice(const OnDevice &) = delete;
    ~OnDevice()
    {
        be->free(memory);
    }
    Floats values()
    {
        Stored s(t.dtype, Floats((size_t)tensor_count(&t)));
        EXPECT_EQ(OK, be->read(s.data(), t.data, tensor_bytes(&t))) << status_text();
        return s.floats();
    }

  private:
    const Backend *be;
    void          *memory = nullptr;
};

struct ConvSizes {
    int64_t N, H, W, ci, co, k, stride = 1, groups = 1;
};

class ConvCase {
  public:
    /* dw: the type of the weights' gradient, where it is not the activations'. */
    ConvCase(FreshDevice &on, const ConvSizes &sizes, DType of = F32, DType dw = F32)
        : d(on), s(sizes), dtype(of), op{s.stride, s.k / 2, 1, s.groups},
          x(d.be, of, x_dims(), noise(count_of(x_dims()), 1)),
          w(d.be, of, w_dims(), noise(count_of(w_dims()), 2)),
          y(d.be, of, y_dims(), noise(count_of(y_dims()), 3)),
          gradient(d.be, of == BF16 ? dw : of, w_dims(), noise(count_of(w_dims()), 4))
    {
    }
    /* Into y, x or the weights' gradient. */
    Status run(ConvKind kind, float beta = 0)
    {
        FakeLibs *f = d.fake;
        return kind == CONV_FORWARD ? f->conv2d_forward(&y.t, &x.t, &w.t, &op)
               : kind == CONV_DATA  ? f->conv2d_backward_data(&x.t, beta, &y.t, &w.t, &op)
                                   : f->conv2d_backward_weights(&gradient.t, beta, &x.t, &y.t, &op);
    }
    Status choose(int *way, ConvKind kind, int n, Status (*go)(void *, int), void *ctx)
    {
        return d.fake->conv2d_choose(way, kind, &x.t, &w.t, &y.t, &op, n, go, ctx);
    }
    OnDevice &output(ConvKind kind)
    {
        return kind == CONV_FORWARD ? y : kind == CONV_DATA ? x : gradient;
    }
    /* What `run` must leave there, from what is there now. The operands `as` they are, or rounded. */
    Floats want(ConvKind kind, float beta = 0, float (*as)(float) = nullptr)
    {
        auto rounded = [=](Floats v) {
            if (as)
                std::transform(v.begin(), v.end(), v.begin(), as);
            return v;
        };
        Floats before = output(kind).values();
        Stored hx(dtype, rounded(x.values())), hw(dtype, rounded(w.values())),
            hy(dtype, rounded(y.values()));
        Stored out(output(kind).t.dtype, before);
        Tensor tx = header(dtype, x_dims(), hx.data()), tw = header(dtype, w_dims(), hw.data()),
               ty = header(dtype, y_dims(), hy.data());
        Tensor to = header(output(kind).t.dtype,
                           kind == CONV_FORWARD ? y_dims()
                           : kind == CONV_DATA  ? x_dims()
                                                : w_dims(),
                           out.data());
        to.is_blank = beta == 0;
        const Backend *ref = backend_ref();
        EXPECT_EQ(OK, kind == CONV_FORWARD ? ref->conv2d_forward(&to, &tx, &tw, nullptr, &op)
                      : kind == CONV_DATA
                          ? ref->conv2d_backward_data(&to, &ty, &tw, &op)
                          : ref->conv2d_backward_weights(&to, nullptr, &tx, &ty, &op));
        return out.floats();
    }
    /* Runs, and compares. Sums of one rounding more than ref's are 1e-6 off; bf16's last place is 1/128. */
    void expect_right(ConvKind kind, float beta = 0)
    {
        Floats must = want(kind, beta);
        ASSERT_EQ(OK, run(kind, beta)) << status_text();
        expect_close(output(kind).values(), must, dtype == BF16 ? 8e-3 : 1e-6, "output");
    }

    FreshDevice    &d;
    const ConvSizes s;
    const DType     dtype;
    const Conv2d    op;
    OnDevice        x, w, y, gradient;

  private:
    Dims x_dims() const
    {
        return {s.N, s.H, s.W, s.ci};
    }
    Dims w_dims() const
    {
        return {s.co, s.k, s.k, s.ci / s.groups};
    }
    Dims y_dims() const
    {
        int64_t pad = s.k / 2;
        return {s.N, (s.H + 2 * pad - s.k) / s.stride + 1, (s.W + 2 * pad - s.k) / s.stride + 1,
                s.co};
    }
};
