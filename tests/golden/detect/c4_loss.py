#!/usr/bin/env python3
"""A whole Faster R-CNN C4 loss and some of its gradients, from fixed proposals and fixed samples, by PyTorch 1.13.

    python3 tests/golden/detect/c4_loss.py > tests/golden/detect/c4_loss.json

ResNet-18 of an eighth of the width (torchvision's modules), two pictures of 64 x 80, three classes. Nothing is drawn:
every anchor that is not ignored and every proposal (and ground truth) takes part. Weights are functions of their name's
place, so that the test builds the same ones: w[i] = scale * sin(0.37 i + 1.3 place), i over PyTorch's order.
"""
import json
import math
import sys

import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.resnet import BasicBlock, ResNet

torch.set_default_dtype(torch.float64)
W8 = [8, 16, 32, 64]
K, N, H, W = 3, 2, 64, 80


def narrow():
    net = ResNet(BasicBlock, [2, 2, 2, 2])
    net.inplanes = W8[0]
    net.conv1 = torch.nn.Conv2d(3, W8[0], 7, 2, 3, bias=False)
    net.bn1 = torch.nn.BatchNorm2d(W8[0])
    for s in range(4):
        setattr(net, f"layer{s + 1}", net._make_layer(BasicBlock, W8[s], 2, stride=1 if s == 0 else 2))
    del net.fc
    return net


