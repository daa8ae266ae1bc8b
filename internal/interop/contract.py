#!/usr/bin/env python3
"""Runs golden pictures with ONNX Runtime, by the script that `export --verify` writes.

    contract.py INCEPTION

INCEPTION is the program. Needs onnx, onnxruntime, numpy, Pillow and safetensors. Prints
one line per check and exits with 1 if a check fails.
"""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder, in which onnx.py is not ONNX
try:
    import numpy as np
    import onnx
    import onnxruntime
    import safetensors
    from PIL import Image
except ImportError as missing:
    sys.exit(f"contract.py: {missing}; pip install onnx onnxruntime numpy pillow safetensors")

PROGRAM = os.path.abspath(sys.argv[1])
VARIANTS = ["v2", "v3", "v2-table1", "bn-inception", "googlenet", "inception-v4"]
TINY = ["model.variant=v3", "model.input_size=32", "model.width=0.05", "model.aux=none", "model.stem.stride=1", "model.stem.pool=false"]
failed = []


def check(what, good, figure=""):
    print(f"{'ok  ' if good else 'FAIL'} contract: {what}{': ' if figure else ''}{figure}", flush=True)
    if not good:
        failed.append(what)


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def inception(*args):
    done = run(PROGRAM, *args)
    if done.returncode:
        sys.exit(f"inception {' '.join(args)}: {done.stderr}")
    return done.stdout


def train(out, settings, size=32, steps=4):
    inception("train", "--quiet", "--data", f"shapes:?train=32&val=8&size={size}", "--max-steps", str(steps), "--out", out,
              *[a for s in ["model.bn_decay=0.5", "train.batch_size=8", "eval.batch_size=8", *settings] for a in ("--set", s)])


def verified(weights, file, *flags, form="onnx"):
    """Exports with --verify and returns what the JSON says of the golden pictures."""
    done = run(PROGRAM, "export", "--json", "-w", weights, "--format", form, "-o", file, "--verify", "--python", sys.executable, *flags)
    return json.loads(done.stdout)["check"] if done.stdout else {"ok": False, "error": done.stderr}


def worst(result):
    return result.get("error") or f"{max(p['difference'] for p in result['pictures']):.1e} of the largest value"


def every_variant():
    for variant in VARIANTS:
        summary = run(PROGRAM, "summary", "--variant", variant, "--json")
        size = json.loads(summary.stdout)["input"][1]
        train(variant, ["model.variant=" + variant, "model.width=0.25"], size)
        for kind, flags in {"folded": [], "with preprocessing": ["--with-preprocess"], "batch norm kept": ["--no-fold"]}.items():
            result = verified(variant, f"{variant}.onnx", *flags)
            check(f"{variant}, {kind}", result["ok"] and len(result["pictures"]) == 2, worst(result))
        onnx.checker.check_model(f"{variant}.onnx", full_check=True)
        check(f"{variant}, onnx.checker {onnx.__version__}", True)
        if variant in ("v2-table1", "inception-v4"):
            continue  # so little trained, one byte's other rounding is amplified through so many layers
        inception("quantize", "--quiet", "-w", variant, "--data", f"shapes:?train=32&val=8&size={size}", "--images", "16", "-o", f"{variant}8.safetensors")
        result = verified(f"{variant}8.safetensors", f"{variant}8.onnx")
        check(f"{variant}, int8", result["ok"] and result["precision"] == "int8", worst(result))


def other_formats():
    """Files for other tools are run as these read them: torchvision counts the padding of average pools, Keras does not."""
    for counts in ("true", "false"):
        train(f"v3-{counts}", ["model.variant=v3", "model.aux=none", "model.input_size=107", "model.avgpool_count_include_pad=" + counts], 107, steps=2)
        for form, file, good in [("torchvision", "w.pth", counts == "true"), ("torchvision", "w.safetensors", counts == "true"),
                                 ("keras", "w.h5", counts == "false"), ("safetensors", "own.safetensors", True)]:
            result = verified(f"v3-{counts}", file, form=form)
            check(f"{file}, padding counts: {counts}", result["ok"] == good, worst(result))
        for file in ("w.pth", "w.safetensors", "own.safetensors"):
            done = run(PROGRAM, "check", file)
            check(f"inception check {file}, padding counts: {counts}", done.returncode == 0, done.stdout.strip().splitlines()[-1])


