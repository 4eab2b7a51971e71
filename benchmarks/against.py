"""Compare the time per draw with that of another commit: python -m benchmarks.against COMMIT."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

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
def cpu(draws):
    start = time.process_time()
    blr.sample(model, draws=draws, tune=100, chains=1, cores=1, random_seed=1, quiet=True,
               compute_convergence_checks=False)
    return time.process_time() - start
cpu(10)
for _ in sys.stdin:
    print(1e3 * (cpu({draws}) - cpu(10)) / ({draws} - 10), flush=True)
"""


class Version:
    """A process that runs the package of a folder."""

    def __init__(self, folder: Path, n: int, p: int, draws: int) -> None:
        code = WORKER.format(n=n, p=p, draws=draws)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self) -> float:
        """CPU ms per draw."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def main() -> None:
    """Print ms per draw of both versions, and their ratio."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("commit")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    here = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "old"
        worktree = ["git", "worktree"]
        subprocess.run([*worktree, "add", "--detach", old, given.commit], cwd=here, check=True)
        try:
            for n, p, draws in ((442, 64, 20_000), (599, 1279, 4000)):
                versions = [Version(path, n, p, draws) for path in (old, here)]
                found = np.array([[v.measure() for v in versions] for _ in range(given.repeats)])
                for version in versions:
                    version.close()
                before, after = np.median(found, axis=0)
                ratio = np.median(found[:, 0] / found[:, 1])
                times = f"{before:.3f} before, {after:.3f} now, {ratio:.2f} x"
                print(f"{n} x {p}, ms per draw: {times}")
        finally:
            subprocess.run([*worktree, "remove", "--force", old], cwd=here, check=True)


if __name__ == "__main__":
    main()
