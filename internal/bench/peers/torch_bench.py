#!/usr/bin/env python3
"""Times PyTorch on torchvision's InceptionV3, or on a narrower one for small images: one JSON line.
channels_last, PyTorch's faster layout on a CPU; bf16 by autocast.

A training step is forward, smoothed loss (and 0.4 of the auxiliary one), backward, clipping of the
gradients' norm at 2, and the optimizer: RMSprop for v3, SGD with momentum for the small ones.
"""
import argparse, json, resource, time, warnings

warnings.filterwarnings("ignore")
import torch, torchvision
from torch import nn
from torchvision.models import inception as tv

ap = argparse.ArgumentParser()
ap.add_argument("--mode", choices=["eval", "train"], required=True)
ap.add_argument("--batch", type=int, default=8)
ap.add_argument("--bf16", action="store_true")
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--runs", type=int, default=7)
ap.add_argument("--small", action="store_true", help="a narrower V3 for small images, without an auxiliary head")
ap.add_argument("--size", type=int, default=32)
ap.add_argument("--width", type=float, default=0.25)
ap.add_argument("--pool", action="store_true", help="with the stem's first pool")
a = ap.parse_args()
torch.manual_seed(0)
torch.set_num_threads(a.threads)


def narrow(m, width):
    """Multiplies every channel count by width, rounded to multiples of 16 as ours are, and keeps the wiring."""
    def w(c):
        return c if c == 3 else max(16, int(c * width / 16 + 0.5) * 16)
    # Inputs of a concat are sums of rounded parts: a dry run tells them.
    for name, child in list(m.named_modules()):
        if isinstance(child, tv.BasicConv2d):
            k = w(child.conv.out_channels)
            old = child.conv
            child.conv = nn.LazyConv2d(k, old.kernel_size, stride=old.stride, padding=old.padding, bias=False)
            child.bn = nn.BatchNorm2d(k, eps=0.001)
    return m


def small(classes, width, pool):
    m = torchvision.models.inception_v3(weights=None, aux_logits=False, init_weights=False, num_classes=classes, dropout=0.2)
    m.transform_input = False
    narrow(m, width)
    m.Conv2d_1a_3x3.conv = nn.LazyConv2d(max(16, int(32 * width / 16 + 0.5) * 16), 3, stride=1, bias=False)
    if not pool:
        m.maxpool1 = nn.Identity()
    m.fc = nn.LazyLinear(classes)
    return m


if a.small:
    size, classes = a.size, 10
    m = small(classes, a.width, a.pool)
else:
    size, classes = 299, 1000
    m = torchvision.models.inception_v3(weights=None, aux_logits=True, init_weights=False, num_classes=1000)
x = torch.randn(a.batch, 3, size, size)
y = torch.randint(0, classes, (a.batch,))
with torch.no_grad():
    m.eval()(x[:1])  # fixes the lazy layers' shapes
m = m.to(memory_format=torch.channels_last)
x = x.contiguous(memory_format=torch.channels_last)


def cast():
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=a.bf16)


if a.mode == "eval":
    m.eval()

    def step():
        with torch.no_grad(), cast():
            m(x)
else:
    m.train()
    if a.small:
        opt = torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)
    else:
        opt = torch.optim.RMSprop(m.parameters(), lr=0.045, alpha=0.9, eps=1.0, momentum=0.9)
    ce = nn.CrossEntropyLoss(label_smoothing=0.1)

    def step():
        opt.zero_grad(set_to_none=True)
        with cast():
            o = m(x)
            loss = ce(o, y) if a.small else ce(o[0], y) + 0.4 * ce(o[1], y)
        loss.backward()
        nn.utils.clip_grad_norm_(m.parameters(), 2.0)
        opt.step()

step()
ts = []
for _ in range(a.runs):
    t = time.perf_counter()
    step()
    ts.append(time.perf_counter() - t)
med = sorted(ts)[len(ts) // 2]
print(json.dumps({"peer": "torch " + torch.__version__, "px": size, "mode": a.mode, "precision": "bf16" if a.bf16 else "fp32", "batch": a.batch, "step_s": round(med, 4),
                  "params": sum(p.numel() for p in m.parameters()),
                  "images_per_s": round(a.batch / med, 2), "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
