"""The block of effects and labels: five ways of drawing it, one protocol.

Each is built from the `State` of a sweep, so that everything it reads is current. `inputs` is what
its Op reads besides the design and the noise; `draw` draws.
"""

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
    """New effects on the prior's scale, labels (None where they are not drawn), and the fit."""

    effects: TensorVariable
    label: TensorVariable | None
    fit: TensorVariable


class Block:
    """Effects and labels of all features, drawn given all the rest.

    Parameters
    ----------
    model, spec : pm.Model, Spec
        The model at hand and its rules.
    state : State
        Current values.
    design : Design or Factorisation
        How X is multiplied.
    residual, fit : TensorVariable, (obs[, trait])
        The residual of everything, over model variables and a placeholder of the fit; and the
        fit of the current effects.
    label : TensorVariable or None
        The variable of the labels, if there is one.
    draws_label : bool
        Whether it is to be drawn with the effects, or kept.
    """

    def __init__(
        self,
        model: pm.Model,
        spec: Spec,
        state: State,
        design: Any,
        residual: TensorVariable,
        fit: TensorVariable,
        label: Any,
        draws_label: bool,
    ) -> None:
        self.model, self.spec, self.state, self.design = model, spec, state, design
        self.prior: Any = spec.prior  # with what its kind of block asks for
        self.likelihood: Any = spec.likelihood
        self.residual, self.fit = residual, fit
        self.label, self.draws_label = label, draws_label

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
        v = self.spec.variables(self.model)
        variance = self.likelihood.variance(v, self.model)
        parts = [self.residual, variance, self.prior.variance(v)]
        working, sigma2, tau2 = self.state.rebuild(parts)
        return [working + self.fit, sigma2, tau2]

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
        v = self.spec.variables(self.model)
        precision = self.likelihood.precision(v, self.model)
        parts = [self.residual, precision, pt.as_tensor(self.prior.covariance(v))]
        working, precision, covariance = self.state.rebuild(parts)
        return [working + self.fit, precision, covariance]

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
        v = self.spec.variables(self.model)
        variance = self.likelihood.variance(v, self.model)
        parts = [
            self.residual,
            self.spec.scaled_effects(self.model),
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
            pseudo = normals * pt.sqrt(prior.pseudo_variance())
            effects = pt.switch(labels > 0, effects, pseudo)
        return Drawn(effects, labels, self.fit + inputs[0] - working)


class Traits(Block):
    """(label, effects on all traits) of feature after feature."""

    design: Design

    def inputs(self) -> list[TensorVariable]:
        """Working state, effects, residual precision, and the prior's cells."""
        v = self.spec.variables(self.model)
        precision = self.likelihood.precision(v, self.model)
        parts = [
            self.residual,
            self.spec.scaled_effects(self.model),
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
        v = self.spec.variables(self.model)
        precision = self.likelihood.precision(v, self.model)
        slabs, _, _, log_odds = self.prior.cells(v)
        covariances = [slabs[0, 1], slabs[0, 0]]
        parts = [
            self.residual,
            self.spec.scaled_effects(self.model),
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


def make_block(design: Design | Factorisation, spec: Spec, **parts: Any) -> Block:
    """Choose the way that serves the design and the prior."""
    if isinstance(design, Factorisation):
        kind: type[Block] = JointTraits if spec.prior.several_traits else JointBlock
    elif spec.prior.single_flips:
        kind = Indicators
    else:
        kind = Traits if spec.prior.several_traits else SingleSite
    return kind(design=design, spec=spec, **parts)
