#!/usr/bin/env python3
"""Writes pairs of label images of Cityscapes' size, for the time of `godwit eval cityscapes --task pixel`.

usage: cityscapes_pairs.py DIR [PAIRS]     (needs numpy and Pillow)

DIR/gt/val/town/*_gtFine_labelIds.png and *_gtFine_instanceIds.png: a road with 160 ellipses of other classes; DIR/pred/*_pred.png: the same
labels with a rim of three wrong pixels. The same pictures every time. Compare, on one thread:

    cc -O2 -o decode_png tests/bench/decode_png.c -lspng
    time godwit eval cityscapes DIR/gt/val DIR/pred --task pixel --threads 1
    time ./decode_png DIR/gt/val/town/*.png DIR/pred/*.png
"""
import os
import sys

import numpy as np
from PIL import Image

HEIGHT, WIDTH, ROAD, BUILDING, FIRST_THING = 1024, 2048, 7, 11, 24
LABELS = [7, 8, 11, 17, 19, 20, 21, 22, 23, 24, 26, 33]
random = np.random.default_rng(5)


def scene():
    label = np.full((HEIGHT, WIDTH), ROAD, np.uint8)
    instance = label.astype(np.uint16)
    for _ in range(160):
        x, y = random.integers(0, WIDTH - 48), random.integers(0, HEIGHT - 24)
        w, h = random.integers(8, 300), random.integers(8, 200)
        rows, columns = np.ogrid[y:min(y + h, HEIGHT), x:min(x + w, WIDTH)]
        inside = ((rows - y - h / 2) / (h / 2)) ** 2 + ((columns - x - w / 2) / (w / 2)) ** 2 < 1
        value = int(random.choice(LABELS))
        number = value * 1000 + int(random.integers(0, 30)) if value >= FIRST_THING else value
        label[rows, columns] = np.where(inside, value, label[rows, columns])
        instance[rows, columns] = np.where(inside, number, instance[rows, columns])
    return label, instance


def main(out, n):
    truth, found = os.path.join(out, "gt/val/town"), os.path.join(out, "pred")
    os.makedirs(truth, exist_ok=True)
    os.makedirs(found, exist_ok=True)
    for i in range(n):
        name = f"town_{i:06d}_000019"
        label, instance = scene()
        wrong = label.copy()
        wrong[np.roll(label, 3, 1) != label] = BUILDING
        Image.fromarray(label).save(f"{truth}/{name}_gtFine_labelIds.png")
        Image.fromarray(instance).save(f"{truth}/{name}_gtFine_instanceIds.png")
        Image.fromarray(wrong).save(f"{found}/{name}_pred.png")


if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 24)
