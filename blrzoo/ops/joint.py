"""The joint draw of all effects with one common variance, as an Op."""

from typing import Any

import numpy as np
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from blrzoo.designs.factorisation import rotated_moments
from blrzoo.ops.node import node_of

__all__ = ["JointDraw"]


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
        """Take tensors."""
        return node_of(self, inputs, ["float64", "float64"])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        U, s, Vt, target, sigma2, tau2, normals = inputs
        mean, variance = rotated_moments(U.T @ target, s, sigma2, tau2)
        noise, tau = Vt @ normals, np.sqrt(tau2)
        rotated = mean + np.sqrt(variance) * noise
        outputs[0][0] = tau * normals + (rotated - tau * noise) @ Vt
        outputs[1][0] = U @ (s * rotated)

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Effects are as long as the noise, the fit is as long as the target."""
        return [shapes[-1], shapes[3]]
