"""Means, variances and cross-products, by blocks that take little memory beside the result."""

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import numpy as np

from blrzoo.data import RegressionData
from blrzoo.progress import track

__all__ = ["Moments", "center", "feature_moments", "feature_products"]

_BLOCK_BYTES = 2**24  # bytes per block: two, their product and a temporary array take 64 MB
_ROWS = 4096  # rows per block for X'X: enough for a fast product
_COLUMNS = 1024  # most columns per block: the product of two blocks is as large


class Moments(NamedTuple):
    """Means and sample variances without weights, and means with weights, (column,)."""

    mean: np.ndarray
    variance: np.ndarray
    center: np.ndarray


def center(Z: np.ndarray, weights: np.ndarray | None) -> Moments:
    """Subtract the weighted means from each column, in place.

    Parameters
    ----------
    Z : ndarray (obs, column)
        Overwritten by the deviations.
    weights : ndarray (obs,) or None
        None: all 1.

    Returns
    -------
    Moments

    Examples
    --------
    >>> Z = np.array([[1.0], [2.0], [6.0]])
    >>> center(Z, np.array([1.0, 1.0, 2.0])).center, Z.ravel()
    (array([3.75]), array([-2.75, -1.75,  2.25]))
    """
    mean = Z.mean(axis=0)
    Z -= mean
    rounding = Z.mean(axis=0)  # rounding error of the mean, which matters if the mean is large
    Z -= rounding
    mean += rounding
    variance = np.einsum("ij,ij->j", Z, Z) / (len(Z) - 1)
    if weights is None:
        return Moments(mean, variance, mean.copy())
    shift = weights @ Z / weights.sum()
    Z -= shift
    return Moments(mean, variance, mean + shift)


def feature_moments(
    data: RegressionData, root: np.ndarray | None, others: np.ndarray
) -> tuple[Moments, np.ndarray]:
    """Compute moments of the features, and their cross-products with other columns.

    Parameters
    ----------
    data : RegressionData
        Checked data.
    root : ndarray (obs,) or None
        Square roots of the weights. None: all 1.
    others : ndarray (obs, column)
        Deviations of other columns from their weighted means, times `root`.

    Returns
    -------
    Moments
    ndarray (feature, column)
    """
    moments, products = [], []
    for columns in _cut(data.p, max(1, _BLOCK_BYTES // (8 * data.n))):
        Z = data.block(slice(None), columns)
        moments.append(center(Z, data.weights))
        if root is not None:
            Z *= root[:, None]
        products.append(Z.T @ others)
    joined = (np.concatenate(parts) for parts in zip(*moments, strict=True))
    return Moments(*joined), np.concatenate(products)


def feature_products(
    data: RegressionData, means: np.ndarray, root: np.ndarray | None, show: bool
) -> np.ndarray:
    """Compute the cross-products of the features about their means, block by block.

    Parameters
    ----------
    data : RegressionData
        Checked data.
    means : ndarray (feature,)
        What is subtracted from each feature.
    root : ndarray (obs,) or None
        Square roots of the weights. None: all 1.
    show : bool
        Whether to show a progress bar when it takes long.

    Returns
    -------
    ndarray (feature, feature)
        Symmetric to the last bit.
    """
    XX = np.zeros((data.p, data.p))
    pairs, pieces = _pairs(data.n, data.p), list(_cut(data.n, _ROWS))
    steps = track(range(len(pairs) * len(pieces)), show, "Cross-products")
    with closing(steps):  # stops the bar when interrupted too
        for step in steps:
            (left, right), rows = pairs[step // len(pieces)], pieces[step % len(pieces)]
            A = _deviations(data, means, root, rows, left)
            B = A if left == right else _deviations(data, means, root, rows, right)
            XX[left, right] += A.T @ B
    for left, right in pairs:
        XX[right, left] = XX[left, right].T
    return XX


def _pairs(n: int, p: int) -> list[tuple[slice, slice]]:
    """Pairs of blocks of columns in the upper triangle."""
    width = _BLOCK_BYTES // (8 * min(n, _ROWS))
    blocks = list(_cut(p, min(_COLUMNS, max(1, width))))
    return [(left, right) for k, left in enumerate(blocks) for right in blocks[k:]]


def _cut(size: int, width: int) -> Iterator[slice]:
    """Slices of a range."""
    for start in range(0, size, width):
        yield slice(start, min(start + width, size))


def _deviations(
    data: RegressionData, means: np.ndarray, root: np.ndarray | None, rows: slice, columns: slice
) -> np.ndarray:
    """Deviations of a block from the means, times square roots of the weights."""
    Z = data.block(rows, columns)
    Z -= means[columns]
    if root is not None:
        Z *= root[rows, None]
    return Z