def preprocessing(verify):
    """verify.py's preprocess and to_input give the program's inputs, bit for bit."""
    rng = np.random.default_rng(1)
    inception("export", "-w", "tiny", "--format", "torchvision", "-o", "tiny.pth")
    for w, h in [(37, 37), (32, 32), (90, 41), (20, 133), (7, 5), (400, 300)]:
        Image.fromarray(rng.integers(0, 256, (h, w, 3), np.uint8)).save(f"{w}x{h}.png")
    for geometry in ("shorter", "central", "as-is"):
        for interpolation in ("bilinear", "bicubic", "bilinear-tf1"):
            for share in (["1"] if geometry == "as-is" else ["0.875", "0.6", "1"]):
                inception("import", "tiny.pth", "-o", "p.safetensors", "--preprocess", "imagenet", "--geometry", geometry, "--interpolation", interpolation, "--crop-pct", share)
                with safetensors.safe_open("p.safetensors", "numpy") as f:
                    p = json.loads(f.metadata()["preprocess"])
                files = ["32x32.png"] if geometry == "as-is" else sorted(str(f) for f in pathlib.Path().glob("*x*.png"))
                inception("features", "--quiet", "-w", "p.safetensors", "--layer", "input", "-o", "inputs.npy", *files)
                ours = np.load("inputs.npy")
                theirs = np.stack([verify.to_input(verify.preprocess(np.asarray(Image.open(f)), p), p) for f in files])
                check(f"inputs, {geometry} {interpolation} {share}", np.array_equal(ours, theirs), f"{np.abs(ours - theirs).max():g} apart")


def tampered():
    """What has changed since the file was made is found."""
    file = "v3.onnx"
    inception("export", "-w", "v3", "--format", "onnx", "-o", file)

    def prop(key, change):
        def tamper(model):
            for p in model.metadata_props:
                if p.key == key:
                    p.value = change(p.value)
        return tamper

    def preprocess(**changes):
        return prop("preprocess", lambda text: json.dumps({**json.loads(text), **changes}))

    def constant(change):
        def tamper(model):
            t = next(t for t in model.graph.initializer if len(t.dims) == 4)
            t.raw_data = change(onnx.numpy_helper.to_array(t).copy()).astype(np.float32).tobytes()
        return tamper

    def one(weights):
        weights[0, 0, 1, 1] += 0.05
        return weights

    tampers = {
        "nothing": (lambda model: None, True), "another filter": (preprocess(interpolation="bicubic"), False),
        "another crop": (preprocess(crop_pct=0.9), False), "another geometry": (preprocess(geometry="central"), False),
        "another mean": (preprocess(mean=[0.485, 0.456, 0.406]), False), "blue, green, red": (constant(lambda w: w[:, ::-1]), False),
        "one weight": (constant(one), False), "no golden pictures": (prop("golden", lambda text: "[]"), False),
    }
    for what, (tamper, good) in tampers.items():
        model = onnx.load(file)
        tamper(model)
        onnx.save(model, "tampered.onnx")
        done = run(sys.executable, "verify.py", "--json", "tampered.onnx")
        result = json.loads(done.stdout)
        check(f"verify.py after {what}", (done.returncode == 0) == good and result["ok"] == good, worst(result) if result["pictures"] else "none")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        every_variant()
        other_formats()
        train("tiny", TINY, steps=8)
        spec = importlib.util.spec_from_file_location("verify", "verify.py")
        verify = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(verify)
        preprocessing(verify)
        tampered()
        done = run(sys.executable, "verify.py")
        check("verify.py on all models beside it", done.returncode == 1 and "FAIL" not in done.stdout.split("tampered.onnx")[0], f"{done.stdout.count('.onnx:')} models")
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
