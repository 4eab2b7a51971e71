"""The joint draw of all effects with one common variance, through a factorisation made once."""

from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import scipy.linalg
from pytensor.tensor.variable import TensorVariable

__all__ = ["JointDraw"]


class JointDraw:
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
    >>> from blrzoo.ops.joint import JointDraw
    >>> joint = JointDraw(np.array([[1.0], [-1.0]]))
    >>> mean, covariance = joint.moments(np.array([1.0, 0.0]), sigma2=1.0, tau2=1.0)
    >>> mean.round(6), covariance.round(6)
    (array([0.333333]), array([[0.333333]]))
    """

    def __init__(self, X: np.ndarray) -> None:
        self.U, self.s, self.Vt = scipy.linalg.svd(X, full_matrices=False, check_finite=False)

    @staticmethod
    def cost(n: int, p: int) -> float:
        """Floating point operations of the factorisation, roughly."""
        return 10.0 * n * p * min(n, p)

    def draw(
        self, target: TensorVariable, sigma2: Any, tau2: Any, normals: TensorVariable
    ) -> tuple[TensorVariable, TensorVariable]:
        """Effects and their fit from standard normals, symbolically.

        Parameters
        ----------
        target : TensorVariable, (obs,)
            y minus everything in its mean but the features.
        sigma2, tau2 : TensorVariable, ()
            Residual variance and variance of the effects.
        normals : TensorVariable, (feature,)
            Standard normals.

        Returns
        -------
        effects : TensorVariable, (feature,)
        fit : TensorVariable, (obs,)
            X times the effects.
        """
        U, s, Vt = (pytensor.shared(part, borrow=True) for part in (self.U, self.s, self.Vt))
        mean, variance = self._rotated(U.T @ target, s, sigma2, tau2)
        noise, tau = Vt @ normals, pt.sqrt(tau2)
        rotated = mean + pt.sqrt(variance) * noise
        return tau * normals + (rotated - tau * noise) @ Vt, U @ (s * rotated)

    def fit(self, effects: np.ndarray) -> np.ndarray:
        """X times the effects, (obs,)."""
        return self.U @ (self.s * (self.Vt @ effects))

    def moments(self, target: np.ndarray, sigma2: Any, tau2: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean, (feature,), and covariance, (feature, feature), of what `draw` draws."""
        mean, variance = self._rotated(self.U.T @ target, self.s, sigma2, tau2)
        p = self.Vt.shape[1]
        return mean @ self.Vt, tau2 * np.eye(p) + (self.Vt.T * (variance - tau2)) @ self.Vt

    @staticmethod
    def _rotated(projection: Any, s: Any, sigma2: Any, tau2: Any) -> tuple[Any, Any]:
        variance = 1 / (s**2 / sigma2 + 1 / tau2)
        return variance * s * projection / sigma2, variance
