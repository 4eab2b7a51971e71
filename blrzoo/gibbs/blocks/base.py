"""What a block of effects and labels is: a way of drawing them from their full conditional.

A block reads the `State` of a sweep, so all values that it uses are current. A new block is a
subclass of `Block`, in a file of its own, with a `name`, `inputs` and `draw`.
"""

from collections.abc import Collection
from typing import ClassVar, NamedTuple, TypedDict, Unpack

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.spec import Spec
from blrzoo.gibbs.state import State
from blrzoo.terms import Term

__all__ = ["BLOCKS", "Block", "Drawn", "make_block", "register"]

#: Blocks by name; priors name theirs in `blrzoo.priors.Prior.blocks`.
BLOCKS: dict[str, "type[Block]"] = {}


def register[B: "type[Block]"](block: B) -> B:
    """Register a block under its name (a class decorator)."""
    BLOCKS[block.name] = block
    return block


class Parts(TypedDict):
    """What blocks are made of, besides a term."""

    model: pm.Model
    spec: Spec
    state: State
    drawn: Collection[TensorVariable]


def make_block(term: Term, **parts: Unpack[Parts]) -> "Block":
    """Make the block that the prior of a term names for its update."""
    return BLOCKS[term.prior.blocks[term.update]](term, **parts)


class Drawn(NamedTuple):
    """What `Block.draw` returns.

    Attributes
    ----------
    effects : TensorVariable, (feature[, trait])
        New value of the random variable of the effects, beta or alpha, on the scale of the design.
    label : TensorVariable or None
        New value of the labels; ignored where they are not drawn.
    fit : TensorVariable, (obs[, trait])
        X* times the new effects beta.
    """

    effects: TensorVariable
    label: TensorVariable | None
    fit: TensorVariable


class Block:
    """Effects and labels of the features of a term, drawn from their full conditional.

    A subclass defines three things:

    - ``name``: its key in `BLOCKS`, which priors have in `blrzoo.priors.Prior.blocks`;
    - ``inputs()``: current values of all that its full conditional depends on besides X, by name,
      which `_current` builds from graphs over the model. `blrzoo.testing` reads it;
    - ``draw()``: new effects, labels and fit, as a `Drawn`, from ``inputs()`` and noise of the
      state (`State.normals`, `State.exponentials`).

    Types of ``prior``, ``likelihood`` and ``design`` in the class tell which ones it serves.

    Parameters
    ----------
    term : Term
        Design and prior of the effects.
    model : pm.Model
        The model whose variables are drawn.
    spec : Spec
        Its rules.
    state : State
        Current values.
    drawn : collection of TensorVariable
        Random variables to draw; those of the effects and the labels may be among them.

    Attributes
    ----------
    prior, likelihood
        Of `term` and of `spec`.
    design : Design or Factorisation
        X* of the rows with y, a `Factorisation` where the term has ``update="joint"``.
    effects, label : TensorVariable or None
        Their variables in the model, if there are any.
    step_draws : collection of TensorVariable
        `drawn`.
    draws_effects, draws_label : bool
        Whether these are among them. Effects that are not drawn are not updated.
    fit : TensorVariable, (obs[, trait])
        X* times the effects before the sweep: an input of the sweep, carried from draw to draw.
        It is X beta times square roots of the weights; X*'X* beta where the design is of
        cross-products, with (feature[, trait]) in place of (obs[, trait]) in all of these.
    current_fit : TensorVariable
        A symbol of the current fit for graphs over model variables; `state` has its value.
    residual : TensorVariable, (obs[, trait])
        y minus its mean, times square roots of the weights, over model variables and the symbols
        of the fits of all terms. Set by `blrzoo.gibbs.compose.Composer`.
    """

    name: ClassVar[str]
    residual: TensorVariable

    def __init__(
        self,
        term: Term,
        *,
        model: pm.Model,
        spec: Spec,
        state: State,
        drawn: Collection[TensorVariable],
    ) -> None:
        self.term, self.model, self.spec, self.state = term, model, spec, state
        self.prior, self.likelihood = term.prior, spec.likelihood
        self.design = term.in_update
        self.effects = model.named_vars.get(term.effects_name)
        self.label = term.label_name and model.named_vars.get(term.label_name)
        self.step_draws = drawn
        self.draws_effects, self.draws_label = self.effects in drawn, self.label in drawn
        self.fit, self.current_fit = (self._fit(name) for name in ("fit", "current_fit"))
        state.values[self.current_fit] = self.fit

    def _fit(self, name: str) -> TensorVariable:
        shape = (None,) * len(self.prior.dims)
        return pt.tensor(self.term.prefix + name, dtype="float64", shape=shape)

    @property
    def drawn(self) -> list[TensorVariable]:
        """The variables that this block draws."""
        return [self.label] * self.draws_label + [self.effects] * self.draws_effects

    def update(self, drawn: Drawn | None = None) -> None:
        """Make new effects and labels current in `state`, by default those of `draw`."""
        values = self.state.values
        effects, label, values[self.current_fit] = self.draw() if drawn is None else drawn
        values[self.effects] = self.prior.data.per_unit(effects)
        if self.draws_label:
            values[self.label] = label

    def inputs(self) -> dict[str, TensorVariable]:
        """Current values of what the full conditional depends on besides X, by name."""
        raise NotImplementedError

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        raise NotImplementedError

    def _current(self, **parts: TensorVariable) -> dict[str, TensorVariable]:
        """Rebuild the parts over the current values."""
        return dict(zip(parts, self.state.rebuild(parts.values()), strict=True))

    def _log_weights(self, log_weights: TensorVariable) -> TensorVariable:
        """Log weights of the components; a fixed label gives 0 for its own and -inf elsewhere."""
        if self.label is None or self.draws_label:
            return log_weights
        index = self.prior.index(self.state.value(self.label))
        fixed = pt.eq(index[:, None], pt.arange(log_weights.shape[1]))
        return pt.switch(fixed, 0.0, -float("inf"))
