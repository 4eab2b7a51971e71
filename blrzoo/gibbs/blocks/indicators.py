"""Effects on many traits, indicator after indicator."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.ops.indicators import IndicatorSweep

__all__ = ["Indicators"]


@register
class Indicators(Block):
    """Feature after feature: the indicators of all traits, one by one, and the effects on them."""

    name = "indicators"
    design: Design
    label: TensorVariable

    def inputs(self) -> list[TensorVariable]:
        """Working state, effects, residual precision, covariances, log odds and indicators."""
        v = self.spec.variables(self.model, self.term)
        precision = self.likelihood.precision(v, self.model)
        slabs, _, _, log_odds = self.prior.cells(v)
        covariances = [slabs[0, 1], slabs[0, 0]]
        parts = [
            self.residual,
            self.term.scaled_effects(self.model),
            precision,
            *covariances,
            log_odds,
            self.label,
        ]
        *current, log_odds, delta = self.state.rebuild(parts)
        if not self.draws_label:
            log_odds = pt.switch(delta > 0, float("inf"), -float("inf"))
        return [*current, log_odds, delta]

    def draw(self) -> Drawn:
        """Draw effects and indicators."""
        inputs = self.inputs()
        shape = inputs[1].shape
        logistics = pt.log(self.state.exponentials(shape) / self.state.exponentials(shape))
        noise = [logistics, self.state.normals(shape)]
        sweep = IndicatorSweep(self.design.name)
        alpha, _, delta, left = sweep(*self.design.shared(), *inputs, *noise)
        return Drawn(alpha, delta, self.fit + inputs[0] - left)
