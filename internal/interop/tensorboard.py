#!/usr/bin/python3
"""Reads a run's event files with TensorBoard's own reader.

usage: tensorboard.py INCEPTION   (the program)

Every figure of metrics.jsonl is there, at its step, as a scalar of the runs train and val, with times that do not
fall; also after the run was resumed.
"""
import json, os, subprocess, sys, tempfile

sys.path.pop(0)  # this folder, in which tensorboard.py is not TensorBoard
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as missing:
    sys.exit(f"tensorboard.py: {missing}; pip install tensorboard")

failed = []


def check(what, ok, figure=""):
    print(f"{'ok  ' if ok else 'FAIL'} {what}{': ' if figure else ''}{figure}", flush=True)
    if not ok:
        failed.append(what)


def inception(*args):
    subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def compare(when, run):
    """Compares the event files of a run with its metrics."""
    with open(run + "/metrics.jsonl") as lines:
        metrics = [json.loads(line) for line in lines]
    for part in ("train", "val"):
        events = EventAccumulator(f"{run}/tensorboard/{part}", size_guidance={"scalars": 0})
        events.Reload()
        lines = [m for m in metrics if m["split"] == part]
        tags = events.Tags()["scalars"]
        for tag in tags:
            scalars = events.Scalars(tag)
            want = [(m["step"], m[tag]) for m in lines if tag in m]
            got = [(s.step, s.value) for s in scalars]
            near = len(got) == len(want) and all(g[0] == w[0] and abs(g[1] - w[1]) <= 1e-6 * max(1, abs(w[1])) for g, w in zip(got, want))
            check(f"{when}: {part}/{tag}", near, f"{len(got)} points")
            times = [s.wall_time for s in scalars]
            check(f"{when}: {part}/{tag} in the order of time", times == sorted(times))
        check(f"{when}: {part} has loss and top1", {"loss", "top1"} <= set(tags), " ".join(tags))


def main():
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        settings = ["model.variant=v3", "model.input_size=32", "model.width=0.05", "model.aux=none", "model.stem.stride=1",
                    "model.stem.pool=false", "train.batch_size=8", "train.log_every=1"]
        inception("train", "--data", "shapes:?train=16&val=8&size=32", "--max-steps", "4", "--out", "run", "--quiet",
                  *[arg for s in settings for arg in ("--set", s)])
        compare("a run", "run")
        inception("train", "--resume", "run", "--max-steps", "6")
        compare("resumed", "run")
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
