"""Default priors of selection: how many features are expected to have an effect.

Flat priors are wrong where features are many: Beta(1, 1) expects half of them to have an effect,
and a slab scaled for so many is too narrow for the few that have, so that everything is included.
The defaults expect ``s = min(p / 2, sqrt(n))`` features. They weigh little beside the p
indicators, so a polygenic truth is still found.
"""

from typing import Any

import numpy as np

from blrzoo.priors.scale import DataSummary

__all__ = ["default_beta", "default_dirichlet", "expected_features"]

#: Most slabs that share the parameter 1 of a Dirichlet prior. Parameters below 1/16 would draw
#: probabilities that are 0 in floating point.
_MOST_SHARES = 16


def expected_features(data: DataSummary) -> float:
    """Number of features that the default priors of selection expect: ``min(p / 2, sqrt(n))``.

    Parameters
    ----------
    data : DataSummary
        Of the data of a model.

    Returns
    -------
    float

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import expected_features
    >>> [expected_features(SimpleNamespace(n=400, p=p)) for p in (10, 10_000)]
    [5.0, 20.0]
    """
    return float(min(data.p / 2, np.sqrt(data.n)))


def default_beta(data: DataSummary) -> tuple[float, float]:
    """Parameters ``(1, (p - s) / s)`` of the default beta prior of an inclusion probability.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import default_beta
    >>> default_beta(SimpleNamespace(n=400, p=10_000))
    (1.0, 499.0)
    """
    s = expected_features(data)
    return 1.0, (data.p - s) / s


def default_dirichlet(data: DataSummary, affected: Any) -> np.ndarray:
    """Parameters of the default Dirichlet prior of components or patterns, (component,).

    With one null, P(not the null) has the prior of `default_beta`, however many others share it:
    each of these m has ``1 / min(m, 16)``, and the null ``(p - s) / s`` times their sum. Without
    a null all parameters are 1.

    Parameters
    ----------
    data : DataSummary
        Of the data of a model.
    affected : array-like of bool, (component,)
        False for the null.

    Returns
    -------
    ndarray, (component,)

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from blrzoo.priors.sparsity import default_dirichlet
    >>> default_dirichlet(SimpleNamespace(n=400, p=10_000), [False, True, True])
    array([499. ,   0.5,   0.5])
    """
    affected = np.asarray(affected, dtype=bool)
    if affected.all():
        return np.ones(affected.size)
    m = affected.sum()
    share = 1 / min(m, _MOST_SHARES)
    _, null = default_beta(data)
    return np.where(affected, share, m * share * null)
