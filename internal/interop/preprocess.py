#!/usr/bin/python3
"""Compare inputs and logits with torchvision's, on JPEGs of many sizes and kinds.

    preprocess.py INCEPTION [FOLDER]           check; FOLDER contains further pictures
    preprocess.py --fixture TESTDATA           write what internal/picture's test reads

INCEPTION is the program. Needs torch, torchvision and Pillow (Debian:
python3-torch, python3-torchvision). Prints one line per check and exits with 1
if a check fails.
"""
import json
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder, in which torchvision.py is not torchvision
try:
    import numpy as np
    import torch
    import torchvision
    from PIL import Image
    from torchvision import transforms
except ImportError as missing:
    sys.exit(f"preprocess.py: {missing}; apt install python3-torchvision, or pip install torch torchvision")

SIZE = 299
RNG = np.random.default_rng(1)


def transform(size=SIZE):
    """The preprocessing of torchvision's weights, without the normalisation."""
    resize = round(size / 0.875)
    return transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(size), transforms.PILToTensor()])


def scene(width, height):
    """A picture with edges, gradients and saturated colours."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height) * 8
    planes = [np.sin(x * x + y), np.cos(3 * y - x), np.sin(x) * np.cos(y * y)]
    pixels = np.stack([p * 0.5 + 0.5 for p in planes], axis=2)
    for _ in range(12):
        x0, y0 = RNG.integers(0, width), RNG.integers(0, height)
        w, h = RNG.integers(1, width // 3 + 2), RNG.integers(1, height // 3 + 2)
        pixels[y0:y0 + h, x0:x0 + w] = RNG.random(3)
    return Image.fromarray((pixels * 255).astype(np.uint8))


def made(folder):
    """Write JPEGs of every kind; return their paths."""
    kinds = [
        ("upscaled", (97, 61), {}, None), ("tall", (70, 900), {}, None), ("wide", (1500, 40), {}, None),
        ("large", (1600, 1201), {}, None), ("as-it-is", (342, 342), {}, None), ("one-pixel-wide", (1, 9), {}, None),
        ("grey", (500, 375), {}, "L"), ("cmyk", (500, 375), {}, "CMYK"),
        ("progressive", (501, 333), {"progressive": True}, None),
        ("444", (640, 481), {"subsampling": 0}, None), ("422", (640, 481), {"subsampling": 1}, None),
        ("420-rough", (641, 480), {"quality": 30}, None), ("best", (300, 299), {"quality": 100}, None),
    ]
    paths = []
    for name, size, options, mode in kinds:
        image = scene(*size)
        if mode:
            image = image.convert(mode)
        paths.append(os.path.join(folder, name + ".jpg"))
        image.save(paths[-1], **{"quality": 90, **options})
    return paths


def found(folder, most=40):
    paths = sorted(os.path.join(d, f) for d, _, files in os.walk(folder) for f in files if f.lower().endswith((".jpg", ".jpeg")))
    step = max(1, len(paths) // most)
    return paths[::step][:most]


def network(inputs):
    """An Inception V3 whose outputs differ from picture to picture, as a trained
    one's do: filters are smooth, few ReLUs cut (a network of noise would amplify
    a thousandth of a level to another class), and the batch norm statistics and
    the classifier fit the inputs."""
    torch.manual_seed(1)
    net = torchvision.models.inception_v3(weights=None, init_weights=False, transform_input=False)
    for m in net.modules():
        if isinstance(m, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(m.weight)
            m.weight.data = 0.3 * m.weight.data + m.weight.data.mean((2, 3), keepdim=True)
        if isinstance(m, torch.nn.BatchNorm2d):
            m.momentum = None
            m.bias.data.fill_(1)
    with torch.no_grad():
        net.train()
        for m in net.modules():
            if isinstance(m, torch.nn.Dropout):
                m.eval()
        for i in range(0, len(inputs), 16):
            if len(inputs[i:i + 16]) > 1:
                net(inputs[i:i + 16])
        net.eval()
        head, net.fc = net.fc, torch.nn.Identity()
        features = forward(net, inputs)
        net.fc = head
        mean, std = features.mean(0), features.std(0) + 1e-3
        weight = torch.randn(1000, 2048) / 2048 ** 0.5 / std
        net.fc.weight.copy_(weight)
        net.fc.bias.copy_(-weight @ mean)
    return net


def forward(net, inputs):
    with torch.no_grad():
        return torch.cat([net(inputs[i:i + 8]) for i in range(0, len(inputs), 8)])


class Checks:
    failed = 0

    def __call__(self, good, text):
        self.failed += not good
        print("ok  " if good else "FAIL", text, flush=True)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check(program, folder):
    ok = Checks()
    with tempfile.TemporaryDirectory() as work:
        paths = made(work) + (found(folder) if folder else [])
        theirs = torch.stack([transform()(Image.open(p).convert("RGB")) for p in paths]).float()
        inputs = theirs / 255 * 2 - 1  # the result of Normalize and transform_input
        net = network(inputs)
        weights, ours = os.path.join(work, "v3.safetensors"), os.path.join(work, "inputs.npy")
        logits = os.path.join(work, "logits.npy")
        torch.save(net.state_dict(), os.path.join(work, "v3.pth"))
        run(program, "import", "--quiet", os.path.join(work, "v3.pth"), "-o", weights)

        run(program, "features", "--quiet", "-w", weights, "--layer", "input", "-o", ours, *paths)
        levels = (np.load(ours) * 0.5 + 0.5) * 255
        off = np.abs(levels - theirs.numpy()).reshape(len(paths), -1)
        for path, d in zip(paths, off):
            ok(d.mean() < 1, f"input of {os.path.basename(path)}: {d.mean():.3f} of 255 levels off on average, {d.max():.0f} at most")

        lines = run(program, "predict", "--quiet", "--json", "-w", weights, "--logits", logits, *paths).splitlines()
        want, got = forward(net, inputs).numpy(), np.load(logits)
        for path, line, a, b in zip(paths, lines, want, got):
            classes = [c["index"] for c in json.loads(line)["classes"]]
            top = np.argsort(-a, kind="stable")
            error = np.abs(a - b).max()
            # Classes may swap if their logits are closer than the pixels' difference can move them.
            close = set(np.flatnonzero(np.abs(a - a[top[4]]) <= 2 * error))
            agree = classes == list(top[:5]) or classes[0] == top[0] and set(classes) ^ set(top[:5]) <= close
            ok(agree, f"top-5 of {os.path.basename(path)}: {classes}, torchvision's {list(top[:5])}; logits off by {error:.4f} of {np.abs(a).max():.2f}")

        run(program, "predict", "--quiet", "-w", weights, "--logits", logits, ours)
        ok(np.array_equal(np.load(logits), got), "the inputs, written and read again, give the same logits")
        for layer, module in [("Conv2d_2b_3x3", net.Conv2d_2b_3x3), ("Mixed_5d.branch5x5_2", net.Mixed_5d.branch5x5_2), ("Mixed_6e", net.Mixed_6e), ("Mixed_7c", net.Mixed_7c), ("avgpool", net.avgpool)]:
            kept = []
            hook = module.register_forward_hook(lambda _m, _in, out: kept.append(out))
            forward(net, torch.from_numpy(np.load(ours)[:3]))
            hook.remove()
            first = os.path.join(work, "first.npy")
            np.save(first, np.load(ours)[:3])
            run(program, "features", "--quiet", "-w", weights, "--layer", layer, "-o", logits, first)
            a, b = kept[0].numpy(), np.load(logits)
            error = np.abs(a - b).max() / np.abs(a).max() if a.shape == b.shape else np.inf
            ok(error < 1e-4, f"layer {layer}: shape {b.shape}, off by {error:.1e} of the largest")
    print(f"{ok.failed} checks failed" if ok.failed else "all checks passed")
    return 1 if ok.failed else 0


def fixture(folder):
    """A 4:2:0 JPEG, and torchvision's enlarged and reduced versions of it."""
    path = os.path.join(folder, "scene.jpg")
    scene(150, 101).save(path, quality=85)
    for size in (160, 48):
        pixels = transform(size)(Image.open(path).convert("RGB"))
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(os.path.join(folder, f"scene-{size}.png"), optimize=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--fixture":
        sys.exit(fixture(sys.argv[2]))
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    sys.exit(check(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None))
