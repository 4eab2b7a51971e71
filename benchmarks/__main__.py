"""Time the sweep, the overhead of a draw and the first fit: python -m benchmarks."""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numba import njit

import blrzoo as blr
from benchmarks.traits import trait_sweeps
from blrzoo.designs import Dense, Design
from blrzoo.gibbs.spec import find_spec
from blrzoo.ops.sweep import make_kernel

FIRST_FIT = """
import time; start = time.perf_counter()
import blrzoo as blr
data = blr.load_diabetes(quadratic=True)
model = blr.spike_slab(data["X"], data["y"])
idata = blr.sample(model, draws=1000, tune=1000, chains=4, random_seed=1, progressbar=False)
print(time.perf_counter() - start)
"""


@njit(fastmath=True)
def bare_loop(rows: np.ndarray, working: np.ndarray) -> float:
    """Multiply every element of X with the residual once: a lower bound for any dense sweep."""
    total = 0.0
    for j in range(rows.shape[0]):
        for i in range(rows.shape[1]):
            total += rows[j, i] * working[i]
    return total


def main() -> None:
    """Run the benchmarks and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    print(f"{'what':58s} {'measured':>12s} {'bound':>10s}")
    sweep_against_bare_loop(repeats)
    trait_sweeps(row, interleaved, repeats)
    overhead_per_draw(repeats)
    first_fit()


def row(what: str, measured: str, bound: str = "") -> None:
    """Print a row of the table."""
    print(f"{what:58s} {measured:>12s} {bound:>10s}", flush=True)


def sweep_against_bare_loop(repeats: int, n: int = 2000, p: int = 10_000) -> None:
    """Time the dense kernel and the bare loop in turn, over the same memory."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, p))
    design = Dense(X, X.mean(axis=0))
    y = X[:, :40] @ rng.normal(size=40) + 5 * rng.normal(size=n)
    state = Chain(design, y - y.mean(), rng)
    for _ in range(30):
        state.sweep()
    kernel, bare = interleaved(
        state.sweep, lambda: bare_loop(design.arrays[0], state.working), repeats
    )
    row(f"sweep, n={n}, p={p}, {np.count_nonzero(state.effects)} included", f"{kernel:.2f} ms")
    row("bare loop over the same memory", f"{bare:.2f} ms")
    row("ratio", f"{kernel / bare:.2f}", "1.3")


class Chain:
    """The kernel alone, with fixed hyperparameters (spike-and-slab)."""

    def __init__(self, design: Design, y: np.ndarray, rng: np.random.Generator) -> None:
        self.arrays, self.working, self.rng = design.arrays, y, rng
        p = len(design.arrays[-1])
        self.effects = np.zeros(p)
        self.variances = np.tile([0.0, 1.0], (p, 1))
        self.log_weights = np.log(np.tile([0.995, 0.005], (p, 1)))
        self.kernel = make_kernel(Dense)

    def sweep(self) -> None:
        """Draw all effects once."""
        p = self.effects.size
        noise = self.rng.exponential(size=(p, 2)), self.rng.normal(size=p)
        state = self.working, self.effects, self.variances, self.log_weights
        self.effects, _, self.working = self.kernel(*self.arrays, *state, np.array(25.0), *noise)


def interleaved(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """Median milliseconds of two functions, called in turn."""
    times: list[tuple[float, ...]] = []
    for _ in range(repeats + 1):  # the first call compiles
        pair = []
        for function in (first, second):
            start = time.perf_counter()
            function()
            pair.append(1e3 * (time.perf_counter() - start))
        times.append(tuple(pair))
    a, b = np.median(np.array(times[1:]), axis=0)
    return float(a), float(b)


def overhead_per_draw(repeats: int, draws: int = 500) -> None:
    """Time a draw of the 64-column diabetes model, and the kernel alone."""
    data = blr.load_diabetes(quadratic=True)
    model = blr.spike_slab(data["X"], data["y"])
    step = blr.BLRGibbs(model=model)
    step.setup_chain(np.random.default_rng(1), 0, draws)
    state = {"point": model.initial_point()}

    def run_step() -> None:
        for _ in range(draws):
            state["point"], _ = step.step(state["point"])

    y = data["y"].values
    chain = Chain(find_spec(model).main.design, y - y.mean(), np.random.default_rng(1))

    def run_kernel() -> None:
        for _ in range(draws):
            chain.sweep()

    whole, kernel = interleaved(run_step, run_kernel, max(3, repeats // 4))
    row("draw of the diabetes model, n=442, p=64", f"{whole / draws:.3f} ms")
    row("kernel and its noise alone", f"{kernel / draws:.3f} ms")
    row("overhead per draw", f"{(whole - kernel) / draws:.3f} ms", "0.3 ms")
    settings = {"draws": 2000, "tune": 0, "chains": 1, "quiet": True, "random_seed": 1}
    start = time.perf_counter()
    blr.sample(model, **settings, compute_convergence_checks=False)
    row("blr.sample, per draw, everything included", f"{(time.perf_counter() - start) / 2:.3f} ms")


def first_fit() -> None:
    """Time from import to InferenceData in a new process, with a warm cache."""
    times = [
        float(subprocess.run([sys.executable, "-c", FIRST_FIT], **_CAPTURE).stdout)
        for _ in range(4)
    ]
    row(
        "first fit in a new process, 4 x 1000 draws (median)",
        f"{np.median(times[1:]):.2f} s",
        "6 s",
    )


_CAPTURE: dict = {
    "check": True,
    "text": True,
    "stdout": subprocess.PIPE,
    "stderr": subprocess.DEVNULL,
}

if __name__ == "__main__":
    main()
