#!/usr/bin/python3
"""Checks that inception and torchvision read each other's weights.

usage: torchvision.py INCEPTION   (the program)

Weights trained here for a few steps and loaded by load_state_dict give our
logits in torchvision's models. Weights saved by torch are the same bit for bit
after import and export.
"""
import json, os, subprocess, sys, tempfile

sys.path.pop(0)  # this folder, in which torchvision.py is not torchvision
try:
    import numpy as np, torch, torchvision
except ImportError as missing:
    sys.exit(f"torchvision.py: {missing}; apt install python3-torchvision, or pip install torch torchvision")

VARIANTS = {"v3": (torchvision.models.inception_v3, 299), "googlenet": (torchvision.models.googlenet, 224)}
failed = []


def inception(*args):
    return subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def check(what, ok, figure):
    print(f"{'ok  ' if ok else 'FAIL'} torchvision {torchvision.__version__}: {what}: {figure}", flush=True)
    if not ok:
        failed.append(what)


def knows(variant):
    return subprocess.run([sys.argv[1], "summary", "--variant", variant], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def network(variant, classes):
    make, _ = VARIANTS[variant]
    return make(weights=None, num_classes=classes, aux_logits=True, transform_input=False, init_weights=False)


def read_safetensors(path):
    types = {"F32": np.float32, "I64": np.int64}
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header, data = json.loads(f.read(size)), f.read()
    header.pop("__metadata__", None)
    return {name: torch.from_numpy(np.frombuffer(data[t["data_offsets"][0]:t["data_offsets"][1]], types[t["dtype"]]).reshape(t["shape"]).copy())
            for name, t in header.items()}


def read(path):
    return torch.load(path) if path.endswith(".pth") else read_safetensors(path)


def logits_here(weights, images):
    np.save("x.npy", images)
    inception("predict", "--weights", weights, "x.npy", "--logits", "logits.npy", "--quiet")
    return np.load("logits.npy")


def logits_there(model, images):
    """In float64, because random networks magnify float32's rounding errors, torch's too."""
    with torch.no_grad():
        return model.eval().double()(torch.from_numpy(images).double()).numpy()


def deviation(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


def exported(variant, images):
    size = images.shape[-1]
    settings = ["model.variant=" + variant, f"model.input_size={size}", "model.bn_decay=0.5", "train.batch_size=8", "eval.batch_size=8"]
    if variant == "v3":
        settings.append("model.avgpool_count_include_pad=true")
    inception("train", "--data", f"shapes:?train=32&val=8&size={size}", "--max-steps", "4", "--out", variant, "--quiet",
              *[arg for s in settings for arg in ("--set", s)])
    ours = logits_here(variant, images)
    for ending in ("pth", "safetensors"):
        file = f"{variant}-out.{ending}"
        inception("export", "--weights", variant, "--format", "torchvision", "-o", file, "--quiet")
        model = network(variant, ours.shape[1])
        model.load_state_dict(read(file))
        off = deviation(ours, logits_there(model, images))
        check(f"{variant}, trained here, .{ending} by load_state_dict, batch {len(images)}", off <= 1e-4, f"{off:.1e} of the largest logit")


def imported(variant, images):
    torch.manual_seed(1)
    model = network(variant, 13)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # use the statistics of this batch alone
    with torch.no_grad():
        model.train()(torch.from_numpy(images))
    state = model.state_dict()
    for container, zipped in (("zip", True), ("legacy pickle", False)):
        torch.save(state, "in.pth", _use_new_zipfile_serialization=zipped)
        inception("import", "in.pth", "-o", "in.safetensors", "--quiet")
        for ending in ("pth", "safetensors"):
            inception("export", "--weights", "in.safetensors", "--format", "torchvision", "-o", f"back.{ending}", "--quiet")
            back = read(f"back.{ending}")
            same = sum(name in back and back[name].dtype == t.dtype and torch.equal(back[name], t) for name, t in state.items())
            check(f"{variant}, .pth ({container}) imported, exported as .{ending}", same == len(state) == len(back), f"{same} of {len(state)} tensors bit for bit")
    off = deviation(logits_here("in.safetensors", images), logits_there(model, images))
    check(f"{variant}, imported, batch {len(images)}", off <= 1e-4, f"{off:.1e} of the largest logit")


def main():
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for variant, (_, size) in VARIANTS.items():
            if not knows(variant):
                print(f"skip {variant}: this program does not know it", flush=True)
                continue
            images = np.random.default_rng(1).uniform(-1, 1, (5, 3, size, size)).astype(np.float32)
            exported(variant, images)
            imported(variant, images)
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
