#!/usr/bin/env python3
"""Expected values of tests/pretrain/test_resnet_golden.cc: torchvision 0.14 in double precision.

usage: resnet.py [ARCH ...]   (writes resnet18.txt, resnet50.txt, resnext50_32x8d.txt beside this file)

Weights and images are formula numbers. Rows: `eval` every 16th pooled feature with running statistics; `train` the same
with batch statistics; `loss` cross entropy of 10 classes; `grad NAME` and `buffer NAME` norm and probe (see formula.py).
"""
import os, sys, torch, torchvision
from torchvision.models.resnet import Bottleneck, ResNet
import formula as f

HERE = os.path.dirname(os.path.abspath(__file__))
# Images, side, and the name that the pictures are drawn from. Every net has pictures on which no pre-activation is so near
# zero that float32 puts it on the other side: one flipped ReLU moves early gradients by 1e-3 to 7e-3 of their norm.
CASES = {"resnet18": (4, 48, "images"), "resnet50": (4, 48, "images"), "resnext50_32x8d": (4, 48, "imagesA")}

for arch, (n, side, name) in CASES.items():
    if sys.argv[1:] and arch not in sys.argv[1:]:
        continue
    if arch == "resnext50_32x8d":  # the paper's; torchvision has only 32x4d by name
        net = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=10, groups=32, width_per_group=8).double()
    else:
        net = getattr(torchvision.models, arch)(num_classes=10).double()
    f.fill(net)
    pooled = []
    net.avgpool.register_forward_hook(lambda m, i, o: pooled.append(o.flatten(1)))
    x = torch.from_numpy(f.images(name, n, side))
    net.eval()
    net(x)
    net.train()
    loss = torch.nn.functional.cross_entropy(net(x), torch.tensor([3, 7, 0, 9][:n]))
    loss.backward()
    rows = [("eval", f.memory_order(pooled[0])[::16]), ("train", f.memory_order(pooled[1])[::16]), ("loss", [loss.item()])]
    rows += [("grad " + k, f.probe(k, p.grad)) for k, p in net.named_parameters()]
    rows += [("buffer " + k, f.probe(k, b)) for k, b in net.named_buffers() if "running" in k and ("bn1" in k or "downsample" in k)]
    f.write(os.path.join(HERE, arch + ".txt"), rows)
