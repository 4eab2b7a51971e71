"""Which features have an effect on which trait, and these effects."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blrzoo.simulation.arguments import Floats, as_attribute, check_integer

__all__ = ["CausalCounts", "check_counts", "draw_effects"]

_DEFAULT_CAUSAL = 10
_MENDS = {1: "lower n_causal or raise p", 2: "lower n_causal or n_traits, or raise p or overlap"}


@dataclass(frozen=True)
class CausalCounts:
    """How many features are causal for each trait, how many of them for all the traits."""

    each: int
    shared: int
    n_traits: int

    @property
    def own(self) -> int:
        """Causal features that a trait has for itself."""
        return self.each - self.shared

    @property
    def total(self) -> int:
        """Features that are causal for some trait."""
        return self.shared + self.n_traits * self.own


def check_counts(
    n_causal: Any, p: int, h2: Floats, overlap: float, weights: Floats | None
) -> CausalCounts:
    """Give the counts, or refuse those that need more features than may be causal."""
    allowed = p if weights is None else int((weights > 0).sum())
    if n_causal is None:
        tried = range(min(_DEFAULT_CAUSAL, p), 1, -1)
        counts = [_counts(each, overlap, h2.size) for each in (*tried, 1)]
        n_causal = next((c.each for c in counts if c.total <= allowed), 1) if h2.any() else 0
    found = _counts(_check_n_causal(n_causal, p, h2), overlap, h2.size)
    if found.total > allowed:
        raise ValueError(
            f"n_causal must leave enough features, got n_causal={found.each}: with {h2.size} "
            f"traits that have {found.shared} of them in common, {found.total} features are "
            f"causal, and only {allowed} of p={p} may be (those of groups whose causal_weights "
            f"are not 0): {_MENDS[min(h2.size, 2)]}."
        )
    return found


def _counts(each: int, overlap: float, n_traits: int) -> CausalCounts:
    return CausalCounts(each, round(overlap * each), n_traits)


def _check_n_causal(n_causal: Any, p: int, h2: Floats) -> int:
    count = check_integer("n_causal", n_causal, 0, "an int or None")
    if count > p:
        raise ValueError(
            f"n_causal must be at most p, got n_causal={count} and p={p}: "
            f"lower n_causal or raise p."
        )
    if (count == 0) == h2.any():
        raise ValueError(
            f"n_causal must be 0 if and only if h2 is 0, got n_causal={count} and "
            f"h2={as_attribute(h2)}: leave n_causal out, or set both to 0, or neither."
        )
    return count


def draw_effects(
    X: NDArray[Any],
    h2: Floats,
    counts: CausalCounts,
    weights: Floats | None,
    root: Floats,
    effects: str,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw the effects (feature, trait) and give X beta (obs, trait), whose variances are h2.

    The effects of a feature are ``root @ z``, with z standard normal, or their signs; those of
    features that are not causal are zero.
    """
    (n, p), n_traits = X.shape, h2.size
    if counts.each == 0:
        return np.zeros((p, n_traits)), np.zeros((n, n_traits))
    causal = _choose_causal(p, counts, weights, rng)
    while True:
        drawn = root @ rng.standard_normal((n_traits, p))
        values = np.sign(drawn) if effects == "equal" else drawn
        scaled = [_scaled(X, causal[t], values[t, causal[t]], h2[t]) for t in range(n_traits)]
        # The effects of genotypes can cancel (two equal columns, opposite signs): draw again then.
        whole = [trait for trait in scaled if trait is not None]
        if len(whole) == n_traits:
            beta, signal = zip(*whole, strict=True)
            return np.column_stack(beta), np.column_stack(signal)


def _choose_causal(
    p: int, counts: CausalCounts, weights: Floats | None, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Give the causal features of each trait, in order."""
    if weights is None:
        chosen = rng.permutation(p)[: counts.total]
    else:
        chosen = rng.choice(p, counts.total, replace=False, p=weights / weights.sum())
        # The first ones tend to have the larger weights: the shared ones must not be these.
        chosen = rng.permutation(chosen)
    shared, own = chosen[: counts.shared], chosen[counts.shared :]
    rows = own.reshape(counts.n_traits, counts.own)
    return [np.sort(np.concatenate([shared, row])) for row in rows]


def _scaled(
    X: NDArray[Any], features: NDArray[np.intp], values: Floats, h2: float
) -> tuple[Floats, Floats] | None:
    """Scale a trait's effects; give them (feature) and X beta (obs), None if they cancel."""
    beta = np.zeros(X.shape[1])
    if h2 == 0.0:
        return beta, np.zeros(X.shape[0])
    columns = X[:, features].astype(np.float64)
    variance = float((columns @ values).var())
    if variance < 1e-12 * float(columns.var(axis=0).max()):
        return None
    beta[features] = values * sqrt(h2 / variance)
    return beta, columns @ beta[features]
