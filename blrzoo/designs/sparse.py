"""Sparse X in compressed columns, centered and weighted while it is used."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Arrays, register
from blrzoo.designs.centred import CentredInUse, per_feature, row_weights
from blrzoo.storage.csc import canonical, column_sums

__all__ = ["Sparse"]


@register
class Sparse(CentredInUse):
    r"""X in compressed sparse columns: the cost of a sweep grows with the stored values, not n p.

    With weights :math:`w`, centers :math:`c` and units :math:`u`, effects are those of
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. X* is not sparse and is
    not made: see `blrzoo.designs.centred.CentredInUse`. Dot products and updates touch only the
    observations whose value is stored.

    Parameters
    ----------
    X : SciPy sparse matrix or array, (obs, feature)
        Features as given. The memory of compressed columns (CSC) with sorted rows and no
        duplicates is shared; anything else is converted.
    center : ndarray, (feature,)
        What is subtracted from each feature: its mean, as in
        `blrzoo.storage.moments.column_moments`, or 0.
    scale : ndarray, (obs,), default 1
        Square roots of the weights, which rows are multiplied by.
    unit : ndarray, (feature,), default 1
        What each feature is divided by; effects are per unit.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366.

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> from blrzoo.designs.sparse import Sparse
    >>> X = scipy.sparse.csc_array(np.array([[0.0, 3.0], [2.0, 0.0]]))
    >>> Sparse(X, np.array([1.0, 1.5])).fit(np.array([1.0, 1.0]))
    array([ 0.5, -0.5])
    """

    name = form = "sparse"

    def __init__(
        self,
        X: scipy.sparse.sparray | scipy.sparse.spmatrix,
        center: np.ndarray,
        scale: np.ndarray | float = 1.0,
        unit: np.ndarray | float = 1.0,
    ) -> None:
        matrix = canonical(X)
        n, p = matrix.shape
        weights, center, unit = row_weights(scale, n), per_feature(center, p), per_feature(unit, p)
        sums, diagonal = _products(matrix, center, weights if weights.size else np.ones(n))
        excess = sums - center * (weights.sum() if weights.size else n)
        features = center, unit, sums, excess, diagonal / unit**2
        stored = matrix.data, matrix.indices, matrix.indptr, np.array([n])
        self.arrays = (*stored, weights, *features)

    @staticmethod
    def rows(arrays: Sequence[np.ndarray | TensorVariable]) -> int | np.integer | TensorVariable:
        """Return the number of observations."""
        return arrays[3][0]

    @staticmethod
    def dot(arrays: Arrays, j: int, working: np.ndarray) -> float:
        """x*_j'r = (g'v - s g'w - c S) / u."""
        data, obs, start, _ = arrays[:4]
        _, center, unit, sums, _, _ = arrays[-6:]
        total, n = 0.0, working.shape[0] - 2
        for k in range(start[j], start[j + 1]):
            total += data[k] * working[obs[k]]
        return (total - working[n + 1] * sums[j] - center[j] * working[n]) / unit[j]

    @staticmethod
    def update(arrays: Arrays, j: int, change: float, working: np.ndarray) -> None:
        """v += b w g, s += b c, S += b (g - c)'w, with b = change / u."""
        data, obs, start, _ = arrays[:4]
        weights, center, unit, _, excess, _ = arrays[-6:]
        by_unit, n = change / unit[j], working.shape[0] - 2
        if weights.size > 0:
            for k in range(start[j], start[j + 1]):
                working[obs[k]] += by_unit * weights[obs[k]] * data[k]
        else:
            for k in range(start[j], start[j + 1]):
                working[obs[k]] += by_unit * data[k]
        working[n] += by_unit * excess[j]
        working[n + 1] += by_unit * center[j]

    @staticmethod
    def times(arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """X times effects."""
        return np.asarray(_matrix(arrays) @ effects)

    @staticmethod
    def transposed_times(arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of X times a residual."""
        return np.asarray(_matrix(arrays).T @ residual)

    @staticmethod
    def given(arrays: Arrays, index: np.ndarray) -> np.ndarray:
        """Some columns of X."""
        return np.asarray(_matrix(arrays)[:, index].toarray(), dtype=np.float64)


def _matrix(arrays: Arrays) -> scipy.sparse.csc_array:
    """X as given, not copied."""
    data, obs, start, rows = arrays[:4]
    return scipy.sparse.csc_array((data, obs, start), shape=(rows[0], len(start) - 1))


def _products(
    matrix: scipy.sparse.csc_array, center: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """g'w, and the weighted sum of squares about the center, of each feature."""
    around = (matrix.data - np.repeat(center, np.diff(matrix.indptr))) ** 2
    stored = column_sums(matrix, np.ones(matrix.nnz), weights)
    squares = column_sums(matrix, around, weights) + (weights.sum() - stored) * center**2
    return column_sums(matrix, matrix.data, weights), squares
