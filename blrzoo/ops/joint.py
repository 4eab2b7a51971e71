"""The joint draw of all effects with one common variance, through a factorisation made once."""

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import scipy.linalg
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable

__all__ = ["Factorisation", "JointDraw"]


class Factorisation:
    r"""``beta | rest`` as one multivariate normal, for ``beta ~ N(0, tau2 I)``.

    With X = U S V' (thin), the precision is V (S^2/sigma2 + 1/tau2) V' + (I - V V')/tau2, so in
    the rotated coordinates V'beta everything is independent, whatever sigma2 and tau2 are. A
    draw costs two products with V.

    Parameters
    ----------
    X : ndarray, (obs, feature)
        Features, centred.

    References
    ----------
    .. [1] de los Campos et al. (2010). Semi-parametric genomic-enabled prediction of genetic
       values. Genetics Research 92:295-308 (sampling through an eigendecomposition).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.joint import Factorisation
    >>> factorisation = Factorisation(np.array([[1.0], [-1.0]]))
    >>> mean, covariance = factorisation.moments(np.array([1.0, 0.0]), sigma2=1.0, tau2=1.0)
    >>> mean.round(6), covariance.round(6)
    (array([0.333333]), array([[0.333333]]))
    """

    def __init__(self, X: np.ndarray) -> None:
        U, self.s, Vt = scipy.linalg.svd(X, full_matrices=False, check_finite=False)
        self.U, self.Vt = np.ascontiguousarray(U), np.ascontiguousarray(Vt)

    @staticmethod
    def cost(n: int, p: int) -> float:
        """Floating point operations of the factorisation, roughly."""
        return 10.0 * n * p * min(n, p)

    def shared(self) -> list[TensorVariable]:
        """U, S and V' as PyTensor variables, not copied."""
        return [pytensor.shared(part, borrow=True) for part in (self.U, self.s, self.Vt)]

    def fit(self, effects: np.ndarray) -> np.ndarray:
        """X times the effects, (obs[, trait])."""
        return self.U @ (self.s * (self.Vt @ effects).T).T

    def moments(self, target: np.ndarray, sigma2: Any, tau2: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean, (feature,), and covariance, (feature, feature), of what `JointDraw` draws."""
        mean, variance = _rotated(self.U.T @ target, self.s, sigma2, tau2)
        p = self.Vt.shape[1]
        return mean @ self.Vt, tau2 * np.eye(p) + (self.Vt.T * (variance - tau2)) @ self.Vt


class JointDraw(Op):
    """The draw as a PyTensor Op: a pure function of the state and of its noise.

    Inputs: U, s, V' of a `Factorisation`, then

    - target : (obs,) y minus everything in its mean but the features
    - sigma2, tau2 : () residual variance, and variance of the effects
    - normals : (feature,) the noise

    Outputs: effects (feature,), and their fit X beta (obs,).
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Check the kinds of the inputs."""
        return Apply(self, [pt.as_tensor(value) for value in inputs], [pt.dvector(), pt.dvector()])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        U, s, Vt, target, sigma2, tau2, normals = inputs
        mean, variance = _rotated(U.T @ target, s, sigma2, tau2)
        noise, tau = Vt @ normals, np.sqrt(tau2)
        rotated = mean + np.sqrt(variance) * noise
        outputs[0][0] = tau * normals + (rotated - tau * noise) @ Vt
        outputs[1][0] = U @ (s * rotated)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Effects are as long as the noise, the fit is as long as the target."""
        return [shapes[-1], shapes[3]]


def _rotated(projection: Any, s: Any, sigma2: Any, tau2: Any) -> tuple[Any, Any]:
    """Means and variances of V'beta, whose elements are independent."""
    variance = 1 / (s**2 / sigma2 + 1 / tau2)
    return variance * s * projection / sigma2, variance
