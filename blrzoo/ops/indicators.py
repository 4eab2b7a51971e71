"""The sweep over features with an indicator for each trait, for any number of traits: the Op."""

from typing import Any

from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from blrzoo.designs.base import DESIGNS
from blrzoo.ops import indicator_reference
from blrzoo.ops.node import node_of

__all__ = ["IndicatorSweep"]


class IndicatorSweep(Op):
    r"""One Gibbs sweep over the features, an indicator at a time: no list of 2^T patterns.

    For each feature, every :math:`\delta_{jt}` in turn is drawn given the other indicators, with
    all of :math:`\alpha_j` integrated out; then :math:`\alpha_j` given :math:`\delta_j`. With S
    the affected traits, ``d = x'x``, :math:`q = \Omega (R + x b')'x` and :math:`L L' =
    \Sigma_{SS}`,

    .. math:: \log m(S) = -\tfrac12 \log|A| + \tfrac12 q_S' L A^{-1} L' q_S, \quad
        A = I + d L' \Omega_{SS} L,

    the log odds of :math:`\delta_{jt} = 1` are
    :math:`\log \pi_t - \log(1 - \pi_t) + \log m(S \cup t) - \log m(S \setminus t)`. The dot
    products cost n T a feature; all the rest is of the size of S.

    Inputs: the design's arrays, then

    - residual : (obs, trait) of everything, times root weights
    - effects : (feature, trait) beta
    - precision : (trait, trait) Omega
    - covariance : (trait, trait) of alpha where any trait is affected
    - pseudo : (trait, trait) of alpha where none is
    - log_odds : (feature, trait) log pi - log(1 - pi); -inf or inf keeps an indicator at 0 or 1
    - indicators : (feature, trait) current ones, 0 or 1
    - logistics : (feature, trait) noise of the indicators, standard logistic
    - normals : (feature, trait) noise of the effects, standard normal

    Outputs: alpha and beta (feature, trait), indicators (feature, trait; int64) and the
    residual.

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
        arrays, rest = tuple(inputs[:-9]), inputs[-9:]
        drawn = indicator_reference.sweep(DESIGNS[self.design], arrays, *rest)
        for storage, value in zip(outputs, drawn, strict=True):
            storage[0] = value

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Shapes of the outputs are those of the inputs that they renew."""
        residual, effects = shapes[-9:-7]
        return [effects, effects, effects, residual]
