"""Correlations between features, of one with others at a time: never a matrix of all."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Correlations"]

Array = NDArray[Any]

_BLOCK_BYTES = 2**24  # of features as float64
_ROUNDING = 1e-10  # an SD below this share of the root mean square is that of a constant


class Correlations:
    """Absolute correlations of features; those with a constant are 0.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Finite, of any real dtype; converted to float64 by blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.summaries._correlations import Correlations
    >>> correlations = Correlations(np.array([[1, 3, 1], [2, 2, 1], [3, 1, 2]]))
    >>> correlations.with_one(0, np.array([1, 2])).round(2)
    array([1.  , 0.87])
    """

    def __init__(self, X: Array) -> None:
        self._X = X
        self._mean, self._norm = np.zeros(X.shape[1]), np.zeros(X.shape[1])
        for columns in self._blocks(np.arange(X.shape[1])):
            values = X[:, columns].astype(float)
            square = np.einsum("ij,ij->j", values, values)
            self._mean[columns] = values.mean(axis=0)
            norm = np.linalg.norm(values - self._mean[columns], axis=0)
            self._norm[columns] = np.where(norm > _ROUNDING * np.sqrt(square), norm, np.inf)

    def with_one(self, feature: int, others: Array) -> Array:
        """Compute the absolute correlations of a feature with others.

        Parameters
        ----------
        feature : int
            Its position.
        others : ndarray of int (other,)
            Their positions.

        Returns
        -------
        ndarray (other,)
        """
        unit = self._unit(np.array([feature]))[:, 0]
        product = self._product if 4 * others.size > self._mean.size else self._part
        return np.minimum(np.abs(product(unit, others)) / self._norm[others], 1.0)

    def purity(self, features: Array) -> tuple[float, float]:
        """Compute the smallest and the mean absolute correlation between features.

        Parameters
        ----------
        features : ndarray of int (member,)
            Their positions.

        Returns
        -------
        smallest, mean : float
            1 for a single feature.
        """
        if features.size == 1:
            return 1.0, 1.0
        unit = self._unit(features)
        above = np.triu_indices(features.size, 1)
        pairs = np.minimum(np.abs(unit.T @ unit)[above], 1.0)
        return float(pairs.min()), float(pairs.mean())

    def _product(self, unit: Array, others: Array) -> Array:
        """Multiply all of X, whose rows need no copy, by a vector of mean 0."""
        total = np.zeros(self._mean.size)
        height = max(1, _BLOCK_BYTES // (8 * self._mean.size))
        for start in range(0, len(self._X), height):
            rows = slice(start, start + height)
            total += unit[rows] @ self._X[rows].astype(float, copy=False)
        return total[others]

    def _part(self, unit: Array, others: Array) -> Array:
        parts = [unit @ self._X[:, some].astype(float) for some in self._blocks(others)]
        return np.concatenate([np.zeros(0), *parts])

    def _unit(self, columns: Array) -> Array:
        """Columns of mean 0 and length 1; 0 for a constant."""
        return (self._X[:, columns].astype(float) - self._mean[columns]) / self._norm[columns]

    def _blocks(self, columns: Array) -> Iterator[Array]:
        width = max(1, _BLOCK_BYTES // (8 * len(self._X)))
        for start in range(0, columns.size, width):
            yield columns[start : start + width]
