"""Check that numbers of sufficient statistics are finite, symmetric, and those of possible data."""

from collections.abc import Hashable, Iterator, Mapping
from types import EllipsisType

import numpy as np
import pandas as pd

from blrzoo.labels import show
from blrzoo.statistics.layout import CROSS, DIM, sides

__all__ = ["check_values"]

_TOLERANCE = 1e-8  # of correlations
_UNEXPLAINED = 1e-6  # of residual variances, relative to the variance
_CUTOFF = 1e-7  # of eigenvalues: smaller ones are not accurate enough to divide by
_MOST = 500  # features, and covariates, whose correlations are decomposed: a fraction of a second
_ROWS = 512  # of a matrix that are checked together
_TINY = 1e-120  # below any root sum of squares of a column that is not constant

Values = Mapping[str, np.ndarray]
Labels = Mapping[Hashable, pd.Index]


def check_values(values: Values, labels: Labels, name: str) -> None:
    """Refuse numbers that no data can have.

    Parameters
    ----------
    values : mapping of str to ndarray
        All variables.
    labels : mapping of str to pandas.Index
        Labels by dim.
    name : str
        Name of the statistics in messages.

    Raises
    ------
    ValueError
        As for `blrzoo.statistics.check_statistics`.
    """
    _check_finite(values, name)
    with np.errstate(all="ignore"):  # numbers out of range are refused
        _check_sizes(values, name)
        _check_sums(values, labels, name)


def _check_sums(values: Values, labels: Labels, name: str) -> None:
    there = sides("WW" in values)
    for side in there:
        _check_squares(side, values, labels, name)
    scales = {s: np.sqrt(np.atleast_1d(_diagonal(values[s + s]))) + _TINY for s in there}
    for product in CROSS:
        if product in values:
            _check_product(product, values[product], scales, name)
    _check_residuals(values, scales, name)


def _check_finite(values: Values, name: str) -> None:
    for variable, array in values.items():
        wrong = sum(int((~np.isfinite(array[rows])).sum()) for rows in _rows(array))
        if wrong:
            raise ValueError(
                f"{name} must have finite numbers; got {wrong} in {variable} that are NaN or "
                "infinite. Make the statistics again, of complete data."
            )


def _check_sizes(values: Values, name: str) -> None:
    n, total, logs = (values[key].item() for key in ("n", "weight_sum", "log_weight_sum"))
    if n < 2:
        raise ValueError(
            f"{name} must be of at least 2 observations; got n = {n}. Make the statistics again, "
            "of more observations."
        )
    if total <= 0:
        raise ValueError(
            f"{name} must have a positive weight_sum; got {total:g}. Make the statistics again, "
            "with positive weights."
        )
    # The mean of logarithms is at most the logarithm of the mean.
    most = n * (np.log(total) - np.log(n))
    if logs > most + _TOLERANCE * (n + abs(most)):
        raise ValueError(
            f"{name} must have a log_weight_sum of n log(weight_sum / n) at most, {most:g}; got "
            f"{logs:g}. Make the statistics again, with the same weights for all of them."
        )


def _check_squares(side: str, values: Values, labels: Labels, name: str) -> None:
    """Refuse negative sums of squares and variances."""
    for variable in (side + side, f"{side}_variance"):
        numbers = np.atleast_1d(_diagonal(values[variable]))
        wrong = numbers < 0
        if wrong.any():
            known = labels.get(DIM[side])
            where = "" if known is None else f" at {DIM[side]} {show(known[wrong])}"
            place = " on its diagonal" if values[variable].ndim == 2 else ""
            raise ValueError(
                f"{name} must have no negative number{place} in {variable}, sums of squares; got "
                f"{numbers[wrong][0]:g}{where}. Make the statistics again."
            )


def _diagonal(array: np.ndarray) -> np.ndarray:
    return np.diagonal(array) if array.ndim == 2 else array


