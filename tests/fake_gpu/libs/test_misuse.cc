/* The fakes themselves: what they must catch, told by its status and its sentence */
#include "fake_gpu/libs/conv_case.h"

#include <cublasLt.h>

#define CALL(f) d.call<decltype(f)>(#f)

class Misuse : public OnFakeLibs {
  protected:
    typedef cudnnBackendDescriptor_t One;

    FreshDevice   d;
    cudnnHandle_t handle = nullptr;

    decltype(cudnnBackendCreateDescriptor)  *create = CALL(cudnnBackendCreateDescriptor);
    decltype(cudnnBackendSetAttribute)      *set = CALL(cudnnBackendSetAttribute);
    decltype(cudnnBackendGetAttribute)      *get = CALL(cudnnBackendGetAttribute);
    decltype(cudnnBackendFinalize)          *finalize = CALL(cudnnBackendFinalize);
    decltype(cudnnBackendDestroyDescriptor) *destroy = CALL(cudnnBackendDestroyDescriptor);
    decltype(cudnnBackendExecute)           *execute = CALL(cudnnBackendExecute);

    void SetUp() override
    {
        OnFakeLibs::SetUp();
        d.allow_misuse();
        ASSERT_EQ(CUDNN_STATUS_SUCCESS, CALL(cudnnCreate)(&handle));
    }
    One make(cudnnBackendDescriptorType_t type)
    {
        One one = nullptr;
        EXPECT_EQ(CUDNN_STATUS_SUCCESS, create(type, &one));
        return one;
    }
    cudnnStatus_t set_ints(One one, cudnnBackendAttributeName_t name, const std::vector<int64_t> &v)
    {
        return set(one, name, CUDNN_TYPE_INT64, (int64_t)v.size(), v.data());
    }
    cudnnStatus_t set_one(One one, cudnnBackendAttributeName_t name, One value)
    {
        return set(one, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value);
    }
    template <typename T>
    cudnnStatus_t set_value(One one, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t type, T v)
    {
        return set(one, name, type, 1, &v);
    }

    /* The parts of a convolution of 1x1, changed as a test likes before they are finalized. */
    struct TensorParts {
        int64_t              uid;
        std::vector<int64_t> dim, stride;
        int64_t              alignment = 16;
        cudnnDataType_t      type = CUDNN_DATA_FLOAT;
    };
    One tensor(const TensorParts &p)
    {
        One t = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        EXPECT_EQ(0, set_value(t, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, p.type));
        EXPECT_EQ(0, set_ints(t, CUDNN_ATTR_TENSOR_DIMENSIONS, p.dim));
        EXPECT_EQ(0, set_ints(t, CUDNN_ATTR_TENSOR_STRIDES, p.stride));
        EXPECT_EQ(0, set_ints(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, {p.uid}));
        EXPECT_EQ(0, set_ints(t, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {p.alignment}));
        return t;
    }
    One finished(One one)
    {
        EXPECT_EQ(CUDNN_STATUS_SUCCESS, finalize(one)) << d.fake->last_misuse;
        return one;
    }
    One x()
    {
        return tensor({1, {1, 2, 3, 4}, {24, 1, 8, 2}});
    }
    One w()
    {
        return tensor({2, {5, 2, 1, 1}, {2, 1, 2, 2}});
    }
    One y()
    {
        return tensor({3, {1, 5, 3, 4}, {60, 1, 20, 5}});
    }
    One convolution()
    {
        One c = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        EXPECT_EQ(0, set_ints(c, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2}));
        EXPECT_EQ(0, set_value(c, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE,
                               CUDNN_DATA_FLOAT));
        EXPECT_EQ(0, set_value(c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                               CUDNN_CROSS_CORRELATION));
        EXPECT_EQ(0, set_ints(c, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {0, 0}));
        EXPECT_EQ(0, set_ints(c, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {0, 0}));
        EXPECT_EQ(0, set_ints(c, CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1}));
        EXPECT_EQ(0, set_ints(c, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {1, 1}));
        return c;
    }
    One operation(One tx, One tw, One ty)
    {
        One o = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
        EXPECT_EQ(0, set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                             finished(convolution())));
        EXPECT_EQ(0, set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, finished(tx)));
        EXPECT_EQ(0, set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, finished(tw)));
        EXPECT_EQ(0, set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, finished(ty)));
        return o;
    }
    One graph()
    {
        One g = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        EXPECT_EQ(0, set_one(g, CUDNN_ATTR_OPERATIONGRAPH_OPS, finished(operation(x(), w(), y()))));
        EXPECT_EQ(0, set_value(g, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, handle));
        return finished(g);
    }
    One config(One g)
    {
        One     heur = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
        One     c = make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
        int64_t n = 0;
        EXPECT_EQ(0, set_one(heur, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g));
        EXPECT_EQ(0, set_value(heur, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE,
                               CUDNN_HEUR_MODE_A));
        EXPECT_EQ(0, get(finished(heur), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                         CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &c));
        EXPECT_EQ(1, n);
        return c;
    }
    One plan(One g)
    {
        One p = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        EXPECT_EQ(0, set_value(p, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, handle));
        EXPECT_EQ(0, set_one(p, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config(g)));
        return finished(p);
    }
    One pack(const std::vector<int64_t> &uid, const std::vector<void *> &at, void *workspace)
    {
        One v = make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        EXPECT_EQ(0, set_ints(v, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, uid));
        EXPECT_EQ(0, set(v, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                         (int64_t)at.size(), at.data()));
        if (workspace) {
            EXPECT_EQ(
                0, set_value(v, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace));
        }
        return v;
    }
    /* The last call was refused so, and said so. */
    void expect(cudnnStatus_t want, cudnnStatus_t got, const char *sentence)
    {
        EXPECT_EQ(want, got);
        EXPECT_NE(std::string::npos, d.fake->last_misuse.find(sentence)) << d.fake->last_misuse;
        EXPECT_LT(0, d.fake->n_misuses);
        d.fake->n_misuses = 0;
        d.fake->last_misuse.clear();
    }
};

