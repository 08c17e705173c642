#!/usr/bin/env python3
"""Does torchvision take our backbone, and does it compute what we compute?

usage: parity.py BACKBONE.safetensors ARCH [FEATURES.safetensors FOLDER CROP]
  1. every tensor loads into torchvision.models.ARCH by load_state_dict(strict=False) with only fc.* missing;
  2. with FEATURES (godwit embed on FOLDER): torchvision's pooled features of the same pictures agree to 1e-4 relative.
Exit status: 0 agreed, 1 not, 77 skipped (no torchvision here).
"""
import json, os, struct, sys

try:
    import numpy as np
    import torch, torchvision
    from PIL import Image
except ImportError as e:
    print("SKIPPED:", e)
    sys.exit(77)


def read_safetensors(path):
    """name -> array, and the metadata."""
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + n])
    meta = header.pop("__metadata__", {})
    kinds = {"F32": np.float32, "I64": np.int64}
    out = {}
    for name, t in header.items():
        begin, end = t["data_offsets"]
        out[name] = np.frombuffer(data[8 + n + begin : 8 + n + end], kinds[t["dtype"]]).reshape(t["shape"]).copy()
    return out, meta


def network(path, arch):
    tensors, meta = read_safetensors(path)
    net = getattr(torchvision.models, arch)()
    result = net.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    assert sorted(result.missing_keys) == ["fc.bias", "fc.weight"], result.missing_keys
    assert result.unexpected_keys == [], result.unexpected_keys
    net.fc = torch.nn.Identity()
    print("loaded %d tensors into %s; metadata %s" % (len(tensors), arch, meta))
    return net.eval(), meta


def main():
    net, meta = network(sys.argv[1], sys.argv[2])
    if len(sys.argv) < 4:
        return
    features = read_safetensors(sys.argv[3])[0]["features"]
    names = open(sys.argv[3] + ".names.txt").read().splitlines()
    crop = int(sys.argv[5])
    T = torchvision.transforms
    triple = lambda key: [float(v) for v in meta[key].split(",")]
    transform = T.Compose([T.Resize(int(round(crop * 256 / 224))), T.CenterCrop(crop), T.ToTensor(), T.Normalize(triple("mean"), triple("std"))])
    worst = 0.0
    with torch.no_grad():
        for row, name in zip(features, names):
            x = transform(Image.open(os.path.join(sys.argv[4], name)).convert("RGB"))
            y = net(x[None])[0].numpy()
            worst = max(worst, float(np.abs(y - row).max() / np.abs(y).max()))
    print("%d pictures, worst relative difference %.3g" % (len(names), worst))
    sys.exit(0 if worst < 1e-4 else 1)


main()
