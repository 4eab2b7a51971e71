"""The unknown cells of normal rows drawn given the known ones: the Op and its numba kernel."""

from collections.abc import Sequence

import numpy as np
import pytensor.tensor as pt
import scipy.linalg
from numba import njit
from pytensor.graph.basic import Apply

from blrzoo.ops.base import ReferenceOp, Shape
from blrzoo.ops.numba import chosen_first, factorise, register

__all__ = ["Complete", "complete"]


class Complete(ReferenceOp):
    r"""Draw the unknown cells of normal rows from their conditional given the known ones.

    Row i is :math:`N(\mu_i, \Sigma / w_i)`. Rows with the same pattern of known cells share all
    that depends on the covariance alone: traits are put in order, the known ones of the pattern
    first, and L is the Cholesky factor of the covariance in that order. For each row
    ``L z = root_i (row - mu_i)`` is solved for the known traits, z of the unknown ones is the
    noise, and the same product then gives the unknown cells [1]_. Known cells are copied.

    Inputs

    - values : (obs, trait) the rows; what is in their unknown cells does not matter
    - mu : (obs, trait) means
    - cov : (trait, trait) Sigma, covariance of a row of weight 1
    - root : (obs,) square roots of the weights
    - index : (obs,) number of the row's pattern, an integer
    - patterns : (pattern, trait) bool, True where known
    - normals : (obs, trait) the noise, standard normal; only that of unknown cells is used

    Output: the complete rows, (obs, trait).

    References
    ----------
    .. [1] Schafer (1997). Analysis of Incomplete Multivariate Data, chapter 5.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.partial import Complete
    >>> rows, known = np.array([[2.0, np.nan]]), np.array([[True, False]])
    >>> cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> zero = np.zeros((1, 2))  # without noise the draw is the conditional mean
    >>> Complete().reference(rows, zero, cov, np.ones(1), np.array([0]), known, zero)
    array([[2., 1.]])
    """

    dtypes = ("float64",)

    def make_node(self, *inputs: pt.TensorLike) -> Apply:
        """Make the node, with real numbers cast to float64."""
        variables = [pt.as_tensor(value) for value in inputs]
        for i in (0, 1, 2, 3, 6):
            variables[i] = pt.cast(variables[i], "float64")
        return super().make_node(*variables)

    def reference(
        self,
        values: np.ndarray,
        mu: np.ndarray,
        cov: np.ndarray,
        root: np.ndarray,
        index: np.ndarray,
        patterns: np.ndarray,
        normals: np.ndarray,
    ) -> np.ndarray:
        """Fill the unknown cells pattern by pattern."""
        shape = values.shape
        if not (shape == mu.shape == normals.shape and shape[0] == len(root) == len(index)):
            raise ValueError("rows, means, weights and known cells differ in shape")
        filled = values.copy()
        for p, known in enumerate(patterns):
            rows, k, u = np.flatnonzero(index == p), np.flatnonzero(known), np.flatnonzero(~known)
            if not (rows.size and u.size):
                continue
            at, given, order = np.ix_(rows, u), np.ix_(rows, k), np.concatenate([k, u])
            deviations = root[rows, None] * (values[given] - mu[given])
            unknown = _unknown(cov[np.ix_(order, order)], deviations, normals[at])
            filled[at] = mu[at] + unknown / root[rows, None]
        return filled

    def infer_shape(self, node: Apply | None, shapes: Sequence[Shape]) -> list[Shape]:
        """The shape of the rows."""
        return [shapes[0]]


def _unknown(cov: np.ndarray, deviations: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Draw deviations of the unknown traits, the last ones, given those of the known traits."""
    k, L = deviations.shape[1], np.linalg.cholesky(cov)
    if not np.isfinite(L).all():
        raise np.linalg.LinAlgError("the covariance is not positive definite")
    z = scipy.linalg.solve_triangular(L[:k, :k], deviations.T, lower=True).T if k else deviations
    return z @ L[k:, :k].T + normals @ L[k:, k:].T


@njit
def _factorise_in_order(cov, order):  # type: ignore[no-untyped-def]
    """Cholesky factor of the covariance with its traits in order."""
    ordered = np.empty(cov.shape)
    for i in range(order.shape[0]):
        for j in range(order.shape[0]):
            ordered[i, j] = cov[order[i], order[j]]
    factor, positive = factorise(ordered)
    if not positive:
        raise np.linalg.LinAlgError("the covariance is not positive definite")
    return factor


@njit
def _fill(filled, mu, L, order, size, root, normals, z):  # type: ignore[no-untyped-def]
    """Write the unknown cells of one row; z is working space."""
    for i in range(order.shape[0]):
        t, total = order[i], 0.0
        for k in range(i):
            total += L[i, k] * z[k]
        if i < size:
            z[i] = (root * (filled[t] - mu[t]) - total) / L[i, i]
        else:
            z[i] = normals[t]
            filled[t] = mu[t] + (total + L[i, i] * z[i]) / root


@register(Complete)
@njit
def complete(values, mu, cov, root, index, patterns, normals):  # type: ignore[no-untyped-def]
    """`Complete`, row by row."""
    n_patterns, n_traits = patterns.shape
    shape = (index.shape[0], n_traits)
    if not (values.shape == shape == mu.shape == normals.shape and root.shape[0] == shape[0]):
        raise ValueError("rows, means, weights and known cells differ in shape")
    filled = values.copy()
    orders, sizes = np.empty((n_patterns, n_traits), np.int64), np.empty(n_patterns, np.int64)
    factors, z = np.empty((n_patterns, n_traits, n_traits)), np.empty(n_traits)
    for p in range(n_patterns):
        sizes[p] = chosen_first(patterns[p], orders[p])
        if sizes[p] < n_traits:
            factors[p] = _factorise_in_order(cov, orders[p])
    for i in range(filled.shape[0]):
        p = index[i]
        if sizes[p] < n_traits:
            L, order, size = factors[p], orders[p], sizes[p]
            _fill(filled[i], mu[i], L, order, size, root[i], normals[i], z)
    return filled
