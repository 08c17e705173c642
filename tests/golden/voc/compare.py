#!/usr/bin/env python3
"""Random small VOC sets through detectron2's evaluator and through godwit; stops at the first difference.

    python3 -m venv venv && venv/bin/pip install numpy
    git clone https://github.com/facebookresearch/detectron2
    venv/bin/python tests/golden/voc/compare.py build/release/godwit \
        detectron2/detectron2/evaluation/pascal_voc_evaluation.py SEED SETS

Difficult objects, images named twice or without objects, classes without objects or without detections, equal scores,
overlaps on the thresholds, boxes of one pixel and inside out. Every other set goes in as JSON, which both sides round
to .1 and .001. Both definitions of AP at ten thresholds, their means, and recall and precision at .5 agree to 1e-12.

The evaluator is one file; the packages that it imports for other things are replaced by empty ones. Its argsort is made
stable: the order of equal scores is otherwise NumPy's and the processor's business.
"""
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import types
import warnings

import numpy as np

CLASSES = ("aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant "
           "sheep sofa train tvmonitor").split()
THRESHOLDS = [t / 100.0 for t in range(50, 100, 5)]


def load_reference(path):
    source = open(path).read()
    stable = source.replace("np.argsort(-confidence)", 'np.argsort(-confidence, kind="stable")')
    assert stable != source
    module = types.ModuleType("reference.voc")
    module.__package__ = "reference"
    stubs = {"torch": {}, "detectron2": {}, "detectron2.data": {"MetadataCatalog": None}, "detectron2.utils": {"comm": None},
             "detectron2.utils.file_io": {"PathManager": types.SimpleNamespace(open=open)}, "reference": {},
             "reference.evaluator": {"DatasetEvaluator": object}}
    for name, members in stubs.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(members)
    exec(compile(stable, path, "exec"), module.__dict__)
    return module


def make_object(rnd, classes):
    x, y = rnd.randint(1, 80), rnd.randint(1, 60)
    w, h = rnd.choice([(0, 0), (9, 9), (19, 9), (3, 4), (rnd.randint(1, 60), rnd.randint(1, 40))])
    return {"name": rnd.choice(classes), "difficult": int(rnd.random() < .2), "box": [x, y, x + w, y + h]}


def make_detection(rnd, objects, classes, score):
    """Corners from 0, the upper ones outside, in eighths of a pixel: exact in float32."""
    if objects and rnd.random() < .8:
        o = rnd.choice(objects)
        x0, y0, x1, y1 = o["box"]
        box = [x0 - 1., y0 - 1., float(x1), float(y1)]
        kind = rnd.randrange(5)
        if kind == 1:  # half, .75 or .95 of the object: on a threshold
            box[2] = box[0] + (box[2] - box[0]) * rnd.choice([.5, .75, .875])
        elif kind == 2:
            box = [v + rnd.randint(-16, 16) / 8 for v in box]
        elif kind == 3:
            box = [v + rnd.randint(-2, 2) for v in box]
        name = o["name"] if rnd.random() < .9 else rnd.choice(classes)
    else:
        x, y = rnd.randint(0, 700) / 8, rnd.randint(0, 500) / 8
        box, name = [x, y, x + rnd.randint(-8, 400) / 8, y + rnd.randint(0, 300) / 8], rnd.choice(classes)
    return {"name": name, "box": box, "score": score()}


def make_set(rnd):
    classes = rnd.sample(CLASSES, rnd.randint(1, 4))
    ids = ["%06d" % n for n in rnd.sample(range(1, 99999), rnd.randint(1, 5))]
    style = rnd.randrange(3)
    score = lambda: [rnd.choice([.1, .5, .5, .9]), float(np.float32(rnd.random())), rnd.randint(0, 20) / 20][style]
    objects = {i: [make_object(rnd, classes) for _ in range(rnd.choice([0, 1, 2, 4, 7]))] for i in ids}
    found = [(i, make_detection(rnd, objects[i], classes, score)) for i in ids for _ in range(rnd.choice([0, 1, 3, 8]))]
    rnd.shuffle(found)
    named = ids + ([rnd.choice(ids)] if rnd.random() < .1 else [])
    return named, objects, found


def write_truth(root, named, objects):
    for name in ("Annotations", "ImageSets/Main"):
        os.makedirs(f"{root}/{name}")
    with open(f"{root}/ImageSets/Main/test.txt", "w") as f:
        f.write("".join(i + "\n" for i in named))
    for i, mine in objects.items():
        with open(f"{root}/Annotations/{i}.xml", "w") as f:
            f.write("<annotation><size><width>200</width><height>150</height><depth>3</depth></size>")
            for o in mine:
                corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), o["box"]))
                f.write(f"<object><name>{o['name']}</name><pose>Left</pose><truncated>0</truncated>"
                        f"<difficult>{o['difficult']}</difficult><bndbox>{corners}</bndbox></object>")
            f.write("</annotation>")


