#!/usr/bin/env python3
"""Random small sets through detectron2's DensePose evaluator and through godwit; stops at the first difference.

    python3 -m venv venv && venv/bin/pip install pycocotools==2.0.11 scipy pillow
    git clone https://github.com/facebookresearch/detectron2
    venv/bin/python tests/golden/densepose/compare.py build/release/godwit \
        detectron2/projects/DensePose/densepose/evaluation/densepose_coco_evaluation.py SEED SETS

The evaluator is one file; the packages it imports only for other kinds of results are replaced by empty ones, and the
body surface by a random one. All statistics of GPS, GPSm and IoU must agree to 1e-12.
"""
import base64
import contextlib
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import types

import numpy as np
from PIL import Image
from pycocotools import mask as mask_tools
from pycocotools.coco import COCO

np.float = float


def stub(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module
    return module


def load_reference(path):
    for name in ("detectron2", "detectron2.utils", "densepose", "densepose.converters", "densepose.modeling",
                 "densepose.modeling.cse", "torch.nn"):
        stub(name)
    stub("torch", Tensor=object)
    stub("torch.nn.functional")
    stub("detectron2.utils.file_io", PathManager=None)
    stub("densepose.converters.chart_output_to_chart_result", resample_uv_tensors_to_bbox=None)
    stub("densepose.converters.segm_to_mask", resample_coarse_segm_tensor_to_bbox=None,
         resample_fine_and_coarse_segm_tensors_to_bbox=None)
    stub("densepose.modeling.cse.utils", squared_euclidean_distance_matrix=None)
    stub("densepose.structures", DensePoseDataRelative=types.SimpleNamespace(S_KEY="dp_masks"))
    stub("densepose.structures.mesh", create_mesh=None)
    spec = importlib.util.spec_from_file_location("reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Planes:
    """What the evaluator expects of a tensor."""

    def __init__(self, array):
        self.array = array

    def numpy(self):
        return self.array

    def __getitem__(self, i):
        return Planes(self.array[i])


class Surface:
    def __init__(self, rng, vertices, points):
        self.n = vertices
        # at least two points in every part: the reference squeezes away the axis of a single one
        self.part = np.concatenate([np.tile(np.arange(1, 25), 2), rng.integers(1, 25, points - 48)]).astype(np.uint32)
        self.u, self.v = rng.integers(0, 20, points) / 19, rng.random(points)
        self.vertex = np.concatenate([np.arange(vertices), rng.integers(0, vertices, points - vertices)])
        self.distance = rng.random(vertices * (vertices - 1) // 2) * rng.choice([.05, .3, 1], 1)

    def write(self, path):
        with open(path, "wb") as f:
            f.write(b"GWSURF1\n" + np.array([self.n, len(self.u), 8, 0, 0, 0], np.uint32).tobytes())
            f.write(self.u.astype("<f8").tobytes() + self.v.astype("<f8").tobytes())
            f.write(self.part.astype("<u4").tobytes() + self.vertex.astype("<u4").tobytes())
            f.write(self.distance.astype("<f8").tobytes())

    def install(self, e):
        e.PDIST_transform = (self.vertex + 1).astype(np.int64)
        uv, number = np.array([self.u, self.v]), np.arange(len(self.u)) + 1
        e.Part_UVs = [uv[:, self.part == i + 1] for i in range(24)]
        e.Part_ClosestVertInds = [number[self.part == i + 1] for i in range(24)]
        e.Pdist_matrix = self.distance.reshape(-1, 1)
        e.Part_ids = self.part.astype(np.int64)
        e.Mean_Distances = np.array([0, .351, .107, .126, .237, .173, .142, .128, .150])
        e.CoarseParts = np.array([0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8])


def rectangle(rnd, h, w):
    m = np.zeros((h, w), np.uint8, order="F")
    y, x = rnd.randrange(h), rnd.randrange(w)
    m[y:y + rnd.randint(1, h), x:x + rnd.randint(1, w)] = 1
    rle = mask_tools.encode(m)
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def make_truth(rnd, ann_id, image_id, h, w, category):
    bw, bh = rnd.choice([(12, 14), (20.6, 31.2), (64, 45), (100.5, 70.2)])
    box = [rnd.choice([rnd.randint(-5, 60), rnd.uniform(-5, 60)]), rnd.uniform(-5, 40), bw, bh]
    ann = {"id": ann_id, "image_id": image_id, "category_id": category, "bbox": box,
           "area": rnd.choice([bw * bh, 900., 2000., 12000.])}
    if rnd.random() < .8:
        ann["iscrowd"] = int(rnd.random() < .15)
    if rnd.random() < .75:
        n = rnd.choice([0, 1, 2, 5, 12])
        ann["dp_x"], ann["dp_y"] = [[rnd.uniform(0, 255) for _ in range(n)] for _ in range(2)]
        ann["dp_I"] = [float(rnd.choice([rnd.randint(1, 24), rnd.randint(1, 3), rnd.randint(0, 25)])) for _ in range(n)]
        ann["dp_U"], ann["dp_V"] = [[rnd.random() for _ in range(n)] for _ in range(2)]
        if rnd.random() < .7:
            ann["dp_masks"] = [rectangle(rnd, 256, 256) if rnd.random() < .5 else [] for _ in range(14)]
    kind = rnd.randrange(4)
    x, y = max(box[0], 0), max(box[1], 0)
    if kind == 0:
        ann["segmentation"] = [[x, y, x + bw, y, x + bw, y + bh, x, y + bh]]
    elif kind == 1:
        ann["segmentation"] = rectangle(rnd, h, w)
    elif kind == 2:
        ann["segmentation"] = []
    return ann


def make_found(rnd, truths, image_id, category):
    g = rnd.choice(truths) if truths else None
    if g and rnd.random() < .85:
        j = rnd.choice([0, 0, 1, 4])
        box = [v + rnd.uniform(-j, j) for v in g["bbox"]]
    else:
        box = [rnd.uniform(-10, 90), rnd.uniform(-10, 70), rnd.uniform(0, 60), rnd.uniform(0.2, 60)]
        g = None
    for k, side in ((0, 150), (1, 110)):  # the reference crashes on boxes outside the image
        box[k + 2] = max(box[k + 2], 0)
        if int(box[k] + box[k + 2]) < 1 or box[k] >= side - 1:
            box[k], box[k + 2] = 3.5, box[k + 2] + 2
    h, w = max(int(box[3]), 1), max(int(box[2]), 1)
    iuv = np.zeros((3, h, w), np.uint8)
    fill = rnd.random() < .9
    if fill:
        y0, x0 = rnd.randrange(h), rnd.randrange(w)
        iuv[0, y0 // 3:, x0 // 3:] = rnd.randint(1, 24)
    if g and g.get("dp_x"):
        for k in range(len(g["dp_x"])):
            px = int(g["dp_x"][k] * g["bbox"][2] / 255 + g["bbox"][0] - box[0])
            py = int(g["dp_y"][k] * g["bbox"][3] / 255 + g["bbox"][1] - box[1])
            part = g["dp_I"][k] if rnd.random() < .9 else rnd.randint(0, 24)
            off = rnd.choice([0, 0, .02, .2])
            value = [part, 255 * min(g["dp_U"][k] + off, 1), 255 * g["dp_V"][k]]
            if 0 <= px < w and 0 <= py < h:
                iuv[:, py, px] = [int(v) for v in value]
    return {"image_id": image_id, "category_id": category, "bbox": box,
            "score": rnd.choice([rnd.randint(1, 9) / 10, rnd.random()]), "iuv": iuv}


def make_set(rnd):
    h, w = 110, 150
    images = [{"id": i, "height": h, "width": w} for i in range(rnd.randint(1, 3))]
    categories = [{"id": c, "name": str(c)} for c in ([1] if rnd.random() < .8 else [1, 4])]
    truths, found, ann_id = [], [], rnd.choice([0, 1])
    for image in images:
        mine = []
        for _ in range(rnd.randrange(4)):
            mine.append(make_truth(rnd, ann_id, image["id"], h, w, rnd.choice(categories)["id"]))
            ann_id += 1
        truths += mine
        for _ in range(rnd.choice([0, 1, 2, 4, 24 if rnd.random() < .1 else 3])):
            found.append(make_found(rnd, mine, image["id"], rnd.choice(categories)["id"]))
    if not found:
        found.append(make_found(rnd, truths, images[0]["id"], 1))
    return {"images": images, "categories": categories, "annotations": truths}, found


def reference(module, surface, truth, found, mode, least):
    gt = COCO()
    gt.dataset = json.loads(json.dumps(truth))
    gt.createIndex()
    results = []
    for f in found:
        r = {k: v for k, v in f.items() if k != "iuv"}
        r["densepose"] = types.SimpleNamespace(labels_uv_uint8=Planes(f["iuv"].copy()))
        results.append(r)
    dt = COCO()
    dt.dataset = {"images": gt.dataset["images"], "categories": gt.dataset["categories"], "annotations": results}
    for i, r in enumerate(results):
        r["area"], r["id"], r["iscrowd"] = r["bbox"][2] * r["bbox"][3], i + 1, 0
    dt.createIndex()
    e = module.DensePoseCocoEval(gt, dt, "densepose", dpEvalMode=module.DensePoseEvalMode(mode))
    e._loadGEval = lambda: surface.install(e)
    e.params.iouThrs = np.linspace(least, .95, int(np.round((.95 - least) / .05)) + 1, endpoint=True)
    e.evaluate()
    e.accumulate()
    e.summarize()
    return e.stats


def write_files(root, truth, found):
    json.dump(truth, open(f"{root}/gt.json", "w"))
    rows = []
    for f in found:
        png = io.BytesIO()
        Image.fromarray(np.moveaxis(f["iuv"], 0, -1)).save(png, "PNG")
        row = {k: v for k, v in f.items() if k != "iuv"}
        row["uv_shape"], row["uv_data"] = list(f["iuv"].shape), base64.encodebytes(png.getvalue()).decode()
        rows.append(row)
    json.dump(rows, open(f"{root}/dt.json", "w"))


def main():
    program, path, seed, sets = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    module, compared = load_reference(path), 0
    for i in range(sets):
        rnd = random.Random(seed * 1000003 + i)
        surface = Surface(np.random.default_rng(seed * 7919 + i // 50), 120, 160)
        truth, found = make_set(rnd)
        with tempfile.TemporaryDirectory() as root:
            write_files(root, truth, found)
            surface.write(f"{root}/surface")
            for mode in ("gps", "gpsm", "iou"):
                least = rnd.choice([.5, .5, .2])
                with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
                    want = reference(module, surface, truth, found, mode, least)
                subprocess.run([program, "eval", "densepose", f"{root}/gt.json", f"{root}/dt.json", "--surface",
                                f"{root}/surface", "--mode", mode, "--min-threshold", str(least), "--bug-compatible", "--quiet",
                                "--json", f"{root}/out.json"], check=True, stdout=subprocess.DEVNULL,
                               env=dict(os.environ, OMP_NUM_THREADS="1"))
                got = np.array(json.load(open(f"{root}/out.json"))["stats"])
                compared += len(want)
                if got.shape != want.shape or not np.all(np.abs(got - want) <= 1e-12):
                    os.system(f"cp -r {root} /tmp/densepose-different")
                    sys.exit(f"DIFFERENT set {i} mode {mode} least {least}\n{want}\n{got}\nkept in /tmp/densepose-different")
    print(f"{sets} sets agree in GPS, GPSm and IoU: {compared} statistics to 1e-12")


if __name__ == "__main__":
    main()
