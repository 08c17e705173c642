#!/usr/bin/env python3
"""torchvision's parts as Faster R-CNN R50-C4, for the figures beside `godwit bench detect voc_r50_c4_24k`.

usage: peer_c4.py [device=cuda|cpu] [dtype=bf16|f32] [batch=2] [height=800] [width=1066] [reps=9] [threads=2]
                  [roi=512] [layout=nhwc|nchw]

The network of He et al. 2020 A.1: stages 1-3 of ResNet-50 as the map, 15 anchors a place, 12000/2000 proposals in training and
6000/1000 in detection, 14x14 RoIAlign, stage 4 with a batch norm behind it on 512 regions a picture, batch norm trained throughout.
Synthetic pictures lie on the device. Prints one JSON line: pictures a second of a training step (forward, losses, backward, SGD)
and of detection, a picture at a time.
"""
import json
import statistics
import sys
import time

import torch
import torchvision
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor
from torchvision.models.detection.rpn import AnchorGenerator, RPNHead

o = dict(device="cuda" if torch.cuda.is_available() else "cpu", dtype="bf16", batch="2", height="800", width="1066", reps="9",
         threads="2", roi="512", layout="nhwc")
o.update(a.split("=", 1) for a in sys.argv[1:])
device, is_cuda = o["device"], o["device"].startswith("cuda")
N, H, W, reps = (int(o[k]) for k in ("batch", "height", "width", "reps"))
N_CLASSES, N_OBJECTS = 20, 4
torch.manual_seed(0)
if not is_cuda:
    torch.set_num_threads(int(o["threads"]))
torch.backends.cudnn.benchmark = False  # as Detectron2 trains: sizes change every step


class Map(torch.nn.Module):
    """Stages 1 to 3, stride 16."""

    out_channels = 1024

    def __init__(self, r):
        super().__init__()
        self.body = torch.nn.Sequential(r.conv1, r.bn1, r.relu, r.maxpool, r.layer1, r.layer2, r.layer3)

    def forward(self, x):
        return self.body(x)


class Head(torch.nn.Module):
    """Stage 4 on the regions, the extra batch norm, the mean over its places."""

    def __init__(self, r):
        super().__init__()
        self.body = torch.nn.Sequential(r.layer4, torch.nn.BatchNorm2d(2048), torch.nn.ReLU())

    def forward(self, x):
        return self.body(x).mean((2, 3))


resnet = torchvision.models.resnet50()
model = FasterRCNN(
    Map(resnet),
    rpn_anchor_generator=AnchorGenerator(((32, 64, 128, 256, 512),), ((0.5, 1.0, 2.0),)),
    rpn_head=RPNHead(1024, 15),
    rpn_pre_nms_top_n_train=12000, rpn_post_nms_top_n_train=2000, rpn_pre_nms_top_n_test=6000, rpn_post_nms_top_n_test=1000,
    box_roi_pool=torchvision.ops.MultiScaleRoIAlign(["0"], 14, 0),
    box_head=Head(resnet), box_predictor=FastRCNNPredictor(2048, N_CLASSES + 1),
    box_batch_size_per_image=int(o["roi"]), min_size=min(H, W), max_size=max(H, W))
model = model.to(device)
if o["layout"] == "nhwc":
    model = model.to(memory_format=torch.channels_last)
optimiser = torch.optim.SGD(model.parameters(), 1e-5, momentum=0.9, weight_decay=1e-4)

pictures = [torch.rand(3, H, W, device=device) for _ in range(N)]


def boxes():
    scale = torch.tensor([W, H], device=device)
    at = torch.rand(N_OBJECTS, 2, device=device) * 0.6 * scale
    return torch.cat([at, at + 40 + torch.rand(N_OBJECTS, 2, device=device) * 0.35 * scale], 1)


truth = [dict(boxes=boxes(), labels=torch.randint(1, N_CLASSES + 1, (N_OBJECTS,), device=device)) for _ in range(N)]


def amp():
    return torch.autocast("cuda" if is_cuda else "cpu", dtype=torch.bfloat16, enabled=o["dtype"] == "bf16")


def train():
    model.train()
    optimiser.zero_grad(set_to_none=True)
    with amp():
        loss = sum(model(pictures, truth).values())
    loss.backward()
    optimiser.step()


def detect():
    model.eval()
    with torch.no_grad(), amp():
        model(pictures[:1])


def rate(work, n):
    seconds = []
    for i in range(reps + (3 if is_cuda else 1)):
        if is_cuda:
            torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        if is_cuda:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - began)
    return round(n / statistics.median(seconds[-reps:]), 3)


print(json.dumps(dict(what="faster_rcnn_r50_c4", torch=torch.__version__, torchvision=torchvision.__version__, **o,
                      train_median=rate(train, N), test_median=rate(detect, 1),
                      mem_gb=round(torch.cuda.max_memory_allocated() / 2**30, 2) if is_cuda else None)))
