"""Effects on several traits, feature after feature."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.ops.traits import Rotate, TraitSweep

__all__ = ["Traits"]


@register
class Traits(Block):
    """Feature after feature: its label, where it has one, and its effects on all traits."""

    name = "traits"
    design: Design

    def inputs(self) -> list[TensorVariable]:
        """Working state, effects, residual precision, and the prior's cells."""
        v = self.spec.variables(self.model, self.term)
        precision = self.likelihood.precision(v, self.model)
        parts = [
            self.residual,
            self.term.scaled_effects(self.model),
            precision,
            *self.prior.cells(v),
        ]
        return self._current(parts, log_weights=6)

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        inputs = self.inputs()
        working, beta, precision, slabs, projections, groups, log_weights = inputs
        rotation = Rotate()(slabs, projections, precision)
        races = pt.ones((self.prior.data.size, 1))
        if self.label is not None:
            races = self.state.exponentials(log_weights.shape)
        noise = [races, self.state.normals(beta.shape)]
        alpha, _, index, left = TraitSweep(self.design.name)(
            *self.design.shared(), working, beta, precision, *rotation, groups, log_weights, *noise
        )
        label = None if self.label is None else self.prior.label(index)
        return Drawn(alpha, label, self.fit + working - left)
