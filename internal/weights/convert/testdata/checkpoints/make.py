#!/usr/bin/python3
"""Writes this folder's checkpoints with the real PyTorch and torchvision.

Each has the names and shapes of torchvision's inception_v3 with 7 classes, and
every value of a state dict is one number, which its tensors share: 1 for
weights, 2 for an average of them. They pack to a few kB in two passes of gzip.
"""
import argparse, collections, datetime, functools, gzip, io, os, pathlib, random
import numpy, torch, torchvision

os.chdir(pathlib.Path(__file__).parent)
model = torchvision.models.inception_v3(weights=None, init_weights=False, num_classes=7)
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], 0.1, momentum=0.9)
schedulers = [torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10),
              torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3])]


class Items(collections.OrderedDict):
    pass


def state(value, prefix="", aux=True):
    one, step = torch.full((1,), float(value)), torch.tensor(value)
    return collections.OrderedDict((prefix + k, one.expand(t.shape) if t.is_floating_point() else step)
                                   for k, t in model.state_dict().items() if aux or not k.startswith("AuxLogits"))


def head(prefix, name):
    d = state(1, prefix, aux=False)
    d[name + ".weight"], d[name + ".bias"] = d.pop(prefix + "fc.weight"), d.pop(prefix + "fc.bias")
    return d


def changed(**tensors):
    return state(1) | {k.replace("__", "."): t for k, t in tensors.items()}


files = {
    "tensor-beside": {"best_acc1": torch.tensor(70.0), "state_dict": state(1, "module."), "epoch": 3},
    "deep": {"a": {"odd key": {"x": [state(1)]}}, "t": torch.zeros(1)},
    "subclass": {"weights": Items(state(1))},
    "lightning": {"state_dict": {**state(1, "model."), "criterion.weight": torch.ones(7)}, "global_step": 2,
                  "hyper_parameters": {"f": functools.partial(torch.relu), "when": datetime.datetime(2020, 1, 1)},
                  "lr_schedulers": [s.state_dict() for s in schedulers]},
    "fastai": {"model": state(1), "opt": optimizer.state_dict()},
    "timm-ema": {"epoch": 1, "arch": "inception_v3", "state_dict": state(1), "state_dict_ema": state(2),
                 "args": argparse.Namespace(a=1), "metric": numpy.float64(3)},
    "torchvision-ema": {"model": state(1), "model_ema": {"n_averaged": torch.tensor(5), **state(2, "module.")}},
    "averaged": {"n_averaged": torch.tensor(5), **state(2, "module.")},
    "ema-pytorch": {**state(1, "online_model."), **state(2, "ema_model."), "step": torch.tensor([3])},
    "shadow": {"state_dict": state(1), "ema": {k: t for k, t in state(2).items() if "running" not in k and "num_b" not in k}},
    "compiled": state(1, "module._orig_mod."),
    "thop": changed(total_ops=torch.zeros(1), Mixed_5b__total_params=torch.zeros(1)),
    "random": {"net": state(1), "rng": torch.get_rng_state(), "np": numpy.random.get_state(), "py": random.getstate(),
               "counter": collections.Counter(a=1), "default": collections.defaultdict(list, {1: [2]}), "size": torch.Size([1]),
               "dtype": torch.float32, "array": numpy.zeros(3), "device": torch.device("cpu"), "path": pathlib.PosixPath("a")},
    "head-renamed": head("", "classifier"),
    "head-sequential": head("", "fc.1"),
    "head-outside": {**head("backbone.", "head"), "criterion.weight": torch.ones(7)},
    "sparse-beside": changed(aside__x=torch.zeros(64).to_sparse()),
    "sparse": changed(Mixed_5b__branch1x1__bn__weight=torch.zeros(64).to_sparse()),
    "quantised": changed(Mixed_5b__branch1x1__conv__weight=torch.quantize_per_tensor(torch.zeros(64, 192, 1, 1), 0.1, 0, torch.qint8)),
    "fid": {k: torch.zeros(1).expand(1008, *t.shape[1:]) if k.startswith("fc.") else t for k, t in state(1, aux=False).items()},
    "fid-blocks": {"blocks.2.0.branch1x1.conv.weight": torch.zeros(1).expand(64, 192, 1, 1)},
    "nan": changed(Mixed_5b__branch1x1__bn__bias=torch.full((64,), float("nan"))),
}
for name, content in files.items():
    out = io.BytesIO()
    torch.save(content, out)
    data = out.getvalue()
    for _ in range(2):
        data = gzip.compress(data, 9, mtime=0)
    pathlib.Path(name + ".pth.gz.gz").write_bytes(data)
