"""Memory of a fit of genomic size, relative to its genotypes: python -m benchmarks.storage."""

import argparse
import resource
import time

import numpy as np
import pymc as pm
import xarray as xr

import blrzoo as blr
from benchmarks.designs import simulated

__all__ = ["main"]


def main() -> None:
    """Print the peak memory beyond that of a tiny fit; it includes the genotypes themselves."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storage", description=__doc__)
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--p", type=int, default=50_000)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--keep", choices=["summary", "draws"], default="summary")
    given = parser.parse_args()
    fit(*simulated(50, 60, 5), given.draws, given.keep)
    before = peak()
    X, y = simulated(given.n, given.p)
    start = time.process_time()
    model = blr.spike_slab(X, y)
    made = time.process_time() - start
    idata = sample(model, given.draws, given.keep)
    print(f"n={given.n}, p={given.p}, keep={given.keep!r}, 4 chains of {given.draws} draws")
    print(f"model made in {made:.1f} s of CPU")
    beyond = peak() - before
    print(f"genotypes {X.nbytes / 1e6:.0f} MB, result {idata.nbytes / 1e6:.0f} MB")
    print(f"peak beyond a tiny fit {beyond / 1e6:.0f} MB, {beyond / X.nbytes:.2f} genotypes")


def fit(X: np.ndarray, y: np.ndarray, draws: int, keep: str) -> None:
    """Fit once, so that everything is loaded and compiled."""
    sample(blr.spike_slab(X, y), draws, keep)


def sample(model: pm.Model, draws: int, keep: str) -> xr.DataTree:
    """Draw four chains, one after the other."""
    settings = {"chains": 4, "cores": 1, "random_seed": 1, "quiet": True}
    return blr.sample(model, draws=draws, tune=5, keep=keep, **settings)


def peak() -> int:
    """Peak resident memory of this process, bytes (Linux)."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
