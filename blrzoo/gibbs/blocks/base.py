"""What a block of effects and labels is: a way of drawing them given all the rest.

A block is built from the `State` of a sweep, so that everything it reads is current. `inputs` is
what its Op reads besides the design and the noise, by name; `draw` draws.
"""

from collections.abc import Collection
from typing import Any, ClassVar, NamedTuple

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.spec import Spec
from blrzoo.gibbs.state import State
from blrzoo.terms import Term

__all__ = ["BLOCKS", "Block", "Drawn", "make_block", "register"]

#: Ways of drawing effects, by the names that priors call them.
BLOCKS: dict[str, "type[Block]"] = {}


def register[B: "type[Block]"](block: B) -> B:
    """Make a block known by its name (a decorator)."""
    BLOCKS[block.name] = block
    return block


def make_block(term: Term, **parts: Any) -> "Block":
    """Make the block that the prior of a term names for its update."""
    return BLOCKS[term.prior.blocks[term.update]](term, **parts)


class Drawn(NamedTuple):
    """New effects on the prior's scale, labels (None where they are not drawn), and their fit."""

    effects: TensorVariable
    label: TensorVariable | None
    fit: TensorVariable


class Block:
    """Effects and labels of all features, drawn given all the rest.

    Parameters
    ----------
    term : Term
        Whose effects are drawn.
    model, spec : pm.Model, Spec
        The model at hand and its rules.
    state : State
        Current values.
    drawn : collection of TensorVariable
        Random variables to draw; those of the effects and the labels may be among them.

    Attributes
    ----------
    name : str
        What priors call it, in `blrzoo.priors.Prior.blocks`.
    effects, label : TensorVariable or None
        Their variables in the model, if there are any.
    fit : TensorVariable, (obs[, trait])
        What the effects add to the mean of y, times the square roots of the weights: an input of
        the sweep, carried from draw to draw.
    current_fit : TensorVariable
        The same as a symbol that graphs over model variables hold; `state` has its current value.
    residual : TensorVariable
        The residual of everything, over model variables and the symbols of all fits.
    """

    name: ClassVar[str]
    residual: TensorVariable

    def __init__(
        self, term: Term, *, model: pm.Model, spec: Spec, state: State, drawn: Collection[Any]
    ) -> None:
        self.term, self.model, self.spec, self.state = term, model, spec, state
        self.prior: Any = term.prior  # with what its kind of block asks for
        self.likelihood: Any = spec.likelihood
        self.design: Any = term.in_update
        self.effects = model.named_vars.get(term.effects_name)
        self.label: Any = term.label_name and model.named_vars.get(term.label_name)
        self.draws_effects, self.draws_label = self.effects in drawn, self.label in drawn
        self.fit, self.current_fit = (self._fit(name) for name in ("fit", "current_fit"))
        state.values[self.current_fit] = self.fit

    def _fit(self, name: str) -> TensorVariable:
        shape = (None,) * len(self.prior.dims)
        return pt.tensor(self.term.prefix + name, dtype="float64", shape=shape)

    @property
    def drawn(self) -> list[Any]:
        """The variables that it draws."""
        return [self.label] * self.draws_label + [self.effects] * self.draws_effects

    def update(self) -> None:
        """Draw effects and labels, and let what follows see them."""
        values = self.state.values
        effects, label, values[self.current_fit] = self.draw()
        values[self.effects] = self.prior.data.per_unit(effects)
        if self.draws_label:
            values[self.label] = label

    def inputs(self) -> dict[str, TensorVariable]:
        """Current values of what the Op reads, by name."""
        raise NotImplementedError

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        raise NotImplementedError

    def _current(self, **parts: Any) -> dict[str, TensorVariable]:
        """Rebuild the parts over the current values."""
        return dict(zip(parts, self.state.rebuild(parts.values()), strict=True))

    def _log_weights(self, log_weights: TensorVariable) -> TensorVariable:
        """Log weights of the components; labels that are not drawn are certain."""
        if self.label is None or self.draws_label:
            return log_weights
        index = self.prior.index(self.state.value(self.label))
        fixed = pt.eq(index[:, None], pt.arange(log_weights.shape[1]))
        return pt.switch(fixed, 0.0, -float("inf"))
