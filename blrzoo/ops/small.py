"""Linear algebra of small matrices as PyTensor Ops, without BLAS or LAPACK in the compiled form.

A compiled graph with BLAS or LAPACK in it takes tens of seconds to make; plain loops over
matrices of a few rows take none of that, and run faster. All Ops take leading batch dimensions.
Only symmetric positive definite matrices are factorised, and what is not one never passes
silently: the inverse is NaN then, and the other Ops raise ``numpy.linalg.LinAlgError``.
"""

from typing import Any

import numpy as np
import pytensor.tensor as pt
import scipy.linalg
from pytensor.gradient import DisconnectedType
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable

__all__ = [
    "SYMMETRY",
    "CanonicalDraw",
    "InverseBartlett",
    "InverseLogDeterminant",
    "LogCholesky",
    "Pack",
    "Unpack",
    "inverse_log_determinant",
    "positive_definite",
    "product",
]

#: How far a_ij may be from a_ji, relative to sqrt(a_ii a_jj), in what passes as symmetric.
SYMMETRY = 1e-8

#: What is raised where a factorisation does not exist.
NOT_POSITIVE = "a matrix that must be symmetric and positive definite is not"


class _Small(Op):
    """Inputs of double precision whose last dimensions are the matrices; the others are batch."""

    __props__ = ()
    gufunc_signature: str

    def make_node(self, *inputs: Any) -> Apply:
        """Take anything that is a tensor, in double precision."""
        variables = [pt.cast(pt.as_tensor(value), "float64") for value in inputs]
        shapes = self.infer_shape(None, [variable.type.shape for variable in variables])
        return Apply(self, variables, [pt.tensor(dtype="float64", shape=s) for s in shapes])


