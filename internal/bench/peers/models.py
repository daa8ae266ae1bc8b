#!/usr/bin/env python3
"""Writes torchvision's InceptionV3, random weights, as the files that onnx_bench.py times, in a folder:
v3.onnx; nncf.xml, quantised by NNCF for OpenVINO; qdq.onnx, quantised by ONNX Runtime. A file that exists is kept,
one whose maker is not installed is left out.
    models.py FOLDER
The ranges come from noise: the int8 files are good for timing only.
"""
import os, sys, warnings

warnings.filterwarnings("ignore")
import numpy as np


def path(name):
    return os.path.join(sys.argv[1], name)


def noise(count):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((1, 3, 299, 299)).astype(np.float32) for _ in range(count)]


def onnx():
    import torch, torchvision
    torch.manual_seed(0)
    m = torchvision.models.inception_v3(weights=None, aux_logits=True, init_weights=False, num_classes=1000).eval()
    torch.onnx.export(m, torch.randn(1, 3, 299, 299), path("v3.onnx"), opset_version=17, input_names=["image"],
                      dynamic_axes={"image": {0: "n"}}, dynamo=False)


def nncf():
    import openvino, nncf
    m = openvino.Core().read_model(path("v3.onnx"))
    m.reshape({"image": [1, 3, 299, 299]})
    openvino.save_model(nncf.quantize(m, nncf.Dataset(noise(8)), subset_size=8), path("nncf.xml"))


def qdq():
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        left = noise(4)

        def get_next(self):
            return {"image": self.left.pop()} if self.left else None

    quantize_static(path("v3.onnx"), path("qdq.onnx"), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


for name, make in [("v3.onnx", onnx), ("nncf.xml", nncf), ("qdq.onnx", qdq)]:
    if not os.path.exists(path(name)):
        try:
            make()
        except Exception as e:
            print("%s is not made: %s" % (name, e), file=sys.stderr)
