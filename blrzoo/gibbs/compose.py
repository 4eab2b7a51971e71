"""One sweep, built from the full conditionals."""

from collections.abc import Collection

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.effects import EffectsRV
from blrzoo.gibbs.blocks import make_block
from blrzoo.gibbs.moves import Move, make_moves
from blrzoo.gibbs.spec import Spec, find_spec, observed
from blrzoo.gibbs.state import State
from blrzoo.terms import Term

__all__ = ["Composer", "compose"]


class Composer:
    """One Gibbs sweep over the variables that the step method was given.

    Parameters
    ----------
    model : pm.Model
        The original model, or what ``copy``, ``pm.do`` or ``pm.observe`` made of it.
    spec : Spec
        Its rules.
    drawn : list of variables
        Random variables of `model` to draw.
    moves : collection of str, default all
        Names of the moves that may be made.

    Attributes
    ----------
    inputs : list
        Value variables of the model, in the order of their names.
    state : State
        Current value of each variable, while the sweep is built.
    blocks : list of Block
        Effects and labels of each term.
    moves : list of Move
        Those of all blocks.
    augmentation : variable or None
        Conditional of incomplete responses given their measured cells.
    conditionals : dict of variable to variable
        Full conditionals of all other variables that are drawn, in the order of the sweep.
    rng : variable
        The generator before the sweep; ``state.rng`` is the generator after it.
    """

    def __init__(
        self,
        model: pm.Model,
        spec: Spec,
        drawn: list[TensorVariable],
        moves: Collection[str] | None = None,
    ) -> None:
        self.model, self.spec, self.state = model, spec, State(model)
        self.rng = self.state.rng
        self.inputs = sorted(model.value_vars, key=lambda variable: str(variable.name))
        self.blocks = [
            make_block(term, model=model, spec=spec, state=self.state, drawn=set(drawn))
            for term in spec.terms
        ]
        fits = [block.current_fit for block in self.blocks]
        v = spec.variables(model)
        residual = spec.likelihood.response(v, model)
        for fit in fits:
            residual = residual - fit
        for block in self.blocks:
            block.residual = residual
        self.moves = [move for block in self.blocks for move in make_moves(block, moves)]
        self.augmentation = spec.likelihood.augmentation(v, sum(fits[1:], fits[0]), model)
        self.conditionals = {
            rv: dist for rv, dist in spec.conditionals(model, residual).items() if rv in set(drawn)
        }

    @property
    def fits(self) -> list[TensorVariable]:
        """X beta of each term, times square roots of the weights, before the sweep."""
        return [block.fit for block in self.blocks]

    @property
    def current_fits(self) -> list[TensorVariable]:
        """X beta of each term, times square roots of the weights, after the sweep."""
        return [self.state.values[block.current_fit] for block in self.blocks]

    @property
    def drawn(self) -> list[TensorVariable]:
        """The variables that a sweep draws, in order."""
        return [*(rv for block in self.blocks for rv in block.drawn), *self.conditionals]

    @property
    def trait_shape(self) -> tuple[int, ...]:
        """Shape of one number per trait: (trait,), or () in models of one trait."""
        prior = self.spec.main.prior
        return (prior.data.n_traits,) * (len(prior.dims) - 1)

    def augment(self) -> None:
        """Draw the cells of y that were not measured."""
        if self.augmentation is not None:
            self.state.draw(self.model["y"], self.augmentation)

    def sweep(self) -> list[TensorVariable]:
        """Draw everything once; return the new values on the scale of the value variables."""
        self.augment()
        for block in self.blocks:
            self._make([move for move in self.moves if move.leads and move.block is block])
            if block.draws_effects:
                block.update()
        self._make([move for move in self.moves if not move.leads])
        for rv, dist in self.conditionals.items():
            self.state.draw(rv, dist)
        return [self.state.transformed(rv) for rv in self.drawn]

    def _make(self, moves: list[Move]) -> None:
        for move in moves:
            move.update()

    def statistics(self) -> dict[str, TensorVariable]:
        """Statistics of the sweep, by name.

        Number of included features, and variance of X beta by trait, of the main term, and those of
        the moves.
        """
        main = self.blocks[0]
        size = main.prior.data.size
        if main.label is not None:
            size = pt.sum(main.prior.included(self.state.value(main.label)))
        variance = self.spec.likelihood.fit_variance(main.current_fit, self.model)
        (variance,) = self.state.rebuild([variance])
        found = {"model_size": size, "genetic_variance": variance}
        for move in self.moves:
            found |= move.statistics()
        return found


def compose(model: pm.Model, names: list[str], moves: Collection[str] | None = None) -> Composer:
    """Build the sweep that draws the named variables of a model.

    Parameters
    ----------
    model : pm.Model
        A blrzoo model, or what ``copy``, ``pm.do`` or ``pm.observe`` made of one.
    names : list of str
        Random variables to draw.
    moves : collection of str, default all
        Names of moves.

    Returns
    -------
    Composer
    """
    drawn = [model[name] for name in names]
    spec = find_spec(model, drawn)
    _check_rows(model)
    spec.check(model, drawn)
    for term in spec.terms:
        _check_block(model, term, names)
    composer = Composer(model, spec, drawn, moves)
    undrawn = set(drawn) - set(composer.drawn)
    if undrawn:
        left = ", ".join(sorted(rv.name for rv in undrawn))
        raise ValueError(
            f"vars must have full conditionals, got {left}, which has none in "
            f"{type(spec.main.prior).__name__}. Leave it out of vars: pm.sample() assigns it "
            f"another step method."
        )
    return composer


def _check_block(model: pm.Model, term: Term, names: list[str]) -> None:
    """Refuse labels without their effects, and effects without the free labels that they have."""
    block = {name for name in (term.effects_name, term.label_name) if name}
    given = block.intersection(names)
    effects = model.named_vars.get(term.effects_name)
    free = {name for name in block if model.named_vars.get(name) in model.free_RVs}
    decided = effects in model.free_RVs and isinstance(effects.owner.op, EffectsRV)
    if (term.label_name in given or (given and decided)) and not free <= given:
        raise ValueError(
            f"vars must have {' and '.join(sorted(free))} together: they are one block, got "
            f"{names}. Give both, or neither, to BLRGibbs. For a model whose marks were lost "
            f"(freeze_dims_and_data), sample the model that it was made of."
        )


def _check_rows(model: pm.Model) -> None:
    y = observed(model)
    if y is not None and "W" in model.named_vars:
        rows = len(model["W"].get_value(borrow=True))
        if rows != len(y):
            raise ValueError(
                f"W must have one row per observation of y, {len(y)}, got {rows}: pm.set_data "
                f"changes W but not y. Make a new model to fit other observations; "
                f"blrzoo.predict predicts new rows from a fit."
            )
