"""Default priors of selection: how many features are expected to have an effect.

A uniform prior does not suit many features: Beta(1, 1) expects half of them to have an effect, and
a slab scaled to so many is too narrow for the few that do, so that everything is included. By
default the slab is scaled to ``s = min(p / 2, sqrt(n))`` features, and the prior of the inclusion
probability lies halfway between the uniform one and one that expects s, so that a polygenic trait
is recognized too.
"""

import numpy as np
from numpy.typing import ArrayLike

from blrzoo.priors.computed import Computed
from blrzoo.priors.scale import DataSummary

__all__ = ["default_beta", "default_dirichlet", "default_share", "mean_share", "scaled_shares"]

#: Number of slabs up to which they share a Dirichlet parameter of 1. With parameters below 1/16
#: each, draws of probabilities would be 0 in floating point.
_MOST_SHARES = 16


def scaled_shares(data: DataSummary, affected: ArrayLike = (True, False)) -> np.ndarray:
    """Probabilities (component,) that slabs are scaled to: s / p in equal parts, and the null's."""
    affected = np.asarray(affected, dtype=bool)
    share = min(0.5, np.sqrt(data.n) / data.p)
    if affected.all():
        share = 1.0
    return np.where(affected, share / affected.sum(), 1 - share)


def default_share(data: DataSummary, value: np.ndarray | float, name: str = "share") -> Computed:
    """Add to a value the computation of the share of features that default slabs are scaled to."""
    return Computed(value, (f"{name} = min(1 / 2, sqrt(n) / p)",), {"n": data.n, "p": data.p})


def mean_share(value: np.ndarray | float) -> Computed:
    """Share of the features that a given prior of pi expects to be included."""
    return Computed(value, ("share = mean_pi",), {"mean_pi": value})


def default_beta(data: DataSummary) -> Computed:
    """Parameters ``(1, sqrt((p - s) / s))`` of the default beta prior of inclusion."""
    # The odds of its mean: the geometric mean of 1, of the uniform prior, and s / (p - s).
    included, excluded = scaled_shares(data)
    parameters = 1.0, float(np.sqrt(excluded / included))
    share = default_share(data, included)
    return share.then(parameters, "a = 1", "b = sqrt((1 - share) / share)")


def default_dirichlet(data: DataSummary, affected: ArrayLike) -> Computed:
    """Parameters of the default Dirichlet prior, (component,); `affected` is False for the null."""
    # With a null and m <= 16 others, P(not the null) has the prior of `default_beta`.
    affected = np.asarray(affected, dtype=bool)
    if affected.all():
        return Computed((np.ones(affected.size),), ("a = 1",))
    m = affected.sum()
    share = 1 / min(m, _MOST_SHARES)
    beta = default_beta(data)
    _, null = beta.value
    return beta.then(
        (np.where(affected, share, m * share * null),),
        f"each = 1 / min(m, {_MOST_SHARES})",
        "a = where(null, m * each * b, each)",
        m=int(m),
        null=~affected,
    )
