"""Default priors of selection: how many features are expected to have an effect.

Flat priors are wrong where features are many: Beta(1, 1) expects half of them to have an effect,
and a slab scaled for so many is too narrow for the few that have, so that everything is included.
By default the slab is scaled for ``s = min(p / 2, sqrt(n))`` features, and the prior of the
inclusion lies halfway between the flat one and one that expects s: a polygenic truth is found too.
"""

from typing import Any

import numpy as np

from blrzoo.priors.computed import Computed
from blrzoo.priors.scale import DataSummary

__all__ = ["default_beta", "default_dirichlet", "default_share", "mean_share", "scaled_shares"]

#: Most slabs that share the parameter 1 of a Dirichlet prior. Parameters below 1/16 would draw
#: probabilities that are 0 in floating point.
_MOST_SHARES = 16


def scaled_shares(data: DataSummary, affected: Any = (True, False)) -> np.ndarray:
    """Probabilities that default slabs are scaled for: s / p, in equal parts, and the null's.

    Parameters
    ----------
    data : DataSummary
        Of the data of a model.
    affected : array-like of bool, (component,)
        False for the null. Without a null all have the same probability.

    Returns
    -------
    ndarray, (component,)

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import scaled_shares
    >>> scaled_shares(SimpleNamespace(n=400, p=1000), [False, True, True])
    array([0.98, 0.01, 0.01])
    """
    affected = np.asarray(affected, dtype=bool)
    share = min(0.5, np.sqrt(data.n) / data.p)
    if affected.all():
        share = 1.0
    return np.where(affected, share / affected.sum(), 1 - share)


def default_share(data: DataSummary, value: Any, name: str = "share") -> Computed:
    """Say how the share of the features that default slabs are scaled for was computed."""
    return Computed(value, (f"{name} = min(1 / 2, sqrt(n) / p)",), {"n": data.n, "p": data.p})


def mean_share(value: Any) -> Computed:
    """Share of the features that the prior of pi, which was given, expects to be included."""
    return Computed(value, ("share = mean_pi",), {"mean_pi": value})


def default_beta(data: DataSummary) -> Computed:
    """Parameters ``(1, sqrt((p - s) / s))`` of the default beta prior of an inclusion probability.

    The odds of its mean are the geometric mean of 1, those of the uniform prior, and s / (p - s).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import default_beta
    >>> a, b = default_beta(SimpleNamespace(n=400, p=10_000)).value
    >>> a, round(b, 2)
    (1.0, 22.34)
    """
    included, excluded = scaled_shares(data)
    parameters = 1.0, float(np.sqrt(excluded / included))
    share = default_share(data, included)
    return share.then(parameters, "a = 1", "b = sqrt((1 - share) / share)")


def default_dirichlet(data: DataSummary, affected: Any) -> Computed:
    """Parameters of the default Dirichlet prior of components or patterns, (component,).

    With one null, P(not the null) has the prior of `default_beta`, however many others share it:
    each of these m has ``1 / min(m, 16)``, and the null ``sqrt((p - s) / s)`` times their sum.
    Without a null all parameters are 1.

    Parameters
    ----------
    data : DataSummary
        Of the data of a model.
    affected : array-like of bool, (component,)
        False for the null.

    Returns
    -------
    Computed
        Of a tuple of one array, (component,).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import default_dirichlet
    >>> (a,) = default_dirichlet(SimpleNamespace(n=400, p=10_000), [False, True, True]).value
    >>> a.round(2)
    array([22.34,  0.5 ,  0.5 ])
    """
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
