"""Correlations between features by blocks, never as a matrix of all pairs."""

from collections.abc import Iterator

import numpy as np

__all__ = ["Correlations", "center_and_length"]

_BLOCK_BYTES = 2**24  # of features as float64
_ROUNDING = 1e-10  # an SD below this share of the root mean square is that of a constant
_TILE = 1024  # features: the arrays of their pairs take some tens of megabytes
_SINGLE = 1e-5  # above the rounding error of a correlation in float32: such pairs count


def center_and_length(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of columns, and their lengths about these; infinite for a constant."""
    size = np.sqrt(np.einsum("ij,ij->j", values, values))
    mean = values.mean(axis=0)
    length = np.linalg.norm(values - mean, axis=0)
    return mean, np.where(length > _ROUNDING * size, length, np.inf)


class Correlations:
    """Absolute correlations between columns of X (obs, feature); 0 for a constant column."""

    def __init__(self, X: np.ndarray) -> None:
        self._X = X
        self._mean, self._norm = np.zeros(X.shape[1]), np.zeros(X.shape[1])
        for columns in self._blocks(np.arange(X.shape[1])):
            values = X[:, columns].astype(float)
            self._mean[columns], self._norm[columns] = center_and_length(values)
        self._rows = (np.zeros(0, dtype=int), np.zeros((len(X), 0), dtype=np.float32))

    def with_one(self, feature: int, others: np.ndarray) -> np.ndarray:
        """Compute the absolute correlations of a feature with others, by position: (other,)."""
        unit = self._unit(np.array([feature]))
        product = self._product if 4 * others.size > self._mean.size else self._part
        return self._absolute(product(unit, others), others)[0]

    def between(self, some: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Compute the absolute correlations of some features with others, (some, other)."""
        return self._absolute(self._part(self._unit(some), others), others)

    def tiles(self, features: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Cut all pairs of features into tiles (rows, columns) on or above the diagonal."""
        width = max(1, min(_TILE, _BLOCK_BYTES // (4 * len(self._X))))
        parts = [features[k : k + width] for k in range(0, features.size, width)]
        return [(parts[i], parts[k]) for i in range(len(parts)) for k in range(i, len(parts))]

    def pairs(
        self, tile: tuple[np.ndarray, np.ndarray], smallest: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the pairs in a tile that correlate at least so much, each in both orders."""
        if self._rows[0] is not tile[0]:  # neighboring tiles share their rows
            self._rows = (tile[0], self._unit(tile[0]).astype(np.float32))
        same = tile[0] is tile[1]
        columns = self._rows[1] if same else self._unit(tile[1]).astype(np.float32)
        near = np.abs(self._rows[1].T @ columns) >= smallest - _SINGLE
        if same:
            np.fill_diagonal(near, False)
        places = np.divmod(np.flatnonzero(near), len(tile[1]))
        first, second = tile[0][places[0]], tile[1][places[1]]
        if same:
            return first, second
        return np.concatenate([first, second]), np.concatenate([second, first])

    def purity(self, features: np.ndarray) -> tuple[float, float]:
        """Compute the smallest and the mean absolute correlation between features."""
        if features.size == 1:
            return 1.0, 1.0
        unit = self._unit(features)
        above = np.triu_indices(features.size, 1)
        pairs = np.minimum(np.abs(unit.T @ unit)[above], 1.0)
        return float(pairs.min()), float(pairs.mean())

    def _absolute(self, products: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Turn products of unit columns with columns of X into absolute correlations."""
        return np.minimum(np.abs(products) / self._norm[others], 1.0)

    def _product(self, unit: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Multiply all of X by columns of mean 0, by rows, which need no copy."""
        total = np.zeros((unit.shape[1], self._mean.size))
        height = max(1, _BLOCK_BYTES // (8 * self._mean.size))
        for start in range(0, len(self._X), height):
            rows = slice(start, start + height)
            total += unit[rows].T @ self._X[rows].astype(float, copy=False)
        return total[:, others]

    def _part(self, unit: np.ndarray, others: np.ndarray) -> np.ndarray:
        parts = [unit.T @ self._X[:, some].astype(float) for some in self._blocks(others)]
        return np.concatenate([np.zeros((unit.shape[1], 0)), *parts], axis=1)

    def _unit(self, columns: np.ndarray) -> np.ndarray:
        """Return columns with mean 0 and length 1; 0 for a constant."""
        return (self._X[:, columns].astype(float) - self._mean[columns]) / self._norm[columns]

    def _blocks(self, columns: np.ndarray) -> Iterator[np.ndarray]:
        width = max(1, _BLOCK_BYTES // (8 * len(self._X)))
        for start in range(0, columns.size, width):
            yield columns[start : start + width]
