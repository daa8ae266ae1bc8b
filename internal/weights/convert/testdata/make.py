#!/usr/bin/env python3
"""Writes this folder's files with the real Keras 3, Keras 2, timm and slim.

Whole networks, whose values run n + 0/64, n + 1/64, ..., n + 60/64 and
again, so that they pack to a few kB in two passes of gzip. n tells the tensor:
4 times the number of its layer and its place among the layer's variables in
Keras' files, its place among the sorted names in the others.

    pip install tensorflow-cpu tf_keras tf_slim timm
"""
import gzip
import os
import re
import sys

sys.path.pop(0)
os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="", TF_USE_LEGACY_KERAS="1")
import keras
import numpy as np
import tensorflow as tf
import tf_keras
import tf_keras.src.legacy_tf_layers.normalization as normalization
import timm
import torch
from safetensors.torch import save_file
from timm.models._hub import save_config_for_hf

sys.modules["tf_keras.legacy_tf_layers"] = sys.modules["tf_keras.src.legacy_tf_layers"]
sys.modules["tf_keras.legacy_tf_layers.normalization"] = normalization
import tf_slim as slim
from tf_slim.nets import inception_v3


def values(n, shape):
    return (n + np.arange(np.prod(shape, dtype=int)) % 61 / 64).astype("float32").reshape(shape)


def pack(path):
    with open(path, "rb") as f:
        data = f.read()
    for _ in range(2):
        data = gzip.compress(data, 9, mtime=0)
    with open(path + ".gz.gz", "wb") as f:
        f.write(data)
    os.remove(path)


def fill_keras(model):
    """Layers have their numbers from their names, which go on from model to model."""
    first = min(int(re.sub(r"\D+(2d)?_?", "", l.name) or 0) for l in model.layers if l.name.startswith("batch_norm"))
    for l in model.layers:
        if l.weights:
            number = 94 if l.name == "predictions" else int(re.sub(r"^conv2d_?|^batch_normalization_?", "", l.name) or 0) - first
            place = 1 if l.name.startswith("batch_norm") else 0
            l.set_weights([values(4 * number + place + i, tuple(w.shape)) for i, w in enumerate(l.weights)])


model = keras.applications.InceptionV3(weights=None, classes=3)
fill_keras(model)
model.save_weights("keras3.weights.h5")
pack("keras3.weights.h5")

tf_keras.applications.InceptionV3(weights=None)  # so that the next one's layers are not numbered from 0
model = tf_keras.applications.InceptionV3(weights=None, include_top=False)
fill_keras(model)
model.save_weights("keras2-notop.h5")
pack("keras2-notop.h5")

model = timm.create_model("inception_v3", num_classes=3)
state = model.state_dict()
for n, name in enumerate(sorted(state)):
    if state[name].is_floating_point():
        state[name] = torch.from_numpy(values(n, tuple(state[name].shape)))
save_file(state, "timm.safetensors")
save_config_for_hf(model, "timm-config.json", model_config={"label_names": ["daisy", "rose", "tulip"]})
pack("timm.safetensors")

with tf.compat.v1.Graph().as_default(), tf.compat.v1.Session() as session:
    with slim.arg_scope(inception_v3.inception_v3_arg_scope()):
        inception_v3.inception_v3(tf.compat.v1.placeholder(tf.float32, [1, 299, 299, 3]), 1001, is_training=False)
    network = sorted(tf.compat.v1.global_variables(), key=lambda v: v.op.name)
    session.run([v.initializer for v in network], {v.initializer.inputs[1]: values(n, v.shape.as_list()) for n, v in enumerate(network)})
    tf.compat.v1.train.Saver().save(session, os.path.abspath("slim.ckpt"), write_meta_graph=False, write_state=False)
pack("slim.ckpt.data-00000-of-00001")
