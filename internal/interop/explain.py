#!/usr/bin/python3
"""Compares the maps of inception explain with hooks on torchvision's inception_v3 that has the same weights.

usage: explain.py INCEPTION          (the program)
       explain.py --golden OUT.json  (writes internal/explain/testdata/golden.json, of weights that follow from names)

PyTorch computes in float64. Grad-CAM is that of Selvaraju et al. 2017, LayerCAM that of Jiang et al. 2021, both before and
after their ReLU as the papers have it; occlusion lays a square of zeros, middle grey, over the middle of every cell.
"""
import copy, json, math, os, subprocess, sys, tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path = [p for p in sys.path if os.path.abspath(p) != here]  # in which torchvision.py is not torchvision
try:
    import numpy as np, torch, torchvision
except ImportError as missing:
    sys.exit(f"explain.py: {missing}; apt install python3-torchvision, or pip install torch torchvision")

sys.path.append(os.path.join(here, "..", "model", "testdata"))  # golden.py
failed = []


def network(classes):
    return torchvision.models.inception_v3(weights=None, num_classes=classes, aux_logits=True, transform_input=False, init_weights=False)


class Hooked:
    """A network in evaluation mode whose modules' outputs and their gradients are kept."""

    def __init__(self, model):
        self.model, self.kept = model.double().eval(), {}
        for name, module in model.named_children():
            if name.startswith(("Mixed", "Conv2d")):
                module.register_forward_hook(lambda _, __, out, name=name: self.kept.__setitem__(name, out))

    def logits(self, x, head="main"):
        main = self.model(x)
        return main if head == "main" else self.model.AuxLogits(self.kept["Mixed_6e"])

    def maps(self, x, points, head="main", of=None):
        """For each method and point, the map of the class and that of what it and the most probable other one differ by; and both classes."""
        logits = self.logits(x[None], head)[0]
        c = int(logits.argmax()) if of is None else of
        others = logits.detach().clone()
        others[c] = -math.inf
        r = int(others.argmax())
        kept = [self.kept[at] for at in points]
        found = {}
        for rival, score in ((False, logits[c]), (True, logits[c] - logits[r])):
            for at, a, g in zip(points, kept, torch.autograd.grad(score, kept, retain_graph=True)):
                m = (g.mean((2, 3), keepdim=True) * a).sum(1)[0].detach()
                found["gradcam", at, rival] = m if rival else m.clamp(min=0)
                pro, contra = ((g * s).clamp(min=0).mul(a).sum(1)[0].clamp(min=0).detach() for s in (1, -1))
                found["layercam", at, rival] = pro - contra if rival else pro
        return found, c, r

    def occlusion(self, x, patch, step, head="main", of=None):
        size = x.shape[-1]
        cells = -(-size // step)
        logp = lambda x: torch.log_softmax(self.logits(x, head), 1)
        with torch.no_grad():
            whole = logp(x[None])[0]
            c = int(whole.argmax()) if of is None else of
            m = torch.zeros(cells, cells, dtype=torch.float64)
            spans = []
            for cell in range(cells):
                at = math.floor(size * (cell + 0.5) / cells - patch / 2 + 0.5)
                spans.append((max(0, at), min(size, at + patch)))
            for row, (top, bottom) in enumerate(spans):
                covered = x[None].repeat(cells, 1, 1, 1)
                for i, (left, right) in enumerate(spans):
                    covered[i, :, top:bottom, left:right] = 0
                m[row] = whole[c] - logp(covered)[:, c]
        return m.clamp(min=0), c


def largest_one(m):
    m = m.detach().numpy()
    return m / np.abs(m).max() if np.abs(m).max() > 0 else m


def golden(path):
    """Maps of inputs by weights that follow from names, as the golden files of internal/model have them."""
    from golden import fill, uniform
    model = network(10)
    fill(model)
    hooked, cases = Hooked(model), []
    rounded = lambda m: [float(f"{v:.6g}") for v in largest_one(m).flatten()]
    # torchvision's auxiliary head needs a grid of 17x17.
    for head, size, inputs, points in (("", 139, 2, ("Mixed_7c", "Mixed_6e", "Mixed_5d")), ("AuxLogits", 299, 1, ("Mixed_6e", "Mixed_6a"))):
        name = "aux" if head else "main"
        x = torch.from_numpy((2 * uniform("input", inputs * 3 * size * size) - 1).reshape(inputs, 3, size, size)).double()
        for of in (None, 3):
            found = [hooked.maps(image, points, name, of) for image in x]
            for method in ("gradcam", "layercam"):
                for at in points:
                    case = {"head": head, "size": size, "method": method, "at": at, "class": -1 if of is None else of}
                    for key, rival in (("maps", False), ("apart", True)):
                        case[key] = [{"class": c, "rival": r, "largest": float(m[method, at, rival].abs().max()),
                                      "values": rounded(m[method, at, rival])} for m, c, r in found]
                    cases.append(case)
        case = {"head": head, "size": size, "method": "occlusion", "at": "input", "class": 3, "patch": size // 2, "step": size // 4, "maps": []}
        for image in x:
            m, c = hooked.occlusion(image, size // 2, size // 4, name, 3)
            case["maps"].append({"class": c, "largest": float(m.max()), "values": rounded(m)})
        cases.append(case)
    with open(path, "w") as f:
        json.dump({"source": f"torch {torch.__version__}, torchvision {torchvision.__version__}, float64", "cases": cases}, f)


def inception(*args):
    return subprocess.run([sys.argv[1], *args], check=True, stdout=subprocess.PIPE, text=True).stdout


def compare():
    from golden import fill, uniform
    # Weights that follow from names: a freshly initialised network magnifies rounding until PyTorch's own float32 is percents off.
    model = network(13)
    fill(model)
    torch.save(model.state_dict(), "in.pth")
    inception("import", "in.pth", "-o", "in.safetensors", "--quiet")
    images = torch.from_numpy((2 * uniform("pictures", 2 * 3 * 299 * 299) - 1).reshape(2, 3, 299, 299))
    images[:, :, 90:200, 60:180] *= 0.2  # something to see
    np.save("x.npy", images.numpy())
    rounded, hooked = Hooked(copy.deepcopy(model)), Hooked(model)
    rounded.model.float()
    for head, points in (("main", ("Mixed_7c", "Mixed_6e", "Mixed_5b", "Conv2d_2a_3x3")), ("aux", ("Mixed_6e", "Mixed_6b"))):
        worst = {}
        for of in (None, 5):
            wanted = [hooked.maps(image, points, head, of) for image in images.double()]
            theirs = [rounded.maps(image, points, head, of) for image in images]
            for method in ("gradcam", "layercam"):
                out = f"{head}-{method}-{of}"
                args = [a for at in points for a in ("--at", at)] + ["--head", head, "--method", method]
                lines = inception("explain", "--weights", "in.safetensors", "x.npy", "-o", out, "--json", "--quiet", *args,
                                  *(["--class", str(of)] if of is not None else [])).splitlines()
                classes = [json.loads(line)["class"]["index"] for line in lines]
                for at in points:
                    for row, (maps, c, _) in enumerate(wanted):
                        want = largest_one(maps[method, at, False])
                        off = [float(np.abs(m - want).max()) for m in
                               (np.load(f"{out}/x-{row}.{method}.{at}.npy"), largest_one(theirs[row][0][method, at, False]))]
                        worst[method, at] = np.maximum(off, worst.get((method, at), 0))
                        if classes[row * len(points)] != c:
                            failed.append(f"{out}: class {classes[row * len(points)]}, want {c}")
        for (method, at), off in worst.items():
            report(f"{method} at {at}, {head} head", *off)
    for head in ("main", "aux"):
        inception("explain", "--weights", "in.safetensors", "x.npy", "-o", "occlusion-" + head, "--method", "occlusion", "--patch", "100",
                  "--step", "75", "--head", head, "--quiet")
        worst = torchs = 0
        for row, image in enumerate(images):
            want = largest_one(hooked.occlusion(image.double(), 100, 75, head)[0])
            worst = max(worst, float(np.abs(np.load(f"occlusion-{head}/x-{row}.occlusion.input.npy") - want).max()))
            torchs = max(torchs, float(np.abs(largest_one(rounded.occlusion(image, 100, 75, head)[0]) - want).max()))
        report(f"occlusion, {head} head", worst, torchs)


def report(what, off, torchs):
    ok = off <= max(1e-4, 3 * torchs)  # in early modules a ReLU or a maximum near its edge turns with any rounding
    print(f"{'ok  ' if ok else 'FAIL'} torchvision {torchvision.__version__}: {what}: {off:.1e} of the map's largest value, PyTorch's float32 {torchs:.1e}", flush=True)
    if not ok:
        failed.append(what)


def main():
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", 2)))
    if sys.argv[1] == "--golden":
        return golden(sys.argv[2])
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        compare()
        os.chdir("/")
    sys.exit(1 if failed else 0)


main()
