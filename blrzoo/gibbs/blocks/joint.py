"""All effects on one trait at once."""

from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.ops.joint import JointDraw

__all__ = ["Joint"]


@register
class Joint(Block):
    """All effects at once, from one multivariate normal.

    Where they have one common variance.
    """

    name = "joint"
    design: Factorisation

    def inputs(self) -> list[TensorVariable]:
        """Response less everything but the features, sigma2, and the common variance."""
        v = self.spec.variables(self.model, self.term)
        variance = self.likelihood.variance(v, self.model)
        parts = [self.residual + self.current_fit, variance, self.prior.variance(v)]
        return self.state.rebuild(parts)

    def draw(self) -> Drawn:
        """Draw the effects."""
        normals = self.state.normals(self.prior.data.size)
        effects, fit = JointDraw()(*self.design.shared(), *self.inputs(), normals)
        return Drawn(effects, None, fit)
