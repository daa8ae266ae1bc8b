#!/usr/bin/env python3
"""Checks that Keras and inception read each other's weights.

    keras.py PATH-OF-INCEPTION

keras.applications' InceptionV3 with random weights and statistics, with top
and without, is saved in every Keras format; inception must give Keras'
outputs. Keras must load what inception exports and give the same outputs. Runs
with Keras 3 (tensorflow) and, if installed, Keras 2 (tf_keras).
"""
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder, in which keras.py is not Keras
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0")
try:
    import keras
    import numpy as np
    import tensorflow  # noqa: F401  Keras' backend
except ImportError as e:
    sys.exit(f"keras.py: {e}; pip install tensorflow-cpu keras h5py tf_keras")
try:
    import tf_keras
except ImportError:
    tf_keras = None

TOLERANCE = 1e-4  # of the largest value
failures = 0


def check(name, got, want):
    """Prints a line with the largest difference as a share of the largest value."""
    global failures
    error = np.abs(got - want).max() / np.abs(want).max() if got.shape == want.shape else np.inf
    ok = error <= TOLERANCE
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name}: {error:.1e} of the largest", flush=True)


def inception(*args):
    run = subprocess.run([sys.argv[1], *map(str, args)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"FAIL inception {' '.join(map(str, args))}\n{run.stderr}")
    return run.stderr


def randomise(model, rng):
    """Random weights that keep activations in range, and random statistics."""
    for layer in model.layers:
        values = []
        for w in layer.weights:
            kind, shape = w.name.split("/")[-1].split(":")[0], tuple(w.shape)
            fan_in = np.prod(shape[:-1]) if len(shape) > 1 else 1
            values.append({
                "kernel": lambda: rng.normal(0, (2 / fan_in) ** 0.5, shape),
                "gamma": lambda: rng.uniform(0.5, 1.5, shape),
                "moving_variance": lambda: rng.uniform(0.5, 1.5, shape),
            }.get(kind, lambda: rng.normal(0, 0.1, shape))())
        if values:
            layer.set_weights(values)


def outputs(weights, what, x):
    """inception's outputs for the same inputs."""
    np.save("x.npy", x.transpose(0, 3, 1, 2).copy())
    if what == "logits":
        inception("predict", "-q", "-w", weights, "x.npy", "--logits", "y.npy", "--json")
    else:
        inception("features", "-q", "-w", weights, "x.npy", "-o", "y.npy")
    return np.load("y.npy")


def both_ways(k, title, rng, top):
    """Checks one Keras (k), with the classifier or without."""
    def build():
        return k.applications.InceptionV3(weights=None, **(
            dict(classes=37, classifier_activation=None) if top else dict(include_top=False, pooling="avg", input_shape=(299, 299, 3))))

    model = build()
    randomise(model, rng)
    x = rng.uniform(-1, 1, (2, 299, 299, 3)).astype("float32")
    want = model.predict(x, verbose=0)
    what = "logits" if top else "features"
    head = "with top" if top else "without top"
    formats = {"k.weights.h5": model.save_weights, "whole.h5": model.save, "whole.keras": model.save}
    if k is tf_keras:
        formats["legacy.h5"] = model.save_weights
    for file, save in formats.items():
        save(file)
        inception("import", "-q", file, "-o", "w.safetensors")
        check(f"{title} {head}, {file} to inception", outputs("w.safetensors", what, x), want)
    inception("export", "-q", "-w", "w.safetensors", "--format", "keras", "-o", "back.h5")
    other = build()
    other.load_weights("back.h5")
    check(f"inception's .h5 to {title} {head}", other.predict(x, verbose=0), want)


def own_head(k, title, rng):
    """A model with its own head, which contains the features as a layer."""
    base = k.applications.InceptionV3(weights=None, include_top=False, pooling="avg", input_shape=(299, 299, 3))
    randomise(base, rng)
    model = k.Sequential([k.Input((299, 299, 3)), base, k.layers.BatchNormalization(), k.layers.Dense(32), k.layers.Dense(5)])
    x = rng.uniform(-1, 1, (1, 299, 299, 3)).astype("float32")
    want = base.predict(x, verbose=0)
    for file, save in {"nested.weights.h5": model.save_weights, "nested.h5": model.save, "nested.keras": model.save}.items():
        save(file)
        inception("import", "-q", file, "-o", "w.safetensors")
        check(f"{title} with a head of its own, {file} to inception's features", outputs("w.safetensors", "features", x), want)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.argv[1] = os.path.abspath(sys.argv[1])
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for k in filter(None, (keras, tf_keras)):
            title = f"Keras {k.__version__}"
            for top in (True, False):
                both_ways(k, title, rng, top)
            own_head(k, title, rng)
        os.chdir("/")
    if tf_keras is None:
        print("skip Keras 2: pip install tf_keras")
    sys.exit(failures > 0)


main()
