"""The sweep over features of several traits, as PyTensor Ops: pure functions of state and noise."""

from typing import Any

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from blrzoo.designs.base import DESIGNS
from blrzoo.ops import trait_reference
from blrzoo.ops.node import node_of

__all__ = ["Rotate", "TraitSweep"]


class Rotate(Op):
    r"""Coordinates in which the prior and the likelihood of a feature's effects are independent.

    In a component with ``alpha ~ N(0, A)`` and effects ``b = L alpha``, let F F' = A, and U and
    :math:`\lambda` the eigenvectors and eigenvalues of :math:`(LF)'\Omega LF`. Then for every
    feature, whatever its x'x, ``alpha = F U w`` with independent elements of w: their conditional
    variances are :math:`1 / (1 + x'x \lambda_i)`. So nothing is factorised per feature, and no
    covariance of effects is inverted: ``L A L'`` may be singular.

    Inputs

    - slabs : (group, component, trait, trait) covariances A of alpha
    - projections : (component, trait, trait) L
    - precision : (trait, trait) Omega, the inverse of the residual covariance

    Outputs

    - alphas, betas : (group, component, trait, trait) F U and L F U
    - values : (group, component, trait) lambda, the largest first; 0 where rounding hides it: such
      a coordinate is drawn from its prior, standard normal
    """

    __props__ = ()

    def make_node(self, *inputs: Any) -> Apply:
        """Take tensors."""
        return node_of(self, inputs, ["float64", "float64", "float64"])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate in NumPy, where PyTensor does not compile with numba."""
        for storage, value in zip(outputs, trait_reference.rotate(*inputs), strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes follow from the covariances."""
        slabs = shapes[0]
        return [slabs, slabs, slabs[:-1]]


class TraitSweep(Op):
    """One Gibbs sweep over the features of the general model of several traits.

    For each feature in turn, (label, alpha) is drawn as one block from its full conditional given
    all the rest (section 2 of the design), all traits at once. The general member of the family:
    K positive semi-definite covariances for each group of features.

    Inputs: the design's arrays, then

    - residual : (obs, trait) of everything, times root weights
    - effects : (feature, trait) beta
    - precision : (trait, trait) Omega
    - alphas, betas, values : the outputs of `Rotate`
    - groups : (feature,) number of each feature's group
    - log_weights : (feature, component)
    - races : (feature, component) noise of the labels, standard exponential
    - normals : (feature, trait) noise of the effects, standard normal

    Outputs: alpha and beta (feature, trait), labels (feature, int64) and the residual.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    __props__ = ("design",)

    def __init__(self, design: str) -> None:
        self.design = design

    def make_node(self, *inputs: Any) -> Apply:
        """Take tensors."""
        return node_of(self, inputs, ["float64", "float64", "int64", "float64"])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate with the NumPy reference, where PyTensor does not compile with numba."""
        arrays, rest = tuple(inputs[:-10]), inputs[-10:]
        drawn = trait_reference.sweep(DESIGNS[self.design], arrays, *rest)
        for storage, value in zip(outputs, drawn, strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes of the outputs are those of the inputs that they renew."""
        residual, effects = shapes[-10:-8]
        return [effects, effects, effects[:1], residual]
