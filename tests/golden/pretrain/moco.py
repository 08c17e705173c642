#!/usr/bin/env python3
"""Expected values of tests/pretrain/test_moco_golden.cc: three steps of MoCo v2, in PyTorch, double precision.

usage: moco.py              (writes moco.txt beside this file)

Written from the paper's algorithm 1 and section 3.3 (the order of the code: momentum update before the keys). Network: stem
3x3, four stages of one basic block, 8-16-32-64 channels, MLP head 64-64-16. Batch 8 of 16x16 pixels, batch norm in 2
contiguous groups, keys permuted before their encoder and restored after it, queue of 32 keys, m 0.9, T 0.2, SGD 0.05.
"""
import copy, os, numpy as np, torch
import torch.nn.functional as F
from torchvision.models.resnet import BasicBlock
import formula as f

HERE = os.path.dirname(os.path.abspath(__file__))
N, SIDE, G, K, C, M, T, LR, SEED = 8, 16, 2, 32, 16, 0.9, 0.2, 0.05, 5


class GroupNorm(torch.nn.BatchNorm2d):
    """Batch norm of G contiguous groups: what G processes compute; running statistics move to the mean over groups."""

    def forward(self, x):
        parts = x.chunk(G)
        mean = torch.stack([p.mean((0, 2, 3)) for p in parts])
        var = torch.stack([p.var((0, 2, 3), unbiased=True) for p in parts])
        with torch.no_grad():
            self.running_mean += self.momentum * (mean.mean(0) - self.running_mean)
            self.running_var += self.momentum * (var.mean(0) - self.running_var)
        return torch.cat([F.batch_norm(p, None, None, self.weight, self.bias, True, 0, self.eps) for p in parts])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, width = torch.nn.Conv2d(3, 8, 3, 1, 1, bias=False), GroupNorm(8), 8
        for s in range(4):
            planes, stride = 8 << s, 1 if s == 0 else 2
            down = None
            if stride != 1 or width != planes:
                down = torch.nn.Sequential(torch.nn.Conv2d(width, planes, 1, stride, bias=False), GroupNorm(planes))
            block = BasicBlock(width, planes, stride, down, norm_layer=GroupNorm)
            setattr(self, "layer%d" % (s + 1), torch.nn.Sequential(block))
            width = planes
        self.fc = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, C))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return F.normalize(self.fc(x.mean((2, 3))), dim=1)


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def permutation(n, seed, step):
    """Fisher-Yates from the top, draws addressed by (seed, purpose 4, step)."""
    draws = (v for i in range(1 << 30) for v in philox([i, step & 0xFFFFFFFF, step >> 32, 4 << 24], [seed & 0xFFFFFFFF, seed >> 32]))

    def below(n):
        while True:
            m = next(draws) * n
            if (m & 0xFFFFFFFF) >= ((1 << 32) - n) % n:
                return m >> 32

    perm = list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(i + 1)
        perm[i], perm[j] = perm[j], perm[i]
    return perm


def main():
    q = Net().double()
    f.fill(q)
    k = copy.deepcopy(q)
    queue = F.normalize(torch.from_numpy(2 * f.uniform("queue", K * C).reshape(K, C) - 1), dim=1)  # rows are keys
    ptr, rows = 0, []
    optimiser = torch.optim.SGD(q.parameters(), LR, momentum=0.9, weight_decay=1e-4)
    for step in range(3):
        xq, xk = (torch.from_numpy(f.images("%s%d" % (v, step), N, SIDE)) for v in ("q", "k"))
        query = q(xq)
        with torch.no_grad():
            for pk, pq in zip(k.parameters(), q.parameters()):
                pk.mul_(M).add_(pq, alpha=1 - M)
            perm = permutation(N, SEED, step)
            keys = k(xk[perm])[np.argsort(perm)]
        logits = torch.cat([(query * keys).sum(1, keepdim=True), query @ queue.t()], 1) / T
        loss = F.cross_entropy(logits, torch.zeros(N, dtype=torch.long))
        optimiser.zero_grad()
        loss.backward()
        queue[ptr : ptr + N] = keys
        ptr = (ptr + N) % K

        tag = "step%d " % step
        rows += [(tag + "perm", perm), (tag + "loss", [loss.item()]), (tag + "query", f.memory_order(query)[::7])]
        rows += [(tag + "positive_negative", [logits[:, 0].mean().item() * T, logits[:, 1:].mean().item() * T])]
        rows += [(tag + "grad " + n, f.probe(n, p.grad)) for n, p in q.named_parameters()]
        optimiser.step()
        rows += [(tag + "q " + n, f.probe(n, p)) for n, p in q.named_parameters()]
        rows += [(tag + "k " + n, f.probe(n, p)) for n, p in k.named_parameters()]
        rows += [(tag + "qbuffer " + n, f.probe(n, b)) for n, b in q.named_buffers() if "running" in n]
        rows += [(tag + "kbuffer " + n, f.probe(n, b)) for n, b in k.named_buffers() if "running" in n]
        rows += [(tag + "queue", f.memory_order(queue)[::5]), (tag + "ptr", [ptr])]
    f.write(os.path.join(HERE, "moco.txt"), rows)


main()
