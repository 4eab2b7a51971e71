"""The factorisation of a dense design that the joint draw of all effects goes through."""

import numpy as np
import pytensor
import scipy.linalg
from pytensor.tensor.variable import TensorVariable

__all__ = ["Factorisation", "rotated_moments"]


class Factorisation:
    r"""``beta | rest`` as one multivariate normal, for ``beta ~ N(0, tau2 I)``.

    With X = U S V' (thin), the precision is V (S^2/sigma2 + 1/tau2) V' + (I - V V')/tau2, so the
    elements of V'beta are independent, whatever sigma2 and tau2 are. A draw costs two products
    with U and two with V.

    Parameters
    ----------
    X : ndarray, (obs, feature)
        Features as in the sweep: centered, divided by units, times square roots of the weights.

    References
    ----------
    .. [1] de los Campos et al. (2010). Semi-parametric genomic-enabled prediction of genetic
       values. Genetics Research 92:295-308 (sampling through an eigendecomposition).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.factorisation import Factorisation
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
        """Approximate number of floating point operations of the factorisation."""
        return 10.0 * n * p * min(n, p)

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """U, S and V'."""
        return self.U, self.s, self.Vt

    def shared(self) -> list[TensorVariable]:
        """U, S and V' as PyTensor variables, not copied."""
        return [pytensor.shared(part, borrow=True) for part in self.arrays]

    def fit(self, effects: np.ndarray) -> np.ndarray:
        """X times the effects, (obs[, trait])."""
        return self.U @ (self.s * (self.Vt @ effects).T).T

    def moments(
        self, target: np.ndarray, sigma2: np.ndarray | float, tau2: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean, (feature,), and covariance, (feature, feature), of what `JointDraw` draws."""
        mean, variance = rotated_moments(self.U.T @ target, self.s, sigma2, tau2)
        p = self.Vt.shape[1]
        return mean @ self.Vt, tau2 * np.eye(p) + (self.Vt.T * (variance - tau2)) @ self.Vt


def rotated_moments(
    projection: np.ndarray, s: np.ndarray, sigma2: np.ndarray | float, tau2: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances of V'beta, whose elements are independent."""
    variance = 1 / (s**2 / sigma2 + 1 / tau2)
    return variance * s * projection / sigma2, variance
