"""Compare the time per draw with that of another commit: python -m benchmarks.against COMMIT."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.versions import HERE, Process, worktree

__all__ = ["main"]

#: For each line that it reads, prints CPU ms per draw, from the difference of two runs.
WORKER = """
import logging, sys, time
import numpy as np
import blrzoo as blr
logging.disable()
n, p = {n}, {p}
rng = np.random.default_rng(1)
X = rng.normal(size=(n, p))
y = X[:, :10].sum(axis=1) + rng.normal(0, 3, size=n)
model = blr.spike_slab(X, y, pi=(1.0, 4.0), tau2=(4.0, 0.5), sigma2=(4.0, 5.0), mu=(0.0, 10.0))
settings = {{}} if {old} else {{"thin": 1}}
def cpu(draws):
    start = time.process_time()
    blr.sample(model, draws=draws, tune=100, chains=1, cores=1, random_seed=1, quiet=True,
               compute_convergence_checks=False, **settings)
    return time.process_time() - start
cpu(10)
for _ in sys.stdin:
    print(1e3 * (cpu({draws}) - cpu(10)) / ({draws} - 10), flush=True)
"""


def compare(old: Path, cache: Path, n: int, p: int, draws: int, repeats: int) -> np.ndarray:
    """CPU ms per draw of one sweep, (repeat, version), both versions in turn."""
    given = {"n": n, "p": p, "draws": draws}
    versions = [
        Process(folder, WORKER.format(**given, old=folder == old), cache) for folder in (old, HERE)
    ]
    found = [[version.ask() for version in versions] for _ in range(repeats)]
    for version in versions:
        version.close()
    return np.array(found)


def main() -> None:
    """Print ms per draw of both versions, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with worktree(given.commit) as old, tempfile.TemporaryDirectory() as cache:
        for n, p, draws in ((442, 64, 20_000), (599, 1279, 4000)):
            found = compare(old, Path(cache), n, p, draws, given.repeats)
            before, after = np.median(found, axis=0)
            ratio = np.median(found[:, 0] / found[:, 1])
            times = f"{before:.3f} before, {after:.3f} now, {ratio:.2f} x"
            print(f"{n} x {p}, ms per draw: {times}")


if __name__ == "__main__":
    main()
