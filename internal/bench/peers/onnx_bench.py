#!/usr/bin/env python3
"""Times OpenVINO or ONNX Runtime on a file of models.py: one JSON line.
    onnx_bench.py openvino|onnxruntime FILE BATCH PRECISION [THREADS=2] [RUNS=9]
OpenVINO computes in bf16 if PRECISION is that and the processor has it. The file of int8 is another one.
"""
import json, resource, sys, time
import numpy as np

program, file, batch, precision = sys.argv[1:5]
threads, runs = (list(map(int, sys.argv[5:])) + [2, 9][len(sys.argv) - 5:])[:2]
x = np.random.default_rng(0).random((int(batch), 3, 299, 299), np.float32)


def openvino():
    import openvino
    core = openvino.Core()
    m = core.read_model(file)
    m.reshape({m.inputs[0].any_name: list(x.shape)})
    hint = "bf16" if precision == "bf16" else "f32"
    compiled = core.compile_model(m, "CPU", {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads})
    request = compiled.create_infer_request()
    return "openvino " + openvino.__version__.split("-")[0], lambda: request.infer([x])


def onnxruntime():
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x}
    return "onnxruntime " + onnxruntime.__version__, lambda: session.run(None, feed)


peer, step = {"openvino": openvino, "onnxruntime": onnxruntime}[program]()
step(), step()
times = []
for _ in range(runs):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
median = sorted(times)[len(times) // 2]
print(json.dumps({"peer": peer, "mode": "eval", "precision": precision, "batch": len(x), "step_s": round(median, 4), "images_per_s": round(len(x) / median, 2),
                  "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}))