def write_found(root, found, as_json):
    """The devkit's files as the reference writes them; godwit reads those, or JSON of the same detections."""
    os.makedirs(f"{root}/found")
    lines = {name: [] for name in CLASSES}
    for i, d in found:
        x0, y0, x1, y1 = np.array(d["box"], np.float32)
        lines[d["name"]].append(f"{i} {d['score']:.3f} {x0 + 1:.1f} {y0 + 1:.1f} {x1:.1f} {y1:.1f}")
    for name, mine in lines.items():
        with open(f"{root}/found/comp4_det_test_{name}.txt", "w") as f:
            f.write("\n".join(mine))
    if not as_json:
        return f"{root}/found"
    rows = [{"image_id": i, "category": d["name"], "score": d["score"],
             "bbox": [d["box"][0], d["box"][1], d["box"][2] - d["box"][0], d["box"][3] - d["box"][1]]} for i, d in found]
    json.dump(rows, open(f"{root}/found.json", "w"))
    return f"{root}/found.json"


def reference(module, root, name):
    """Both APs at every threshold; the curve at the first."""
    module.parse_rec.cache_clear()
    out = {"AP_11_point": [], "AP_area": []}
    for t in THRESHOLDS:
        rec, prec, ap = module.voc_eval(f"{root}/found/comp4_det_test_{{}}.txt", f"{root}/Annotations/{{}}.xml",
                                        f"{root}/ImageSets/Main/test.txt", name, t, True)
        out["AP_11_point"].append(ap)
        out["AP_area"].append(module.voc_ap(rec, prec, False))
        out.setdefault("recall", rec)
        out.setdefault("precision", prec)
    return out


def same(mine, want):
    if isinstance(want, float) and math.isnan(want):
        return mine is None
    return mine is not None and abs(mine - want) <= 1e-12


def compare(report, module, root, used):
    """How many numbers were compared; the name of the first that differs."""
    idle = reference(module, root, next(c for c in CLASSES if c not in used))
    want = {name: reference(module, root, name) if name in used else idle for name in CLASSES}
    rows = {row["name"]: row for row in report["per_class"]}
    if set(rows) != set(CLASSES):
        return 0, "classes"
    n = 0
    for name in CLASSES:
        for key in ("AP_11_point", "AP_area"):
            for t in range(10):
                n += 1
                if not same(rows[name][key][t], want[name][key][t]):
                    return n, f"{name} {key} {THRESHOLDS[t]}: {rows[name][key][t]} {want[name][key][t]}"
        for key in ("recall", "precision"):
            mine, theirs = rows[name]["curve"][key], want[name][key].tolist()
            n += len(theirs)
            if len(mine) != len(theirs) or not all(map(same, mine, theirs)):
                return n, f"{name} {key}: {mine} {theirs}"
    for key, mean in (("AP_11_point", "11_point"), ("AP_area", "area")):
        at = [np.mean([want[name][key][t] for name in CLASSES]) for t in range(10)]
        for field, value in (("AP", np.mean(at)), ("AP50", at[0]), ("AP75", at[5])):
            n += 1
            if not same(report["means"][mean][field], value):
                return n, f"mean {mean} {field}: {report['means'][mean][field]} {value}"
    return n, None


def main():
    program, path, seed, sets = os.path.abspath(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    module, compared = load_reference(path), 0
    warnings.simplefilter("ignore")
    for i in range(sets):
        rnd = random.Random(seed * 1000003 + i)
        named, objects, found = make_set(rnd)
        with tempfile.TemporaryDirectory() as top:
            root = f"{top}/VOC2007"
            os.makedirs(root)
            write_truth(root, named, objects)
            results = write_found(root, found, as_json=i % 2 == 1 and len(found) > 0)
            subprocess.run([program, "eval", "voc", root, results, "--json", f"{top}/out.json"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            used = {o["name"] for mine in objects.values() for o in mine} | {d["name"] for _, d in found}
            n, difference = compare(json.load(open(f"{top}/out.json")), module, root, used)
            compared += n
            if difference:
                os.system(f"rm -rf /tmp/voc-different && cp -r {top} /tmp/voc-different")
                sys.exit(f"DIFFERENT set {i}: {difference}; kept in /tmp/voc-different")
    print(f"{sets} sets agree in both definitions: {compared} numbers to 1e-12")


if __name__ == "__main__":
    main()
