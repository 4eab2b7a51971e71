"""Chains of spike-and-slab models, for benchmarks.accuracy: reads and writes lines of JSON.

Each version of the package runs this text in a process of its own, so it imports nothing else of
`benchmarks`, and calls only what all versions have.
"""

import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import blrzoo as blr


class Chains:
    """Chains of one data set. `seconds`: CPU time of making model and step, and of a sweep."""

    def __init__(self, data: str, priors: dict, model: dict, step: dict) -> None:
        arrays = np.load(data)
        start = cpu()
        given = {name: tuple(numbers) for name, numbers in priors.items()}
        self.model = blr.spike_slab(arrays["X"], arrays["y"], **given, **model)
        self.step = blr.BLRGibbs(model=self.model, **step)
        self.run(1, 0, 0)
        self.seconds = cpu() - start

    def run(self, sweeps: int, burn: int, seed: int, included: float = 0.0) -> dict:
        """PIPs, model sizes and tau2 of a chain, and CPU seconds of its sweeps after burn-in."""
        rng = np.random.default_rng(seed)
        self.step.setup_chain(rng, 0, sweeps)
        point = self.start(rng, included)
        for _ in range(burn):
            point, _ = self.step.step(point)
        total, sizes, tau2 = np.zeros(len(point["delta"])), [], []
        start = time.process_time()
        for _ in range(sweeps):
            point, _ = self.step.step(point)
            total += point["delta"]
            sizes.append(int(point["delta"].sum()))
            tau2.append(float(np.exp(point["tau2_log__"])))
        seconds = time.process_time() - start
        return {"pip": list(total / sweeps), "size": sizes, "tau2": tau2, "seconds": seconds}

    def start(self, rng: np.random.Generator, included: float) -> dict:
        """A point with this share of the features included, at random effects."""
        point = self.model.initial_point()
        chosen = rng.random(point["delta"].shape) < included
        effects = "beta" if "beta" in point else "alpha"
        sd = np.exp(point["tau2_log__"] / 2)
        point["delta"] = chosen.astype(point["delta"].dtype)
        point[effects] = np.where(chosen, rng.normal(0, sd, chosen.shape), 0.0)
        return point


def cpu() -> float:
    """CPU seconds of this process, with those of compilers that it called."""
    return sum(os.times()[:4])


def main() -> None:
    """Answer each line."""
    logging.disable()
    warnings.simplefilter("ignore")  # identical SNPs
    chains = None
    for line in sys.stdin:
        request = json.loads(line)
        if "data" in request:
            chains = Chains(**request)
            answer = {"seconds": chains.seconds, "folder": str(Path(blr.__file__).parents[1])}
        else:
            answer = chains.run(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
