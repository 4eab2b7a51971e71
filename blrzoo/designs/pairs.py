"""Pairs of correlated features, which are drawn together."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from blrzoo.designs.base import SUMS, Design
from blrzoo.progress import track

__all__ = ["FeaturePairs", "find_pairs"]

#: Smallest absolute correlation of a pair, also in standard errors of one that is 0; and most
#: partners that a feature looks for.
CORRELATION, ERRORS, PARTNERS = 0.3, 4.0, 10

#: Up to this many features, all others may be a feature's partner; of more, this many columns to
#: each side of it.
ALL, NEIGHBOURS = 20_000, 500

#: Most observations from which correlations are estimated: pairs may be any, what is drawn of
#: them is exact. And most elements of an array of the search.
_ROWS, _SIZE = 500, 1 << 22


class FeaturePairs(NamedTuple):
    """Pairs of features.

    Attributes
    ----------
    first, second : ndarray of int64, (pair,)
        Positions of the features, first < second.
    cross : ndarray, (pair,)
        Their dot products in X*.
    """

    first: np.ndarray
    second: np.ndarray
    cross: np.ndarray


def find_pairs(design: Design, n: int) -> FeaturePairs:
    r"""Find pairs of correlated features.

    Each feature looks for the 10 features most correlated with it, among those with an absolute
    correlation above 0.3 and above :math:`4 / \sqrt n`. Correlations are cosines of columns of X*,
    estimated from 500 observations, or all if there are fewer. Of more than 20,000 features, only
    those up to 500 columns apart are looked at. A bar shows the progress if it takes more than two
    seconds.

    Parameters
    ----------
    design : Design
        X of a term.
    n : int
        Number of observations.

    Returns
    -------
    FeaturePairs

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.dense import Dense
    >>> from blrzoo.designs.pairs import find_pairs
    >>> x = np.random.default_rng(1).normal(size=(200, 2))
    >>> X = np.column_stack([x, x[:, 0] + 0.1 * x[:, 1]])
    >>> pairs = find_pairs(Dense(X, X.mean(axis=0)), n=200)
    >>> pairs.first, pairs.second
    (array([0]), array([2]))
    """
    p = design.shape[1]
    correlations, least = _correlations(design), max(CORRELATION, ERRORS / np.sqrt(n))
    reach = p if p <= ALL else NEIGHBOURS
    step = max(1, _SIZE // min(p, 4 * reach))
    found = [np.empty(0, dtype=np.int64)]
    for start in track(range(0, p, step), True, "Correlated features"):
        part = slice(start, min(start + step, p))
        near = slice(max(0, part.start - reach), min(p, part.stop + reach))
        found.append(_best(np.abs(correlations(part, near)), part, near, reach, least, p))
    first, second = np.divmod(np.unique(np.concatenate(found)), p)
    return FeaturePairs(first, second, _cross(design, first, second))


def _best(
    size: np.ndarray, part: slice, near: slice, reach: int, least: float, p: int
) -> np.ndarray:
    """Pairs of some features with their best partners, as first * p + second."""
    rows, columns = np.arange(part.start, part.stop), np.arange(near.start, near.stop)
    size[np.arange(len(rows)), rows - near.start] = 0.0
    if reach < p:
        size[np.abs(rows[:, None] - columns) > reach] = 0.0
    count = min(PARTNERS, len(columns))
    best = np.argpartition(-size, count - 1, axis=1)[:, :count]
    row, rank = np.nonzero(np.take_along_axis(size, best, axis=1) > least)
    one, other = rows[row], columns[best[row, rank]]
    return np.minimum(one, other) * p + np.maximum(one, other)


def _correlations(design: Design) -> Callable[[slice, slice], np.ndarray]:
    """Correlations of some features with others."""
    if design.form == SUMS:
        size = np.sqrt(design.arrays[-1])
        size[size == 0.0] = np.inf
        return lambda part, near: design.unit_fits(part)[near].T / size[part, None] / size[near]
    n, p = design.shape
    every = -(-n // _ROWS)
    whole = _directions(design, slice(0, p), every) if p <= ALL else None

    def correlations(part: slice, near: slice) -> np.ndarray:
        at = near.start if whole is None else 0
        x = _directions(design, near, every) if whole is None else whole
        here, there = (slice(s.start - at, s.stop - at) for s in (part, near))
        return x[here] @ x[there].T

    return correlations


def _directions(design: Design, part: slice, every: int) -> np.ndarray:
    """Features as rows of length one, in single precision, of some observations."""
    n, step = design.shape[0], max(1, _SIZE // design.shape[0])
    rows = np.empty((part.stop - part.start, len(range(0, n, every))), dtype=np.float32)
    for start in range(part.start, part.stop, step):
        columns = slice(start, min(start + step, part.stop))
        block = design.columns(columns)[::every].T
        length = np.sqrt(np.square(block).sum(axis=1, keepdims=True))
        length[length == 0.0] = np.inf
        rows[start - part.start : columns.stop - part.start] = block / length
    return rows


def _cross(design: Design, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dot products of pairs of features, some pairs at a time."""
    cross = np.empty(len(first))
    step = max(1, _SIZE // (2 * design.shape[0]))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        one, other = first[part], second[part]
        if design.form == SUMS:
            cross[part] = design.unit_fits(one)[other, np.arange(len(one))]
        else:
            cross[part] = np.einsum("ij,ij->j", design.columns(one), design.columns(other))
    return cross
