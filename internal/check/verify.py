#!/usr/bin/env python3
"""Runs the golden pictures that an ONNX model of inception holds, with ONNX Runtime.

    python3 verify.py [--json] [--tolerance T] [MODEL.onnx ...]

Without a MODEL it takes all .onnx files beside itself. A model's metadata_props hold
small pictures with the logits that inception gave them; each goes through preprocess()
and the model, and the logits must come back. Exit status: 0 if they do, 1 if not.

Needs onnxruntime and numpy. preprocess() and to_input() are all that happens to a
picture before the network: copy them into your own program.
"""
import argparse, base64, json, pathlib, sys, zlib

try:
    import numpy as np, onnxruntime
except ImportError as missing:
    sys.exit(f"verify.py: {missing}; pip install onnxruntime numpy")


def preprocess(pixels, p):
    """Resizes and crops uint8 [H, W, 3], red, green, blue, to [size, size, 3], as the model's "preprocess" says."""
    height, width, _ = pixels.shape
    size, share = p["size"], p["crop_pct"]
    if p["geometry"] == "as-is":
        if (height, width) != (size, size):
            raise ValueError(f"the picture is {width}x{height}; the model takes {size}x{size} as it is")
        return pixels
    if p["geometry"] == "central":  # the middle of the picture, then a square of it
        x, y = int((width - width * share) / 2), int((height - height * share) / 2)
        return resize(pixels[y:height - y, x:width - x], size, size, p["interpolation"])
    short = max(size, int(size / share + 0.5))  # "shorter": the shorter side, then the middle
    w, h = (short, short * height // width) if width < height else (short * width // height, short)
    x, y = round((w - size) / 2), round((h - size) / 2)
    return resize(pixels, w, h, p["interpolation"])[y:y + size, x:x + size]


def to_input(pixels, p):
    """Makes float32 [3, H, W] of uint8 [H, W, 3]: divided by 255, less the mean, divided by the deviation."""
    return ((pixels / 255 - p["mean"]) / p["std"]).astype(np.float32).transpose(2, 0, 1)


def resize(pixels, width, height, interpolation):
    """Resizes as Pillow's Image.resize does, to the bit, with BILINEAR or BICUBIC; "bilinear-tf1" as TensorFlow 1."""
    across, down = taps(pixels.shape[1], width, interpolation), taps(pixels.shape[0], height, interpolation)
    return fixed(down, fixed(across, pixels.transpose(1, 0, 2)).transpose(1, 0, 2))


def fixed(weights, lines):
    """Sums lines of pixels in fixed point with 22 bits, rounded and cut to bytes."""
    sums = weights @ lines.reshape(len(lines), -1).astype(np.float64)
    return np.clip(np.floor((sums + 2**21) / 2**22), 0, 255).astype(np.uint8).reshape(len(weights), *lines.shape[1:])


def taps(inputs, outputs, interpolation):
    """The weights of the inputs along one direction, [outputs, inputs], in fixed point."""
    tf1, reach = interpolation == "bilinear-tf1", 2 if interpolation == "bicubic" else 1
    scale = inputs / outputs
    stretch = 1 if tf1 else max(scale, 1)
    weights = np.zeros((outputs, inputs))
    for i in range(outputs):
        centre = i * scale + 0.5 if tf1 else (i + 0.5) * scale
        low, high = max(0, int(centre - reach * stretch + 0.5)), min(inputs, int(centre + reach * stretch + 0.5))
        x = np.abs((np.arange(low, high) - centre + 0.5) / stretch)
        if interpolation == "bicubic":  # Keys' cubic, a = -0.5
            w = np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, (((x - 5) * x + 8) * x - 4) * -0.5, 0))
        else:
            w = np.maximum(0, 1 - x)
        w = w / w.sum() * 2**22
        weights[i, low:high] = np.sign(w) * np.floor(np.abs(w) + 0.5)
    return weights


def trial(file, tolerance):
    """Runs the golden pictures of one model."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    p, golden = json.loads(facts.get("preprocess", "{}")), json.loads(facts.get("golden", "[]"))
    precision = facts.get("precision", "fp32")
    if tolerance is None:
        tolerance = 1e-4 if precision == "fp32" else 0.05
    names = json.loads(facts.get("labels", "null"))
    name = lambda i: {"index": int(i), "label": names[i] if names else str(i)}
    results = []
    for g in golden:
        pixels = np.frombuffer(zlib.decompress(base64.b64decode(g["pixels"])), np.uint8).reshape(g["height"], g["width"], 3)
        then = np.frombuffer(base64.b64decode(g["values"]), "<f4")
        small = preprocess(pixels, p)
        inside = facts.get("preprocess_inside") == "true"  # the model itself divides and subtracts
        x = small.transpose(2, 0, 1) if inside else to_input(small, p)
        now = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(x[None])})[0][0]
        largest, off = float(np.abs(then).max()), float(np.abs(now - then).max()) if now.shape == then.shape else np.inf
        r = {"name": g["name"], "width": g["width"], "height": g["height"], "largest": largest,
             "difference": off / (largest or 1), "ok": bool(off <= tolerance * largest)}
        if facts.get("head") != "none":
            r.update(then=name(then.argmax()), now=name(now.argmax()))
        results.append(r)
    return {"file": str(file), "reader": f"ONNX Runtime {onnxruntime.__version__}", "precision": precision,
            "tolerance": tolerance, "pictures": results, "ok": bool(results) and all(r["ok"] for r in results)}


def show(t):
    print(f'{t["file"]}: {t["reader"]}, {t["precision"]}, tolerance {t["tolerance"]:g} of the largest value')
    if not t["pictures"]:
        print("  holds no golden pictures")
    for r in t["pictures"]:
        classes = f'  {r["then"]["label"]} -> {r["now"]["label"]}' if "then" in r else ""
        print(f'  {"ok  " if r["ok"] else "FAIL"} {r["name"]} ({r["width"]}x{r["height"]}): off by {r["difference"]:.1e}{classes}')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL.onnx")
    parser.add_argument("--json", action="store_true", help="print a JSON document for each model")
    parser.add_argument("--tolerance", type=float, help="largest difference, as a share of the largest value (default 1e-4; int8 0.05)")
    args = parser.parse_args()
    models = args.models or sorted(pathlib.Path(sys.argv[0]).resolve().parent.glob("*.onnx"))
    if not models:
        sys.exit("verify.py: there is no .onnx file beside it; name one")
    good = True
    for file in models:
        t = trial(file, args.tolerance)
        good = good and t["ok"]
        print(json.dumps(t)) if args.json else show(t)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
