#!/usr/bin/python3
"""Writes golden.h: what Pillow and torchvision make of small pictures, as FNV-1a hashes of the bytes.

usage: ./make_golden.py > golden.h        (made with Pillow 9.4.0, torchvision 0.14.1, numpy 1.24.2)
The picture is a formula (see `picture`), so the test draws the same one.
"""
import io
import struct
import zlib
import numpy as np
import PIL
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageFilter, ImageOps


def png16(color_type, pixels):
    """A 16-bit PNG of (h, w, channels), which Pillow reads and does not write."""
    h, w = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", w, h, 16, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def fnv(b):
    h = 0xCBF29CE484222325
    for x in bytes(b):
        h = ((h ^ x) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def picture(w, h):
    """Smooth ramps with hashed noise: every byte value occurs, neighbours differ."""
    y, x, c = np.mgrid[0:h, 0:w, 0:3].astype(np.uint64)
    n = (x * 374761393 + y * 668265263 + c * 2147483647) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    n = (n ^ (n >> 16)) & 63
    return Image.fromarray(((x * 7 + y * 5 + c * 50 + n) & 255).astype(np.uint8))


def smooth(w, h):
    """For JPEG: no noise, so that files stay small."""
    y, x, c = np.mgrid[0:h, 0:w, 0:3]
    return Image.fromarray(((x * 9 + y * (3 + 2 * c) + 60 * c) % 256).astype(np.uint8))


def h(im):
    return "0x%016xULL" % fnv(np.asarray(im).tobytes())


def rows(kind, name, lines):
    print(f"static const {kind} {name}[] = {{")
    for l in lines:
        print(f"    {{{l}}},")
    print("};\n")


def saved(im, form, **kw):
    b = io.BytesIO()
    im.save(b, form, **kw)
    return b.getvalue()


def exif(orientation):
    """A one-entry Exif segment."""
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHHI", 0x112, 3, 1, orientation, 0, 0)


print(f"// Written by make_golden.py with Pillow {PIL.__version__}, torch {torch.__version__}. FNV-1a of bytes.")
print("// clang-format off\n#pragma once\n#include <cstdint>\n")
print("struct ResizeGolden { int w, h, x, y, cw, ch, ow, oh; uint64_t hash; };")
print("struct FactorGolden { const char *op; float factor; uint64_t hash; };")
print("struct BlurGolden { int w, h; float sigma; uint64_t hash; };")
print("struct FileGolden { const char *name; const char *hex; int w, h; uint64_t hash; };\n")

lines = []
for w, hh, x, y, cw, ch, ow, oh in [
        (24, 17, 0, 0, 24, 17, 24, 17), (24, 17, 0, 0, 24, 17, 12, 17), (24, 17, 0, 0, 24, 17, 24, 9),
        (24, 17, 3, 2, 19, 13, 32, 32), (24, 17, 3, 2, 19, 13, 7, 5), (24, 17, 5, 5, 1, 1, 8, 8),
        (24, 17, 0, 3, 24, 1, 5, 4), (97, 61, 10, 7, 80, 50, 224, 224), (301, 203, 1, 2, 299, 200, 224, 224),
        (301, 203, 0, 0, 301, 203, 31, 47), (500, 33, 0, 0, 500, 33, 3, 100), (1, 300, 0, 0, 1, 300, 64, 64)]:
    im = picture(w, hh).crop((x, y, x + cw, y + ch)).resize((ow, oh), Image.BILINEAR)
    lines.append(f"{w}, {hh}, {x}, {y}, {cw}, {ch}, {ow}, {oh}, {h(im)}")
rows("ResizeGolden", "RESIZE", lines)

im = picture(64, 48)
ops = {"brightness": F.adjust_brightness, "contrast": F.adjust_contrast, "saturation": F.adjust_saturation, "hue": F.adjust_hue}
lines = []
for op, f in ops.items():
    for factor in ([-0.5, -0.4, -0.1, -0.01, 0, 0.003, 0.0999, 0.25, 0.5] if op == "hue"
                   else [0, 0.25, 0.6, 0.6180339, 0.9999, 1, 1.0001, 1.4, 3.7]):
        factor = float(np.float32(factor))
        lines.append(f'"{op}", {float(np.float32(factor)).hex()}f, {h(f(im, factor))}')
lines.append(f'"gray", 0, {h(F.to_grayscale(im, 3))}')
rows("FactorGolden", "FACTOR", lines)

lines = []
for w, hh in [(64, 48), (5, 3), (1, 9)]:
    for s in [0.1, 0.30000001, 0.5, 0.7, 1.0, 1.2345, 1.7, 1.99, 2.0, 3.3, 7.0]:
        s = float(np.float32(s))
        lines.append(f"{w}, {hh}, {s.hex()}f, {h(picture(w, hh).filter(ImageFilter.GaussianBlur(radius=s)))}")
rows("BlurGolden", "BLUR", lines)

t = F.normalize(F.to_tensor(im), [.485, .456, .406], [.229, .224, .225]).permute(1, 2, 0).contiguous().numpy()
print(f"static const uint64_t FLOATS_HASH = 0x{fnv(t.tobytes()):016x}ULL;  // 64 x 48, (byte / 255 - mean) / std")

# Every colour there is, 256 at a time: r = row / 16 ..., hue turned by 25 and by 153 (-102) of 256.
c = np.arange(1 << 24, dtype=np.uint32)
a = Image.fromarray(np.stack([c >> 16, c >> 8 & 255, c & 255], -1).astype(np.uint8).reshape(4096, 4096, 3))
for name, f in [("ALL_COLOURS_HUE_25", 0.1), ("ALL_COLOURS_HUE_154", -0.4)]:
    # a cheap hash: sum of (index + 1) * byte, modulo 2^64
    b = np.asarray(F.adjust_hue(a, float(np.float32(f)))).reshape(-1).astype(np.uint64)
    s = int(((np.arange(b.size, dtype=np.uint64) + np.uint64(1)) * b).sum(dtype=np.uint64))
    print(f"static const uint64_t {name} = 0x{s:016x}ULL;")
print()

im = smooth(24, 17)
files = {}
for sub, name in [(0, "444"), (1, "422"), (2, "420")]:
    files["jpeg-" + name] = saved(im, "JPEG", quality=80, subsampling=sub)
files["jpeg-progressive"] = saved(im, "JPEG", quality=80, progressive=True)
files["jpeg-gray"] = saved(im.convert("L"), "JPEG", quality=80)
files["jpeg-cmyk"] = saved(im.convert("CMYK"), "JPEG", quality=80)
for o in range(1, 9):
    files[f"jpeg-exif-{o}"] = saved(im, "JPEG", quality=60, subsampling=0, exif=exif(o))
files["jpeg-exif-broken"] = saved(im, "JPEG", quality=60, subsampling=0, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0")
files["png-rgb"] = saved(im, "PNG")
files["png-rgba"] = saved(Image.merge("RGBA", im.split() + (im.convert("L"),)), "PNG")
files["png-gray"] = saved(im.convert("L"), "PNG")
files["png-la"] = saved(im.convert("LA"), "PNG")
files["png-palette"] = saved(im.quantize(16), "PNG")
files["png-1bit"] = saved(im.convert("1"), "PNG")
files["png-exif-6"] = saved(im, "PNG", exif=exif(6))
files["png-16bit-rgb"] = png16(2, np.asarray(im).astype(np.uint16) * 257 + 200 * (np.asarray(im) < 255))
adobe = files["jpeg-cmyk"].index(b"Adobe") + 11  # APP14's last byte: 0 CMYK, 2 YCCK
files["jpeg-ycck"] = files["jpeg-cmyk"][:adobe] + b"\x02" + files["jpeg-cmyk"][adobe + 1 :]
files["jpeg-1x1"] = saved(smooth(1, 1), "JPEG")
lines = []
for name, b in files.items():
    p = Image.open(io.BytesIO(b))
    try:
        p = ImageOps.exif_transpose(p)
    except Exception:  # Pillow stumbles over the broken segment; the pixels are as stored
        p = Image.open(io.BytesIO(b))
    p = p.convert("RGB")
    lines.append(f'"{name}", "{b.hex()}", {p.width}, {p.height}, {h(p)}')
rows("FileGolden", "FILES", lines)
