/* left_over.h -- what must hold whenever the backend rests: no misuse, no descriptor but those that its plans hold */
#pragma once
#include "fake_gpu/libs/fake_libs.h"

#include <cudnn.h>
#include <gtest/gtest.h>

inline int live_operations(FakeLibs *fake)
{
    return fake->n_live[CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR] +
           fake->n_live[CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR] +
           fake->n_live[CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR];
}

/* A plan that is kept holds its configuration and its graph, a graph an operation, a convolution and three tensors. A shape
 * without a plan holds its graph, or an operation that was refused. A product holds a descriptor and three layouts. */
inline void expect_nothing_left_over(FakeLibs *fake)
{
    int n_graphs = fake->n_live[CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR];
    int n_operations = live_operations(fake);
    int n_plans = fake->n_live[CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR];
    EXPECT_EQ(0, fake->n_misuses) << fake->last_misuse;
    EXPECT_EQ(0, fake->range_depth) << "a profiler's range has not ended";
    EXPECT_EQ(3 * n_operations, fake->n_live[CUDNN_BACKEND_TENSOR_DESCRIPTOR]);
    EXPECT_EQ(n_operations, fake->n_live[CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR]);
    EXPECT_LE(n_graphs, n_operations);
    EXPECT_LE(n_plans, n_graphs);
    EXPECT_EQ(n_plans, fake->n_live[CUDNN_BACKEND_ENGINECFG_DESCRIPTOR]);
    EXPECT_EQ(0, fake->n_live[CUDNN_BACKEND_ENGINE_DESCRIPTOR]);
    EXPECT_EQ(0, fake->n_live[CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR]);
    EXPECT_EQ(0, fake->n_live[CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR]);
    EXPECT_EQ(0, fake->n_live_lt % 4);
}
