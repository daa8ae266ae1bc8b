#!/usr/bin/python3
"""Times inception and its peers in turn on this machine and prints a table of medians and ratios.

    apt-get install -y --no-install-recommends python3-torch python3-torchvision python3-onnx
    npm install --ignore-scripts onnxruntime-node     (in any folder; set NODE_PATH=FOLDER/node_modules)
    make bench-peers

A peer that is not installed is skipped. Each round runs every program once, so that a change of the machine's
load affects them all; the ratio is that of the medians over the rounds.
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.join(here, "..", "..", "..")
ap = argparse.ArgumentParser()
ap.add_argument("--rounds", type=int, default=3)
ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--small", action="store_true", help="also time the networks for small images, compared with the same in PyTorch")
a = ap.parse_args()


def run(*command):
    """The JSON line that a program prints, or None if it fails."""
    p = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if p.returncode != 0:
        print("  skipped: %s: %s" % (" ".join(command), p.stderr.strip().splitlines()[-1:]), file=sys.stderr)
        return None
    return json.loads(p.stdout.strip().splitlines()[-1])


with tempfile.TemporaryDirectory() as tmp:
    ours = os.path.join(tmp, "inception")
    subprocess.run(["go", "build", "-o", ours, "./cmd/inception"], cwd=root, check=True)
    python = "/usr/bin/python3"
    t = str(a.threads)

    def us(mode, batch, *settings):
        sets = [word for s in settings + ("ema.decay=0",) for word in ("--set", s)]  # the peers have no average either
        return lambda: run(ours, "bench", "--json", "--mode", mode, "--batch", str(batch), "--threads", t, "--time", "6s", *sets)

    def torch(mode, batch, *options):
        return lambda: run(python, os.path.join(here, "torch_bench.py"), "--mode", mode, "--batch", str(batch), "--threads", t, *options)

    def small(batch, size, width, pool):
        """A training step of V3 for small images, with the same network in both programs."""
        settings = ["model.aux=none", "model.classes=10", "model.stem.stride=1", "optimizer.name=sgd",
                    "model.input_size=%d" % size, "model.width=%g" % width, "model.stem.pool=%s" % str(pool).lower()]
        options = ["--small", "--size", str(size), "--width", str(width)] + ["--pool"] * pool
        name = "train %d px, width %g, batch %d" % (size, width, batch)
        return name, {"inception": us("train", batch, *settings), "PyTorch": torch("train", batch, *options)}

    def ort(batch):
        model = os.path.join(tmp, "v3-%d.onnx" % batch)

        def once():
            if not os.path.exists(model):
                p = subprocess.run([python, os.path.join(here, "torch_export_onnx.py"), model, str(batch)], stderr=subprocess.PIPE)
                if p.returncode != 0:
                    return None
            return run("node", os.path.join(here, "ort_bench.js"), model, str(batch), "299", "9", t)
        return once if shutil.which("node") else lambda: None

    rows = [
        ("eval, batch 1", {"inception": us("eval", 1), "ONNX Runtime": ort(1), "PyTorch": torch("eval", 1)}),
        ("eval, batch 8", {"inception": us("eval", 8), "ONNX Runtime": ort(8), "PyTorch": torch("eval", 8)}),
        ("train, batch 8", {"inception": us("train", 8), "PyTorch": torch("train", 8)}),
        ("train, batch 32", {"inception": us("train", 32), "PyTorch": torch("train", 32)}),
    ]
    if a.small:
        rows += [
            small(64, 32, 0.25, False),  # configs/cifar10-ladder.yaml
            small(64, 48, 0.25, False),  # configs/cifar10.yaml and fashion-mnist.yaml
            small(32, 96, 0.5, True),  # configs/flowers5.yaml at twice its width
        ]
    print("| work | program | images/s | GFLOP/s of the peak, or inception's speed-up | peak memory, MiB |\n|---|---|---|---|---|")
    for work, programs in rows:
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
