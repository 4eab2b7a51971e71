"""Time the sweeps of several designs, interleaved: python -m benchmarks.designs."""

import argparse
import time
from collections.abc import Callable

import numpy as np

import blrzoo as blr

__all__ = ["main", "simulated", "stepper"]


def simulated(n: int, p: int, causal: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Simulate genotype codes, column-major, and a trait with a heritability of one half."""
    rng = np.random.default_rng(1)
    codes = np.empty((p, n), dtype=np.int8)
    for j in range(p):
        codes[j] = rng.binomial(2, rng.uniform(0.05, 0.5), size=n)
    chosen = rng.choice(p, causal, replace=False)
    genetic = rng.normal(size=causal) @ (codes[chosen] - codes[chosen].mean(axis=1)[:, None])
    return codes.T, genetic + rng.normal(0, genetic.std(), size=n)


def stepper(X: np.ndarray, y: np.ndarray, design: str, burn: int) -> Callable[[], dict[str, float]]:
    """Start a chain; each call of the result draws once more."""
    pi = (40.0, len(X.T) - 40.0)
    tau2, sigma2 = (4.0, y.var() / 80), (4.0, y.var() / 2)
    model = blr.spike_slab(X, y, design=design, pi=pi, tau2=tau2, sigma2=sigma2)
    step = blr.BLRGibbs(model=model)
    step.setup_chain(np.random.default_rng(1), 0, 1)
    state = {"point": model.initial_point()}
    state["point"]["delta"] = np.zeros(X.shape[1], dtype=np.int64)

    def sweep() -> dict[str, float]:
        state["point"], (stats,) = step.step(state["point"])
        return stats

    for _ in range(burn):
        sweep()
    return sweep


def main() -> None:
    """Print CPU time per sweep, and how many times faster than `dense` each design is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.designs", description=__doc__)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--p", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--designs", nargs="+", default=["dense", "float32", "genotypes", "gram"])
    given = parser.parse_args()
    X, y = simulated(given.n, given.p)
    sweeps = {name: stepper(X, y, name, burn=100) for name in given.designs}
    times: dict[str, list[float]] = {name: [] for name in sweeps}
    sizes = {name: sweep()["model_size"] for name, sweep in sweeps.items()}
    for _ in range(given.repeats):
        for name, sweep in sweeps.items():
            start = time.process_time()
            for _ in range(4):
                sweep()
            times[name].append((time.process_time() - start) / 4)
    print(f"n={given.n}, p={given.p}: ms of CPU per draw of the whole step")
    for name, found in times.items():
        ratio = np.median(np.array(times["dense"]) / np.array(found))
        included = f"{sizes[name]} included"
        print(f"{name:10s} {1e3 * np.median(found):8.2f}   {ratio:5.2f} x   {included}")


if __name__ == "__main__":
    main()
