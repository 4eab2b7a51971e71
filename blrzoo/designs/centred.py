"""Features that are stored as given, and centered, weighted and scaled while they are used."""

import numpy as np

from blrzoo.designs.base import Arrays, Design, Index

__all__ = ["CentredInUse", "per_feature", "row_weights"]


class CentredInUse(Design):
    r"""Base of designs that store X as given: what their sweeps carry.

    The stored columns :math:`g_j` contain neither the centers :math:`c` nor the weights
    :math:`w`, so they take no more memory than X. With the residual :math:`r = \sqrt w (q - s)`, a
    sweep carries :math:`v = w q`, the shift s, which is the same for all observations, and the sum
    :math:`S = \sum_i w_i (q_i - s)`. For a feature of unit :math:`u_j`

    .. math:: x_j^{*\prime} r = (g_j'v - s\, g_j'w - c_j S) / u_j,

    and a change b of its effect adds, with :math:`b_u = b / u_j`, :math:`b_u w g_j` to v,
    :math:`b_u c_j` to s and :math:`b_u (g_j - c_j)'w` to S. So an update touches only observations
    where :math:`g_j` is not 0. The last six of the arrays are

    - the weights, (obs,), or (0,) where all are 1
    - the centers, the units, :math:`g_j'w` and :math:`(g_j - c_j)'w`, each (feature,)
    - the diagonal of X*'X*, (feature,)

    A subclass defines `dot` and `update` over its own :math:`g_j`, and in plain Python `times` and
    `transposed_times`, the products with g, and `given`, some columns of g.

    References
    ----------
    .. [1] Legarra & Misztal (2008). Computing strategies in genome-wide selection. Journal of
       Dairy Science 91:360-366.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.centred import CentredInUse
    >>> one, none = np.ones(1), np.empty(0)
    >>> CentredInUse.begin((none, one, one, one, one, one), np.array([3.0, 4.0]))
    array([3., 4., 7., 0.])
    """

    @staticmethod
    def begin(arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """Return v, S and s from the residual."""
        weights, n, total = arrays[-6], residual.shape[0], 0.0
        working = np.zeros(n + 2)
        for i in range(n):
            working[i] = residual[i] * np.sqrt(weights[i]) if weights.size > 0 else residual[i]
            total += working[i]
        working[n] = total
        return working

    @staticmethod
    def end(arrays: Arrays, working: np.ndarray) -> np.ndarray:
        """Return the residual from v and s."""
        weights, n = arrays[-6], working.shape[0] - 2
        residual, root = np.empty(n), 1.0
        for i in range(n):
            if weights.size > 0:
                root = np.sqrt(weights[i])
            residual[i] = working[i] / root - working[n + 1] * root
        return residual

    @staticmethod
    def times(arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """The stored features times effects, (obs[, trait])."""
        raise NotImplementedError

    @staticmethod
    def transposed_times(arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of the stored features times a residual, (feature[, trait])."""
        raise NotImplementedError

    @staticmethod
    def given(arrays: Arrays, index: np.ndarray) -> np.ndarray:
        """Some of the stored features, (obs, k), float64."""
        raise NotImplementedError

    @classmethod
    def product(cls, arrays: Arrays, effects: np.ndarray) -> np.ndarray:
        """X* times the effects, (obs[, trait])."""
        weights, center, unit = arrays[-6:-3]
        by_unit = (effects.T / unit).T
        return _times_root(cls.times(arrays, by_unit) - center @ by_unit, weights)

    @classmethod
    def cross(cls, arrays: Arrays, residual: np.ndarray) -> np.ndarray:
        """The transpose of X* times the residual, (feature[, trait])."""
        weights, center, unit = arrays[-6:-3]
        weighted = _times_root(residual, weights)
        about = np.multiply.outer(center, weighted.sum(axis=0))
        dots = cls.transposed_times(arrays, weighted) - about
        return np.ascontiguousarray((dots.T / unit).T)

    def columns(self, index: Index) -> np.ndarray:
        """Columns of X*, (obs, k), float64.

        Parameters
        ----------
        index : array_like or slice
            Features: anything that indexes an array of them.

        Returns
        -------
        ndarray, (obs, k)
        """
        features = self._features(index)
        weights, center, unit = self.arrays[-6:-3]
        columns = self.given(self.arrays, features) - center[features]
        return _times_root(columns, weights) / unit[features]


def row_weights(scale: np.ndarray | float, n: int) -> np.ndarray:
    """Weights, (obs,), from their square roots; (0,) where all are 1, the usual case."""
    root = np.broadcast_to(np.asarray(scale, dtype=np.float64), n)
    return np.empty(0) if (root == 1).all() else root**2


def per_feature(value: np.ndarray | float, p: int) -> np.ndarray:
    """One number for all features, or one for each, as float64, (feature,)."""
    return np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), p), order="C")


def _times_root(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Multiply rows by the square roots of the weights."""
    return np.ascontiguousarray((values.T * np.sqrt(weights)).T) if weights.size else values