TEST_F(Misuse, OfAttributesIsSeen)
{
    One t = tensor({1, {1, 2, 3, 4}, {24, 1, 8, 2}}), half = make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    double  number = 1;
    int64_t some[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    expect(CUDNN_STATUS_BAD_PARAM, set_ints(t, CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1}),
           "CUDNN_BACKEND_TENSOR_DESCRIPTOR has no CUDNN_ATTR_CONVOLUTION_DILATIONS");
    expect(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
           set(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_FLOAT, 1, &number), "has type 3, not 4");
    expect(CUDNN_STATUS_BAD_PARAM, set(t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 9, some),
           "not 9");
    expect(CUDNN_STATUS_BAD_PARAM,
           set(t, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, nullptr), "to nothing");
    expect(CUDNN_STATUS_BAD_PARAM, finalize(half), "without CUDNN_ATTR_TENSOR_DATA_TYPE");
    finished(t);
    expect(CUDNN_STATUS_BAD_PARAM, set_ints(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, {2}), "is set after");
    expect(CUDNN_STATUS_BAD_PARAM, finalize(t), "twice");
}

TEST_F(Misuse, OfFactorsThatAreDoublesIsSeen)
{
    One o = operation(x(), w(), y());
    expect(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
           set_value(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_DOUBLE, 1.0),
           "is a double");
}

TEST_F(Misuse, OfTensorsIsSeen)
{
    typedef std::vector<int64_t> V;
    expect(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, finalize(tensor({1, V{1, 2, 3, 4}, V{24, 12, 4, 1}})),
           "NHWC");
    expect(CUDNN_STATUS_BAD_PARAM, finalize(tensor({1, V{1, 0, 3, 4}, V{0, 1, 0, 0}})),
           "dimension 1");
    expect(CUDNN_STATUS_BAD_PARAM, finalize(tensor({1, V{1, 2, 3, 4}, V{24, 1, 8, 2}, 12})),
           "aligned to 12");
    expect(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE,
           finalize(tensor({1, V{1, 2, 3, 4}, V{24, 1, 8, 2}, 16, CUDNN_DATA_DOUBLE})), "type 1");
}

