"""The unknown cells of normal rows drawn given the known ones, as a PyTensor Op."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
import scipy.linalg
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

__all__ = ["Complete", "complete"]


class Complete(Op):
    r"""Draw the unknown cells of normal rows from their conditional given the known ones.

    Row i is :math:`N(\mu_i, \Sigma / w_i)`. Rows with the same pattern of known cells share all
    that depends on the covariance alone: traits are put in order, the known ones of the pattern
    first, and L is the Cholesky factor of the covariance in that order. For each row
    ``L z = root_i (row - mu_i)`` is solved for the known traits, z of the unknown ones is the
    noise, and the same product then gives the unknown cells [1]_. Known cells are copied.

    Inputs

    - values : (obs, trait) the rows; what is in their unknown cells does not matter
    - mu : (obs, trait)
    - cov : (trait, trait)
    - root : (obs,) square roots of the weights
    - index : (obs,) number of the row's pattern, an integer
    - patterns : (pattern, trait) bool, True where known
    - normals : (obs, trait) the noise, standard normal; only that of unknown cells is used

    Output: the complete rows, (obs, trait).

    References
    ----------
    .. [1] Schafer (1997). Analysis of Incomplete Multivariate Data, chapter 5.
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Check the kinds of the inputs."""
        variables = [pt.as_tensor(value) for value in inputs]
        for i in (0, 1, 2, 3, 6):
            variables[i] = pt.cast(variables[i], "float64")
        return Apply(self, variables, [variables[0].type()])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        outputs[0][0] = complete(*inputs)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """The shape of the rows."""
        return [shapes[0]]


def complete(
    values: np.ndarray,
    mu: np.ndarray,
    cov: np.ndarray,
    root: np.ndarray,
    index: np.ndarray,
    patterns: np.ndarray,
    normals: np.ndarray,
) -> np.ndarray:
    """Fill the unknown cells pattern by pattern; see `Complete` for the parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.partial import complete
    >>> rows, known = np.array([[2.0, np.nan]]), np.array([[True, False]])
    >>> cov = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> zero = np.zeros((1, 2))  # without noise the draw is the conditional mean
    >>> complete(rows, zero, cov, np.ones(1), np.array([0]), known, zero)
    array([[2., 1.]])
    """
    if not (values.shape == mu.shape == normals.shape and len(values) == len(root) == len(index)):
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


def _unknown(cov: np.ndarray, deviations: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Deviations of the unknown traits, which are the last ones, given those of the known ones."""
    k, L = deviations.shape[1], np.linalg.cholesky(cov)
    if not np.isfinite(L).all():
        raise np.linalg.LinAlgError("the covariance is not positive definite")
    z = scipy.linalg.solve_triangular(L[:k, :k], deviations.T, lower=True).T if k else deviations
    return z @ L[k:, :k].T + normals @ L[k:, k:].T
