"""Full conditionals to one compiled sweep."""

from typing import Any

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.blocks import make_block
from blrzoo.gibbs.spec import Spec
from blrzoo.gibbs.state import State

__all__ = ["Composer"]


class Composer:
    """One Gibbs sweep over the variables that the step method was given.

    Parameters
    ----------
    model : pm.Model
        The model at hand: the original, or what ``copy``, ``pm.do`` or ``pm.observe`` made of it.
    spec : Spec
        Its rules.
    drawn : list of variables
        Random variables of `model` to draw.
    design : Design or Factorisation
        How X is multiplied.

    Attributes
    ----------
    inputs : list
        Value variables of the model, by name order.
    fit : TensorVariable
        What the effects add to the mean of y, times the square roots of the weights; carried
        from draw to draw.
    rng : variable
        The generator, in; ``state.rng`` is the generator, out.
    """

    def __init__(
        self, model: pm.Model, spec: Spec, drawn: list[Any], design: Design | Factorisation
    ) -> None:
        self.model, self.spec, self.design = model, spec, design
        self.state = State(model)
        self.rng = self.state.rng
        self.inputs = sorted(model.value_vars, key=lambda variable: str(variable.name))
        v = spec.variables(model)
        response = spec.likelihood.response(v, model)
        shape = (None,) * response.ndim
        self.fit = pt.tensor("fit", dtype="float64", shape=shape)
        self._placeholder = pt.tensor("fit_placeholder", dtype="float64", shape=shape)
        self.state.values[self._placeholder] = self.fit
        self.residual = response - self._placeholder
        self.augmentation = spec.likelihood.augmentation(v, self._placeholder, model)
        self.conditionals = {
            rv: dist
            for rv, dist in spec.conditionals(model, self.residual).items()
            if rv in set(drawn)
        }
        self.label = self._named(spec.prior.label_name)
        self.effects = self._named(spec.prior.effects_name)
        self.draws_effects, self.draws_label = self.effects in drawn, self.label in drawn
        self.block = make_block(
            design,
            spec,
            model=model,
            state=self.state,
            residual=self.residual,
            fit=self.fit,
            label=self.label,
            draws_label=self.draws_label,
        )

    def augment(self) -> None:
        """Complete the responses that have holes."""
        if self.augmentation is not None:
            self.state.draw(self.model["y"], self.augmentation)

    def sweep(self) -> list[TensorVariable]:
        """Draw everything once; returns the drawn variables on the scale of their values."""
        self.augment()
        if self.draws_effects:
            self._draw_effects()
        for rv, dist in self.conditionals.items():
            self.state.draw(rv, dist)
        return [self.state.transformed(rv) for rv in self.drawn]

    @property
    def drawn(self) -> list[Any]:
        """The variables that a sweep draws, in order."""
        block = [self.label] * self.draws_label + [self.effects] * self.draws_effects
        return [*block, *self.conditionals]

    @property
    def trait_shape(self) -> tuple[int, ...]:
        """Shape of what there is once for each trait."""
        data = self.spec.prior.data
        return (data.n_traits,) if self.spec.prior.several_traits else ()

    @property
    def current_fit(self) -> TensorVariable:
        """What the effects add to the mean of y, after the sweep."""
        return self.state.values[self._placeholder]

    def statistics(self) -> list[TensorVariable]:
        """Number of included features, and the variance of the fit, of each trait."""
        prior: Any = self.spec.prior
        size = prior.data.size
        if self.label is not None:
            size = pt.sum(prior.included(self.state.value(self.label)))
        variance = self.spec.likelihood.fit_variance(self._placeholder, self.model)
        return [size, *self.state.rebuild([variance])]

    def _draw_effects(self) -> None:
        effects, label, fit = self.block.draw()
        self.state.values[self.effects] = self.as_recorded(effects)
        self.state.values[self._placeholder] = fit
        if self.draws_label:
            self.state.values[self.label] = label

    def as_recorded(self, effects: Any) -> Any:
        """Effects on the prior's scale as values of their random variable: per unit."""
        return self.spec.prior.data.per_unit(effects)

    def as_drawn(self, values: Any) -> Any:
        """Values of the random variable of the effects on the prior's scale."""
        return self.spec.prior.data.per_sd(values)

    def _named(self, name: str | None) -> Any:
        return self.model.named_vars.get(name) if name is not None else None
