"""Means, variances and ranges of the columns of X, whatever it is, without a copy of it."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

from blrzoo.storage.blocks import blocks
from blrzoo.storage.csc import canonical, column_sums

__all__ = ["MISSING", "Moments", "column_moments", "fill_missing"]

#: Stands for a missing value among integer codes.
MISSING = -1


class Moments(NamedTuple):
    """What `column_moments` returns: four arrays, (feature,).

    Attributes
    ----------
    mean : ndarray
        Weighted mean of the observed values.
    variance : ndarray
        Sample variance, not weighted, with missing values replaced by the mean.
    minimum, maximum : ndarray
        Of the observed values.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.storage.moments import column_moments
    >>> column_moments(np.array([[1.0], [3.0]])).mean
    array([2.])
    """

    mean: np.ndarray
    variance: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray


def column_moments(
    X: Any, weights: np.ndarray | None = None, *, missing_code: bool = False
) -> Moments:
    r"""Means, variances and ranges of the columns of X.

    With weights :math:`w`, the mean of a column is :math:`\sum_i w_i x_i / \sum_i w_i` over its
    observed values. The variance is :math:`\sum_i (x_i - \bar x)^2 / (n - 1)` over all
    observations, not weighted, with missing values replaced by that mean. Sums are in float64,
    about the means (two passes), over some features at a time, or over the stored values of a
    sparse matrix. Of a column without any observed value all are NaN.

    Parameters
    ----------
    X : ndarray or SciPy sparse matrix or array, (obs, feature)
        Of any kind of numbers.
    weights : ndarray, (obs,), optional
        Positive; default: all 1.
    missing_code : bool, optional
        Whether -1 stands for a missing value, as in genotype codes; for an ndarray.

    Returns
    -------
    Moments
        ``mean``, ``variance``, ``minimum`` and ``maximum``, each (feature,).

    References
    ----------
    .. [1] Chan, Golub & LeVeque (1983). Algorithms for computing the sample variance: analysis
       and recommendations. The American Statistician 37:242-247.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.storage.moments import column_moments
    >>> codes = np.array([[0, 2], [1, -1], [2, 0]], dtype=np.int8)
    >>> moments = column_moments(codes, missing_code=True)
    >>> moments.mean, moments.variance
    (array([1., 1.]), array([1., 1.]))
    """
    if scipy.sparse.issparse(X):
        return _sparse_moments(canonical(X), weights)
    n, p = X.shape
    found = Moments(*(np.empty(p) for _ in Moments._fields))
    for part in blocks(n, p):
        block = _block_moments(X[:, part], weights, missing_code)
        for whole, values in zip(found, block, strict=True):
            whole[part] = values
    return found


def fill_missing(
    codes: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Replace missing codes by the mean of the observed ones.

    Parameters
    ----------
    codes : ndarray of int, (feature, obs)
        -1 stands for a missing value.
    weights : ndarray, (obs,), or None
        Of the mean.

    Returns
    -------
    values : ndarray, (feature, obs)
        Float64.
    means : ndarray, (feature,)
        NaN where nothing is observed.
    missing : ndarray of bool, (feature, obs)

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.storage.moments import fill_missing
    >>> fill_missing(np.array([[0, -1, 2]]), None)[0]
    array([[0., 1., 2.]])
    """
    missing = codes == MISSING
    w = np.ones(codes.shape[1]) if weights is None else weights
    values = codes.astype(np.float64)
    values[missing] = 0.0
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is observed
        means = values @ w / (~missing @ w)
    np.copyto(values, means[:, None], where=missing)
    return values, means, missing


def _block_moments(block: np.ndarray, weights: np.ndarray | None, missing_code: bool) -> Moments:
    """Moments of the columns of a block."""
    if missing_code:
        values, mean, _ = fill_missing(block.T, weights)
        values = values.T
    else:
        values = np.asarray(block, dtype=np.float64)
        mean = np.average(values, axis=0, weights=weights)
    variance = values.var(axis=0, ddof=min(1, len(values) - 1))
    # the mean that replaces missing values is within the range of the others
    return Moments(mean, variance, values.min(axis=0), values.max(axis=0))


def _sparse_moments(matrix: scipy.sparse.csc_array, weights: np.ndarray | None) -> Moments:
    """Moments from the stored values; all others are 0."""
    n = matrix.shape[0]
    mean = column_sums(matrix, matrix.data, weights) / (n if weights is None else weights.sum())
    center = column_sums(matrix, matrix.data) / n
    stored = np.diff(matrix.indptr)
    squares = column_sums(matrix, (matrix.data - np.repeat(center, stored)) ** 2)
    variance = (squares + (n - stored) * center**2) / max(n - 1, 1)
    ends = (extreme(axis=0).toarray().ravel() for extreme in (matrix.min, matrix.max))
    return Moments(mean, variance, *(end.astype(np.float64) for end in ends))
