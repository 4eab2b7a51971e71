"""The sweep as a PyTensor Op: a pure function of the state and of its noise."""

from typing import Any

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from blrzoo.designs.base import DESIGNS
from blrzoo.ops import reference
from blrzoo.ops.node import node_of

__all__ = ["Sweep"]


class Sweep(Op):
    """One Gibbs sweep over the features of the general single-trait model.

    For each feature in turn, (label, effect) is drawn as one block from its full conditional
    given all the rest (section 2 of the design). The general member of the family: K components,
    variances and weights by feature, so groups and annotations need no kernel of their own.

    Inputs: the design's arrays, then

    - residual : (obs,) of everything, times root weights
    - effects : (feature,) beta
    - variances, log_weights : (feature, component)
    - sigma2 : () residual variance
    - races : (feature, component) noise of the labels, standard exponential
    - normals : (feature,) noise of the effects, standard normal

    Outputs: effects, labels (int64) and the residual, all new.

    The label is the winner of an exponential race: with E_k standard exponential, the k with the
    smallest E_k / P(k) has probability P(k). In logarithms that is exact however small P(k) is.

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
        return node_of(self, inputs, ["float64", "int64", "float64"])

    def perform(self, node: Apply, inputs: list[Any], outputs: list[list[Any]]) -> None:
        """Evaluate with the NumPy reference, where PyTensor does not compile with numba."""
        arrays, rest = tuple(inputs[:-7]), inputs[-7:]
        drawn = reference.sweep(DESIGNS[self.design], arrays, *rest)
        for storage, value in zip(outputs, drawn, strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes of the outputs are those of the inputs that they renew."""
        residual, effects = shapes[-7:-5]
        return [effects, effects, residual]
