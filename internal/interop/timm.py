#!/usr/bin/env python3
"""Checks that inception reads the weights of timm's inception_v3 and inception_v4.

    timm.py PATH-OF-INCEPTION

timm.create_model() with random weights and statistics is saved as .pth, legacy
.pth and .safetensors, with and without auxiliary head, next to the config.json
that timm itself writes. inception must give timm's logits, and make timm's
pixels from a picture.
"""
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder, in which timm.py is not timm
try:
    import numpy as np
    import timm
    import torch
    from PIL import Image
    from safetensors.torch import load_file, save_file
    from timm.data import create_transform, resolve_data_config
    from timm.models._hub import save_config_for_hf
except ImportError as e:
    sys.exit(f"timm.py: {e}; pip install timm, or, if PyTorch is already installed: pip install --no-deps timm safetensors; pip install huggingface_hub pyyaml")

TOLERANCE = 1e-4  # of the largest value
failures = 0


def check(name, got, want, tolerance=TOLERANCE):
    """Prints a line with the largest difference as a share of the largest value."""
    global failures
    error = np.abs(got - want).max() / np.abs(want).max() if got.shape == want.shape else np.inf
    ok = error <= tolerance
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name}: {error:.1e} of the largest", flush=True)


def inception(*args, fails=False):
    run = subprocess.run([sys.argv[1], *map(str, args)], capture_output=True, text=True)
    if (run.returncode != 0) != fails:
        sys.exit(f"FAIL inception {' '.join(map(str, args))}\n{run.stderr}")
    return run.stderr


def random_model(network, **kwargs):
    model = timm.create_model(network, pretrained=False, **kwargs)
    for name, p in list(model.named_parameters()) + list(model.named_buffers()):
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(p, nonlinearity="relu")
        elif name.endswith(("fc.weight", "last_linear.weight")):
            torch.nn.init.normal_(p, 0, 0.02)
        elif name.endswith(("bn.weight", "running_var")):
            torch.nn.init.uniform_(p, 0.5, 1.5)
        elif p.dtype == torch.float32:
            torch.nn.init.normal_(p, 0, 0.1)
    return model.eval()


def logits(weights, *pictures):
    inception("predict", "-q", "-w", weights, *pictures, "--logits", "y.npy", "--json")
    return np.load("y.npy")


def containers(network, classes, **kwargs):
    """Every file format of a state dict."""
    model = random_model(network, num_classes=classes, **kwargs)
    title = ", ".join([f"timm {timm.__version__}, {network}, {classes} classes"] + [f"{k} {v}" for k, v in kwargs.items()])
    x = torch.rand(2, 3, 299, 299) * 2 - 1
    np.save("x.npy", x.numpy())
    with torch.no_grad():
        want = model(x)
    want = (want[0] if isinstance(want, tuple) else want).numpy()
    state = model.state_dict()
    save_config_for_hf(model, "config.json")
    torch.save(state, "zip.pth")
    torch.save(state, "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "state_dict": {"module." + k: v for k, v in state.items()}}, "checkpoint.pth.tar")
    save_file(state, "model.safetensors")
    for file in "zip.pth", "legacy.pth", "checkpoint.pth.tar", "model.safetensors":
        inception("import", "-q", file, "-o", "w.safetensors")
        check(f"{title}, {file} to inception", logits("w.safetensors", "x.npy"), want)
    inception("export", "-q", "-w", "w.safetensors", "--format", "torchvision", "-o", "back.safetensors")
    back = load_file("back.safetensors")
    same = set(back) == set(state) and all(torch.equal(back[k], state[k]) for k in state)
    check("the same state dict back, bit for bit", np.float32([same]), np.float32([1]), 0)
    return model


def preprocessing(model):
    """A picture goes through timm's transform and through inception's."""
    rng = np.random.default_rng(1)
    grid = rng.uniform(0, 255, (7, 9, 3)).astype("uint8")
    Image.fromarray(grid).resize((437, 360), Image.BICUBIC).save("picture.png")
    for change in {}, {"crop_pct": 0.9, "interpolation": "bilinear"}, {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}:
        save_config_for_hf(model, "config.json", data_config=change)
        inception("import", "-q", "model.safetensors", "-o", "w.safetensors")
        data = resolve_data_config(change, model=model)
        x = create_transform(**{k: v for k, v in data.items() if k != "crop_mode"})(Image.open("picture.png").convert("RGB"))
        with torch.no_grad():
            want = model(x[None]).numpy()
        title = ", ".join(f"{k} {data[k]}" for k in ("crop_pct", "interpolation", "mean"))
        check(f"a picture's logits, {title}", logits("w.safetensors", "picture.png"), want, 0.02)
    os.remove("config.json")
    text = inception("import", "--from", "timm", "model.safetensors", "-o", "w.safetensors", fails=True)
    named = all(word in text for word in ("config.json", "--preprocess imagenet", "--preprocess inception"))
    check("without config.json the error names what to do", np.float32([named]), np.float32([1]), 0)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.argv[1] = os.path.abspath(sys.argv[1])
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        containers("inception_v3", 1000, aux_logits=True)
        preprocessing(containers("inception_v3", 7, aux_logits=False))
        os.remove("model.safetensors")
        preprocessing(containers("inception_v4", 1000))
        os.chdir("/")
    sys.exit(failures > 0)


main()