def _check_product(
    product: str, array: np.ndarray, scales: Mapping[str, np.ndarray], name: str
) -> None:
    """Refuse correlations that are not symmetric, or not between -1 and 1."""
    left, right = (scales[side] for side in product)
    matrix = array.reshape(len(left), len(right))
    for rows in _rows(matrix):
        scale = np.multiply.outer(left[rows], right)
        if product[0] == product[1]:
            _check_symmetric(product, matrix, rows, scale, name)
        largest = float((np.abs(matrix[rows]) / scale).max(initial=0))
        if largest > 1 + _TOLERANCE:
            raise ValueError(
                f"{name} must have cross-products of one set of observations, no larger than the "
                f"root of the product of both sums of squares; got {product} {largest:.6g} times "
                f"as large. Make {product[0] * 2}, {product[1] * 2} and {product} again, of the "
                "same observations and weights."
            )


def _check_symmetric(
    product: str, matrix: np.ndarray, rows: slice | EllipsisType, scale: np.ndarray, name: str
) -> None:
    gap = float((np.abs(matrix[rows] - matrix[:, rows].T) / scale).max(initial=0))
    if gap > _TOLERANCE:
        raise ValueError(
            f"{name} must have a symmetric {product}; got elements and their mirror images that "
            f"differ by {gap:.3g} of the root of both sums of squares. Make the statistics again."
        )


def _check_residuals(values: Values, scales: Mapping[str, np.ndarray], name: str) -> None:
    """Refuse negative residual variances: columns that explain more of y than there is."""
    R, q, E = _correlations(values, scales)
    eigenvalues, vectors = np.linalg.eigh(R)
    if eigenvalues[0] < -_TOLERANCE * len(R):
        raise ValueError(
            f"{name} must have cross-products of features and covariates that are positive "
            f"semi-definite; got {eigenvalues[0]:.3g} as the smallest eigenvalue of their "
            "correlations. Make XX, XW and WW again, of the same observations and weights."
        )
    kept = eigenvalues > _CUTOFF * eigenvalues[-1]
    scores = (vectors[:, kept].T @ q) / np.sqrt(eigenvalues[kept])[:, None]
    rest = np.linalg.eigvalsh(E - scores.T @ scores)[0]
    if rest < -_UNEXPLAINED:
        raise ValueError(
            f"{name} must have a yy that is no less than what the features and covariates explain "
            f"of it; got a residual variance of {rest:.3g} times the variance of y. Make yy and Xy "
            "again, of the same y, observations and weights."
        )


def _correlations(
    values: Values, scales: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Correlations among the columns most correlated with y, of these with y, and among traits."""
    there = [side for side in "WX" if side in scales]
    T = len(scales["y"])
    scale = {s: scales[s] for s in there}
    q = {
        s: values[f"{s}y"].reshape(-1, T) / np.multiply.outer(scale[s], scales["y"]) for s in there
    }
    chosen = _chosen(q)
    q = {s: q[s][chosen[s]] for s in there}
    blocks = [[_block(values, scales, chosen, a, b) for b in there] for a in there]
    E = values["yy"].reshape(T, T) / np.multiply.outer(scales["y"], scales["y"])
    return np.block(blocks), np.concatenate([q[s] for s in there]), E


def _chosen(q: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Positions of the columns most correlated with any trait."""
    order = {s: np.argsort(-np.abs(one).max(axis=1), kind="stable") for s, one in q.items()}
    return {s: np.sort(one[:_MOST]) for s, one in order.items()}


def _block(
    values: Values,
    scales: Mapping[str, np.ndarray],
    chosen: Mapping[str, np.ndarray],
    left: str,
    right: str,
) -> np.ndarray:
    """Correlations of chosen columns."""
    rows, columns = chosen[left], chosen[right]
    if (left, right) == ("W", "X"):
        return _block(values, scales, chosen, right, left).T
    scale = np.multiply.outer(scales[left][rows], scales[right][columns])
    return values[left + right][np.ix_(rows, columns)] / scale


def _rows(array: np.ndarray) -> Iterator[slice | EllipsisType]:
    """Indices of the blocks of rows of a matrix; one of all for vectors and numbers."""
    if array.ndim < 2:
        yield ...
        return
    for start in range(0, len(array), _ROWS):
        yield slice(start, start + _ROWS)
