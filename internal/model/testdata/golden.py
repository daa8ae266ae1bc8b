#!/usr/bin/python3
"""Golden values for googlenet, bn-inception and inception-v4, computed by PyTorch on weights that follow from their names.

No weights are shipped: every tensor is filled from its key and flat index.

  key hash   h0 = FNV-1a 64 of the key's bytes
  element i  h  = splitmix64(h0 + i)           (one output of the generator seeded there)
             u  = (h >> 40) / 2^24             in [0, 1), exact in float32
  weights of convolutions      (2u-1) * sqrt(6 / fan_in)     fan_in = in_channels/groups*kh*kw
  weights of linear layers     (2u-1) * sqrt(3 / fan_in)
  biases of both               (2u-1) * 0.1
  batch norm weight            0.5 + u         bias (2u-1) * 0.2
  running_mean                 (2u-1) * 0.1    running_var 0.5 + u
  input (key "input")          2u-1, NCHW order

googlenet is torchvision's, inception-v4 timm's (the Python of docs/interop.md has both). bn-inception is TF-slim's inception_v2 written here once more, from its published
description, in PyTorch: paddings as TensorFlow's SAME, batch norm without gamma, the first convolution separable.
Values are of float64; beside them stands how far PyTorch's own float32 lies from them, the largest of its CPU
paths (oneDNN and native, channels first and last) with the images in order and in reverse: a ReLU or a maximum near its edge turns
with any rounding, and takes some gradients with it.

usage: golden.py googlenet OUT.json 10 4 90
       golden.py inception-v4 OUT.json 10 4 139
       golden.py bn-inception OUT.json [classes] [batch] [size]
"""
import itertools
import json
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

M64 = (1 << 64) - 1


def fnv1a(s):
    h = 0xCBF29CE484222325
    for b in s.encode():
        h = ((h ^ b) * 0x100000001B3) & M64
    return h


def uniform(key, n):
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a(key)) + np.arange(n, dtype=np.uint64)
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)


def fill(model):
    with torch.no_grad():
        for key, v in model.state_dict().items():
            if key.endswith("num_batches_tracked"):
                continue
            u = uniform(key, v.numel())
            s = 2 * u - 1
            if key.endswith((".running_var", ".bn.weight")):
                x = 0.5 + u
            elif key.endswith(".running_mean"):
                x = s * np.float32(0.1)
            elif key.endswith(".bn.bias"):
                x = s * np.float32(0.2)
            elif key.endswith(".bias"):
                x = s * np.float32(0.1)
            elif v.dim() == 4:
                x = s * np.float32(np.sqrt(6.0 / (v.shape[1] * v.shape[2] * v.shape[3])))
            elif v.dim() == 2:
                x = s * np.float32(np.sqrt(3.0 / v.shape[1]))
            else:
                raise SystemExit("no rule for " + key)
            v.copy_(torch.from_numpy(x.astype(np.float32).reshape(tuple(v.shape))))


