"""Random parts of a simulation: features, effects, noise and missing values."""

from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blrzoo.checks import Seed
from blrzoo.simulation.plan import CausalCounts, Floats, n_missing

__all__ = ["draw_effects", "draw_features", "draw_missing", "draw_noise", "generator"]

_MAX_TRIES = 1_000  # redraws of a constant column of genotypes before an error is raised
_NETCDF_INT = 2**63  # attributes of a NetCDF file hold ints of 64 bits


def generator(random_seed: Any) -> tuple[np.random.Generator, int | str]:
    """Return the generator, and its description for the attributes."""
    Seed().check("random_seed", random_seed)
    if isinstance(random_seed, np.random.Generator):
        return random_seed, "numpy.random.Generator"
    seed = int(np.random.default_rng().integers(2**32)) if random_seed is None else random_seed
    fits = isinstance(seed, int | np.integer) and seed < _NETCDF_INT
    return np.random.default_rng(seed), int(seed) if fits else str(seed)


def draw_features(
    n: int, p: int, correlation: float, maf: tuple[float, float] | None, rng: np.random.Generator
) -> tuple[np.ndarray, Floats | None]:
    """Draw X (n, p), stored feature by feature, and allele frequencies (p,) of genotypes."""
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
    # Only one column of latent normals is kept, with a row for each of the two haplotypes.
    latent = np.zeros((2, n))
    for j in range(p):
        # The first column has no neighbor: linked to the zeros, all its redraws could be constant.
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


def draw_noise(n: int, correlation: Floats, rng: np.random.Generator) -> Floats:
    """Draw standard normals (obs, trait) with a correlation between the traits."""
    return (_triangular_root(correlation) @ rng.standard_normal((len(correlation), n))).T


def _triangular_root(matrix: Floats) -> Floats:
    """Lower triangular L with ``L @ L.T == matrix``, which may be singular."""
    values, vectors = np.linalg.eigh(matrix)
    values[values < 1e-12] = 0.0  # the root of a rounding error is not small
    root = np.linalg.qr((vectors * np.sqrt(values)).T, mode="r").T
    root *= np.where(np.diagonal(root) < 0.0, -1.0, 1.0)
    return root / np.linalg.norm(root, axis=1, keepdims=True)


def draw_effects(
    X: np.ndarray,
    h2: Floats,
    counts: CausalCounts,
    weights: Floats | None,
    correlation: Floats,
    effects: str,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw effects (feature, trait), scaled so that X beta (obs, trait) has the variances h2."""
    (n, p), n_traits = X.shape, h2.size
    if counts.each == 0:
        return np.zeros((p, n_traits)), np.zeros((n, n_traits))
    root = _triangular_root(correlation)
    causal = _choose_causal(p, counts, weights, rng)
    while True:
        drawn = root @ rng.standard_normal((n_traits, p))
        values = np.sign(drawn) if effects == "equal" else drawn
        scaled = [_scaled(X, causal[t], values[t, causal[t]], h2[t]) for t in range(n_traits)]
        # Effects of genotypes can cancel (two equal columns, opposite signs): then draw again.
        whole = [trait for trait in scaled if trait is not None]
        if len(whole) == n_traits:
            beta, signal = zip(*whole, strict=True)
            return np.column_stack(beta), np.column_stack(signal)


def _choose_causal(
    p: int, counts: CausalCounts, weights: Floats | None, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Causal features of each trait, sorted."""
    if weights is None:
        chosen = rng.permutation(p)[: counts.total]
    else:
        chosen = rng.choice(p, counts.total, replace=False, p=weights / weights.sum())
        # The first ones tend to have larger weights; the shared ones must be a random part.
        chosen = rng.permutation(chosen)
    shared, own = chosen[: counts.shared], chosen[counts.shared :]
    return [np.sort(np.concatenate([shared, row])) for row in own.reshape(counts.n_traits, -1)]


def _scaled(
    X: np.ndarray, features: NDArray[np.intp], values: Floats, h2: float
) -> tuple[Floats, Floats] | None:
    """Scaled effects (feature,) of a trait and X beta (obs,); None if the effects cancel."""
    beta = np.zeros(X.shape[1])
    if h2 == 0.0:
        return beta, np.zeros(X.shape[0])
    columns = X[:, features].astype(np.float64)
    variance = float((columns @ values).var())
    if variance < 1e-12 * float(columns.var(axis=0).max()):
        return None
    beta[features] = values * sqrt(h2 / variance)
    return beta, columns @ beta[features]


def draw_missing(
    shape: tuple[int, int], missing: float | str, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw the mask (obs, trait) of missing values."""
    n, n_traits = shape
    if isinstance(missing, str):  # "disjoint"
        return np.arange(n)[:, None] % n_traits != np.arange(n_traits)
    absent = np.zeros(shape, dtype=bool)
    count = n_missing(missing, n)
    for trait in range(n_traits if count else 0):
        absent[rng.permutation(n)[:count], trait] = True
    return absent
