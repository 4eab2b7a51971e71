"""Time the sweep of several traits, and a bare pass over X with T residuals."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit

from blrzoo.designs.dense import Dense
from blrzoo.ops.indicators import make_indicator_kernel
from blrzoo.ops.traits import make_trait_kernel, rotate
from blrzoo.priors.multivariate.patterns import read_patterns

__all__ = ["IndicatorChain", "TraitChain", "trait_sweeps"]

#: n, p and traits: of the wheat data of Crossa et al. (2010), and of a larger study.
SIZES = ((600, 1300, 4), (2000, 10_000, 4))
#: The same with too many traits to list all patterns.
MANY = ((600, 1300, 20),)


@njit(fastmath=True)
def bare_pass(rows: np.ndarray, working: np.ndarray) -> float:
    """Multiply X with each trait's residual once; `working` is (trait, obs)."""
    total = 0.0
    for j in range(rows.shape[0]):
        for t in range(working.shape[0]):
            for i in range(rows.shape[1]):
                total += rows[j, i] * working[t, i]
    return total


class TraitChain:
    """The kernel alone, rotation and noise included, with fixed hyperparameters."""

    def __init__(self, n: int, p: int, n_traits: int, patterns: np.ndarray) -> None:
        # patterns: (pattern, trait); a single row of ones is a ridge, in which every effect changes
        rng = self.rng = np.random.default_rng(1)
        X = rng.normal(size=(n, p))
        self.design = Dense(X, X.mean(axis=0))
        B = np.zeros((p, n_traits))
        B[:20] = rng.normal(size=(20, n_traits))
        self.working = X @ B + 5.0 * rng.normal(size=(n, n_traits))
        self.effects = np.zeros((p, n_traits))
        self.projections = patterns[:, :, None] * np.eye(n_traits)
        K = len(self.projections)
        covariance = 0.5 * np.eye(n_traits) + 0.5
        self.slabs = np.broadcast_to(covariance, (1, K, n_traits, n_traits)).copy()
        weights = np.full(K, 0.005 / max(1, K - 1))
        weights[0] = 1.0 - weights[1:].sum()
        self.log_weights = np.tile(np.log(weights), (p, 1))
        self.precision = np.linalg.inv(25.0 * covariance)
        self.groups = np.zeros(p, dtype=np.int64)
        self.kernel = make_trait_kernel(Dense)

    def sweep(self) -> None:
        """Draw all effects once."""
        rotation = rotate(self.slabs, self.projections, self.precision)
        noise = (
            self.rng.exponential(size=self.log_weights.shape),
            self.rng.normal(size=self.effects.shape),
        )
        _, self.effects, _, self.working = self.kernel(
            *self.design.arrays,
            self.working,
            self.effects,
            self.precision,
            *rotation,
            self.groups,
            self.log_weights,
            *noise,
        )


class IndicatorChain:
    """The kernel of independent indicators alone, noise included, with fixed hyperparameters."""

    def __init__(self, n: int, p: int, n_traits: int, probability: float) -> None:
        rng = self.rng = np.random.default_rng(1)
        X = rng.normal(size=(n, p))
        self.design = Dense(X, X.mean(axis=0))
        B = np.zeros((p, n_traits))
        B[:20] = rng.normal(size=(20, n_traits)) * (rng.uniform(size=(20, n_traits)) < 0.3)
        self.working = X @ B + 5.0 * rng.normal(size=(n, n_traits))
        self.effects = np.zeros((p, n_traits))
        self.covariance = 0.5 * np.eye(n_traits) + 0.5
        self.precision = np.linalg.inv(25.0 * self.covariance)
        self.log_odds = np.full((p, n_traits), np.log(probability / (1.0 - probability)))
        self.indicators = np.zeros((p, n_traits), dtype=np.int64)
        self.kernel = make_indicator_kernel(Dense)

    def sweep(self) -> None:
        """Draw all indicators and effects once."""
        shape = self.effects.shape
        _, self.effects, self.indicators, self.working = self.kernel(
            *self.design.arrays,
            self.working,
            self.effects,
            self.precision,
            self.covariance,
            self.covariance,
            self.log_odds,
            self.indicators,
            self.rng.logistic(size=shape),
            self.rng.normal(size=shape),
        )


def trait_sweeps(
    row: Callable[..., None], interleaved: Callable[..., tuple[float, float]], repeats: int
) -> None:
    """Print times of all patterns, none or all, the ridge and many traits, and of the bare pass."""
    for n, p, n_traits in SIZES:
        kinds = {
            "all patterns": read_patterns("all", n_traits),
            "none or all": read_patterns("restrictive", n_traits),
            "ridge": np.ones((1, n_traits), dtype=int),
        }
        for kind, patterns in kinds.items():
            what = f"{n_traits} traits, n={n}, p={p}, {kind}"
            _time(what, TraitChain(n, p, n_traits, patterns), row, interleaved, repeats)
    for n, p, n_traits in MANY:
        what = f"{n_traits} traits, n={n}, p={p}, independent"
        _time(what, IndicatorChain(n, p, n_traits, 0.001), row, interleaved, repeats)


def _time(
    what: str,
    chain: TraitChain | IndicatorChain,
    row: Callable[..., None],
    interleaved: Callable[..., tuple[float, float]],
    repeats: int,
) -> None:
    """Print the rows of one chain, timed in turn with the bare pass."""
    for _ in range(20):
        chain.sweep()
    floor = partial(bare_pass, chain.design.arrays[0], np.ascontiguousarray(chain.working.T))
    kernel, bare = interleaved(chain.sweep, floor, repeats)
    included = int(chain.effects.any(axis=1).sum())
    row(f"{what}, {included} included", f"{kernel:.2f} ms")
    row("  bare pass over X with as many residuals", f"{bare:.2f} ms")
    row("  ratio", f"{kernel / bare:.2f}")
