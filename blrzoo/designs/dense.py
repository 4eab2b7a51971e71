"""Dense designs: feature-major; the working state of a sweep is the residual."""

from functools import partial
from typing import ClassVar

import numpy as np

from blrzoo.designs.base import Arrays, Design, Index, register
from blrzoo.storage.blocks import block_cross, block_product, blocks, tiles

__all__ = ["Dense", "DenseFloat32"]


@register
class Dense(Design):
    r"""X* as (feature, obs) in float64, each feature contiguous; serves any X.

    With weights :math:`w`, centers :math:`c` and units :math:`u`,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)` is stored. A sweep costs
    p dot products of length n, and one more pass over each feature whose effect changes.

    Parameters
    ----------
    X : ndarray, (obs, feature)
        Features as given.
    center : ndarray, (feature,)
        What is subtracted from each feature.
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
    >>> from blrzoo.designs.dense import Dense
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> Dense(X, X.mean(axis=0)).fit(np.array([1.0, 0.0]))
    array([-2.,  0.,  2.])
    """

    name = "dense"
    dtype: ClassVar[type[np.floating]] = np.float64

    def __init__(
        self,
        X: np.ndarray,
        center: np.ndarray,
        scale: np.ndarray | float = 1.0,
        unit: np.ndarray | float = 1.0,
    ) -> None:
        n, p = X.shape
        center, unit = (np.broadcast_to(value, p) for value in (center, unit))
        scale, rows = np.broadcast_to(scale, n), np.empty((p, n), dtype=self.dtype)
        for obs, features in tiles(n, p):
            part = (X[obs, features] - center[features]).T * scale[obs]
            rows[features, obs] = part / unit[features, None]
        self.arrays = (rows, _sums_of_squares(rows))

    @staticmethod
    def dot(arrays: Arrays, j: int, working: np.ndarray) -> float:
        """x*_j'r."""
        x = arrays[0][j]
        total = 0.0
        for i in range(working.shape[0]):
            total += x[i] * working[i]
        return total

    @staticmethod
    def update(arrays: Arrays, j: int, change: float, working: np.ndarray) -> None:
        """r += change x*_j."""
        x = arrays[0][j]
        for i in range(working.shape[0]):
            working[i] += change * x[i]

    @classmethod
    def product(cls, arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs[, trait]), over the features whose effect is not zero."""
        rows = arrays[0]
        active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
        if 2 * active.size <= len(effects):
            effects, rows = effects[active], rows[active]
        return np.ascontiguousarray((effects.T @ rows).T)

    @classmethod
    def cross(cls, arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of X* times the residual, (feature[, trait])."""
        return np.asarray(arrays[0] @ residual)

    def columns(self, index: Index) -> np.ndarray:
        """Columns of X*, (obs, k)."""
        return self.arrays[0][self._features(index)].T


@register
class DenseFloat32(Dense):
    r"""X* as (feature, obs) in float32: half the memory of `Dense`, sums in float64.

    With weights :math:`w`, centers :math:`c` and units :math:`u`,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)` is computed in float64
    and then rounded to 7 digits; draws are exact for the rounded X*. The residual, the effects and
    all sums stay in float64.

    Parameters
    ----------
    X : ndarray, (obs, feature)
        Features as given.
    center : ndarray, (feature,)
        What is subtracted from each feature.
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
    >>> from blrzoo.designs.dense import DenseFloat32
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> design = DenseFloat32(X, X.mean(axis=0))
    >>> design.arrays[0].dtype, design.fit(np.array([1.0, 0.0]))
    (dtype('float32'), array([-2.,  0.,  2.]))
    """

    name = form = "float32"
    dtype = np.float32

    @classmethod
    def product(cls, arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs[, trait]), float64."""
        return block_product(partial(_block, arrays[0]), arrays[0].shape[1], effects)

    @classmethod
    def cross(cls, arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of X* times the residual, (feature[, trait]), float64."""
        return block_cross(partial(_block, arrays[0]), len(arrays[0]), residual)

    def columns(self, index: Index) -> np.ndarray:
        """Columns of X*, (obs, k), float64."""
        return _block(self.arrays[0], self._features(index)).T


def _block(rows: np.ndarray, index: np.ndarray | slice) -> np.ndarray:
    """Some rows in float64."""
    return np.asarray(rows[index], dtype=np.float64)


def _sums_of_squares(rows: np.ndarray) -> np.ndarray:
    """Sum of squares of each row, in float64."""
    sums = np.empty(len(rows))
    for part in blocks(rows.shape[1], len(rows)):
        block = _block(rows, part)
        sums[part] = np.einsum("ji,ji->j", block, block)
    return sums
