#!/usr/bin/python3
"""Checks exported ONNX models with onnx.checker and ONNX Runtime.

usage: onnx.py INCEPTION   (the program)

ONNX Runtime is onnxruntime-node below $ORT (default /opt/ort):
  npm install --ignore-scripts --prefix /opt/ort onnxruntime-node
"""
import json, os, shutil, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.pop(0)  # this folder, in which onnx.py is not ONNX
try:
    import numpy as np, onnx
except ImportError as missing:
    sys.exit(f"onnx.py: {missing}; apt install python3-onnx, or pip install onnx")

VARIANTS = ["v2", "v3", "v2-table1", "bn-inception", "googlenet", "inception-v4"]
KINDS = {"folded": [], "batch norm kept": ["--no-fold"], "with preprocessing": ["--with-preprocess"]}
MODULES = os.path.join(os.environ.get("ORT", "/opt/ort"), "node_modules")
failed = []


def inception(*args):
    return subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def check(what, ok, figure):
    print(f"{'ok  ' if ok else 'FAIL'} onnx: {what}: {figure}", flush=True)
    if not ok:
        failed.append(what)


def input_size(variant):
    """The variant's input size, or None if the program does not know the variant."""
    summary = subprocess.run([sys.argv[1], "summary", "--variant", variant, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(summary.stdout)["input"][1] if summary.returncode == 0 else None


def train(variant, size):
    settings = ["model.variant=" + variant, "model.bn_decay=0.5", "train.batch_size=8", "eval.batch_size=8"]
    inception("train", "--data", f"shapes:?train=32&val=8&size={size}", "--max-steps", "4", "--out", variant, "--quiet",
              *[arg for s in settings for arg in ("--set", s)])


def checked(what, file):
    try:
        onnx.checker.check_model(file, full_check=True)
        error = None
    except Exception as err:
        error = str(err).strip().splitlines()[0]
    model = onnx.load(file, load_external_data=False)
    check(f"{what}, onnx.checker {onnx.__version__}", error is None, error or f"{len(model.graph.node)} nodes, opset {model.opset_import[0].version}")
    return {p.key: p.value for p in model.metadata_props}


def ort(file, inputs, level="all"):
    inputs.tofile("in.bin")
    ran = subprocess.run(["node", os.path.join(here, "ort_run.js"), file, "in.bin", "out.bin", str(len(inputs)), level], check=True,
                         stdout=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": MODULES})
    facts = json.loads(ran.stdout)
    return facts, np.fromfile("out.bin", np.float32).reshape(facts["dims"])


def logits_here(weights, images):
    np.save("x.npy", images)
    inception("predict", "--weights", weights, "x.npy", "--logits", "logits.npy", "--quiet")
    return np.load("logits.npy")


def variant_checks(variant, size, runtime):
    train(variant, size)
    pixels = np.random.default_rng(1).integers(0, 256, (5, 3, size, size), np.uint8)
    want = None
    for kind, flags in KINDS.items():
        file = f"{variant}.onnx"
        inception("export", "--weights", variant, "--format", "onnx", "-o", file, "--quiet", *flags)
        props = checked(f"{variant}, {kind}", file)
        preprocess = json.loads(props["preprocess"])
        mean, std = (np.reshape(preprocess[key], (1, 3, 1, 1)) for key in ("mean", "std"))
        images = ((pixels / 255 - mean) / std).astype(np.float32)
        if want is None:
            want = logits_here(variant, images)
        if not runtime:
            continue
        for batch in (1, 5):
            facts, got = ort(file, (pixels if "with" in kind else images)[:batch])
            off = float(np.abs(got - want[:batch]).max() / np.abs(want[:batch]).max())
            named = facts["input"]["name"] == "input" and facts["output"]["name"] == "logits" and got.shape == want[:batch].shape
            check(f"{variant}, {kind}, ONNX Runtime {facts['version']}, batch {batch}", named and off <= 1e-4, f"{off:.1e} of the largest logit")


def quantised_checks(variant, size, runtime):
    """int8 weights as QDQ: the same most probable classes, and logits about as near to ours as ONNX Runtime's are to its own.

    Single bytes may round otherwise, as they do in ONNX Runtime without its optimisations, and deep networks that have
    hardly been trained magnify that as they magnify every rounding: inception-v4 by 70 dB.
    """
    weights, file = f"{variant}8.safetensors", f"{variant}8.onnx"
    inception("quantize", "--weights", variant, "--data", f"shapes:?train=32&val=8&size={size}", "--images", "16", "-o", weights, "--quiet")
    inception("export", "--weights", weights, "--format", "onnx", "--with-preprocess", "-o", file, "--quiet")
    preprocess = json.loads(checked(f"{variant}, int8", file)["preprocess"])
    if not runtime:
        return
    mean, std = (np.reshape(preprocess[key], (1, 3, 1, 1)) for key in ("mean", "std"))
    pixels = np.random.default_rng(2).integers(0, 256, (5, 3, size, size), np.uint8)
    images = ((pixels / 255 - mean) / std).astype(np.float32)
    want, exact = logits_here(weights, images), logits_here(variant, images)
    (facts, got), (_, plain) = ort(file, pixels), ort(file, pixels, "disabled")
    apart = lambda x, y: float(np.abs(x - y).max() / np.abs(want).max())
    off, own, rounding = apart(got, want), apart(got, plain), apart(exact, want)
    same = bool((got.argmax(1) == want.argmax(1)).all())
    check(f"{variant}, int8, ONNX Runtime {facts['version']}", same and off <= max(0.03, min(0.2, 2 * own)),
          f"the same classes: {same}, {off:.1e} of the largest logit, without optimisations {own:.1e}, float32's {rounding:.1e}")


def main():
    sys.argv[1] = os.path.abspath(sys.argv[1])
    runtime = shutil.which("node") is not None and os.path.isdir(os.path.join(MODULES, "onnxruntime-node"))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for variant in VARIANTS:
            size = input_size(variant)
            if size is None:
                print(f"skip {variant}: this program does not know it", flush=True)
            else:
                variant_checks(variant, size, runtime)
                quantised_checks(variant, size, runtime)
        os.chdir("/")
    if not runtime:
        print(f"skip ONNX Runtime: npm install --ignore-scripts --prefix {os.path.dirname(MODULES)} onnxruntime-node")
    sys.exit(1 if failed else 0)


main()
