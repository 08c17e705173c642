"""Numbers that Python and C compute alike, so that golden files need no weights: a hash of name and index."""
import numpy as np


def fnv1a(name):
    h = 0x811C9DC5
    for b in name.encode():
        h = ((h ^ b) * 0x01000193) & 0xFFFFFFFF
    return h


def uniform(name, n):
    """n values in [0,1), multiples of 2^-24."""
    x = (np.arange(n, dtype=np.uint64) * 2654435761 + fnv1a(name)) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> np.uint64(13)
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    x ^= x >> np.uint64(16)
    return (x >> np.uint64(8)).astype(np.float64) / 2.0**24


def images(name, n, side):
    """(n,3,side,side) in [-1.5,1.5); the formula runs over (n,side,side,3)."""
    return (3 * uniform(name, n * side * side * 3) - 1.5).reshape(n, side, side, 3).transpose(0, 3, 1, 2).copy()


def f32(x):
    return np.float32(x).astype(np.float64)


def weight(name, shape):
    """A parameter of a torchvision network; convolutions run over (Cout,kh,kw,Cin/groups)."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) == 4:
        co, ci, kh, kw = shape
        bound = np.float32(np.sqrt(6.0 / (co * kh * kw)))
        return f32((2 * u - 1) * np.float64(bound)).reshape(co, kh, kw, ci).transpose(0, 3, 1, 2).copy()
    if len(shape) == 2:
        return f32((2 * u - 1) * np.float64(np.float32(1 / np.sqrt(shape[1])))).reshape(shape)
    if name.endswith("bn3.weight"):  # small residuals: with unit ones float32 itself is 3 % off double in R50's gradients
        return f32(0.2 * (0.5 + u)).reshape(shape)
    if name.endswith("running_var") or (name.endswith("weight")):
        return f32(0.5 + u).reshape(shape)
    return f32(0.4 * (u - 0.5)).reshape(shape)


def fill(module):
    import torch
    for name, x in module.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            x.copy_(torch.from_numpy(weight(name, tuple(x.shape))))


def memory_order(x):
    """A tensor as C lays it out: convolutions (Cout,kh,kw,Cin/groups)."""
    x = x.detach().double().numpy().copy()
    return (x.transpose(0, 2, 3, 1) if x.ndim == 4 else x).reshape(-1)


def probe(name, x):
    """Two numbers that stand for a tensor: its norm, and its product with formula numbers."""
    x = memory_order(x)
    return [float(np.sqrt((x * x).sum())), float((x * (2 * uniform("probe:" + name, x.size) - 1)).sum())]


def write(path, rows):
    with open(path, "w") as f:
        for key, values in rows:
            f.write(key + " " + " ".join("%.9g" % v for v in values) + "\n")
