#!/usr/bin/python3
"""Compare internal/statistics with scipy and statsmodels, to 1e-9.

    significance.py INCEPTION                  check: the package's test reads what this script computes
    significance.py --fixture TESTDATA         write what the test reads otherwise

Needs scipy and statsmodels (pip install scipy statsmodels). The bootstrap of
both sides draws the same samples: scipy's source of random numbers is replaced
by the generator of bootstrap_test.go. Exits with 1 if a check fails.
"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from scipy import stats
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests
    from statsmodels.stats.power import TTestPower
except ImportError as missing:
    sys.exit(f"significance.py: {missing}; pip install scipy statsmodels")

RESAMPLES = 2000


class Congruential(np.random.RandomState):
    """Indices of resamples that any program can make: x = 1103515245 x + 12345 mod 2^31."""

    def __init__(self):
        super().__init__(0)
        self.x = 1

    def randint(self, low, high=None, size=None, dtype=None):
        indices = np.empty(int(np.prod(size)), dtype=np.int64)
        for i in range(indices.size):
            self.x = (1103515245 * self.x + 12345) % 2**31
            indices[i] = low + (self.x >> 16) % (high - low)
        return indices.reshape(size)


def paired(values):
    """The sign-flip test and the interval of one list of differences."""
    case = {"values": values}
    case["p"] = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=True).pvalue
    if len(set(values)) > 1:
        interval = stats.bootstrap((values,), np.mean, n_resamples=RESAMPLES, method="BCa", vectorized=True,
                                   random_state=Congruential()).confidence_interval
        case["low"], case["high"] = interval.low, interval.high
    return case


def expected():
    rng = np.random.default_rng(7)
    # Where resampled means tie with the mean, the values are binary fractions: sums of others differ in the last bit.
    errors = [[k / 8192 for k in steps] for steps in (
        [-149, -50, -126, -97, -107, -72], [10, -17, 6, 33, -11, 2], [10, 10, -10, 20, 0, 10, -20, 30], [5, 5, 5],
        [1, -1], [0] * 6, [-85, -7, 25, -70, -123, -18, -39, 8, -79, -25])]
    errors += [
        rng.normal(0.3, 1, 16).tolist(), rng.exponential(1, 13).tolist(), rng.normal(0, 1, 7).tolist(),
    ]
    families = [[0.01, 0.04, 0.03], [0.0078125, 0.015625, 0.5, 1.0, 0.0078125], [0.2], rng.random(11).tolist()]
    counts = [(0, 0), (1, 0), (0, 6), (12, 30), (101, 96), (480, 391), (7, 7), (1500, 1390)]
    samples = [(rng.normal(0, 1, 8).round(1).tolist(), rng.normal(0.5, 1, 6).round(1).tolist()) for _ in range(3)]
    powers = [(effect, n, level) for effect in (0, 0.2, 0.5, 0.7) for n in (15, 20, 43) for level in (0.05, 0.0125, 0.001)]
    return {
        "resamples": RESAMPLES,
        "paired": [paired(values) for values in errors],
        "holm": [{"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()} for p in families],
        "mcnemar": [{"first": b, "second": c, "p": mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0}
                    for b, c in counts],
        "beats": [{"a": a, "b": b, "p": 1 - stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))} for a, b in samples],
        "power": [{"effect": e, "n": n, "level": level,
                   "power": float(TTestPower().power(e, n, level, alternative="two-sided"))} for e, n, level in powers],
    }


def main():
    if sys.argv[1:2] == ["--fixture"]:
        with open(os.path.join(sys.argv[2], "scipy.json"), "w") as f:
            json.dump(expected(), f, indent=1)
            f.write("\n")
        return 0
    package = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "statistics")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "scipy.json")
        with open(path, "w") as f:
            json.dump(expected(), f)
        test = subprocess.run(["go", "test", "-count=1", "-run", "Scipy", "."], cwd=package,
                              env={**os.environ, "SCIPY_JSON": path}, capture_output=True, text=True)
    print(f"statistics beside scipy and statsmodels, to 1e-9: {'ok' if test.returncode == 0 else test.stdout + test.stderr}")
    return test.returncode


if __name__ == "__main__":
    sys.exit(main())
