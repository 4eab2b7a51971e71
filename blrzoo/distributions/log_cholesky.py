"""Covariance matrices as unconstrained vectors, for NUTS."""

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.ops.small import log_cholesky, product, unpack

__all__ = ["LogCholeskyTransform"]


class LogCholeskyTransform(Transform):
    r"""A covariance matrix as its lower Cholesky factor, packed, with a log diagonal.

    ``Sigma = L L'``, (..., m, m), becomes (..., m (m + 1) / 2): the rows of L one after another,
    with :math:`\log L_{ii}` on the diagonal. Batch dimensions are kept. The log Jacobian
    determinant of the backward transform, over the lower triangle of Sigma, is [1]_

    .. math:: m \log 2 + \sum_{i=1}^m (m - i + 2) \log L_{ii}

    Raises
    ------
    numpy.linalg.LinAlgError
        When ``forward`` is evaluated at a matrix that is not symmetric and positive definite.

    References
    ----------
    .. [1] Pinheiro & Bates (1996). Unconstrained parametrizations for variance-covariance
       matrices. Statistics and Computing 6:289-296.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.distributions.log_cholesky import LogCholeskyTransform
    >>> transform = LogCholeskyTransform()
    >>> packed = transform.forward(np.array([[1.0, 2.0], [2.0, 8.0]])).eval()
    >>> packed.round(4)
    array([0.    , 2.    , 0.6931])
    >>> transform.backward(packed).eval().round(6)
    array([[1., 2.],
           [2., 8.]])
    """

    name = "logcholesky"
    ndim_supp = 1

    def forward(self, value: pt.TensorLike, *inputs: Variable) -> TensorVariable:
        """Packed factors, (..., m (m + 1) / 2), of matrices, (..., m, m)."""
        return log_cholesky(value)

    def backward(self, value: pt.TensorLike, *inputs: Variable) -> TensorVariable:
        """Matrices, (..., m, m), exactly symmetric, of packed factors."""
        value = pt.as_tensor(value)
        if value.type.shape[-1] == 1:  # PyTensor 3.3 fails to compile the sum of one product
            return pt.exp(2 * value)[..., None]
        packed = unpack(value)
        diagonal = _diagonal(packed)
        # The exponential is taken of the diagonal alone: nothing else may overflow in gradients.
        factor = pt.switch(diagonal, pt.exp(pt.switch(diagonal, packed, 0.0)), packed)
        return product(factor, pt.swapaxes(factor, -1, -2))

    def log_jac_det(self, value: pt.TensorLike, *inputs: Variable) -> TensorVariable:
        """Log Jacobian determinant of ``backward``, (...)."""
        packed = unpack(value)
        m = packed.shape[-1]
        powers = pt.arange(m + 1, 1, -1)
        logs = pt.switch(_diagonal(packed), powers * packed, 0.0)
        return m * np.log(2.0) + pt.sum(logs, axis=(-2, -1))


def _diagonal(matrices: TensorVariable) -> TensorVariable:
    """Whether an element is on the diagonal, (m, m)."""
    element = pt.arange(matrices.shape[-1])
    return pt.eq(element[:, None], element)
