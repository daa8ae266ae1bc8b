#!/usr/bin/python3
"""Asks inception serve with Triton's and KServe's Python clients.

usage: serve.py INCEPTION   (the program)

Both clients' answers are those of inception predict, in JSON and as binary tensors, from pictures and from inputs.
"""
import io, json, os, signal, subprocess, sys, tempfile

try:
    import numpy as np
    from PIL import Image
    import tritonclient.http as triton
except ImportError as missing:
    sys.exit(f"serve.py: {missing}; pip install 'tritonclient[http]' numpy pillow")

failed = []


def check(what, ok, figure=""):
    print(f"{'ok  ' if ok else 'FAIL'} {what}{': ' if figure else ''}{figure}", flush=True)
    if not ok:
        failed.append(what)


def inception(*args):
    return subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def pictures():
    """Two JPEG and two PNG files of different shapes."""
    rng, files = np.random.default_rng(1), []
    for i, (w, h) in enumerate([(90, 60), (40, 70), (64, 64), (200, 50)]):
        y, x = np.mgrid[:h, :w] / 17
        pixels = np.stack([np.sin(x * (i + 1) + c) + np.cos(y + i * c) for c in range(3)], -1) * 60 + 128
        name = f"{i}.{'jpg' if i % 2 else 'png'}"
        Image.fromarray((pixels + rng.normal(0, 9, pixels.shape)).clip(0, 255).astype(np.uint8)).save(name)
        files.append(name)
    return files


def off(got, want):
    return float(np.abs(got - want).max() / np.abs(want).max())


def by_triton(address, files, inputs, logits, labels):
    client = triton.InferenceServerClient(address)
    check("triton: live, ready, model ready", client.is_server_live() and client.is_server_ready() and client.is_model_ready("tiny"))
    check("triton: server metadata", client.get_server_metadata()["name"] == "inception")
    metadata = client.get_model_metadata("tiny")
    check("triton: model metadata", [t["name"] for t in metadata["inputs"]] == ["input", "image"], str(metadata["outputs"][0]))
    data = np.array([open(f, "rb").read() for f in files], dtype=object)
    want = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    for binary_in, binary_out in ((True, True), (True, False), (False, True), (False, False)):
        tensor = triton.InferInput("input", list(inputs.shape), "FP32")
        tensor.set_data_from_numpy(inputs, binary_data=binary_in)
        answer = client.infer("tiny", [tensor], outputs=[triton.InferRequestedOutput("logits", binary_data=binary_out),
                                                         triton.InferRequestedOutput("probabilities", binary_data=binary_out)])
        far = max(off(answer.as_numpy("logits"), logits), off(answer.as_numpy("probabilities"), want))
        check(f"triton: inputs, binary {binary_in} in, {binary_out} out", far <= 1e-4, f"{far:.1e}")
    tensor = triton.InferInput("image", [len(files)], "BYTES")
    tensor.set_data_from_numpy(data)
    far = off(client.infer("tiny", [tensor], model_version="1", request_id="7").as_numpy("logits"), logits)
    check("triton: pictures, all outputs", far <= 1e-4, f"{far:.1e}")
    top = client.infer("tiny", [tensor], outputs=[triton.InferRequestedOutput("probabilities", class_count=2)]).as_numpy("probabilities")
    best = [row[0].decode().split(":")[2] for row in top]
    check("triton: classification", best == [labels[i] for i in logits.argmax(1)], str(best))
    waiting = [client.async_infer("tiny", [tensor]) for _ in range(8)]
    far = max(off(w.get_result().as_numpy("logits"), logits) for w in waiting)
    check("triton: eight at once", far <= 1e-4, f"{far:.1e}")
    tensor.set_data_from_numpy(np.array([b"not a picture"] * len(files), dtype=object))
    try:
        client.infer("tiny", [tensor])
        check("triton: what is not a picture is refused", False)
    except triton.InferenceServerException as e:
        check("triton: what is not a picture is refused", "is not a JPEG" in str(e), str(e)[:60])
    client.close()


def by_kserve(address, inputs, logits):
    try:
        import asyncio
        from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
    except ImportError as missing:
        print(f"skip KServe's client: {missing}; pip install kserve")
        return

    async def ask():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
        base = "http://" + address
        ready = await client.is_server_ready(base) and await client.is_server_live(base) and await client.is_model_ready(base, "tiny")
        check("kserve: live, ready, model ready", ready)
        for binary in (False, True):
            tensor = InferInput("input", list(inputs.shape), "FP32")
            tensor.set_data_from_numpy(inputs, binary_data=binary)
            answer = await client.infer(base, InferRequest(model_name="tiny", infer_inputs=[tensor]), model_name="tiny")
            named = {o.name: o for o in answer.outputs}
            far = off(named["logits"].as_numpy(), logits)
            check(f"kserve: inputs, binary {binary}", far <= 1e-4, f"{far:.1e}")
        await client.close()

    asyncio.run(ask())


def main():
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        settings = ["model.variant=v3", "model.input_size=32", "model.width=0.05", "model.aux=none", "model.stem.stride=1",
                    "model.stem.pool=false", "train.batch_size=8", "model.bn_decay=0.5"]
        inception("train", "--data", "shapes:?train=16&val=8&size=32", "--max-steps", "4", "--out", "tiny", "--quiet",
                  *[arg for s in settings for arg in ("--set", s)])
        files = pictures()
        inception("features", "--weights", "tiny", *files, "--layer", "input", "-o", "inputs.npy", "--quiet")
        inception("predict", "--weights", "tiny", *files, "--logits", "logits.npy", "--quiet")
        inputs, logits = np.load("inputs.npy"), np.load("logits.npy")
        server = subprocess.Popen([sys.argv[1], "serve", "--weights", "tiny", "--addr", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True)
        try:
            said = json.loads(server.stdout.readline())
            address = said["address"].removeprefix("http://")
            import urllib.request
            labels = json.load(urllib.request.urlopen(said["address"] + "/model"))["classes"]
            by_triton(address, files, inputs, logits, labels)
            by_kserve(address, inputs, logits)
        finally:
            server.send_signal(signal.SIGINT)
        check("stops by SIGINT", server.wait(30) == 130, f"status {server.returncode}")
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
