"""Features of a simulation: Gaussian ones, or genotypes, that correlate with their neighbours."""

from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blrzoo.simulation.arguments import Floats

__all__ = ["draw_features"]

_MAX_TRIES = 1_000  # redraws of a column of genotypes before it is declared hopeless


def draw_features(
    n: int, p: int, correlation: float, maf: tuple[float, float] | None, rng: np.random.Generator
) -> tuple[NDArray[Any], Floats | None]:
    """Draw X (n, p), stored feature by feature; for genotypes also the alleles' frequencies (p)."""
    if maf is None:
        return _gaussian(n, p, correlation, rng).T, None
    counts, frequency = _genotypes(n, p, correlation, maf, rng)
    return counts.T, frequency


def _gaussian(n: int, p: int, correlation: float, rng: np.random.Generator) -> Floats:
    columns = rng.standard_normal((p, n))
    if correlation != 0.0:
        innovation = _innovation_sd(correlation)
        for j in range(1, p):
            columns[j] *= innovation
            columns[j] += correlation * columns[j - 1]
    return columns


def _innovation_sd(correlation: float) -> float:
    return sqrt((1.0 - correlation) * (1.0 + correlation))


def _genotypes(
    n: int, p: int, correlation: float, maf: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.int8], Floats]:
    counts, frequency = np.empty((p, n), dtype=np.int8), np.empty(p)
    # Only one column of latent normals is kept; a row for each of the two haplotypes.
    latent = np.zeros((2, n))
    for j in range(p):
        # The first column has none before it; with one it could be constant for good.
        link = correlation if j > 0 else 0.0
        counts[j], frequency[j], latent = _next_genotype(latent, link, maf, rng)
    return counts, frequency


def _next_genotype(
    latent: Floats, correlation: float, maf: tuple[float, float], rng: np.random.Generator
) -> tuple[NDArray[np.int8], float, Floats]:
    for _ in range(_MAX_TRIES):
        innovation = rng.standard_normal(latent.shape)
        proposal = correlation * latent + _innovation_sd(correlation) * innovation
        frequency = rng.uniform(*maf)
        carried = proposal < NormalDist().inv_cdf(frequency)
        counts = carried.sum(axis=0, dtype=np.int8)
        if counts.min() < counts.max():
            return counts, frequency, proposal
    raise ValueError(
        f"maf, n and correlation must let genotypes vary, got maf={maf}, n={latent.shape[1]} and "
        f"correlation={correlation}: a column was constant {_MAX_TRIES} times in a row. Use a "
        f"larger n, larger frequencies, or a correlation closer to 0."
    )