def same(x, size, stride, value=0.0):
    """Pads as TensorFlow's SAME: what is odd lies below and to the right."""
    pads = []
    for n in (x.shape[3], x.shape[2]):
        total = max(0, (-(-n // stride) - 1) * stride + size - n)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def max_pool(x, size, stride):
    return F.max_pool2d(same(x, size, stride, float("-inf")), size, stride)


class Norm(nn.Module):
    """Batch norm with a shift and no scale."""

    def __init__(self, channels):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, None, self.bias, self.training, 0.1, 0.001)


class Conv(nn.Module):
    def __init__(self, c, k, size, stride=1):
        super().__init__()
        self.size, self.stride = size, stride
        self.conv, self.bn = nn.Conv2d(c, k, size, stride, bias=False), Norm(k)

    def forward(self, x):
        return F.relu(self.bn(self.conv(same(x, self.size, self.stride))))


class Separable(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(3, 24, 7, 2, groups=3, bias=False)
        self.pointwise = nn.Conv2d(24, 64, 1)

    def forward(self, x):
        return F.relu(self.pointwise(self.depthwise(same(x, 7, 2))))


class Mixed(nn.Module):
    """A module: 1x1, 1x1 - 3x3, 1x1 - 3x3 - 3x3, pool - 1x1. Without the first it halves the grid."""

    def __init__(self, c, one, single, double, pool, pooling):
        super().__init__()
        self.pooling, stride = pooling, 1 if one else 2
        if one:
            self.branch1x1 = Conv(c, one, 1)
        self.branch3x3_1 = Conv(c, single[0], 1)
        self.branch3x3_2 = Conv(single[0], single[1], 3, stride)
        self.branch3x3dbl_1 = Conv(c, double[0], 1)
        self.branch3x3dbl_2 = Conv(double[0], double[1], 3)
        self.branch3x3dbl_3 = Conv(double[1], double[1], 3, stride)
        if one:
            self.branch_pool = Conv(c, pool, 1)

    def forward(self, x):
        three = self.branch3x3_2(self.branch3x3_1(x))
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        if self.pooling == "halve":
            return torch.cat([three, double, max_pool(x, 3, 2)], 1)
        pooled = max_pool(x, 3, 1) if self.pooling == "max" else F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([self.branch1x1(x), three, double, self.branch_pool(pooled)], 1)


class BNInception(nn.Module):
    MODULES = [  # name, channels before, 1x1, 3x3, double 3x3, pool
        ("3b", 192, 64, (64, 64), (64, 96), 32, "avg"),
        ("3c", 256, 64, (64, 96), (64, 96), 64, "avg"),
        ("4a", 320, 0, (128, 160), (64, 96), 0, "halve"),
        ("4b", 576, 224, (64, 96), (96, 128), 128, "avg"),
        ("4c", 576, 192, (96, 128), (96, 128), 128, "avg"),
        ("4d", 576, 160, (128, 160), (128, 160), 96, "avg"),
        ("4e", 576, 96, (128, 192), (160, 192), 96, "avg"),
        ("5a", 576, 0, (128, 192), (192, 256), 0, "halve"),
        ("5b", 1024, 352, (192, 320), (160, 224), 128, "avg"),
        ("5c", 1024, 352, (192, 320), (192, 224), 128, "max"),
    ]

    def __init__(self, classes):
        super().__init__()
        self.Conv2d_1a_7x7 = Separable()
        self.Conv2d_2b_1x1 = Conv(64, 64, 1)
        self.Conv2d_2c_3x3 = Conv(64, 192, 3)
        for name, *channels in self.MODULES:
            setattr(self, "Mixed_" + name, Mixed(*channels))
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        x = max_pool(self.Conv2d_1a_7x7(x), 3, 2)
        x = max_pool(self.Conv2d_2c_3x3(self.Conv2d_2b_1x1(x)), 3, 2)
        for name, *_ in self.MODULES:
            x = getattr(self, "Mixed_" + name)(x)
        return self.fc(x.mean((2, 3)))


def case(variant, classes, batch, size):
    """The model, its images and labels, filled from names."""
    if variant == "googlenet":
        m = torchvision.models.googlenet(weights=None, aux_logits=True, init_weights=False,
                                         num_classes=classes, dropout=0.0, dropout_aux=0.0)
    elif variant == "inception-v4":
        import timm
        m = timm.create_model("inception_v4", pretrained=False, num_classes=classes, drop_rate=0.0)
    else:
        m = BNInception(classes)
    fill(m)
    x = torch.from_numpy((2 * uniform("input", batch * 3 * size * size) - 1).reshape(batch, 3, size, size))
    return m, x, [int(fnv1a("label%d" % i) % classes) for i in range(batch)]


def run(m, x, y):
    """One eval pass and one training pass: everything that a case records."""
    r, heads = {}, {}
    for name in ("aux1", "aux2"):
        if hasattr(m, name):
            getattr(m, name).register_forward_hook(lambda _, __, out, name=name: heads.__setitem__(name, out))
    m.eval()
    with torch.no_grad():
        r["eval_logits"] = m(x).double()
    m.train()
    logits = m(x)
    if heads:
        logits = logits[0]
    ce = torch.nn.CrossEntropyLoss(label_smoothing=0.1, reduction="none")
    losses = [ce(out, y) for out in [logits] + [heads[name] for name in sorted(heads, reverse=True)]]
    r["losses"] = (losses[0] + 0.4 * sum(losses[1:])).detach().double()
    losses = [each.mean() for each in losses]
    loss = losses[0] + 0.4 * sum(losses[1:])
    loss.backward()
    r["train_logits"] = logits.detach().double()
    for key, name in (("train_aux_logits", "aux2"), ("train_aux_early_logits", "aux1")):
        if name in heads:
            r[key] = heads[name].detach().double()
    r["loss"] = {"main": losses[0].item(), "aux": sum(l.item() for l in losses[1:]), "total_aux_weight_0.4": loss.item()}
    r["grad"] = {k: p.grad.double() for k, p in m.named_parameters()}
    r["running"] = {k: v.double().clone() for k, v in m.state_dict().items() if "running_" in k}
    return r


def deviation(a, b):
    """How far float32 (a) lies from float64 (b)."""
    rel = lambda u, v: ((u - v).abs().max() / v.abs().max()).item()
    l2 = sorted(abs(a["grad"][k].norm() - g.norm()).item() / g.norm().item() for k, g in b["grad"].items())
    head = sorted(((a["grad"][k] - g).flatten()[:4].abs().max() / g.norm()).item() for k, g in b["grad"].items())
    # The mean loss may be near by luck, so take that of a single image.
    d = {"loss": (a["losses"] - b["losses"]).abs().max().item(),
         "grad_l2_max": l2[-1], "grad_l2_median": l2[len(l2) // 2],
         "grad_head_max": head[-1], "grad_head_median": head[len(head) // 2],
         "running_max": max(rel(a["running"][k], v) for k, v in b["running"].items())}
    for key in b:
        if key.endswith("_logits"):
            d[key + "_max"] = rel(a[key], b[key])
    return d


def main():
    variant, out = sys.argv[1:3]
    classes, batch, size = (int(v) for v in (sys.argv[3:6] + ["10", "3", "100"][len(sys.argv[3:6]):]))
    torch.set_num_threads(2)
    paths = []
    for mkldnn, layout, reverse in itertools.product((True, False), (torch.contiguous_format, torch.channels_last), (False, True)):
        m, x, labels = case(variant, classes, batch, size)
        m, x, y = m.to(memory_format=layout), x.to(memory_format=layout), torch.tensor(labels)
        order = [0] if reverse else []  # the dimensions to turn round
        with torch.backends.mkldnn.flags(enabled=mkldnn):
            r = run(m, x.flip(order), y.flip(order))
        paths.append({k: v.flip(order) if k.endswith(("logits", "losses")) else v for k, v in r.items()})
    m, x, labels = case(variant, classes, batch, size)
    truth = run(m.double(), x.double(), torch.tensor(labels))
    deviations = [deviation(p, truth) for p in paths]
    r = {"variant": variant, "classes": classes, "batch": batch, "size": size, "labels": labels,
         "source": "torch %s, torchvision %s, CPU, computed in float64 from float32 weights and input"
                   % (torch.__version__, torchvision.__version__),
         "torch_float32_deviation": {k: max(d[k] for d in deviations) for k in deviations[0]}}
    for key, v in truth.items():
        if key.endswith("_logits"):
            r[key] = v.tolist()
    r["loss"] = truth["loss"]
    r["grad_l2"] = {k: g.norm().item() for k, g in truth["grad"].items()}
    r["grad_head"] = {k: g.flatten()[:4].tolist() for k, g in truth["grad"].items()}
    r["running_after_one_step"] = {k: {"l2": v.norm().item(), "head": v.flatten()[:4].tolist()}
                                   for k, v in truth["running"].items()}
    r["param_count"] = sum(p.numel() for p in m.parameters())
    r["param_count_without_aux"] = sum(p.numel() for k, p in m.named_parameters() if not k.startswith("aux"))
    with open(out, "w") as f:
        json.dump(r, f)
    print(out, r["loss"], r["param_count"], r["param_count_without_aux"])
    for d in deviations:
        print(json.dumps(d))


if __name__ == "__main__":
    main()
