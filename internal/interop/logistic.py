#!/usr/bin/python3
"""Compare inception probe with scikit-learn's LogisticRegression.

    logistic.py INCEPTION                  check the program on pictures that are made here
    logistic.py --fixture TESTDATA         write what the test of internal/probe reads

Checked: the logits of the written file to 1e-4 of the largest (its weights are
float32), the cross-validation's accuracies exactly and, up to the strength that is
chosen, its losses to 1e-4, and which one that is. Needs scikit-learn and Pillow (pip install scikit-learn pillow).
Exits with 1 if a check fails.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from PIL import Image
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
except ImportError as missing:
    sys.exit(f"logistic.py: {missing}; pip install scikit-learn pillow")

FOLDS = 5


def fit(x, y, strength):
    classes = len(np.unique(y))
    # Of two classes scikit-learn has one row, whose penalty is half that of two.
    c = strength * (2 if classes == 2 else 1)
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(x, y)
    w, b = model.coef_, model.intercept_
    if classes == 2:
        w, b = np.concatenate([-w, w]) / 2, np.concatenate([-b, b]) / 2
    return model, w, b


def folds(y):
    """The fold of each example: those of a class go round, the first of class k in fold k."""
    seen, of = {}, []
    for label in y:
        of.append((label + seen.get(label, 0)) % FOLDS)
        seen[label] = seen.get(label, 0) + 1
    return np.array(of)


def trial(x, y, strength):
    of, right, loss = folds(y), 0, 0.0
    for f in range(FOLDS):
        held = of == f
        model = fit(x[~held], y[~held], strength)[0]
        right += (model.predict(x[held]) == y[held]).sum()
        loss += log_loss(y[held], model.predict_proba(x[held]), labels=np.unique(y), normalize=False)
    return {"strength": strength, "top1": right / len(y), "loss": loss / len(y)}


def examples(classes, n, width):
    rng = np.random.default_rng(classes)
    centres = rng.normal(0, 1, (classes, width))
    y = rng.permutation(np.arange(n) % classes)
    x = (3 + 0.5 * (centres[y] + rng.normal(0, 2, (n, width)))).astype(np.float32)
    return x, y


def fixture(path):
    cases = []
    for classes, n, width in [(2, 40, 5), (4, 90, 7)]:
        x, y = examples(classes, n, width)
        scale = float(np.sqrt(np.mean((x.astype(np.float64) - x.astype(np.float64).mean(0)) ** 2)))
        case = {"classes": classes, "width": width, "features": [float(v) for v in x.ravel()], "labels": y.tolist(), "fits": [], "trials": []}
        for strength in [0.001, 0.1, 10.0]:
            _, w, b = fit(x.astype(np.float64), y, strength)
            case["fits"].append({"strength": strength, "weights": w.ravel().tolist(), "bias": b.tolist()})
        for half in range(-10, 7):
            case["trials"].append(trial(x.astype(np.float64), y, 10 ** (half / 2) / scale**2))
        cases.append(case)
    with open(os.path.join(path, "sklearn.json"), "w") as f:
        json.dump(cases, f)
        f.write("\n")


def pictures(folder):
    rng = np.random.default_rng(1)
    for label, colour in enumerate([(200, 60, 60), (60, 200, 60), (90, 90, 190)]):
        os.makedirs(os.path.join(folder, f"class{label}"))
        for i in range(24):
            # Close to the class's colour, in another light each, with coarse and fine noise.
            light, coarse = rng.uniform(0.2, 1.2), np.kron(rng.normal(0, 60, (5, 5, 3)), np.ones((8, 8, 1)))
            pixels = (rng.normal(colour, 40, (40, 40, 3)) * light + coarse).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(os.path.join(folder, f"class{label}", f"{i:02}.png"))


CONFIG = """model: {variant: v3, input_size: 32, width: 0.1, aux: none, stem: {stride: 1, pool: false}, init: he, bn_decay: 0.9}
train: {batch_size: 8, max_steps: 20}
optimizer: {name: sgd, lr: 0.01}
ema: {decay: 0}
"""


def main():
    if sys.argv[1:2] == ["--fixture"]:
        fixture(sys.argv[2])
        return 0
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pictures("pictures")
        with open("tiny.yaml", "w") as f:
            f.write(CONFIG)
        run = lambda *args: subprocess.run([program, *args], check=True, capture_output=True, text=True).stdout
        data = ["--data", "pictures"]
        run("train", "--config", "tiny.yaml", *data, "--out", "run", "--quiet")
        probe = json.loads(run("probe", "--weights", "run", *data, "--batch", "8", "--set", "data.val_fraction=0", "-o", "head.safetensors", "--json"))
        rows = [json.loads(line) for line in run("features", "--weights", "run", "pictures", "-o", "x.npy", "--json").splitlines()]
        x = np.load("x.npy").astype(np.float64)
        y = np.array([int(os.path.basename(os.path.dirname(r["image"]))[5:]) for r in rows])
        scale = np.sqrt(np.mean((x - x.mean(0)) ** 2))  # which leaves the answers as they are, and scikit-learn finds them
        x = (x - x.mean(0)) / scale
        _, w, b = fit(x, y, probe["strength"] * scale**2)
        # The logits of the written file are those of scikit-learn's classifier.
        run("predict", "--weights", "head.safetensors", "pictures", "--logits", "logits.npy", "--json")
        theirs = x @ w.T + b
        far = np.abs(np.load("logits.npy") - theirs).max() / np.abs(theirs).max()
        tried = [trial(x, y, t["strength"] * scale**2) | {"strength": t["strength"]} for t in probe["tried"]]
    same = all(ours["top1"] == t["top1"] for ours, t in zip(probe["tried"], tried))
    loss = max(abs(ours["loss"] - t["loss"]) / t["loss"] for ours, t in zip(probe["tried"], tried)
               if t["strength"] <= probe["strength"])
    best = min(tried, key=lambda t: (-t["top1"], t["loss"]))["strength"]
    print(f"logits of the written file: largest difference {far:.1e} of the largest (limit 1e-4)")
    print(f"cross-validation: accuracies {'equal' if same else 'differ'}, losses to {loss:.1e} (limit 1e-4), "
          f"strength {probe['strength']:.4g}, scikit-learn's {best:.4g}")
    return 0 if far < 1e-4 and same and loss < 1e-4 and best == probe["strength"] else 1


if __name__ == "__main__":
    sys.exit(main())
