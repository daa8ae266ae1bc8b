#!/usr/bin/env python3
"""Trains a network that is known to learn CIFAR-10 fast, in PyTorch, to show what other copies of its images allow.

    cifar_fast.py DIR [EPOCHS]     DIR/train and DIR/test hold a folder of pictures for each class; 10 epochs

It is a network of seven convolutions, written from its description (Jordan 2024, arXiv 2404.00498): a whitening
convolution, identity-like weights, alternating flips, Nesterov's momentum with a rate 64 times as high for the
shifts of batch norm, Lookahead, label smoothing of 0.2, and six views of a test image. On CIFAR-10's own files ten
epochs of the author's program reach 94.0%.
"""
import glob, math, os, sys, time

import numpy as np, torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

BATCH, PAD, SMOOTHING = 1024, 2, 0.2
MOMENTUM, BIAS_FACTOR = 0.85, 64
UNIT = BATCH * (1 + 1 / (1 - MOMENTUM))  # images that an update's gradient counts for in the end
LR, WEIGHT_DECAY = 11.5 / UNIT, 0.0153 * BATCH / UNIT


def load(folder):
    images, labels = [], []
    for label, name in enumerate(sorted(os.listdir(folder))):
        for file in sorted(glob.glob(os.path.join(folder, name, "*"))):
            images.append(np.asarray(Image.open(file).convert("RGB")))
            labels.append(label)
    x = torch.tensor(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]))
    return (x - mean) / std, torch.tensor(labels)


class Norm(nn.BatchNorm2d):
    def __init__(self, channels):
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad = False


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), Norm(outputs)
        self.conv2, self.norm2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), Norm(outputs)
        for conv in (self.conv1, self.conv2):
            nn.init.dirac_(conv.weight[: conv.in_channels])

    def forward(self, x):
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class Net(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.whiten = nn.Conv2d(3, 24, 2)
        self.whiten.weight.requires_grad = False
        nn.init.zeros_(self.whiten.bias)
        patches = images.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double().numpy()
        values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
        filters = torch.tensor((vectors / np.sqrt(values + 5e-4)).T[::-1].copy()).float().reshape(12, 3, 2, 2)
        self.whiten.weight.data = torch.cat([filters, -filters])
        self.blocks = nn.Sequential(Block(24, 64), Block(64, 256), Block(256, 256))
        self.head = nn.Linear(256, 10, bias=False)

    def forward(self, x):
        return self.head(F.max_pool2d(self.blocks(F.gelu(self.whiten(x))), 3).flatten(1)) / 9


def optimizer(net):
    groups = {True: [], False: []}
    for name, p in net.named_parameters():
        if p.requires_grad:
            groups[".norm" in name].append(p)
    return torch.optim.SGD([{"params": groups[shift], "lr": LR * factor, "weight_decay": WEIGHT_DECAY / (LR * factor)}
                            for shift, factor in ((True, BIAS_FACTOR), (False, 1))], momentum=MOMENTUM, nesterov=True)


class Lookahead:
    def __init__(self, net):
        self.net, self.slow = net, {k: v.clone() for k, v in net.state_dict().items() if v.is_floating_point()}

    @torch.no_grad()
    def step(self, share):
        """Moves the slow weights this share of the way to the fast ones, which go back to them."""
        for name, value in self.net.state_dict().items():
            if name in self.slow:
                value.copy_(self.slow[name].lerp_(value, share))


def triangle(step, steps):
    peak = 0.23 * steps
    return 0.2 + 0.8 * step / peak if step < peak else 1 - 0.93 * (step - peak) / (steps - peak)


def batches(images, epoch, flipped):
    """An epoch's batches of indices and shifted images, each mirrored in every second epoch."""
    padded, pixels = F.pad(images, (PAD,) * 4, mode="reflect"), torch.arange(images.shape[-1])
    order = torch.randperm(len(images))
    for at in order[: len(order) // BATCH * BATCH].split(BATCH):
        rows, columns = (torch.randint(0, 2 * PAD + 1, (BATCH, 1)) + pixels for _ in range(2))
        x = padded[at[:, None, None, None], torch.arange(3)[:, None, None], rows[:, None, :, None], columns[:, None, None, :]]
        mirrored = flipped[at] ^ (epoch % 2 == 1)
        yield at, torch.where(mirrored[:, None, None, None], x.flip(-1), x).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def accuracy(net, images, labels):
    """Top-1 over two views, and over six."""
    net.eval()
    both = lambda x: net(x) + net(x.flip(-1))
    two = six = 0
    for x, y in zip(images.split(1000), labels.split(1000)):
        whole, around = both(x), F.pad(x, (1,) * 4, mode="reflect")
        shifted = sum(both(around[..., at : at + x.shape[-1], at : at + x.shape[-1]]) for at in (0, 2))
        two += (whole.argmax(1) == y).sum().item()
        six += ((whole / 2 + shifted / 4).argmax(1) == y).sum().item()
    return two / len(images), six / len(images)


def main(folder, epochs=10):
    torch.manual_seed(1)
    (images, labels), test = (load(os.path.join(folder, part)) for part in ("train", "test"))
    some = torch.randperm(len(images))[:5000]  # of all classes: the folders come one after the other
    net = Net(images[some]).to(memory_format=torch.channels_last)
    opt, look, flipped = optimizer(net), Lookahead(net), torch.rand(len(images)) < 0.5
    steps, step, start = epochs * (len(images) // BATCH), 0, time.time()
    rate = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: triangle(s, steps))
    for epoch in range(epochs):
        net.train()
        net.whiten.bias.requires_grad = epoch < 3
        for at, x in batches(images, epoch, flipped):
            loss = F.cross_entropy(net(x), labels[at], label_smoothing=SMOOTHING, reduction="sum")
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            rate.step()
            step += 1
            if step % 5 == 0:
                look.step(1 - 0.95**5 * (step / steps) ** 3)
        if epoch == epochs - 1:
            look.step(0)  # what counts in the end are the slow weights
        two, six = accuracy(net, *test)
        print(f"epoch {epoch + 1}: loss {loss.item() / BATCH:.3f}, top-1 {two:.2%} mirrored, {six:.2%} of six views, {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not sys.argv[-1].isdigit() and len(sys.argv) == 3:
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:]))
