#!/usr/bin/env python3
"""Times inception and its peers in turn on this machine and prints a table of medians and ratios.

    python3 -m venv VENV && VENV/bin/pip install torch torchvision openvino nncf onnx onnxruntime
    make bench-peers PYTHON=VENV/bin/python

A peer that is not installed is skipped. Each round runs every program once, so that a change of the machine's
load affects them all; the ratio is that of the medians over the rounds. inception's share of the peak is that of the
precision.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..", "..")
ap = argparse.ArgumentParser()
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--time", default="6s", help="how long inception measures at least")
ap.add_argument("--only", default="", help="only the rows whose name contains this")
ap.add_argument("--inception", help="its binary, instead of a new one")
ap.add_argument("--models", help="folder to keep the peers' files in")
ap.add_argument("--small", action="store_true", help="also time the networks for small images, compared with the same in PyTorch")
a = ap.parse_args()
t = str(a.threads)


def run(*command):
    """The JSON line that a program prints, or None if it fails."""
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0:
        print("  skipped: %s: %s" % (" ".join(command), p.stderr.strip().splitlines()[-1:]), file=sys.stderr)
        return None
    return json.loads(p.stdout.strip().splitlines()[-1])


def script(name, *args):
    return lambda: run(sys.executable, os.path.join(here, name), *map(str, args))


def us(mode, batch, precision, *settings):
    sets = [word for s in settings + ("ema.decay=0",) for word in ("--set", s)]  # the peers have no average either
    return lambda: run(ours, "bench", "--json", "--mode", mode, "--batch", str(batch), "--precision", precision, "--threads", t, "--time", a.time, *sets)


def torch(mode, batch, precision, *options):
    return script("torch_bench.py", "--mode", mode, "--batch", batch, "--threads", t, *["--bf16"] * (precision == "bf16"), *options)


def evaluation(batch, precision, models):
    """A row of evaluation: which file a program reads depends on the precision."""
    peers = {"inception": us("eval", batch, precision)}
    if precision != "int8":
        peers["PyTorch"] = torch("eval", batch, precision)
    for name, program, file in [("OpenVINO", "openvino", "nncf.xml"), ("ONNX Runtime", "onnxruntime", "qdq.onnx")]:
        if (name, precision) != ("ONNX Runtime", "bf16"):
            file = os.path.join(models, file if precision == "int8" else "v3.onnx")
            peers[name] = script("onnx_bench.py", program, file, batch, precision, t)
    return "eval, batch %d, %s" % (batch, precision), peers


def training(batch, precision):
    return "train, batch %d, %s" % (batch, precision), {"inception": us("train", batch, precision), "PyTorch": torch("train", batch, precision)}


def small(batch, size, width, pool):
    """A training step of V3 for small images, with the same network in both programs."""
    settings = ["model.aux=none", "model.classes=10", "model.stem.stride=1", "optimizer.name=sgd",
                "model.input_size=%d" % size, "model.width=%g" % width, "model.stem.pool=%s" % str(pool).lower()]
    options = ["--small", "--size", size, "--width", width] + ["--pool"] * pool
    name = "train %d px, width %g, batch %d, fp32" % (size, width, batch)
    return name, {"inception": us("train", batch, "fp32", *settings), "PyTorch": torch("train", batch, "fp32", *options)}


def row(work, programs):
    """Runs the rounds of a row and prints its lines."""
    speeds, memory, peaks = {}, {}, []
    for _ in range(a.rounds):
        for name, once in programs.items():
            r = once()
            if r is None:
                continue
            speeds.setdefault(name, []).append(r["images_per_s"])
            memory[name] = r["peak_rss_mib"]
            if "peak_gflops" in r:
                peaks.append((r["gflops"], r["peak_gflops"]))
    for name in speeds:
        speed = statistics.median(speeds[name])
        note = ""
        if name == "inception":
            note = "%.0f of %.0f GFLOP/s" % (statistics.median(g for g, _ in peaks), statistics.median(p for _, p in peaks))
        elif "inception" in speeds:
            note = "%.2f times" % (statistics.median(speeds["inception"]) / speed)
        print("| %s | %s | %.1f | %s | %.0f |" % (work, name, speed, note, memory[name]), flush=True)


with tempfile.TemporaryDirectory() as tmp:
    ours, models = a.inception or os.path.join(tmp, "inception"), a.models or tmp
    if not a.inception:
        subprocess.run(["go", "build", "-o", ours, "./cmd/inception"], cwd=root, check=True)
    subprocess.run([sys.executable, os.path.join(here, "models.py"), models], stdout=subprocess.DEVNULL)
    rows = [evaluation(batch, precision, models) for precision in ("fp32", "bf16", "int8") for batch in (1, 8)]
    rows += [training(batch, precision) for precision in ("fp32", "bf16") for batch in (8, 32)]
    if a.small:
        rows += [
            small(64, 32, 0.25, False),  # configs/cifar10-ladder.yaml
            small(64, 48, 0.25, False),
            small(32, 96, 0.5, True),
        ]
    print("| work | program | images/s | GFLOP/s of the peak, or inception's speed-up | peak memory, MiB |\n|---|---|---|---|---|")
    for work, programs in rows:
        if a.only in work:
            row(work, programs)
