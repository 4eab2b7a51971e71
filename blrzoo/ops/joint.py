"""The joint draw of all effects with one common variance: the Op and its numba kernel."""

from collections.abc import Sequence

import numpy as np
from numba import njit
from pytensor.graph.basic import Apply

from blrzoo.designs.factorisation import rotated_moments
from blrzoo.ops.base import ReferenceOp, Shape
from blrzoo.ops.numba import FASTMATH, register

__all__ = ["JointDraw"]


class JointDraw(ReferenceOp):
    """Joint draw of all effects: a pure function of the state and of its noise.

    Inputs: U, s, V' of a `Factorisation`, then

    - target : (obs,) partial residual of the features, times square roots of the weights
    - sigma2, tau2 : () residual variance, and variance of the effects
    - normals : (feature,) standard normal noise

    Outputs: effects beta (feature,), and X beta (obs,) with X as it was factorised.
    """

    dtypes = ("float64", "float64")

    def reference(
        self,
        U: np.ndarray,
        s: np.ndarray,
        Vt: np.ndarray,
        target: np.ndarray,
        sigma2: np.ndarray,
        tau2: np.ndarray,
        normals: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw in the coordinates V'beta, whose elements are independent."""
        mean, variance = rotated_moments(U.T @ target, s, sigma2, tau2)
        noise, tau = Vt @ normals, np.sqrt(tau2)
        rotated = mean + np.sqrt(variance) * noise
        return tau * normals + (rotated - tau * noise) @ Vt, U @ (s * rotated)

    def infer_shape(self, node: Apply | None, shapes: Sequence[Shape]) -> list[Shape]:
        """Effects are as long as the noise, the fit is as long as the target."""
        _, _, _, target, _, _, normals = shapes
        return [normals, target]


@register(JointDraw)
@njit(fastmath=FASTMATH)
def _joint(U, s, Vt, target, sigma2, tau2, normals):  # type: ignore[no-untyped-def]
    """`JointDraw` in one pass over U, one over V' and a second one over U."""
    s2, t2 = sigma2.item(), tau2.item()
    tau = np.sqrt(t2)
    effects, rotated = tau * normals, np.zeros(s.shape[0])
    fit = np.empty(U.shape[0])
    for i in range(U.shape[0]):
        for k in range(s.shape[0]):
            rotated[k] += U[i, k] * target[i]
    for k in range(s.shape[0]):
        noise = 0.0
        for j in range(normals.shape[0]):
            noise += Vt[k, j] * normals[j]
        variance = 1.0 / (s[k] * s[k] / s2 + 1.0 / t2)
        rotated[k] = variance * s[k] * rotated[k] / s2 + np.sqrt(variance) * noise
        change = rotated[k] - tau * noise
        for j in range(normals.shape[0]):
            effects[j] += change * Vt[k, j]
        rotated[k] *= s[k]
    for i in range(U.shape[0]):
        total = 0.0
        for k in range(s.shape[0]):
            total += U[i, k] * rotated[k]
        fit[i] = total
    return effects, fit
