"""Accuracy of PIPs by the number of pairs in a sweep: python -m benchmarks.pairs.

Each row has 1 / (mean squared error of the PIPs x CPU seconds) against the plain sweep, of equally
many sweeps, and the effective draws of the model size per 1000 sweeps. The errors are those
against a reference of many more sweeps with pairs.
"""

import argparse
import time

import arviz as az
import numpy as np
import pymc as pm

import blrzoo as blr
from blrzoo.gibbs.moves.pairs import PairMove

__all__ = ["main"]


def chain(model: pm.Model, sweeps: int, burn: int, seed: int) -> tuple[np.ndarray, list, float]:
    """PIPs and model sizes of one chain, and the CPU seconds of its sweeps."""
    with model:
        step = blr.BLRGibbs(moves=["pairs", "scale"] if PairMove.share else ["scale"])
    step.setup_chain(np.random.default_rng(seed), 0, sweeps)
    point, total, sizes = model.initial_point(), 0.0, []
    point["delta"] = np.zeros_like(point["delta"])
    for _ in range(burn):
        point, _ = step.step(point)
    start = time.process_time()
    for _ in range(sweeps):
        point, (stats,) = step.step(point)
        total = total + point["delta"]
        sizes.append(stats["model_size"])
    return total / sweeps, sizes, time.process_time() - start


def chains(model, share: float, sweeps: int, burn: int, seed: int, n_chains: int):
    """PIPs of several chains, effective draws of the model size, and CPU seconds."""
    PairMove.share = share
    found = [chain(model, sweeps, burn, seed + i) for i in range(n_chains)]
    pips, sizes, seconds = zip(*found, strict=True)
    return np.mean(pips, axis=0), float(az.ess(np.array(sizes))), sum(seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs", description=__doc__)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--p", type=int, default=1000)
    parser.add_argument("--correlation", type=float, default=0.95)
    parser.add_argument("--design", default="gram")
    parser.add_argument("--sweeps", type=int, default=1000)
    parser.add_argument("--reference", type=int, default=20_000)
    parser.add_argument("--data-sets", type=int, default=3)
    parser.add_argument("--shares", nargs="+", type=float, default=[0.0, 0.1, 0.3, 1.0, 3.0])
    given = parser.parse_args()
    print("pairs/p   accuracy   CPU s   RMSE    ESS/1000")
    rows: dict[float, list] = {share: [] for share in given.shares}
    for seed in range(given.data_sets):
        data = blr.simulate(
            n=given.n,
            p=given.p,
            n_causal=10,
            h2=0.3,
            correlation=given.correlation,
            random_seed=seed,
        )
        model = blr.spike_slab(data.X, data.y, design=given.design)
        truth, *_ = chains(model, 1.0, given.reference, 1000, 100, 2)
        for share in given.shares:
            chains(model, share, 1, 1, 0, 1)  # compiles
            pip, ess, seconds = chains(model, share, given.sweeps, 500, 10 * seed, 4)
            rows[share].append((np.mean((pip - truth) ** 2), seconds, ess / 4 / given.sweeps))
    base = [1 / (error * seconds) for error, seconds, _ in rows[given.shares[0]]]
    for share, found in rows.items():
        gain = np.median([1 / (e * s) / b for (e, s, _), b in zip(found, base, strict=True)])
        error, seconds, ess = np.median(np.array(found), axis=0)
        print(f"{share:7.1f} {gain:10.1f} {seconds:7.2f} {error**0.5:.4f} {1000 * ess:8.0f}")


if __name__ == "__main__":
    main()
