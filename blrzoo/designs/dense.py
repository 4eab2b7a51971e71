"""The dense design: feature-major float64, the working state is the residual."""

from typing import Any

import numpy as np

from blrzoo.designs.base import Design, register

__all__ = ["Dense"]


@register
class Dense(Design):
    r"""X* as (feature, obs) in float64, so that a feature is contiguous: the design of any X.

    With weights :math:`w`, centres :math:`c` and units :math:`u`,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)` is stored. A sweep costs
    p dot products of length n, and one more pass over each feature whose effect changes.

    Parameters
    ----------
    X : ndarray, (obs, feature)
        Features as given.
    center : ndarray, (feature,)
        What is subtracted from each.
    scale : ndarray, (obs,), optional
        What rows are multiplied by, for residuals of equal variance: root weights.
    unit : ndarray, (feature,), optional
        What each feature is divided by: effects are per this much of it.

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

    def __init__(
        self,
        X: np.ndarray,
        center: np.ndarray,
        scale: np.ndarray | float = 1.0,
        unit: np.ndarray | float = 1.0,
    ) -> None:
        rows = np.ascontiguousarray((X - center).T)
        rows *= scale
        if np.ndim(unit):
            rows /= np.asarray(unit)[:, None]
        self.arrays = (rows, np.einsum("ji,ji->j", rows, rows))

    @staticmethod
    def dot(arrays: Any, j: int, working: Any) -> Any:
        """x*_j'r."""
        x = arrays[0][j]
        total = 0.0
        for i in range(working.shape[0]):
            total += x[i] * working[i]
        return total

    @staticmethod
    def update(arrays: Any, j: int, change: Any, working: Any) -> None:
        """r += change x*_j."""
        x = arrays[0][j]
        for i in range(working.shape[0]):
            working[i] += change * x[i]

    @classmethod
    def product(cls, arrays: Any, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs[, trait]), over the features whose effect is not zero."""
        rows = arrays[0]
        active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
        if 2 * active.size <= len(effects):
            effects, rows = effects[active], rows[active]
        return np.ascontiguousarray((effects.T @ rows).T)

    @classmethod
    def cross(cls, arrays: Any, residual: np.ndarray) -> np.ndarray:
        """The transpose of X* times the residual, (feature[, trait])."""
        return np.asarray(arrays[0] @ residual)

    def columns(self, index: Any) -> np.ndarray:
        """Columns of X*, (obs, k)."""
        return self.arrays[0][self._features(index)].T