class LogCholesky(_Small):
    """Lower Cholesky factors, packed row by row, with the logarithm of the diagonal.

    (..., m, m) to (..., m (m + 1) / 2). Has no gradient.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import LogCholesky
    >>> LogCholesky()(np.array([[1.0, 0.5], [0.5, 0.25 + np.e**2]])).eval()
    array([0. , 0.5, 1. ])
    """

    gufunc_signature = "(m,m)->(k)"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        (matrices,) = inputs
        m = matrices.shape[-1]
        packed = np.empty((*matrices.shape[:-2], m * (m + 1) // 2))
        for batch in np.ndindex(matrices.shape[:-2]):
            factor = _factor(matrices[batch])
            np.fill_diagonal(factor, np.log(np.diagonal(factor)))
            packed[batch] = factor[np.tril_indices(m)]
        outputs[0][0] = packed

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """One number for each element of the lower triangle."""
        *batch, m, _ = shapes[0]
        return [(*batch, None if m is None else m * (m + 1) // 2)]


class Unpack(_Small):
    """Lower triangular matrices, (..., m, m), of their rows one after another.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import Unpack
    >>> Unpack()(np.array([1.0, 2.0, 3.0])).eval()
    array([[1., 0.],
           [2., 3.]])
    """

    gufunc_signature = "(k)->(m,m)"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        (packed,) = inputs
        m = _rows(packed.shape[-1])
        outputs[0][0] = np.zeros((*packed.shape[:-1], m, m))
        outputs[0][0][(..., *np.tril_indices(m))] = packed

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """As many rows as fill the vector."""
        *batch, length = shapes[0]
        m = None if length is None else _rows(length)
        return [(*batch, m, m)]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Gradient, packed."""
        return [Pack()(cotangents[0])]


class Pack(_Small):
    """Lower triangles, row by row, (..., m (m + 1) / 2), of matrices, (..., m, m).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import Pack
    >>> Pack()(np.array([[1.0, 9.0], [2.0, 3.0]])).eval()
    array([1., 2., 3.])
    """

    gufunc_signature = "(m,m)->(k)"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        outputs[0][0] = inputs[0][(..., *np.tril_indices(inputs[0].shape[-1]))]

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """One number for each element of the lower triangle."""
        *batch, m, _ = shapes[0]
        return [(*batch, None if m is None else m * (m + 1) // 2)]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Gradient, unpacked."""
        return [Unpack()(cotangents[0])]


class InverseLogDeterminant(_Small):
    """Inverse, (..., m, m), and log determinant, (...), of covariance matrices, (..., m, m).

    Both are NaN where a matrix is not symmetric and positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import InverseLogDeterminant
    >>> inverse, log_determinant = InverseLogDeterminant()(np.diag([1.0, 4.0]))
    >>> inverse.eval().tolist(), log_determinant.eval().round(6).item()
    ([[1.0, 0.0], [0.0, 0.25]], 1.386294)
    """

    gufunc_signature = "(m,m)->(m,m),()"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        (matrices,) = inputs
        inverses, logs = np.full_like(matrices, np.nan), np.full(matrices.shape[:-2], np.nan)
        for batch in np.ndindex(matrices.shape[:-2]):
            try:
                factor = _factor(matrices[batch])
            except np.linalg.LinAlgError:
                continue
            half = scipy.linalg.solve_triangular(factor, np.eye(len(factor)), lower=True)
            inverses[batch] = _square(half)
            logs[batch] = 2 * np.log(np.diagonal(factor)).sum()
        outputs[0][0], outputs[1][0] = inverses, logs

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """Shapes of the matrices, and of the batch."""
        return [shapes[0], shapes[0][:-2]]

    def pullback(self, inputs: Any, outputs: Any, cotangents: Any) -> list[Any]:
        """Gradient for a symmetric matrix, made symmetric."""
        (inverse, _), (by_inverse, by_log) = outputs, cotangents
        total = pt.zeros_like(inverse)
        if not isinstance(by_log.type, DisconnectedType):
            total += by_log[..., None, None] * inverse
        if not isinstance(by_inverse.type, DisconnectedType):
            middle = (by_inverse + pt.swapaxes(by_inverse, -1, -2)) / 2
            total -= product(product(inverse, middle), inverse)
        return [total]


class InverseBartlett(_Small):
    """Inverse-Wishart matrices out of their noise, by the Bartlett decomposition.

    Inputs, where the batch dimensions are those of the last two:

    - S : (..., m, m) scale, or one for a whole batch
    - chi2 : (..., m) chi-squares with nu, nu - 1, ..., nu - m + 1 degrees of freedom
    - normals : (..., m, m) standard normals, of which those below the diagonal are used

    Output: (..., m, m), exactly symmetric. With S = L L' and the Bartlett factor A, which has the
    roots of chi2 on its diagonal, it is L (A A')^-1 L' [1]_.

    References
    ----------
    .. [1] Smith & Hocking (1972). Algorithm AS 53: Wishart variate generator. Journal of the
       Royal Statistical Society C 21:341-345.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import InverseBartlett
    >>> InverseBartlett()(np.diag([1.0, 6.0]), np.array([2.0, 3.0]), np.zeros((2, 2))).eval()
    array([[0.5, 0. ],
           [0. , 2. ]])
    """

    gufunc_signature = "(m,m),(m),(m,m)->(m,m)"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        S, chi2, normals = inputs
        scales, drawn = np.broadcast_to(S, normals.shape), np.empty_like(normals)
        for batch in np.ndindex(chi2.shape[:-1]):
            bartlett = np.tril(normals[batch], -1) + np.diag(np.sqrt(chi2[batch]))
            half = scipy.linalg.solve_triangular(bartlett, _factor(scales[batch]).T, lower=True)
            drawn[batch] = _square(half)
        outputs[0][0] = drawn

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """As the normals."""
        return [shapes[2]]


class CanonicalDraw(_Small):
    """Normal vectors given by their precision matrix, out of standard normals.

    Inputs: precision (..., m, m), linear (..., m) and normals (..., m). Output: (..., m), a draw
    from the normal distribution proportional to ``exp(-x'Px / 2 + linear'x)``, that is the
    solution x of L'x = L^-1 linear + normals with P = L L' [1]_.

    References
    ----------
    .. [1] Rue & Held (2005). Gaussian Markov Random Fields, algorithm 2.5.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.small import CanonicalDraw
    >>> CanonicalDraw()(np.diag([4.0, 1.0]), np.array([4.0, 0.0]), np.array([2.0, 0.5])).eval()
    array([2. , 0.5])
    """

    gufunc_signature = "(m,m),(m),(m)->(m)"

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        precision, linear, normals = inputs
        drawn = np.empty_like(linear)
        for batch in np.ndindex(linear.shape[:-1]):
            factor = _factor(precision[batch])
            half = scipy.linalg.solve_triangular(factor, linear[batch], lower=True)
            drawn[batch] = scipy.linalg.solve_triangular(
                factor, half + normals[batch], lower=True, trans="T"
            )
        outputs[0][0] = drawn

    def infer_shape(self, node: Apply | None, shapes: list[Any]) -> list[Any]:
        """As the linear term."""
        return [shapes[1]]


def inverse_log_determinant(matrices: Any) -> tuple[TensorVariable, TensorVariable]:
    """Inverse, (..., m, m), and log determinant, (...); see `InverseLogDeterminant`."""
    inverse, log_determinant = InverseLogDeterminant()(matrices)
    return inverse, log_determinant


def product(left: TensorVariable, right: TensorVariable) -> TensorVariable:
    """Matrix product, (..., m, m), of symbolic small matrices, elementwise."""
    return pt.sum(left[..., :, :, None] * right[..., None, :, :], axis=-2)


def _rows(length: Any) -> Any:
    """Rows of the lower triangle that has so many elements."""
    if isinstance(length, int):
        return int((8 * length + 1) ** 0.5 - 1) // 2
    return pt.cast((pt.sqrt(8.0 * length + 1.0) - 1.0) / 2.0 + 0.25, "int64")


def _factor(matrix: np.ndarray) -> np.ndarray:
    """Lower Cholesky factor of one symmetric matrix."""
    scale = np.sqrt(np.abs(np.diagonal(matrix)))
    if not np.isfinite(matrix).all() or np.any(
        np.abs(matrix - matrix.T) > SYMMETRY * np.outer(scale, scale)
    ):
        raise np.linalg.LinAlgError(NOT_POSITIVE)
    return np.linalg.cholesky(matrix)


def positive_definite(matrices: np.ndarray) -> bool:
    """Whether all matrices, (..., m, m), are symmetric and positive definite."""
    try:
        for batch in np.ndindex(matrices.shape[:-2]):
            _factor(matrices[batch])
    except np.linalg.LinAlgError:
        return False
    return True


def _square(half: np.ndarray) -> np.ndarray:
    """half' half, exactly symmetric."""
    square = half.T @ half
    return np.tril(square) + np.tril(square, -1).T
