#!/usr/bin/env python3
"""Expected values for RoIAlign, losses and box work, from PyTorch 1.12 and torchvision 0.13.

    python3 tests/golden/kernels/regions.py > tests/golden/kernels/regions.json

RoIAlign, NMS, box coder and matcher are torchvision's; the steps of proposals and detections around them are written here
(Ren et al. 2015; the rules in kernels/box.h).
"""
import json
import math
import sys

import torch
import torch.nn.functional as F
import torchvision.ops as tv
from torchvision.models.detection._utils import BoxCoder, Matcher

torch.manual_seed(1)
out = {}


def put(name, t):
    t = torch.as_tensor(t)
    out[name] = [round(float(v), 9) if t.is_floating_point() else int(v) for v in t.flatten()]


def boxes(n, width=100.0, height=80.0):
    a = torch.rand(n, 2) * torch.tensor([width, height]) * 0.8
    return torch.cat([a, a + 4 + torch.rand(n, 2) * torch.tensor([width, height]) * 0.4], 1)


def encode(src, dst, w):
    return BoxCoder(w).encode_single(dst, src)


def decode(d, src, w):
    return BoxCoder(w).decode_single(d, src).reshape(len(src), -1, 4)


# RoIAlign; x is (N,H,W,C) in the file
x = torch.randn(2, 5, 6, 3)
rois = torch.tensor([[0, 3.0, 5.0, 41.0, 60.0], [1, -20.0, -9.0, 30.0, 33.0], [1, 70.0, 50.0, 130.0, 99.0],
                     [0, 10.0, 10.0, 10.0, 10.0], [0, 0.0, 0.0, 96.0, 80.0]])
dy = torch.randn(5, 2, 2, 3)
put("roi.x", x)
put("roi.rois", rois)
put("roi.dy", dy)
for name, aligned, samples in (("aligned2", True, 2), ("aligned0", True, -1), ("plain2", False, 2)):
    v = x.permute(0, 3, 1, 2).double().requires_grad_()
    y = tv.roi_align(v, rois.double(), 2, 1 / 16, samples, aligned)
    y.backward(dy.permute(0, 3, 1, 2).double())
    put(f"roi.{name}.y", y.permute(0, 2, 3, 1))
    put(f"roi.{name}.dx", v.grad.permute(0, 2, 3, 1))

# losses
v = torch.randn(6, 5, requires_grad=True)
label = torch.tensor([0, 4, -1, 2, 2, 1])
put("ce.x", v)
put("ce.label", label)
loss = F.cross_entropy(v, label, ignore_index=-1)
loss.backward()
put("ce.loss", loss)
put("ce.dx", v.grad)
v = (torch.randn(8) * 6).requires_grad_()
label = torch.tensor([0, 1, -1, 1, 0, 0, 1, -1])
keep = label >= 0
loss = F.binary_cross_entropy_with_logits(v[keep], label[keep].float(), reduction="sum") / 16
loss.backward()
put("bce.x", v)
put("bce.label", label)
put("bce.loss", loss)
put("bce.dx", v.grad)
v = torch.randn(4, 12, requires_grad=True)
target = torch.randn(4, 4)
label = torch.tensor([2, -1, 0, 1])
put("l1.x", v)
put("l1.target", target)
put("l1.label", label)
rows = (label >= 0).nonzero()[:, 0]
for name, beta in (("l1", 0.0), ("smooth", 0.5)):
    p = v.reshape(4, 3, 4)[rows, label[rows]]
    loss = (F.l1_loss if beta == 0 else lambda a, b, reduction: F.smooth_l1_loss(a, b, reduction=reduction, beta=beta))(
        p, target[rows], reduction="sum") / 7
    v.grad = None
    loss.backward()
    put(f"{name}.loss", loss)
    put(f"{name}.dx", v.grad)

# InfoNCE
q = F.normalize(torch.randn(3, 4), dim=1).requires_grad_()
k = F.normalize(torch.randn(3, 4), dim=1)
queue = F.normalize(torch.randn(7, 4), dim=1)
logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.t()], 1)
loss = F.cross_entropy(logits / 0.2, torch.zeros(3, dtype=torch.long))
loss.backward()
rank = (logits[:, 1:] > logits[:, :1]).sum(1)
put("nce.q", q)
put("nce.k", k)
put("nce.queue", queue)
put("nce.dq", q.grad)
put("nce.stats", [float(loss), float(logits[:, 0].mean()), float(logits[:, 1:].mean()),
                  float((rank < 1).float().mean()), float((rank < 5).float().mean())])

