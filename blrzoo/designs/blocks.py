"""Work by blocks of features, so that nothing as large as X is made beside X."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from blrzoo.designs.base import Design

__all__ = ["ByBlocks", "blocks", "tiles"]

#: Elements of a block: 1 MB of float64, so that its passes find it in the cache of a core.
_SIZE = 1 << 17

#: Observations of a tile: long enough for contiguous writes, short enough for many features.
_ROWS = 1 << 10


def blocks(n: int, p: int) -> Iterator[slice]:
    """Slices of features, of n observations each, that cover p features."""
    step = max(1, _SIZE // max(n, 1))
    for start in range(0, p, step):
        yield slice(start, min(start + step, p))


def tiles(n: int, p: int) -> Iterator[tuple[slice, slice]]:
    """Slices of observations and of features that cover X: what is copied while transposing."""
    for features in blocks(min(n, _ROWS), p):
        for start in range(0, n, _ROWS):
            yield slice(start, min(start + _ROWS, n)), features


class ByBlocks(Design):
    """A design whose columns must be made before BLAS can multiply with them: a block at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.blocks import ByBlocks
    >>> class Halves(ByBlocks):
    ...     name = "halves"
    ...
    ...     @staticmethod
    ...     def block(arrays, index):
    ...         return arrays[0][index] / 2
    >>> Halves.cross((np.array([[1, 2], [3, 4]]), np.array([1.25, 6.25])), np.array([1.0, 1.0]))
    array([1.5, 3.5])
    """

    @staticmethod
    def block(arrays: Any, index: Any) -> np.ndarray:
        """Columns of X* as rows, (k, obs), float64.

        Parameters
        ----------
        arrays : tuple of ndarray
            Those of a design of this class.
        index : slice or ndarray of int, (k,)
            Features.

        Returns
        -------
        ndarray, (k, obs)
        """
        raise NotImplementedError

    @classmethod
    def product(cls, arrays: Any, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs[, trait]), over the features whose effect is not zero."""
        active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
        n = int(cls.rows(arrays))
        fit = np.zeros((*effects.shape[1:], n))
        for part in blocks(n, len(active)):
            index = active[part]
            fit += effects[index].T @ cls.block(arrays, index)
        return np.ascontiguousarray(fit.T)

    @classmethod
    def cross(cls, arrays: Any, residual: np.ndarray) -> np.ndarray:
        """The transpose of X* times the residual, (feature[, trait])."""
        p = len(arrays[-1])
        parts = blocks(len(residual), p)
        return np.concatenate([cls.block(arrays, part) @ residual for part in parts])

    def columns(self, index: Any) -> np.ndarray:
        """Columns of X*, (obs, k), float64.

        Parameters
        ----------
        index : array_like or slice
            Features: anything that indexes an array of them.

        Returns
        -------
        ndarray, (obs, k)
        """
        return self.block(self.arrays, self._features(index)).T
