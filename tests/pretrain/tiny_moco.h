/* tiny_moco.h -- MoCo on the smallest ResNet, for tests that set further what they are about */
#pragma once
#include <gtest/gtest.h>
extern "C" {
#include "pretrain/moco.h"
}

inline MocoConfig tiny_moco()
{
    MocoConfig c = {};
    EXPECT_EQ(OK, resnet_config(&c.net, "resnet18"));
    for (int &n : c.net.n_blocks)
        n = 1;
    c.net.width = 0.0625;
    c.net.has_small_stem = true;
    c.net.bn_groups = 2;
    c.head = HEAD_LINEAR;
    c.C = 8;
    c.K = 12;
    c.m = 0.5f;
    c.T = 0.1f;
    c.is_shuffled = true;
    return c;
}
