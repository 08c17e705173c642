#!/usr/bin/env python3
"""Random small sets through cityscapesScripts and through godwit; stops at the first difference.

    python3 -m venv venv && venv/bin/pip install cityscapesscripts==2.3.0
    venv/bin/python tests/golden/cityscapes/compare.py build/release/godwit SEED SETS

Instance AP must agree to 1e-12 (the reference's dot product has no fixed order), pixel IoU to the last bit. Sets in
which the reference crashes because nothing was collected are counted; there godwit must say 0 for some cell.
"""
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import warnings

import numpy as np

if not hasattr(np, "in1d"):  # the scripts need it; NumPy 2.4 dropped the name
    np.in1d = np.isin

from PIL import Image

import cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling as inst
import cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling as pix

warnings.simplefilter("ignore")
inst.writeDict2JSON = lambda *_: None  # matches.json and the cache beside it are not wanted
THINGS = [24, 25, 26, 27, 28, 31, 32, 33]


def paint(rnd, image, value):
    h, w = image.shape
    y, x = rnd.randrange(h), rnd.randrange(w)
    image[y:y + rnd.randint(1, h), x:x + rnd.randint(1, w)] = value


def make_set(rnd, root):
    """Writes gt/ and pred/ of one to three images; returns the base names."""
    names = []
    few = rnd.sample(THINGS, rnd.choice([1, 2, 3]))
    h, w = rnd.choice([(12, 14), (20, 24), (30, 40)])
    for i in range(rnd.choice([1, 1, 2, 3])):
        base = "city_%06d_000019" % i
        names.append(base)
        gt = np.full((h, w), 7, np.uint16)
        for k in range(rnd.randrange(7)):
            label = rnd.choice(few) if rnd.random() < .8 else rnd.choice([29, 30])
            kind = rnd.randrange(6)
            value = label if kind == 0 else rnd.choice([0, 4, 7, 11]) if kind == 1 else label * 1000 + k
            paint(rnd, gt, value)
        labels = np.where(gt < 1000, gt, gt // 1000).astype(np.uint8)
        Image.fromarray(gt).save(f"{root}/gt/{base}_gtFine_instanceIds.png")
        Image.fromarray(labels).save(f"{root}/gt/{base}_gtFine_labelIds.png")
        found = labels.copy()
        for k in range(rnd.randrange(4)):
            paint(rnd, found, rnd.choice(few + [0, 7, 8, 11, 29, 33]))
        Image.fromarray(found).save(f"{root}/pred/{base}_pred.png")
        lines = []
        values = [int(v) for v in np.unique(gt)]
        for k in range(rnd.randrange(6)):
            label = rnd.choice(few)
            mine = [v for v in values if v in few or v // 1000 in few]
            if mine and rnd.random() < .75:
                v = rnd.choice(mine)
                label = v if v < 1000 else v // 1000
                mask = np.roll(gt == v, (rnd.randint(-1, 1), rnd.randint(-2, 2)), (0, 1))
                if rnd.random() < .3:
                    mask = gt == v
            else:
                mask = np.zeros((h, w), bool)
                paint(rnd, mask, rnd.random() < .95)
            name = f"{base}_{k}.png"
            Image.fromarray(mask.astype(np.uint8) * rnd.choice([1, 255])).save(f"{root}/pred/masks_{name}")
            score = rnd.choice([rnd.randint(1, 9) / 10, rnd.random()])
            label = label if rnd.random() < .95 else rnd.choice([7, 29, -1])
            lines.append(f"masks_{name} {label} {score}")
        with open(f"{root}/pred/{base}_list.txt", "w") as f:
            f.write("\n".join(lines) + ("\n" if lines and rnd.random() < .5 else ""))
    return names


def reference_instances(root, names):
    inst.args.quiet, inst.args.JSONOutput = True, False
    inst.args.predictionPath = os.path.abspath(f"{root}/pred")
    inst.args.gtInstancesFile = f"{root}/cache.json"
    gt = [f"{root}/gt/{n}_gtFine_instanceIds.png" for n in names]
    pred = [f"{root}/pred/{n}_list.txt" for n in names]
    try:
        return inst.evaluateImgLists(pred, gt, inst.args)
    except IndexError:
        return None


def reference_pixels(root, names):
    pix.args.quiet, pix.args.JSONOutput = True, False
    gt = [f"{root}/gt/{n}_gtFine_labelIds.png" for n in names]
    pred = [f"{root}/pred/{n}_pred.png" for n in names]
    return pix.evaluateImgLists(pred, gt, pix.args)


def godwit(program, root, task):
    out = f"{root}/out.json"
    pred = f"{root}/pred"
    if task == "pixel":  # masks match the pattern of label images too: give the label images a folder of their own
        pred = f"{root}/pixel"
        os.makedirs(pred)
        for n in os.listdir(f"{root}/pred"):
            if n.endswith("_pred.png"):
                os.rename(f"{root}/pred/{n}", f"{pred}/{n}")
    subprocess.run([program, "eval", "cityscapes", f"{root}/gt", pred, "--task", task, "--json", out, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL, env=dict(os.environ, OMP_NUM_THREADS="1"))
    return json.load(open(out))


def same(a, b, tolerance=0.0):
    if b is None or (isinstance(b, float) and math.isnan(b)):
        return a is None
    return a is not None and abs(a - b) <= tolerance


def check(ok, what, root, *values):
    if not ok:
        print("DIFFERENT", what, *values, "kept in", root)
        os._exit(1)


def main():
    program, seed, sets = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    crashes = cells = scores = 0
    for i in range(sets):
        rnd = random.Random(seed * 1000003 + i)
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(f"{root}/gt")
            os.makedirs(f"{root}/pred")
            os.chdir(root)
            names = make_set(rnd, root)
            mine, ref = godwit(program, root, "instance"), reference_instances(root, names)
            if ref is None:
                crashes += 1
                check(any(v == 0 for c in mine["per_class"] for v in c["ap"]), "crash case", root)
            else:
                for k, row in enumerate(ref["resultApMatrix"][0]):
                    for t, v in enumerate(row):
                        cells += 1
                        check(same(mine["per_class"][k]["ap"][t], v, 1e-12), "ap", root, k, t, v,
                              mine["per_class"][k]["ap"][t])
                check(same(mine["AP"], float(ref["averages"]["allAp"]), 1e-12), "AP", root)
                check(same(mine["AP50"], float(ref["averages"]["allAp50%"]), 1e-12), "AP50", root)
                check(mine["thresholds"] == ref["overlaps"], "thresholds", root)
            ref = reference_pixels(root, names)
            mine = godwit(program, root, "pixel")
            check(mine["confusion"] == ref["confMatrix"], "confusion", root)
            for kind, table, weighted in (("per_class", "classScores", "classInstScores"),
                                          ("per_category", "categoryScores", "categoryInstScores")):
                for row in mine[kind]:
                    scores += 2
                    check(same(row["IoU"], ref[table][row["name"]]), table, root, row)
                    check(same(row["iIoU"], ref[weighted][row["name"]]), weighted, root, row,
                          ref[weighted][row["name"]])
            for key, name in (("mIoU", "averageScoreClasses"), ("miIoU", "averageScoreInstClasses"),
                              ("mIoU_category", "averageScoreCategories"),
                              ("miIoU_category", "averageScoreInstCategories")):
                check(same(mine[key], ref[name]), key, root, mine[key], ref[name])
            os.chdir("/")
    print(f"{sets} sets agree: {cells} AP cells to 1e-12, {scores} IoU scores to the last bit; "
          f"the reference crashed on {crashes}")


if __name__ == "__main__":
    main()
