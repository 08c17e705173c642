#!/usr/bin/env python3
"""COCO numbers of NumPy arrays, in process, without a compiled Python module.

    GODWIT_LIBRARY=build/release/lib/libgodwit.so python3 examples/eval_arrays.py
"""
import ctypes
import os
import sys

import numpy as np

I64, F64 = np.dtype(np.int64), np.dtype(np.float64)
lib = ctypes.CDLL(os.environ.get("GODWIT_LIBRARY", "libgodwit.so.0"))
lib.gw_status_text.restype = lib.gw_coco_summary.restype = ctypes.c_char_p
lib.gw_coco_precision.restype = ctypes.POINTER(ctypes.c_double)


class Truths(ctypes.Structure):
    _fields_ = [("n_images", ctypes.c_int64), ("images", ctypes.c_void_p), ("n_categories", ctypes.c_int64),
                ("categories", ctypes.c_void_p), ("n", ctypes.c_int64), ("image_id", ctypes.c_void_p),
                ("category_id", ctypes.c_void_p), ("box", ctypes.c_void_p), ("area", ctypes.c_void_p),
                ("is_crowd", ctypes.c_void_p), ("mask", ctypes.c_void_p),
                ("n_keypoints", ctypes.c_int64), ("keypoints", ctypes.c_void_p)]


class Results(ctypes.Structure):
    _fields_ = [("n", ctypes.c_int64), ("image_id", ctypes.c_void_p), ("category_id", ctypes.c_void_p),
                ("score", ctypes.c_void_p), ("box", ctypes.c_void_p), ("mask", ctypes.c_void_p),
                ("n_keypoints", ctypes.c_int64), ("keypoints", ctypes.c_void_p)]


def check(status):
    if status != 0:
        raise RuntimeError(lib.gw_status_text().decode())


def address(array, dtype, shape):
    assert array.dtype == dtype and array.shape == shape and array.flags.c_contiguous
    return array.ctypes.data


def evaluate(images, categories, gt_image, gt_category, gt_box, dt_image, dt_category, dt_score, dt_box):
    """stats (12), precision [T,R,K,A,M], the summary text. Boxes are (n,4) x y w h."""
    n, m = len(gt_image), len(dt_image)
    truths = Truths(len(images), address(images, I64, images.shape), len(categories),
                    address(categories, I64, categories.shape), n, address(gt_image, I64, (n,)),
                    address(gt_category, I64, (n,)), address(gt_box, F64, (n, 4)), None, None, None)
    results = Results(m, address(dt_image, I64, (m,)), address(dt_category, I64, (m,)), address(dt_score, F64, (m,)),
                      address(dt_box, F64, (m, 4)), None)
    gt, dt, ev = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
    try:
        check(lib.gw_coco_gt_arrays(ctypes.byref(gt), ctypes.byref(truths), 0))
        check(lib.gw_coco_dt_arrays(ctypes.byref(dt), gt, ctypes.byref(results)))
        check(lib.gw_coco_evaluate(ctypes.byref(ev), gt, dt, None))
        stats, count = np.zeros(16), ctypes.c_int()
        lib.gw_coco_stats(ev, ctypes.c_void_p(stats.ctypes.data), ctypes.byref(count))
        dims = (ctypes.c_int64 * 5)()
        data = lib.gw_coco_precision(ev, dims)
        precision = np.ctypeslib.as_array(data, shape=tuple(dims)).copy()
        return stats[:count.value], precision, lib.gw_coco_summary(ev).decode()
    finally:
        lib.gw_coco_eval_free(ev)
        lib.gw_coco_dt_free(dt)
        lib.gw_coco_gt_free(gt)


def main():
    rng = np.random.default_rng(7)
    images, categories = np.arange(1, 21), np.array([3, 5, 8])
    n = 200
    image, category = rng.choice(images, n), rng.choice(categories, n)
    box = np.concatenate([rng.uniform(0, 400, (n, 2)), rng.uniform(10, 120, (n, 2))], axis=1)
    found = box + rng.normal(0, 4, (n, 4))
    score = rng.uniform(0, 1, n)
    stats, precision, summary = evaluate(images, categories, image, category, box, image, category, score, found)
    print(summary, end="")
    print("precision has shape", precision.shape)
    perfect, _, _ = evaluate(images, categories, image, category, box, image, category, score, box)
    if not (0 < stats[0] < 1 and perfect[0] > .999):
        sys.exit(f"unexpected AP: {stats[0]} and, for the ground truth itself, {perfect[0]}")
    try:
        evaluate(images, categories, image, category, box, image + 100, category, score, box)
    except RuntimeError as error:
        print("refused as it should be:", error)
    else:
        sys.exit("results on unknown images were accepted")


if __name__ == "__main__":
    main()
