"""Memory of a process that fits repeatedly: python -m benchmarks.memory."""

import gc
from pathlib import Path

import numpy as np

import blrzoo as blr

__all__ = ["main", "resident"]

SETTINGS = {"draws": 2, "tune": 0, "chains": 1, "cores": 1, "random_seed": 1, "quiet": True}


def main(times: int = 20, n: int = 500, p: int = 4000) -> None:
    """Print the memory after each of several fits: constant, if that of a fit is freed."""
    X = np.random.default_rng(1).normal(size=(n, p))
    y = X[:, :10].sum(axis=1) + np.random.default_rng(2).normal(size=n)
    print(f"X of {X.nbytes / 2**20:.0f} MiB; resident memory in MiB after each of {times} runs:")
    for kind in (fit, read, fit_traits, validate):
        print(f"{kind.__name__}:", end=" ")
        for _ in range(times):
            kind(X, y)
            gc.collect()
            print(f"{resident():.0f}", end=" ", flush=True)
        print()


def fit(X: np.ndarray, y: np.ndarray) -> None:
    """Make a model and a fit."""
    blr.sample(blr.spike_slab(X, y), **SETTINGS)


def read(X: np.ndarray, y: np.ndarray) -> None:
    """Make a fit with its log likelihood, and predict."""
    idata = blr.sample(blr.spike_slab(X, y), **SETTINGS, idata_kwargs={"log_likelihood": True})
    blr.predict(idata, X[:5])


def fit_traits(X: np.ndarray, y: np.ndarray) -> None:
    """Fit two traits."""
    model = blr.multivariate(X, np.column_stack([y, y[::-1]]), update="single-site")
    blr.sample(model, **SETTINGS)


def validate(X: np.ndarray, y: np.ndarray) -> None:
    """Cross-validate with two folds."""
    blr.cross_validate(blr.spike_slab, X, y, folds=2, **SETTINGS)


def resident() -> float:
    """Resident memory of this process, MiB (Linux)."""
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) / 1024


if __name__ == "__main__":
    main()
