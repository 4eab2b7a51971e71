"""The block of effects and labels: five ways of drawing it, one protocol.

Each is built from the `State` of a sweep, so that everything it reads is current. `inputs` is what
its Op reads besides the design and the noise; `draw` draws.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.spec import Spec
from blrzoo.gibbs.state import State
from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.joint import JointDraw
from blrzoo.ops.small import product
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.traits import Rotate, TraitSweep
from blrzoo.terms import Term

__all__ = [
    "Block",
    "Drawn",
    "Indicators",
    "JointBlock",
    "JointTraits",
    "SingleSite",
    "Traits",
    "make_block",
]


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
        shape = (None, None) if self.prior.several_traits else (None,)
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

    def inputs(self) -> list[TensorVariable]:
        """Current values of what the Op reads."""
        raise NotImplementedError

    def draw(self) -> Drawn:
        """Draw effects and labels."""
        raise NotImplementedError

    def _current(self, parts: list[Any], log_weights: int) -> list[Any]:
        """Rebuild the parts over the current values; labels that are not drawn are certain."""
        current = self.state.rebuild(parts)
        if self.label is not None and not self.draws_label:
            index = self.prior.index(self.state.value(self.label))
            fixed = pt.eq(index[:, None], pt.arange(current[log_weights].shape[1]))
            current[log_weights] = pt.switch(fixed, 0.0, -float("inf"))
        return current


class JointBlock(Block):
    """All effects at once, where they have one common variance."""

    design: Factorisation

    def inputs(self) -> list[TensorVariable]:
        """Response less everything but the features, sigma2, and the common variance."""
        v = self.spec.variables(self.model, self.term)
        variance = self.likelihood.variance(v, self.model)
        parts = [self.residual + self.current_fit, variance, self.prior.variance(v)]
        return self.state.rebuild(parts)

    def draw(self) -> Drawn:
        """Draw the effects."""
        normals = self.state.normals(self.prior.data.size)
        effects, fit = JointDraw()(*self.design.shared(), *self.inputs(), normals)
        return Drawn(effects, None, fit)

    def moments(self, inputs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of all effects, in C order, from values of the inputs."""
        return self.design.moments(*inputs)


class JointTraits(JointBlock):
    """Effects on all traits at once, where all features have one common covariance.

    In the coordinates of `Rotate` prior and likelihood are diagonal together: as many independent
    draws of one trait as there are traits.
    """

    def inputs(self) -> list[TensorVariable]:
        """Response less everything but the features, residual precision, and the covariance."""
        v = self.spec.variables(self.model, self.term)
        precision = self.likelihood.precision(v, self.model)
        covariance = pt.as_tensor(self.prior.covariance(v))
        return self.state.rebuild([self.residual + self.current_fit, precision, covariance])

    def draw(self) -> Drawn:
        """Draw the effects."""
        p, T = self.prior.data.size, self.prior.data.n_traits
        target, precision, covariance = self.inputs()
        identity = pt.constant(np.eye(T)[None])
        alphas, _, values = Rotate()(covariance[None, None], identity, precision)
        # 0 where the data say nothing: next to nothing in its place leaves the prior, and divides
        axes, information = alphas[0, 0], pt.maximum(values[0, 0], 1e-30 * values[0, 0, 0])
        weights, shared, drawn = product(precision, axes), self.design.shared(), []
        for i in range(T):
            projected = pt.sum(target * weights[:, i], axis=1) / information[i]
            noise = [1 / information[i], pt.constant(1.0), self.state.normals(p)]
            drawn.append(JointDraw()(*shared, projected, *noise))
        effects, fit = (pt.stack(part, axis=1) for part in zip(*drawn, strict=True))
        return Drawn(product(effects, axes.T), None, product(fit, axes.T))

    def moments(self, inputs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of all effects, in C order, from values of the inputs."""
        target, precision, covariance = inputs
        X = (self.design.U * self.design.s) @ self.design.Vt
        prior = np.kron(np.eye(X.shape[1]), np.linalg.inv(covariance))
        spread = np.linalg.inv(np.kron(X.T @ X, precision) + prior)
        return spread @ (X.T @ target @ precision).ravel(), spread


class SingleSite(Block):
    """(label, effect) of feature after feature."""

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


class Traits(Block):
    """(label, effects on all traits) of feature after feature."""

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


class Indicators(Block):
    """(indicators of all traits, effects on them) of feature after feature, for many traits."""

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


def make_block(term: Term, **parts: Any) -> Block:
    """Choose the way that serves the update and the prior."""
    if term.update == "joint":
        kind: type[Block] = JointTraits if term.prior.several_traits else JointBlock
    elif term.prior.single_flips:
        kind = Indicators
    else:
        kind = Traits if term.prior.several_traits else SingleSite
    return kind(term, **parts)
