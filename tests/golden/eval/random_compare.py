"""Compares godwit's COCO and LVIS evaluators with pycocotools and lvis-api on thousands of small random sets.

    sh tests/golden/eval/setup_oracles.sh oracles
    cmake --build --preset release --target godwit_eval
    oracles/bin/python tests/golden/eval/random_compare.py --build build/release --metric bbox --sets 20000 [--seed 1]

Sets have score ties, crowds, empty images, unknown categories, areas on the range borders, overlaps on the thresholds,
and (metric ending in -bugs) annotation id 0, duplicated ids and unlisted categories. precision, recall, scores and
stats must agree byte for byte (keypoints: to 1e-12; a set whose OKS sits within 1e-12 of a threshold is counted and
left out). Prints one line; exit status 1 when any set disagrees.
"""
import argparse, contextlib, copy, io, json, logging, os, random, struct, subprocess, sys, tempfile
import numpy as np
np.float = float  # lvis-api uses the alias that NumPy has dropped
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from pycocotools import mask as mask_utils

HERE = os.path.dirname(os.path.abspath(__file__))
SINK = io.StringIO()


def build_batch(build):
    exe = os.path.join(tempfile.mkdtemp(), "batch")
    root = os.path.join(HERE, "..", "..", "..")
    libs = [os.path.join(build, d, f"libgodwit_{d}.a") for d in ("eval", "base")]
    objects = exe + ".o"
    subprocess.check_call(["cc", "-std=gnu11", "-O2", "-I", root, "-c", os.path.join(HERE, "batch.c"), "-o", objects])
    subprocess.check_call(["c++", "-o", exe, objects, *libs, "-lcjson", "-lexpat", "-lspng", "-larchive", "-lxxhash",
                           "-lgomp", "-lpthread", "-lm"])
    return subprocess.Popen([exe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, OMP_NUM_THREADS="1"))


class Batch:
    def __init__(self, build):
        self.p = build_batch(build)

    def read(self, n):
        data = self.p.stdout.read(n)
        assert len(data) == n, "batch died"
        return data

    def ints(self, n):
        return struct.unpack(f"<{n}q", self.read(8 * n))

    def run(self, s):
        gt, dt = json.dumps(s["gt"]).encode(), json.dumps(s["dt"]).encode()
        caps, imgs, cats = s["caps"] or [], s["imgs"] or [], s["cats"] or []
        head = [s["lvis"], s["iou"], s["bug"], s["use_cats"], len(caps), *caps, len(imgs), *imgs, len(cats), *cats, len(gt), len(dt)]
        self.p.stdin.write((" ".join(map(str, head)) + "\n").encode() + gt + dt)
        self.p.stdin.flush()
        if self.ints(1)[0] != 0:
            return self.read(self.ints(1)[0]).decode()
        T, R, K, A, M = self.ints(5)
        f = lambda *shape: np.frombuffer(self.read(8 * int(np.prod(shape))), "<f8").reshape(shape)
        out = dict(precision=f(T, R, K, A, M), recall=f(T, K, A, M), scores=f(T, R, K, A, M))
        out["stats"] = f(self.ints(1)[0])
        return out


def box(r, W, H):
    w, h = r.choice([2, 4, 5, 8, 10, 16, 20, r.randint(1, W)]), r.choice([2, 4, 5, 8, 10, 20, r.randint(1, H)])
    return [r.randint(0, max(0, W - w)), r.randint(0, max(0, H - h)), min(w, W), min(h, H)]


def jitter(r, b):
    k = r.random()
    x, y, w, h = b
    if k < .25:
        return list(b)
    if k < .4:  # overlap of exactly one half, or 3/4
        return [x, y, w / 2 if r.random() < .5 else w * .75, h]
    if k < .7:
        return [x + r.randint(-2, 2), y + r.randint(-2, 2), max(1, w + r.randint(-3, 3)), max(1, h + r.randint(-3, 3))]
    return [x + r.gauss(0, .15) * w, y + r.gauss(0, .15) * h, max(.5, w * (1 + r.gauss(0, .15))), max(.5, h * (1 + r.gauss(0, .15)))]


def score(r, style):
    return [r.choice([.1, .2, .5, .5, .9]), r.random(), round(r.random(), 1), float(np.float32(r.random())), r.choice([-1, 0, 1, 2])][style]


def polygon(r, b):
    x, y, w, h = b
    k = r.random()
    if k < .4:
        return [x, y, x, y + h, x + w, y + h, x + w, y]
    if k < .7:
        return [x, y, x + w, y, x + w / 2, y + h]
    return [round(c + r.uniform(-.5, .5), 2) for c in (x, y, x + w, y + r.random() * h, x + w, y + h, x + r.random() * w, y + h, x, y + h / 2)]


