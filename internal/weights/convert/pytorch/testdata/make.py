#!/usr/bin/python3
"""Writes this folder's .pth files with the real PyTorch."""
import collections, argparse, torch
torch.manual_seed(1)
t = lambda *s: (torch.arange(torch.Size(s).numel(), dtype=torch.float32) - 3).reshape(s)
shared = t(6)
d = collections.OrderedDict(
    conv=t(2, 3, 1, 2), half=t(4).half(), bf=t(4).bfloat16(), double=t(3).double(), count=torch.tensor(7),
    transposed=t(2, 3).t(), last=t(1, 2, 2, 3).contiguous(memory_format=torch.channels_last),
    part=shared[2:5], empty=t(0, 3))
torch.save(d, "plain.pth")
torch.save(d, "legacy.pth", _use_new_zipfile_serialization=False)
import numpy
torch.save({"epoch": 3, "args": argparse.Namespace(lr=0.1), "best": numpy.float64(0.5), "step": 2**70,
            "state_dict": {"module." + k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in d.items()},
            "optimizer": {"state": {0: {"m": t(2)}}, "betas": (0.9, 0.999), "nesterov": False, "x": None}}, "checkpoint.pth")
torch.save(torch.nn.Linear(2, 1), "model.pth")
class Evil:
    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/executed",)
torch.save({"state_dict": {"a": t(1)}, "x": Evil()}, "evil.pth")
