#!/usr/bin/env python3
"""Random small label images through godwit and through a plain NumPy reading of both definitions of mean IoU; stops at
the first difference.

    python3 -m venv venv && venv/bin/pip install numpy pillow
    venv/bin/python tests/golden/semseg/compare.py build/release/godwit SEED SETS

The formulas are those of detectron2's sem_seg_evaluation.py and of the devkit's VOCevalseg.m. Classes that occur only
in the truth, only in the prediction or nowhere, images of one pixel, all void, 8- and 16-bit and palette files. Counts
must be equal, IoU and accuracy of a class too; means, whose sums have an order, agree to 1e-15. Where all is void
detectron2 gives fwIoU as 0, an empty sum; here it is undefined like the other means.
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from PIL import Image

VOID = 255


def paint(rnd, image, value):
    h, w = image.shape
    y, x = rnd.randrange(h), rnd.randrange(w)
    image[y:y + rnd.randint(1, h), x:x + rnd.randint(1, w)] = value


def make_pair(rnd, classes, n):
    h, w = rnd.choice([(1, 1), (1, 17), (9, 8), (24, 31), (40, 64)])
    truth = np.full((h, w), rnd.choice(classes + [VOID]), np.int64)
    for _ in range(rnd.randrange(6)):
        paint(rnd, truth, rnd.choice(classes + [VOID]))
    found = np.where(truth == VOID, rnd.randrange(n), truth)
    for _ in range(rnd.randrange(5)):
        paint(rnd, found, rnd.randrange(n) if rnd.random() < .3 else rnd.choice(classes))
    if rnd.random() < .2:
        found = np.array([[rnd.randrange(n) for _ in range(w)] for _ in range(h)])
    return truth, found


def save(rnd, labels, path):
    kind = rnd.randrange(3)
    if kind == 0:
        Image.fromarray(labels.astype(np.uint16)).save(path)
    elif kind == 1:
        image = Image.fromarray(labels.astype(np.uint8), "P")
        image.putpalette([rnd.randrange(256) for _ in range(768)])
        image.save(path)
    else:
        Image.fromarray(labels.astype(np.uint8)).save(path)


def detectron2(pairs, n):
    counts = np.zeros((n + 1, n + 1), np.int64)  # [found][truth]
    for truth, found in pairs:
        t = np.where(truth == VOID, n, truth)
        counts += np.bincount(((n + 1) * found + t).reshape(-1), minlength=counts.size).reshape(counts.shape)
    both = counts.diagonal()[:-1].astype(float)
    in_truth, in_found = counts[:-1, :-1].sum(0).astype(float), counts[:-1, :-1].sum(1).astype(float)
    there = in_truth > 0
    accuracy, iou = np.full(n, np.nan), np.full(n, np.nan)
    accuracy[there] = both[there] / in_truth[there]
    iou[there] = both[there] / (in_truth + in_found - both)[there]
    weight = in_truth / in_truth.sum()
    return {"IoU": iou, "accuracy": accuracy, "mIoU": iou[there].sum() / there.sum(), "fwIoU": (iou * weight)[there].sum() if there.any() else np.nan,
            "mACC": accuracy[there].sum() / there.sum(), "pACC": both.sum() / in_truth.sum(), "counts": counts[:n, :n].T}


def devkit(pairs, n):
    iou = []
    for c in range(n):
        both = sum(int(((t == c) & (f == c)).sum()) for t, f in pairs)
        either = sum(int((((t == c) | (f == c)) & (t != VOID)).sum()) for t, f in pairs)
        iou.append(both / either if either else np.nan)
    return np.array(iou)


def same(mine, want, tolerance=0.0):
    if np.isnan(want):
        return mine is None
    return mine is not None and abs(mine - want) <= tolerance


def check(ok, *what):
    if not ok:
        sys.exit(f"DIFFERENT {what}")


def main():
    program, seed, sets = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    warnings.simplefilter("ignore")
    numbers = 0
    for i in range(sets):
        rnd = random.Random(seed * 1000003 + i)
        n = rnd.choice([1, 2, 3, 5, 21, 40])
        classes = rnd.sample(range(n), rnd.randint(1, min(n, 5)))
        pairs = [make_pair(rnd, classes, n) for _ in range(rnd.choice([1, 1, 2, 3]))]
        with tempfile.TemporaryDirectory() as root:
            for name in ("truth", "found"):
                os.makedirs(f"{root}/{name}/city")
            for k, (truth, found) in enumerate(pairs):
                save(rnd, truth, f"{root}/truth/city/{k}.png")
                save(rnd, found, f"{root}/found/city/{k}.png")
            subprocess.run([program, "eval", "semseg", f"{root}/truth", f"{root}/found", "--classes", str(n), "--json",
                            f"{root}/out.json"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            got = json.load(open(f"{root}/out.json"))
        want, iou = detectron2(pairs, n), devkit(pairs, n)
        check([row[:n] for row in got["confusion"]] == want["counts"].tolist(), i, "confusion")
        check(got["sizes"]["void_pixels"] == sum(int((t == VOID).sum()) for t, _ in pairs), i, "void")
        for c, row in enumerate(got["per_class"]):
            for key, value in (("IoU", want["IoU"][c]), ("accuracy", want["accuracy"][c]), ("IoU_devkit", iou[c])):
                check(same(row[key], value), i, c, key, row[key], value)
        for key in ("mIoU", "fwIoU", "mACC", "pACC"):
            check(same(got[key], want[key], 1e-15), i, key, got[key], want[key])
        check(same(got["mIoU_devkit"], iou.mean(), 1e-15), i, "mIoU_devkit", got["mIoU_devkit"], iou.mean())
        numbers += n * n + 3 * n + 6
    print(f"{sets} sets agree: {numbers} numbers; counts and classes to the last bit, means to 1e-15")


if __name__ == "__main__":
    main()
