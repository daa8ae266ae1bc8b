"""Writes policies.json: what torchvision's operations of RandAugment and
TrivialAugment make of small Pillow pictures, for the tests to compare with.
Run: python3 policies.py > policies.json
"""
import base64
import json
import numpy as np
from PIL import Image
from torchvision.transforms.autoaugment import RandAugment, TrivialAugmentWide, _apply_op
from torchvision.transforms import InterpolationMode

SIZE, FILL = 11, [128.0, 128.0, 128.0]
rng = np.random.default_rng(5)
ramp = np.add.outer(np.arange(SIZE) * 9, np.arange(SIZE) * 7)
PICTURES = {
    "noise": rng.integers(0, 256, (SIZE, SIZE, 3)),
    "narrow": rng.integers(90, 141, (SIZE, SIZE, 3)),
    "ramp": np.stack([ramp, 255 - ramp, ramp // 2], axis=2),
    "flat": np.full((SIZE, SIZE, 3), [200, 10, 77]),
}


def text(picture):
    return base64.b64encode(np.asarray(picture, dtype=np.uint8).tobytes()).decode()


def bins(space):
    return {name: magnitudes for name, (magnitudes, _) in space.items()}


rand = bins(RandAugment()._augmentation_space(31, (SIZE, SIZE)))
trivial = bins(TrivialAugmentWide()._augmentation_space(31))
cases = []
for name, picture in PICTURES.items():
    image = Image.fromarray(picture.astype(np.uint8))
    for op in rand:
        if name == "flat" and rand[op].ndim and op not in ("Contrast", "Posterize"):
            continue  # it is for what divides by a spread
        magnitudes = {0.0}
        if rand[op].ndim:
            picked = [float(space[op][i]) for space in (rand, trivial) for i in (9, 22, 30)]
            magnitudes = set(picked)
            if op not in ("Posterize", "Solarize"):
                magnitudes |= {-m for m in picked}
        for m in sorted(magnitudes):
            made = _apply_op(image, op, m, InterpolationMode.NEAREST, FILL)
            cases.append({"picture": name, "op": op, "magnitude": m, "pixels": text(made)})
print(json.dumps({
    "size": SIZE,
    "pictures": {name: text(p) for name, p in PICTURES.items()},
    "rand": {op: m[9].item() if m.ndim else 0 for op, m in rand.items()},
    "trivial": {op: m[30].item() if m.ndim else 0 for op, m in trivial.items()},
    "cases": cases,
}, indent=0))
