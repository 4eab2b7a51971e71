"""Effects on one trait, feature by feature."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.likelihood.single import Likelihood
from blrzoo.ops.sweep import Sweep, SweepInputs

__all__ = ["SingleSite"]


@register
class SingleSite(Block):
    """Feature by feature: its label, where it has one, and its effect."""

    name = "single-site"
    design: Design
    likelihood: Likelihood

    def inputs(self) -> dict[str, TensorVariable]:
        """`SweepInputs` without the noise."""
        v = self.spec.variables(self.model, self.term)
        sigma2 = self.likelihood.variance(v, self.model)
        variances, log_weights = self.prior.by_feature(v)
        given = self._current(
            residual=self.residual,
            effects=self.term.scaled_effects(self.model),
            variances=variances,
            log_weights=log_weights,
            sigma2=sigma2,
        )
        return given | {"log_weights": self._log_weights(given["log_weights"])}

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        given, p = self.inputs(), self.prior.data.size
        races = pt.ones((p, 1))
        if self.label is not None:
            races = self.state.exponentials(given["variances"].shape)
        inputs = SweepInputs(**given, races=races, normals=self.state.normals(p))
        effects, labels, residual = Sweep(self.design.name)(*self.design.shared(), *inputs)
        if self.label is not None:
            effects = pt.switch(labels > 0, effects, 0.0)  # not -0
        return Drawn(effects, labels, self.fit + inputs.residual - residual)