class C4(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = narrow()
        self.conv = torch.nn.Conv2d(32, 32, 3, 1, 1)
        self.logits = torch.nn.Conv2d(32, 3, 1)
        self.deltas = torch.nn.Conv2d(32, 12, 1)
        self.norm = torch.nn.BatchNorm2d(64)
        self.cls = torch.nn.Linear(64, K + 1)
        self.box = torch.nn.Linear(64, 4 * K)

    def named(self):
        """Parameters under our names, in the order that gives their place."""
        heads = {"proposal_generator.rpn_head.conv": self.conv,
                 "proposal_generator.rpn_head.objectness_logits": self.logits,
                 "proposal_generator.rpn_head.anchor_deltas": self.deltas, "roi_heads.res5.norm": self.norm,
                 "roi_heads.box_predictor.cls_score": self.cls, "roi_heads.box_predictor.bbox_pred": self.box}
        yield from self.body.named_parameters()
        for name, m in heads.items():
            yield name + ".weight", m.weight
            yield name + ".bias", m.bias


def scale_of(name, p):
    if p.dim() == 4:
        return math.sqrt(2 / (p.shape[1] * p.shape[2] * p.shape[3]))
    if p.dim() == 2:
        return 0.2
    return 0.1


def encode(src, dst, w):
    sw, sh = src[:, 2] - src[:, 0], src[:, 3] - src[:, 1]
    dw, dh = dst[:, 2] - dst[:, 0], dst[:, 3] - dst[:, 1]
    return torch.stack([w[0] * ((dst[:, 0] + 0.5 * dw) - (src[:, 0] + 0.5 * sw)) / sw,
                        w[1] * ((dst[:, 1] + 0.5 * dh) - (src[:, 1] + 0.5 * sh)) / sh,
                        w[2] * torch.log(dw / sw), w[3] * torch.log(dh / sh)], 1)


net = C4()
with torch.no_grad():
    for place, (name, p) in enumerate(net.named()):
        v = scale_of(name, p) * torch.sin(0.37 * torch.arange(p.numel()) + 1.3 * place)
        is_gain = p.dim() == 1 and name.endswith("weight")
        p.copy_(v.float().double().reshape(p.shape) + (1 if is_gain else 0))
net.train()

image = torch.sin(0.11 * torch.arange(N * H * W * 3) ** 1.01).float().double().reshape(N, H, W, 3)
image[1, :, 70:] = 0  # padding: the second picture is 70 wide
gt = [torch.tensor([[4.0, 6.0, 40.0, 36.0], [30.0, 20.0, 70.0, 60.0]]), torch.tensor([[10.0, 8.0, 30.0, 50.0]])]
gt_label = [torch.tensor([0, 2]), torch.tensor([1])]
props = [torch.tensor([[2.0, 4.0, 38.0, 40.0], [28.0, 24.0, 72.0, 62.0], [0.0, 0.0, 20.0, 20.0], [50.0, 2.0, 78.0, 30.0]]),
         torch.tensor([[12.0, 6.0, 32.0, 46.0], [40.0, 10.0, 66.0, 60.0], [5.0, 30.0, 60.0, 62.0], [0.0, 0.0, 70.0, 64.0]])]

b = net.body
c4 = b.layer3(b.layer2(b.layer1(b.maxpool(b.relu(b.bn1(b.conv1(image.permute(0, 3, 1, 2))))))))
h = F.relu(net.conv(c4))
logit, delta = net.logits(h), net.deltas(h)
fh, fw = c4.shape[2:]
shapes = torch.tensor([[-math.sqrt(32 * 32 / r) / 2, -math.sqrt(32 * 32 / r) * r / 2, math.sqrt(32 * 32 / r) / 2,
                        math.sqrt(32 * 32 / r) * r / 2] for r in (0.5, 1.0, 2.0)]).float().double()
ys, xs = torch.meshgrid(torch.arange(fh) * 16.0, torch.arange(fw) * 16.0, indexing="ij")
anchors = (torch.stack([xs, ys, xs, ys], -1).reshape(-1, 1, 4) + shapes[None]).reshape(-1, 4)
logit = logit.permute(0, 2, 3, 1).reshape(N, -1)
delta = delta.reshape(N, 3, 4, fh, fw).permute(0, 3, 4, 1, 2).reshape(N, -1, 4)

rpn_class = rpn_box = 0.0
n_fg = 0
for i in range(N):
    iou = torchvision.ops.box_iou(gt[i], anchors)
    best, arg = iou.max(0)
    label = torch.full((len(anchors),), -1)
    label[best < 0.3] = 0
    label[best >= 0.7] = 1
    label[(iou == iou.max(1, keepdim=True).values).any(0)] = 1
    use = label >= 0
    rpn_class = rpn_class + F.binary_cross_entropy_with_logits(logit[i][use], label[use].double(), reduction="sum")
    fg = label == 1
    n_fg += int(fg.sum())
    rpn_box = rpn_box + (delta[i][fg] - encode(anchors[fg], gt[i][arg[fg]], (1, 1, 1, 1))).abs().sum()
norm = 1000 * N
rpn_class, rpn_box = rpn_class / norm, rpn_box / norm

rois, label, target, fg_rows = [], [], [], []
for i in range(N):
    cand = torch.cat([props[i], gt[i]])
    best, arg = torchvision.ops.box_iou(gt[i], cand).max(0)
    fg = best >= 0.5
    rois.append(torch.cat([torch.full((len(cand), 1), float(i)), cand], 1))
    label.append(torch.where(fg, gt_label[i][arg], torch.tensor(K)))
    target.append(encode(cand, gt[i][arg], (10, 10, 5, 5)))
rois, label, target = torch.cat(rois), torch.cat(label), torch.cat(target)
x = torchvision.ops.roi_align(c4, rois, 7, 1 / 16, 2, True)
f = net.norm(b.layer4(x)).mean((2, 3))
cls, box = net.cls(f), net.box(f).reshape(-1, K, 4)
roi_class = F.cross_entropy(cls, label)
fg = label < K
roi_box = (box[fg, label[fg]] - target[fg]).abs().sum() / len(label)
loss = rpn_class + rpn_box + roi_class + roi_box
loss.backward()

out = {"terms": [float(v) for v in (rpn_class, rpn_box, roi_class, roi_box, loss)],
       "counts": [n_fg, len(label), int(fg.sum())], "gradients": {}}
for name, p in net.named():
    if name in ("conv1.weight", "bn1.bias", "layer3.1.conv2.weight", "layer4.0.downsample.0.weight",
                "layer4.1.bn2.weight") or "." in name and name.split(".")[0] in ("roi_heads", "proposal_generator"):
        g = p.grad.flatten()
        step = max(1, len(g) // 16)
        out["gradients"][name] = {"norm": float(g.norm()), "step": step, "some": [float(v) for v in g[::step][:16]]}
json.dump(out, sys.stdout)
print()