def raster(r, b, H, W):
    m = np.zeros((H, W), np.uint8, order="F")
    x, y, w, h = [int(round(v)) for v in b]
    x, y = max(0, x), max(0, y)
    m[y:y + max(1, h), x:x + max(1, w)] = 1
    if r.random() < .3:
        m[y:y + max(1, h) // 2, x:x + max(1, w) // 2] = 0
    return m


def rle(m):
    e = mask_utils.encode(m)
    return {"size": [int(v) for v in e["size"]], "counts": e["counts"].decode()}


def uncompressed(m):
    flat, counts, last = m.flatten(order="F"), [0], 0
    for v in flat:
        if v != last:
            counts.append(0)
            last = v
        counts[-1] += 1
    return {"size": list(m.shape), "counts": counts}


def truth_mask(r, b, H, W, crowd):
    k = r.random()
    if crowd or k < .2:
        return uncompressed(raster(r, b, H, W))
    if k < .4:
        return rle(raster(r, b, H, W))
    return [polygon(r, b) for _ in range(r.choice([1, 1, 1, 2]))]


def pose(r, b):
    out = []
    for _ in range(17):
        v = r.choice([0, 1, 2, 2])
        out += [b[0] + r.randint(0, max(1, int(b[2]))), b[1] + r.randint(0, max(1, int(b[3]))), v] if v else [0, 0, 0]
    return out


def make(seed, metric):
    r = random.Random(seed)
    lvis, bug = metric.startswith("lvis"), metric.endswith("-bugs")
    kind = metric.replace("lvis-", "").replace("-bugs", "")
    iou = ["bbox", "segm", "keypoints"].index(kind)
    K = 1 if iou == 2 else 11 if seed % 50 == 0 else r.randint(1, 4)  # 11 categories: means over more than 8192 cells
    cats = sorted(r.sample(range(1, 12), K))
    ids = r.sample(range(1, 50), r.randint(1, 5))
    W, H = r.choice([24, 40, 64, 120]), r.choice([24, 40, 64])
    style = r.randrange(5)
    images, anns, dts = [], [], []
    for i in ids:
        images.append({"id": i, "width": W, "height": H})
        n = r.choice([0, 0, 1, 2, 3, 5, 8])
        if lvis:
            images[-1]["neg_category_ids"] = [c for c in cats if r.random() < .4]
            images[-1]["not_exhaustive_category_ids"] = [c for c in cats if r.random() < .2]
        mine = []
        for _ in range(n):
            b = box(r, W, H)
            crowd = int(r.random() < .15)
            a = {"id": len(anns) + 1, "image_id": i, "category_id": r.choice(cats), "bbox": b, "iscrowd": crowd,
                 "area": r.choice([b[2] * b[3], b[2] * b[3] * .7, 1024, 9216, 1024.5, 100, 2e4] + ([0] if lvis else []))}
            if r.random() < .1:
                a["ignore"] = r.randint(0, 1)
            if iou == 1:
                a["segmentation"] = truth_mask(r, b, H, W, crowd)
            if iou == 2:
                a["keypoints"] = pose(r, b) if r.random() < .9 else [0] * 51
                a["num_keypoints"] = r.choice([0, 5, sum(v > 0 for v in a["keypoints"][2::3])])
            anns.append(a)
            mine.append(a)
        for a in mine:
            for _ in range(r.choice([0, 1, 1, 2, 3])):
                dts.append({"image_id": i, "category_id": a["category_id"] if r.random() < .85 else r.choice(cats + [77]),
                            "b": jitter(r, a["bbox"]), "score": score(r, style), "gt": a})
        for _ in range(r.choice([0, 1, 3, 12])):
            dts.append({"image_id": i, "category_id": r.choice(cats), "b": box(r, W, H), "score": score(r, style), "gt": None})
    if not dts:
        dts.append({"image_id": ids[0], "category_id": cats[0], "b": box(r, W, H), "score": .5, "gt": None})
    r.shuffle(dts)
    r.shuffle(anns)
    as_box = iou == 0 or (iou == 1 and r.random() < .2)
    mask_only = iou == 0 and r.random() < .1
    for d in dts:
        b, g = d.pop("b"), d.pop("gt")
        if mask_only:
            d["segmentation"] = rle(raster(r, b, H, W))
        elif as_box:
            d["bbox"] = b
            if lvis and r.random() < .05:
                d["bbox"] = [b[0], b[1], 0, b[3]]
        elif iou == 1:
            d["segmentation"] = rle(raster(r, b, H, W))
        else:
            base = g["keypoints"] if g and any(g["keypoints"]) else pose(r, b)
            s = r.choice([0, 1, 3, 8])
            d["keypoints"] = [v + r.randint(-s, s) if k % 3 < 2 else 1 for k, v in enumerate(base)]
    if bug and anns:
        for _ in range(r.randint(1, 2)):
            k = r.random()
            a = r.choice(anns)
            if k < .4:
                a["id"] = 0
            elif k < .8:
                a["id"] = r.choice(anns)["id"]
            else:
                a["category_id"] = 99
    s = dict(lvis=int(lvis), iou=iou, bug=int(bug), use_cats=1, caps=None, imgs=None, cats=None, dt=dts,
             gt={"images": images, "annotations": anns, "categories": [
                 {"id": c, "name": f"c{c}", **({"frequency": r.choice("rcf")} if lvis else {})} for c in cats]})
    if not lvis:
        if r.random() < .15:
            s["use_cats"] = 0
        if r.random() < .2 and iou != 2:
            s["caps"] = r.choice([[1, 2, 5], [3, 1, 100], [1, 10, 300], [2, 3, 4, 100]])
        if r.random() < .1:
            s["imgs"] = sorted(r.sample(ids, r.randint(1, len(ids))))
        if r.random() < .1:
            s["cats"] = sorted(r.sample(cats, r.randint(1, len(cats))))
    elif r.random() < .3:
        s["caps"] = [r.choice([1, 3, 10])]
    return s


def reference_coco(s):
    gt = COCO()
    gt.dataset = copy.deepcopy(s["gt"])
    gt.createIndex()
    e = COCOeval(gt, gt.loadRes(copy.deepcopy(s["dt"])), ["bbox", "segm", "keypoints"][s["iou"]])
    e.params.useCats = s["use_cats"]
    if s["caps"]:
        e.params.maxDets = s["caps"]
    if s["imgs"]:
        e.params.imgIds = s["imgs"]
    if s["cats"]:
        e.params.catIds = s["cats"]
    e.evaluate()
    close = s["iou"] == 2 and any(len(v) and np.any(np.abs(np.asarray(v)[..., None] - e.params.iouThrs) < 1e-12) for v in e.ious.values())
    e.accumulate()
    e.summarize()
    return dict(precision=e.eval["precision"], recall=e.eval["recall"], scores=e.eval["scores"], stats=np.array(e.stats)), close


def reference_lvis(s):
    from lvis import LVIS, LVISResults, LVISEval
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as f:
        json.dump(s["gt"], f)
        f.flush()
        gt = LVIS(f.name)
    e = LVISEval(gt, LVISResults(gt, copy.deepcopy(s["dt"]), max_dets=s["caps"][0] if s["caps"] else 300), ["bbox", "segm"][s["iou"]])
    e.run()
    return dict(precision=e.eval["precision"][..., None], recall=e.eval["recall"][..., None], stats=np.array(list(e.results.values()), float)), False


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build/release")
    p.add_argument("--metric", default="bbox", help="bbox segm keypoints lvis-bbox lvis-segm, or one of them with -bugs")
    p.add_argument("--sets", type=int, default=20000)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--first", type=int, default=0, help="number of the first set, to run a long comparison in pieces")
    p.add_argument("--dump", help="write the first set that disagrees here")
    a = p.parse_args()
    logging.disable(logging.CRITICAL)
    batch, wrong, close, cells = Batch(a.build), 0, 0, 0
    for i in range(a.sets):
        s = make(a.seed * 10**7 + a.first + i, a.metric)
        if i % 1000 == 999:
            print(f"{a.metric}: {i + 1} sets, {wrong} disagree so far", file=sys.stderr, flush=True)
        SINK.seek(0)
        SINK.truncate()
        try:
            with contextlib.redirect_stdout(SINK):
                want, is_close = (reference_lvis if s["lvis"] else reference_coco)(s)
        except Exception as e:
            want, is_close = f"{type(e).__name__}: {e}", False
        got = batch.run(s)
        if is_close:
            close += 1
            continue
        if isinstance(want, str) or isinstance(got, str):
            bad = not (isinstance(want, str) and isinstance(got, str))
            why = f"reference {want if isinstance(want, str) else 'ok'}, godwit {got if isinstance(got, str) else 'ok'}"
        else:
            bad, why = False, ""
            for k in want:
                cells += want[k].size
                if want[k].shape != got[k].shape or want[k].tobytes() != np.ascontiguousarray(got[k]).tobytes():
                    bad, why = True, f"{k}: {want[k].shape} {got[k].shape} largest difference {np.max(np.abs(want[k] - got[k])) if want[k].shape == got[k].shape else '-'}"
                    break
        if bad:
            wrong += 1
            if wrong <= 5:
                print(f"set {i}: {why}", flush=True)
            if wrong == 1 and a.dump:
                json.dump(s, open(a.dump, "w"))
    print(f"{a.metric}: {a.sets} sets, {wrong} disagree, {close} left out (OKS on a threshold), {cells} numbers compared byte for byte")
    return wrong > 0


sys.exit(main())
