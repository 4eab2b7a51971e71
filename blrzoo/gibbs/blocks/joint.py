"""All effects on one trait at once."""

from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.likelihood.single import Likelihood
from blrzoo.ops.joint import JointDraw

__all__ = ["Joint"]


@register
class Joint(Block):
    """All effects at once, from one multivariate normal; they have one common variance."""

    name = "joint"
    design: Factorisation
    likelihood: Likelihood

    def inputs(self) -> dict[str, TensorVariable]:
        """Partial residual of the term, sigma2, and the common variance of the effects."""
        v = self.spec.variables(self.model, self.term)
        return self._current(
            target=self.residual + self.current_fit,
            sigma2=self.likelihood.variance(v, self.model),
            tau2=self.prior.variance(v),
        )

    def draw(self) -> Drawn:
        """Draw the effects."""
        normals = self.state.normals(self.prior.data.size)
        effects, fit = JointDraw()(*self.design.shared(), *self.inputs().values(), normals)
        return Drawn(effects, None, fit)
