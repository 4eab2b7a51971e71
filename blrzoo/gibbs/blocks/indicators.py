"""Effects on many traits, indicator by indicator."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.ops.indicators import IndicatorInputs, IndicatorSweep
from blrzoo.priors.multivariate.base import MultivariatePrior

__all__ = ["Indicators"]


@register
class Indicators(Block):
    """Feature by feature: the indicators of all traits, one by one, and the effects on them."""

    name = "indicators"
    design: Design
    prior: MultivariatePrior
    likelihood: TraitLikelihood
    label: TensorVariable

    def inputs(self) -> dict[str, TensorVariable]:
        """`IndicatorInputs` without the noise."""
        v = self.spec.variables(self.model, self.term)
        precision, cells = self.likelihood.precision(v, self.model), self.prior.cells(v)
        given = self._current(
            residual=self.residual,
            effects=self.term.scaled_effects(self.model),
            precision=precision,
            covariance=cells.slabs[0, 1],
            pseudo=cells.slabs[0, 0],
            log_odds=cells.log_weights,
            indicators=self.label,
        )
        if not self.draws_label:
            given["log_odds"] = pt.switch(given["indicators"] > 0, float("inf"), -float("inf"))
        return given

    def draw(self) -> Drawn:
        """Draw effects and indicators."""
        given = self.inputs()
        shape = given["effects"].shape
        logistics = pt.log(self.state.exponentials(shape) / self.state.exponentials(shape))
        inputs = IndicatorInputs(**given, logistics=logistics, normals=self.state.normals(shape))
        sweep = IndicatorSweep(self.design.name)
        alpha, _, delta, residual = sweep(*self.design.shared(), *inputs)
        return Drawn(alpha, delta, self.fit + inputs.residual - residual)
