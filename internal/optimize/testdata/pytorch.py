"""Writes pytorch.json: what PyTorch's optimizers, clipping and schedules do,
in float64, for the tests to compare with. Run: python3 pytorch.py > pytorch.json
"""
import json
import torch

torch.manual_seed(0)
STEPS, SIZE = 6, 16
START = torch.randn(SIZE, dtype=torch.float64)
GRADIENTS = torch.randn(STEPS, SIZE, dtype=torch.float64)


def path(make):
    """The weights after each update by the optimizer that make returns."""
    w = torch.nn.Parameter(START.clone())
    optimizer = make([w])
    points = []
    for g in GRADIENTS:
        w.grad = g.clone()
        optimizer.step()
        points.append(w.tolist())
    return points


def rates(make, steps=12):
    w = torch.nn.Parameter(START.clone())
    optimizer = torch.optim.SGD([w], lr=0.5)
    schedule = make(optimizer)
    points = []
    for _ in range(steps):
        points.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return points


def clipped(limit):
    w = torch.nn.Parameter(START.clone())
    w.grad = GRADIENTS[0].clone()
    norm = torch.nn.utils.clip_grad_norm_([w], limit)
    return {"limit": limit, "norm": norm.item(), "gradient": w.grad.tolist()}


optim, plan = torch.optim, torch.optim.lr_scheduler
print(json.dumps({
    "torch": torch.__version__,
    "start": START.tolist(),
    "gradients": GRADIENTS.tolist(),
    "paths": {
        "sgd": path(lambda p: optim.SGD(p, lr=0.1)),
        "sgd, momentum, weight decay": path(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
        "adam, weight decay": path(lambda p: optim.Adam(p, lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
        "adamw": path(lambda p: optim.AdamW(p, lr=0.1, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.05)),
        "nadam, weight decay": path(lambda p: optim.NAdam(p, lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)),
        "nadamw": path(lambda p: optim.NAdam(p, lr=0.1, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.05,
                                             decoupled_weight_decay=True)),
    },
    "clips": [clipped(1.0), clipped(100.0)],
    "rates": {
        "staircase": rates(lambda o: plan.StepLR(o, step_size=4, gamma=0.5)),
        "exponential": rates(lambda o: plan.ExponentialLR(o, gamma=0.9)),
        "linear": rates(lambda o: plan.LinearLR(o, start_factor=1, end_factor=0.1, total_iters=12)),
        "cosine": rates(lambda o: plan.CosineAnnealingLR(o, T_max=12, eta_min=0.05)),
    },
}, indent=1))
