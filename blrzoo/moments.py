"""Means, variances and ranges of the columns of X in any form, by blocks."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from blrzoo.storage import blocks

__all__ = ["Moments", "moments"]


class Moments(NamedTuple):
    """What defaults and checks ask of each column, all (feature,).

    Attributes
    ----------
    mean : mean of the known values, weighted where there are weights
    variance : sample variance (divisor n - 1), not weighted, missing ones at their mean
    low, high : smallest and largest known value
    """

    mean: np.ndarray
    variance: np.ndarray
    low: np.ndarray
    high: np.ndarray


def moments(values: Any, weights: np.ndarray | None = None) -> Moments:
    """Summarise the columns of X without a copy of X.

    Parameters
    ----------
    values : ndarray or csc_array, (obs, feature)
        X in one of its forms (`blrzoo.storage`).
    weights : ndarray, (obs,), optional
        Relative precisions of the observations.

    Returns
    -------
    Moments

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.moments import moments
    >>> moments(np.array([[0, 2], [1, -1], [2, 0]], dtype=np.int8)).mean
    array([1., 1.])
    """
    if sp.issparse(values):
        return _of_sparse(values, weights)
    parts = [_of_block(block, weights) for _, block in blocks(values)]
    return Moments(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _of_block(block: np.ndarray, weights: np.ndarray | None) -> Moments:
    known = ~np.isnan(block)
    if known.all():
        mean = np.average(block, axis=0, weights=weights)
        return Moments(mean, block.var(axis=0, ddof=1), block.min(axis=0), block.max(axis=0))
    weight = known if weights is None else known * weights[:, None]
    mean = (weight * np.where(known, block, 0.0)).sum(axis=0) / weight.sum(axis=0)
    filled = np.where(known, block, mean)
    return Moments(
        mean, filled.var(axis=0, ddof=1), np.nanmin(block, axis=0), np.nanmax(block, axis=0)
    )


def _of_sparse(values: Any, weights: np.ndarray | None) -> Moments:
    n = values.shape[0]
    weight = np.ones(n) if weights is None else weights
    mean = values.T @ weight / weight.sum()
    plain = values.sum(axis=0) / n
    counts = np.diff(values.indptr)
    # About the mean, not of the squares: no digits are lost where the mean is large.
    deviations = values.data - np.repeat(plain, counts)
    column = np.repeat(np.arange(values.shape[1]), counts)
    squares = np.bincount(column, deviations**2, values.shape[1]) + (n - counts) * plain**2
    low, high = (np.asarray(getattr(values, name)(axis=0).todense()) for name in ("min", "max"))
    return Moments(mean, squares / (n - 1), low.ravel(), high.ravel())
