#!/usr/bin/env python3
"""Random masks through pycocotools and through libgodwit.so; stops at the first difference. Everything bit for bit.

    python3 -m venv venv && venv/bin/pip install pycocotools==2.0.11
    venv/bin/python tests/golden/masks/compare.py build/release/lib/libgodwit.so SEED ROUNDS

Polygons (also degenerate, outside, self-crossing, duplicated vertices), boxes, encoding in both layouts, strings with
zero-length runs, decoding, merges, mask and box IoU with and without crowd. Two masks whose zero-length runs meet are
left out: there pycocotools stops early (rle.h).
"""
import ctypes
import random
import sys

import numpy as np
from pycocotools import mask as M

C, P = ctypes, ctypes.c_void_p
lib = C.CDLL(sys.argv[1])
lib.gw_mask_string.restype = lib.gw_status_text.restype = C.c_char_p
lib.gw_mask_area.restype = C.c_int64
for name in ("string", "area", "free", "box", "size", "decode"):
    getattr(lib, "gw_mask_" + name).argtypes = {"box": [P, P], "size": [P, P, P], "decode": [P, P, C.c_int]}.get(name, [P])
I64 = C.c_int64


class Mask:
    def __init__(self, maker, *args):
        self.handle = P()
        if maker(C.byref(self.handle), *args) != 0:
            raise ValueError(lib.gw_status_text().decode())

    def __del__(self):
        lib.gw_mask_free(self.handle)

    def key(self):
        box, h, w = (C.c_double * 4)(), I64(), I64()
        lib.gw_mask_box(self.handle, box)
        lib.gw_mask_size(self.handle, C.byref(h), C.byref(w))
        return lib.gw_mask_string(self.handle), lib.gw_mask_area(self.handle), list(box), [h.value, w.value]


def key(rle):
    return rle["counts"], int(M.area(rle)), [float(v) for v in M.toBbox(rle)], list(rle["size"])


def doubles(x):
    return (C.c_double * len(x))(*x)


def check(what, mine, want, *context):
    global compared
    compared += 1
    if mine != want:
        sys.exit(f"DIFFERENT {what}: {mine} instead of {want} for {context}")


def coordinate(rnd, side, kind):
    if kind == 0:
        return rnd.uniform(-.3 * side, 1.3 * side)
    if kind == 1:
        return float(rnd.randint(-2, side + 2))
    if kind == 2:
        return rnd.randint(-8, 4 * side + 8) / 4
    if kind == 3:
        return round(rnd.uniform(0, side), 2)
    if kind == 4:
        return rnd.randint(-10, 10 * side + 10) / 10
    return rnd.uniform(-50 * side, 50 * side)


def random_polygons(rnd, h, w):
    polygons = []
    for _ in range(rnd.choice([1, 1, 1, 2, 3])):
        kind, p = rnd.randrange(6), []
        for _ in range(rnd.choice([3, 3, 4, 5, 8, 20, 60])):
            p += [coordinate(rnd, w, kind), coordinate(rnd, h, kind)]
        if rnd.random() < .1:
            p += p[:2]
        if rnd.random() < .1:
            p[2:4] = p[0:2]
        if rnd.random() < .05:
            p += [1.0]
        if polygons and rnd.random() < .05:
            p = p[:4]
        polygons.append(p)
    return polygons


def from_polygons(polygons, h, w):
    numbers = (I64 * len(polygons))(*map(len, polygons))
    return Mask(lib.gw_mask_from_polygons, doubles(sum(polygons, [])), numbers, I64(len(polygons)), I64(h), I64(w))


def from_string(text, h, w):
    return Mask(lib.gw_mask_from_string, text, I64(len(text)), I64(h), I64(w))


def one_round(rnd, seed):
    h, w = rnd.choice([(10, 10), (1, 1), (rnd.randint(1, 60), rnd.randint(1, 60)), (rnd.randint(1, 60), 30), (480, 640)])
    polygons = random_polygons(rnd, h, w)
    shape = M.merge(M.frPyObjects(polygons, h, w))
    check("polygon", from_polygons(polygons, h, w).key(), key(shape), h, w, polygons)
    box = [coordinate(rnd, s, 1 + seed % 3) for s in (w, h, w, h)]
    check("box", Mask(lib.gw_mask_from_box, doubles(box), I64(h), I64(w)).key(),
          key(M.frPyObjects(np.array([box]), h, w)[0]), h, w, box)

    pixels = (np.random.RandomState(seed).rand(h, w) < rnd.choice([0, .05, .5, .95, 1])).astype(np.uint8)
    noise = M.encode(np.asfortranarray(pixels))
    for in_rows, view in ((1, np.ascontiguousarray(pixels)), (0, np.ascontiguousarray(pixels.T))):
        m = Mask(lib.gw_mask_encode, view.ctypes.data_as(P), I64(h), I64(w), in_rows)
        check("encode", m.key(), key(noise), h, w, in_rows)

    left, counts = h * w, []
    while left > 0 and len(counts) < h * w and rnd.random() < .9:
        counts.append(0 if rnd.random() < .2 else min(left, rnd.randint(0, max(1, h * w // 3))))
        left -= counts[-1]
    counts.append(left)
    sparse = M.frPyObjects({"counts": counts, "size": [h, w]}, h, w)
    m = from_string(sparse["counts"], h, w)
    check("string", m.key(), key(sparse), h, w, counts)
    back = np.zeros((h, w), np.uint8)
    lib.gw_mask_decode(m.handle, back.ctypes.data_as(P), 1)
    check("decode", back.tobytes(), np.ascontiguousarray(M.decode(sparse)).tobytes(), counts)

    some = [shape, noise] + ([sparse] if len(counts) < h * w // 2 else [])
    rnd.shuffle(some)
    mine = [from_string(r["counts"], h, w) for r in some]
    handles = (P * len(mine))(*[m.handle for m in mine])
    for intersect in (0, 1):
        check("merge", Mask(lib.gw_mask_merge, handles, I64(len(mine)), intersect).key(),
              key(M.merge(some, bool(intersect))), h, w, intersect, some)
    plain = [shape, noise]
    others = [from_string(r["counts"], h, w) for r in plain]
    for crowd in (0, 1):
        iou = np.zeros((len(mine), 2))
        flags = (C.c_uint8 * 2)(crowd, crowd)
        lib.gw_mask_iou(iou.ctypes.data_as(P), handles, I64(len(mine)), (P * 2)(*[m.handle for m in others]), I64(2), flags)
        want = M.iou(some, plain, [crowd] * 2)
        for i in range(iou.size):
            check("mask iou", iou.flat[i], want.flat[i], h, w, crowd, some, plain)
        boxes = np.array([[coordinate(rnd, 40, rnd.randrange(6)) for _ in range(4)] for _ in range(6)])
        iou = np.zeros((3, 3))
        lib.gw_box_iou(iou.ctypes.data_as(P), boxes[:3].ctypes.data_as(P), I64(3), boxes[3:].copy().ctypes.data_as(P), I64(3),
                       (C.c_uint8 * 3)(crowd, crowd, crowd))
        want = M.iou(boxes[:3], boxes[3:], [crowd] * 3)
        for i in range(9):
            check("box iou", iou.flat[i], want.flat[i], boxes)


compared = 0
seed, rounds = int(sys.argv[2]), int(sys.argv[3])
for r in range(rounds):
    one_round(random.Random(seed * 1000003 + r), r)
print(f"{rounds} rounds, {compared} comparisons, no difference")