TEST_F(Misuse, OfConvolutionsIsSeen)
{
    const struct {
        cudnnBackendAttributeName_t name;
        std::vector<int64_t>        values;
    } cases[] = {{CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {1, 1}}, // the others behind are 0
                 {CUDNN_ATTR_CONVOLUTION_DILATIONS, {0, 0}},
                 {CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {1, 2}},
                 {CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {3}}};
    for (const auto &one : cases) {
        One c = convolution();
        ASSERT_EQ(0, set_ints(c, one.name, one.values));
        EXPECT_EQ(CUDNN_STATUS_BAD_PARAM, finalize(c));
    }
    One c = convolution();
    ASSERT_EQ(0, set_value(c, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                           CUDNN_CONVOLUTION));
    expect(CUDNN_STATUS_NOT_SUPPORTED, finalize(c), "mirrored");
}

TEST_F(Misuse, OfOperationsIsSeen)
{
    typedef std::vector<int64_t> V;
    expect(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
           finalize(operation(x(), w(), tensor({3, V{1, 5, 3, 3}, V{45, 1, 15, 5}}))),
           "where 3x4 follow");
    expect(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
           finalize(operation(x(), w(), tensor({3, V{2, 5, 3, 4}, V{60, 1, 20, 5}}))), "differ");
    expect(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH,
           finalize(operation(x(), tensor({2, V{5, 3, 1, 1}, V{3, 1, 3, 3}}), y())), "groups");
    expect(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES,
           finalize(operation(x(), tensor({1, V{5, 2, 1, 1}, V{2, 1, 2, 2}}), y())), "one id");
    expect(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE,
           finalize(operation(
               x(), tensor({2, V{5, 2, 1, 1}, V{2, 1, 2, 2}, 16, CUDNN_DATA_BFLOAT16}), y())),
           "two types");
    One o = make(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    expect(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED,
           set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x()), "was not finalized");
    expect(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE,
           set_one(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, finished(convolution())),
           "where CUDNN_BACKEND_TENSOR_DESCRIPTOR is wanted");
}

TEST_F(Misuse, OfWhatWasDestroyedIsSeen)
{
    One g = graph(), heur = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    ASSERT_EQ(0, destroy(g));
    expect(CUDNN_STATUS_BAD_PARAM, destroy(g), "was destroyed");
    expect(CUDNN_STATUS_BAD_PARAM, set_one(heur, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, g),
           "was destroyed");
    expect(CUDNN_STATUS_BAD_PARAM, destroy(nullptr), "no descriptor");
}

TEST_F(Misuse, OfReadingIsSeen)
{
    One     g = graph(), c = config(g), raw = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    One     engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR), other = raw;
    int64_t n = 0, bytes = 0;
    expect(CUDNN_STATUS_NOT_INITIALIZED,
           get(raw, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &n, &bytes),
           "before");
    expect(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE,
           get(plan(g), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_FLOAT, 1, &n, &bytes),
           "has type 3, not 4");
    expect(CUDNN_STATUS_BAD_PARAM,
           get(c, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &other),
           "is read into");
    ASSERT_EQ(0,
              get(c, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &engine));
    expect(CUDNN_STATUS_BAD_PARAM,
           get(c, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &n, &engine),
           "that is final");
}

