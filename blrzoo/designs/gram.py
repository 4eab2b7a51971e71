"""Cross-products of the features in place of X: a sweep without observations."""

import numpy as np

from blrzoo.designs.base import SUMS, Arrays, Design, Index, register

__all__ = ["Gram"]


@register
class Gram(Design):
    r"""X*'X*, (feature, feature), about the weighted means; a sweep carries X*'r, not r.

    With weights :math:`w`, centers :math:`c` and units :math:`u`,
    :math:`X^* = \mathrm{diag}(\sqrt w)\,(X - 1c')\,\mathrm{diag}(1/u)`. "Residuals" of this design
    are :math:`X^{*\prime} r`, (feature[, trait]), and `product` returns :math:`X^{*\prime} X^* b`.
    In a sweep, a feature whose effect does not change costs only the draw of its label, and one
    whose effect changes costs p multiplications, whatever the number of observations.

    Parameters
    ----------
    cross : ndarray, (feature, feature)
        (X - 1c')'diag(w)(X - 1c'), ``XX`` of `blrzoo.sufficient_statistics`. Not copied where
        there are no units.
    unit : ndarray, (feature,), optional
        What each feature is divided by; effects are per unit. Default: nothing.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.gram import Gram
    >>> Gram(np.array([[2.0, 1.0], [1.0, 2.0]])).fit(np.array([1.0, 0.0]))
    array([2., 1.])
    """

    name, form = "gram", SUMS

    def __init__(self, cross: np.ndarray, unit: np.ndarray | None = None) -> None:
        rows = np.ascontiguousarray(cross, dtype=np.float64)
        if unit is not None:
            rows = rows / unit
            rows /= unit[:, None]
        self.arrays = (rows, np.diagonal(rows).copy())
        self.unit = unit

    @staticmethod
    def dot(arrays: Arrays, j: int, working: np.ndarray) -> float:
        """x*_j'r, which is carried."""
        return working[j]

    @staticmethod
    def update(arrays: Arrays, j: int, change: float, working: np.ndarray) -> None:
        """X*'r += change X*'x*_j."""
        x = arrays[0][j]
        for i in range(working.shape[0]):
            working[i] += change * x[i]

    @classmethod
    def product(cls, arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """X*'X* times the effects, over those that are not zero."""
        rows = arrays[0]
        active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
        if 2 * active.size <= len(effects):
            effects, rows = effects[active], rows[active]
        return np.ascontiguousarray((effects.T @ rows).T)

    def columns(self, index: Index) -> np.ndarray:
        """Refuse: cross-products do not have the columns of X.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError(
            "X must be available for this, got a model of sufficient statistics, which have no "
            "observations. Make the model of X and y."
        )
