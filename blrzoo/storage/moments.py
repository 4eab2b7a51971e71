"""Means, variances and ranges of the columns of X in any form, without a copy of X."""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from blrzoo.storage.blocks import blocks
from blrzoo.storage.csc import Matrix, canonical, column_sums

__all__ = ["MISSING", "Moments", "column_moments", "fill_missing"]

MISSING = -1  # among genotype codes


class Moments(NamedTuple):
    """Moments of the columns of X, four arrays (feature,)."""

    mean: np.ndarray  # weighted, of the observed values
    variance: np.ndarray  # not weighted, denominator n - 1, missing values at the mean
    minimum: np.ndarray  # of the observed values
    maximum: np.ndarray


def column_moments(
    X: Matrix, weights: np.ndarray | None = None, *, missing_code: bool = False
) -> Moments:
    """Compute means, variances and ranges of the columns of X, NaN without observed values."""
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
    """Replace missing codes (feature, obs) by means; return values, means and the mask."""
    missing = codes == MISSING
    w = np.ones(codes.shape[1]) if weights is None else weights
    values = codes.astype(np.float64)
    values[missing] = 0.0
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing is observed
        means = values @ w / (~missing @ w)
    np.copyto(values, means[:, None], where=missing)
    return values, means, missing


def _block_moments(block: np.ndarray, weights: np.ndarray | None, missing_code: bool) -> Moments:
    """Compute the moments of the columns of a block."""
    if missing_code:
        values, mean, _ = fill_missing(block.T, weights)
        values = values.T
    else:
        values = np.asarray(block, dtype=np.float64)
        mean = np.average(values, axis=0, weights=weights)
    # in two passes, about the unweighted mean: Chan, Golub & LeVeque (1983), Am. Stat. 37:242-247
    variance = values.var(axis=0, ddof=min(1, len(values) - 1))
    # the mean that replaces missing values is within the range of the others
    return Moments(mean, variance, values.min(axis=0), values.max(axis=0))


def _sparse_moments(matrix: scipy.sparse.csc_array, weights: np.ndarray | None) -> Moments:
    """Compute moments from the stored values; all others are 0."""
    n = matrix.shape[0]
    mean = column_sums(matrix, matrix.data, weights) / (n if weights is None else weights.sum())
    center = column_sums(matrix, matrix.data) / n
    stored = np.diff(matrix.indptr)
    squares = column_sums(matrix, (matrix.data - np.repeat(center, stored)) ** 2)
    variance = (squares + (n - stored) * center**2) / max(n - 1, 1)
    ends = (extreme(axis=0).toarray().ravel() for extreme in (matrix.min, matrix.max))
    return Moments(mean, variance, *(end.astype(np.float64) for end in ends))