TEST_F(Misuse, OfRunsIsSeen)
{
    d.fake->offer = offer({needs(1000, takes(1))});
    OnDevice tx(d.be, F32, {1, 3, 4, 2}, Floats(24, 1)), tw(d.be, F32, {5, 1, 1, 2}, Floats(10, 1)),
        ty(d.be, F32, {1, 3, 4, 5}, Floats(60, 1)), scratch(d.be, F32, {250}, Floats(250, 1)),
        little(d.be, F32, {240}, Floats(240, 1));
    One                 g = graph(), p = plan(g);
    void               *px = tx.t.data, *pw = tw.t.data, *py = ty.t.data, *ws = scratch.t.data;
    std::vector<void *> all = {px, pw, py};
    float               host[60];
    auto                run = [&](const std::vector<int64_t> &uid, const std::vector<void *> &at,
                   void *workspace) {
        return execute(handle, p, finished(pack(uid, at, workspace)));
    };
    ASSERT_EQ(OK, d.be->sync());
    expect(CUDNN_STATUS_BAD_PARAM, run({1, 2, 3}, all, ws), "without a stream");
    ASSERT_EQ(CUDNN_STATUS_SUCCESS, CALL(cudnnSetStream)(handle, d.fake->stream()));
    EXPECT_EQ(CUDNN_STATUS_SUCCESS, run({1, 2, 3}, all, ws)) << d.fake->last_misuse;
    expect(CUDNN_STATUS_BAD_PARAM, run({1, 2, 4}, all, ws), "tensor 3 is not in the pack");
    expect(CUDNN_STATUS_BAD_PARAM, run({1, 2}, {px, pw}, ws), "2 tensors for a graph of 3");
    expect(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, run({1, 2, 3}, {px, (char *)pw + 4, py}, ws),
           "not aligned to 16");
    expect(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, run({1, 2, 3}, {px, pw, (char *)py + 16}, ws),
           "are not one allocation's");
    expect(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND,
           run({1, 2, 3}, {px, pw, (void *)((uintptr_t)host & ~(uintptr_t)15)}, ws),
           "are not one allocation's");
    expect(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, run({1, 2, 3}, all, nullptr), "gets none");
    expect(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, run({1, 2, 3}, all, little.t.data),
           "1000 bytes at");
    expect(CUDNN_STATUS_BAD_PARAM, run({1, 2, 3}, {py, pw, py}, ws), "lies over");
    expect(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, execute(handle, p, pack({1, 2, 3}, all, ws)),
           "was not finalized");
    expect(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, finalize(pack({1, 2, 2}, all, ws)), "twice");
    expect(CUDNN_STATUS_BAD_PARAM, finalize(pack({1, 2}, all, ws)), "more ids");
    expect(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, finalize(pack({1, 2, 3}, {px, nullptr, py}, ws)),
           "nowhere");
    ASSERT_EQ(0, destroy(g));
    expect(CUDNN_STATUS_BAD_PARAM, run({1, 2, 3}, all, ws), "was destroyed");
}

/* Seen when the work runs: at the call, what was freed before is still there. */
TEST_F(Misuse, OfMemoryThatIsGoneWhenTheWorkRunsIsSeen)
{
    ConvCase c(d, {2, 5, 4, 4, 6, 3});
    void    *freed = nullptr;
    ASSERT_EQ(OK, d.be->alloc(&freed, tensor_bytes(&c.y.t)));
    ASSERT_EQ(OK, c.run(CONV_FORWARD));
    ASSERT_EQ(OK, d.be->sync());
    c.y.t.data = freed;
    d.be->free(freed);
    EXPECT_EQ(OK, c.run(CONV_FORWARD));
    EXPECT_EQ(0, d.fake->n_misuses);
    EXPECT_EQ(ERR_DEVICE, d.be->sync());
    EXPECT_NE(std::string::npos, d.fake->last_misuse.find("are not one allocation's"))
        << d.fake->last_misuse;
}

TEST_F(Misuse, OfACaptureByAPlanThatNeverRanIsSeen)
{
    OnDevice tx(d.be, F32, {1, 3, 4, 2}, Floats(24, 1)), tw(d.be, F32, {5, 1, 1, 2}, Floats(10, 1)),
        ty(d.be, F32, {1, 3, 4, 5}, Floats(60, 1));
    void *graph = nullptr;
    d.fake->offer = offer({takes(1)});
    One p = plan(this->graph()),
        v = finished(pack({1, 2, 3}, {tx.t.data, tw.t.data, ty.t.data}, nullptr));
    ASSERT_EQ(CUDNN_STATUS_SUCCESS, CALL(cudnnSetStream)(handle, d.fake->stream()));
    ASSERT_EQ(OK, d.be->graph_begin());
    expect(CUDNN_STATUS_EXECUTION_FAILED_CUDART, execute(handle, p, v), "ends the capture");
    ASSERT_EQ(OK, d.be->graph_end(&graph));
    d.be->graph_free(graph);
    EXPECT_EQ(CUDNN_STATUS_SUCCESS, execute(handle, p, v));
}