# box coder, matcher, NMS
src, dst = boxes(6), boxes(6)
w = (10.0, 10.0, 5.0, 5.0)
delta = torch.randn(6, 8) * 4
put("coder.from", src)
put("coder.to", dst)
put("coder.encoded", encode(src, dst, w))
put("coder.delta", delta)
put("coder.decoded", decode(delta, src, w))

gt = torch.tensor([[10.0, 10.0, 40.0, 40.0], [10.0, 10.0, 40.0, 40.0], [60.0, 20.0, 64.0, 24.0], [200.0, 200.0, 210.0, 210.0]])
b = torch.cat([boxes(20), gt[:1], gt[:1] + 1, torch.tensor([[50.0, 0.0, 90.0, 60.0], [50.0, 0.0, 90.0, 60.0]])])
iou = tv.box_iou(gt, b)
best = iou.max(0).values
found = Matcher(0.7, 0.3, allow_low_quality_matches=True)(iou)
lab = torch.where(found >= 0, 1, torch.where(found == Matcher.BELOW_LOW_THRESHOLD, 0, -1))
put("match.gt", gt)
put("match.box", b)
put("match.label", lab)
put("match.arg", (iou == best).to(torch.int).argmax(0))

b = boxes(60)
score = torch.randperm(60).float() / 60
cls = torch.randint(0, 3, (60,))
put("nms.box", b)
put("nms.score", score)
put("nms.class", cls)
put("nms.keep", tv.nms(b, score, 0.4))
keep = torch.cat([(cls == c).nonzero()[:, 0][tv.nms(b[cls == c], score[cls == c], 0.4)] for c in range(3)])
put("nms.keep_by_class", keep[score[keep].argsort(descending=True)])

# proposals of one picture of 90 x 70: 5 x 6 cells of stride 16, 3 shapes a cell
shapes = torch.tensor([[-math.sqrt(32 * 32 / r) / 2, -math.sqrt(32 * 32 / r) * r / 2, math.sqrt(32 * 32 / r) / 2,
                        math.sqrt(32 * 32 / r) * r / 2] for r in (0.5, 1.0, 2.0)], dtype=torch.float64).float()
ys, xs = torch.meshgrid(torch.arange(5.0) * 16, torch.arange(6.0) * 16, indexing="ij")
shift = torch.stack([xs, ys, xs, ys], -1).reshape(-1, 1, 4)
anchors = (shift + shapes[None]).reshape(-1, 4)
put("rpn.anchors", anchors)
logit = torch.randperm(90).float() / 10 - 4
delta = torch.randn(90, 4) * 0.5
top = logit.argsort(descending=True)[:60]
p = tv.clip_boxes_to_image(decode(delta[top], anchors[top], (1, 1, 1, 1))[:, 0], (70, 90))
ok = ((p[:, 2] > p[:, 0]) & (p[:, 3] > p[:, 1]))
p, s = p[ok], logit[top][ok]
keep = tv.nms(p, s, 0.7)[:25]
put("rpn.logit", logit)
put("rpn.delta", delta)
put("rpn.box", p[keep])
put("rpn.score", s[keep])

# detections
roi = boxes(12, 90, 70)
cls = torch.randn(12, 4) * 2
delta = torch.randn(12, 12)
prob = cls.softmax(1)[:, :3]
p = tv.clip_boxes_to_image(decode(delta, roi, w).reshape(-1, 4), (70, 90)).reshape(12, 3, 4)
pick = (prob > 0.05).nonzero()
pb, ps = p[pick[:, 0], pick[:, 1]], prob[pick[:, 0], pick[:, 1]]
keep = tv.batched_nms(pb, ps, pick[:, 1], 0.5)[:9]
put("det.roi", roi)
put("det.logit", cls)
put("det.delta", delta)
put("det.box", pb[keep])
put("det.score", ps[keep])
put("det.label", pick[keep, 1])

json.dump(out, sys.stdout, separators=(",", ":"))
print()
