"""Effects on one trait, feature after feature."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.ops.sweep import Sweep

__all__ = ["SingleSite"]


@register
class SingleSite(Block):
    """Feature after feature: its label, where it has one, and its effect."""

    name = "single-site"
    design: Design

    def inputs(self) -> list[TensorVariable]:
        """Working state, effects, variances, log weights and sigma2."""
        v = self.spec.variables(self.model, self.term)
        variance = self.likelihood.variance(v, self.model)
        parts = [
            self.residual,
            self.term.scaled_effects(self.model),
            *self.prior.by_feature(v),
            variance,
        ]
        return self._current(parts, log_weights=3)

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        prior, inputs = self.prior, self.inputs()
        p, label = prior.data.size, self.label
        races = pt.ones((p, 1)) if label is None else self.state.exponentials(inputs[2].shape)
        normals = self.state.normals(p)
        sweep = Sweep(self.design.name)
        effects, labels, working = sweep(*self.design.shared(), *inputs, races, normals)
        if label is not None:
            effects = pt.switch(labels > 0, effects, 0.0)  # not -0
        return Drawn(effects, labels, self.fit + inputs[0] - working)
