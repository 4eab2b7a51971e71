"""Memory of a process that fits again and again: python -m benchmarks.memory."""

import gc
from pathlib import Path

import numpy as np

import blrzoo as blr

__all__ = ["main", "resident"]

SETTINGS = {"draws": 2, "tune": 0, "chains": 1, "cores": 1, "random_seed": 1, "quiet": True}


def main(fits: int = 20, n: int = 500, p: int = 4000) -> None:
    """Fit, forget, and print what stays: flat, where nothing of a fit stays in memory."""
    X = np.random.default_rng(1).normal(size=(n, p))
    y = X[:, :10].sum(axis=1) + np.random.default_rng(2).normal(size=n)
    print(f"X of {X.nbytes / 2**20:.0f} MiB; resident memory in MiB after each of {fits} fits:")
    for _ in range(fits):
        fit(X, y)
        gc.collect()
        print(f"{resident():.0f}", end=" ", flush=True)
    print()


def fit(X: np.ndarray, y: np.ndarray) -> None:
    """A model and a fit, both forgotten."""
    blr.sample(blr.spike_slab(X, y), **SETTINGS)


def resident() -> float:
    """Resident memory of this process, MiB (Linux)."""
    fields = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(fields[0]) / 1024


if __name__ == "__main__":
    main()
