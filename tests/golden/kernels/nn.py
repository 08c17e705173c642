#!/usr/bin/env python3
"""Golden values of convolutions, batch norm, pooling and SGD from PyTorch: writes nn.json beside itself.

    python3 tests/golden/kernels/nn.py        (torch 1.13)

Inputs are small integers over powers of two made by a linear congruence, so that both sides build them alike:
value i of stream s is ((i * 37 + s * 101) % 64 - 32) / 16. Tensors are stored in our layout: NHWC, weights (Co,kh,kw,Ci).
"""
import json, os
import torch
import torch.nn.functional as F


def stream(s, *dims):
    n = 1
    for d in dims:
        n *= d
    i = torch.arange(n, dtype=torch.float64)
    return ((i * 37 + s * 101) % 64 - 32).reshape(dims) / 16


def flat(t):
    return [float("%.7g" % v) for v in t.detach().reshape(-1).tolist()]


nchw = lambda t: t.permute(0, 3, 1, 2)
nhwc = lambda t: t.permute(0, 2, 3, 1)
out = {"conv2d": [], "batch_norm": [], "sgd": {}, "max_pool": {}}

for N, H, W, ci, co, k, stride, pad, dil, groups in [(2, 5, 4, 3, 4, 3, 1, 1, 1, 1), (1, 6, 5, 4, 4, 3, 2, 1, 1, 2),
                                                     (1, 7, 7, 2, 2, 3, 1, 2, 2, 1), (2, 4, 4, 3, 2, 1, 2, 0, 1, 1)]:
    x, w, b = stream(1, N, H, W, ci), stream(2, co, k, k, ci // groups), stream(3, co)
    for t in (x, w, b):
        t.requires_grad_(True)
    y = nhwc(F.conv2d(nchw(x), nchw(w), b, stride, pad, dil, groups))
    y.backward(stream(4, *y.shape))
    out["conv2d"].append(dict(dims=[N, H, W, ci, co, k, stride, pad, dil, groups], y=flat(y), dx=flat(x.grad),
                              dw=flat(w.grad), db=flat(b.grad)))

# G groups of consecutive images, each normalised by itself, running statistics averaged over the groups: what G
# processes of a data parallel run do (MoCo's SplitBatchNorm with its interleaved images put in order).
for groups, train in [(1, True), (2, True), (1, False)]:
    x, gamma, beta = stream(5, 4, 2, 3, 3), stream(6, 3) + 3, stream(7, 3)
    for t in (x, gamma, beta):
        t.requires_grad_(True)
    means, vars_, parts = [], [], []
    for part in x.chunk(groups):
        m, v = torch.full((3,), 0.25, dtype=torch.float64), torch.full((3,), 1.5, dtype=torch.float64)
        parts.append(nhwc(F.batch_norm(nchw(part), m, v, gamma, beta, train, 0.1, 1e-5)))
        means.append(m)
        vars_.append(v)
    y = torch.cat(parts).relu()
    y.backward(stream(8, *y.shape))
    out["batch_norm"].append(dict(groups=groups, train=train, y=flat(y), dx=flat(x.grad), dgamma=flat(gamma.grad),
                                  dbeta=flat(beta.grad), mean=flat(torch.stack(means).mean(0)),
                                  var=flat(torch.stack(vars_).mean(0))))

w = stream(9, 6).requires_grad_(True)
opt = torch.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.01)
steps = []
for s in range(4):
    w.grad = stream(10 + s, 6)
    opt.param_groups[0]["lr"] = 0.1 if s < 2 else 0.01
    opt.step()
    steps.append(flat(w))
out["sgd"] = steps

x = stream(14, 1, 5, 6, 2).requires_grad_(True)
y = nhwc(F.max_pool2d(nchw(x), 3, 2, 1))
y.backward(stream(15, *y.shape))
out["max_pool"] = dict(y=flat(y), dx=flat(x.grad))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "nn.json"), "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
