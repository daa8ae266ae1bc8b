#!/usr/bin/env python3
"""Checks that inception reads the checkpoints of TensorFlow's slim.

    slim.py PATH-OF-INCEPTION

slim's own inception_v3 and inception_v2 (tf_slim.nets) with random weights and
statistics, with moving averages and a step counter next to the weights as in
training, are saved as V1 and V2 checkpoints. inception must give slim's logits
for the 1000 classes without background.
"""
import os
import subprocess
import sys
import tempfile

sys.path.pop(0)  # this folder
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_ENABLE_ONEDNN_OPTS="0", TF_USE_LEGACY_KERAS="1")
try:
    import numpy as np
    import tensorflow as tf
    import tf_keras.src.legacy_tf_layers.normalization as normalization
    # Where TensorFlow looks for the layers that slim's batch norm uses.
    sys.modules["tf_keras.legacy_tf_layers"] = sys.modules["tf_keras.src.legacy_tf_layers"]
    sys.modules["tf_keras.legacy_tf_layers.normalization"] = normalization
    import tf_slim as slim
    from tf_slim.nets import inception_v2, inception_v3
except ImportError as e:
    sys.exit(f"slim.py: {e}; pip install tensorflow-cpu tf_slim tf_keras")

tf1 = tf.compat.v1
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


def random_value(name, shape, rng):
    if name.endswith("weights"):
        return rng.normal(0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
    if name.endswith(("moving_variance", "gamma")):
        return rng.uniform(0.5, 1.5, shape)
    return rng.normal(0, 0.1, shape)


def one(network, scope, size, classes, scale, rng, **options):
    """Builds, saves and compares one network."""
    x = rng.uniform(-1, 1, (2, size, size, 3)).astype("float32")
    np.save("x.npy", x.transpose(0, 3, 1, 2).copy())
    with tf1.Graph().as_default(), tf1.Session() as session:
        images = tf1.placeholder(tf.float32, [None, size, size, 3])
        with slim.arg_scope(scope()), slim.arg_scope([slim.batch_norm], scale=scale):
            logits, _ = network(images, classes, is_training=False, **options)
        tf1.train.create_global_step()
        tf.train.ExponentialMovingAverage(0.999).apply(tf1.trainable_variables())
        session.run(tf1.global_variables_initializer())
        variables = [v for v in tf1.global_variables() if v.dtype.base_dtype == tf.float32 and "ExponentialMovingAverage" not in v.op.name]
        session.run([v.initializer for v in variables],
                    {v.initializer.inputs[1]: random_value(v.op.name, v.shape.as_list(), rng) for v in variables})
        want = session.run(logits, {images: x})
        if classes == 1001:
            want = want[:, 1:]
        for version, name in (tf1.train.SaverDef.V1, "v1.ckpt"), (tf1.train.SaverDef.V2, "v2.ckpt"):
            tf1.train.Saver(write_version=version).save(session, os.path.abspath(name), write_meta_graph=False, write_state=False)
    aux = any("AuxLogits" in v.op.name for v in variables)
    title = f"slim's {network.__name__}, {classes} classes, {'with' if aux else 'without'} auxiliary head, {'with' if scale else 'without'} gamma"
    for file in "v1.ckpt", "v2.ckpt", "v2.ckpt.index":
        inception("import", "-q", file, "-o", "w.safetensors")
        inception("predict", "-q", "-w", "w.safetensors", "x.npy", "--logits", "y.npy", "--json")
        check(f"{title}, {file} to inception", np.load("y.npy"), want)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.argv[1] = os.path.abspath(sys.argv[1])
    tf1.disable_eager_execution()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        v3 = inception_v3.inception_v3, inception_v3.inception_v3_arg_scope, 299
        one(*v3, 1001, scale=False, rng=rng)
        one(*v3, 5, scale=True, rng=rng, create_aux_logits=False)
        v2 = inception_v2.inception_v2, inception_v2.inception_v2_arg_scope, 224
        one(*v2, 1001, scale=False, rng=rng)
        one(*v2, 5, scale=True, rng=rng)
        os.chdir("/")
    sys.exit(failures > 0)


main()
