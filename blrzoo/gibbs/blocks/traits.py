"""Effects on several traits, feature by feature."""

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.ops.traits import Rotate, TraitInputs, TraitSweep
from blrzoo.priors.multivariate.base import MultivariatePrior

__all__ = ["Traits"]


@register
class Traits(Block):
    """Feature by feature: its label, where it has one, and its effects on all traits."""

    name = "traits"
    design: Design
    prior: MultivariatePrior
    likelihood: TraitLikelihood

    def inputs(self) -> dict[str, TensorVariable]:
        """`TraitInputs` without the noise, with slabs and projections before their rotation."""
        v = self.spec.variables(self.model, self.term)
        given = self._current(
            residual=self.residual,
            effects=self.term.scaled_effects(self.model),
            precision=self.likelihood.precision(v, self.model),
            **self.prior.cells(v)._asdict(),
        )
        return given | {"log_weights": self._log_weights(given["log_weights"])}

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        given, state = self.inputs(), self.state
        rotated = given.pop("slabs"), given.pop("projections"), given["precision"]
        alphas, betas, values = Rotate()(*rotated)
        races = pt.ones((self.prior.data.size, 1))
        if self.label is not None:
            races = state.exponentials(given["log_weights"].shape)
        noise = {"races": races, "normals": state.normals(given["effects"].shape)}
        inputs = TraitInputs(**given, alphas=alphas, betas=betas, values=values, **noise)
        alpha, _, index, residual = TraitSweep(self.design.name)(*self.design.shared(), *inputs)
        label = None if self.label is None else self.prior.label(index)
        return Drawn(alpha, label, self.fit + inputs.residual - residual)
