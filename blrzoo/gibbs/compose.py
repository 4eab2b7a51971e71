"""Full conditionals to one compiled sweep.

The sweep is built symbolically, variable after variable. `State` holds the current value of each
model variable, and each conditional is rebuilt over these values right before it is drawn, so
that no intermediate can hold an old one. One random generator is threaded through the graph.
"""

from collections.abc import Iterable
from typing import Any

import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.traversal import ancestors, io_toposort
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.random.variable import rng as rng_variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.gibbs.spec import Spec
from blrzoo.likelihood import root_weights
from blrzoo.ops.joint import Factorisation, JointDraw
from blrzoo.ops.sweep import Sweep

__all__ = ["Composer", "State"]


class State:
    """Current value of each random variable of a model, as symbols, and the generator.

    Parameters
    ----------
    model : pm.Model
        Values start as the model's value variables (transformed back), or the observed data.
    """

    def __init__(self, model: pm.Model) -> None:
        self.model = model
        self.values: dict[Any, Any] = {}
        self.rng: Any = rng_variable("rng")
        for rv in sorted(model.basic_RVs, key=lambda rv: len(list(ancestors([rv])))):
            value, transform = model.rvs_to_values[rv], model.rvs_to_transforms.get(rv)
            if transform is not None:
                value = transform.backward(value, *self.rebuild(rv.owner.inputs))
            self.values[rv] = value

    def rebuild(self, outputs: Iterable[Any]) -> list[Any]:
        """Rebuild graphs of model variables and data over the current values."""
        rng = self.rng
        rebuilt = self._rebuild(list(outputs))
        if self.rng is not rng:
            raise NotImplementedError("a graph over model variables holds a draw of its own")
        return rebuilt

    def draw(self, rv: Any, conditional: Any) -> None:
        """Draw a variable from its full conditional, from the threaded generator."""
        (self.values[rv],) = self._rebuild([conditional])

    def _rebuild(self, outputs: list[Any]) -> list[Any]:
        memo = dict(self.values)
        for node in io_toposort(list(memo), outputs):
            inputs = [memo.get(variable, variable) for variable in node.inputs]
            random = isinstance(node.op, RNGConsumerOp)
            if random:
                ((old, new),) = node.op.update(node).items()
                inputs[node.inputs.index(old)] = self.rng
            copy = node.clone_with_new_inputs(inputs, strict=False)
            if random:
                self.rng = copy.outputs[node.outputs.index(new)]
            memo.update(zip(node.outputs, copy.outputs, strict=True))
        return [memo.get(output, output) for output in outputs]

    def normals(self, size: Any) -> TensorVariable:
        """Draw standard normals from the threaded generator."""
        self.rng, draw = self.rng.normal(size=size)
        return draw

    def exponentials(self, size: Any) -> TensorVariable:
        """Draw standard exponentials from the threaded generator."""
        self.rng, draw = self.rng.exponential(size=size)
        return draw

    def transformed(self, rv: Any) -> TensorVariable:
        """Current value of a variable on the scale of its value variable."""
        transform = self.model.rvs_to_transforms[rv]
        value = self.values[rv]
        if transform is not None:
            value = transform.forward(value, *self.rebuild(rv.owner.inputs))
        target = self.model.rvs_to_values[rv]
        return pt.cast(value, target.dtype)


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
        self.fit = pt.dvector("fit")
        self._placeholder = pt.dvector("fit_placeholder")
        self.state.values[self._placeholder] = self.fit
        self.root = root_weights(model)
        response = spec.likelihood.response(spec.variables(model), model)
        self.residual = response - self._placeholder
        self.conditionals = {
            rv: dist
            for rv, dist in spec.conditionals(model, self.residual).items()
            if rv in set(drawn)
        }
        self.label = self._named(spec.prior.label_name)
        self.effects = self._named(spec.prior.effects_name)
        self.draws_effects, self.draws_label = self.effects in drawn, self.label in drawn

    def sweep(self) -> list[TensorVariable]:
        """Draw everything once; returns the drawn variables on the scale of their values."""
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
    def current_fit(self) -> TensorVariable:
        """What the effects add to the mean of y, after the sweep."""
        return self.state.values[self._placeholder]

    def statistics(self) -> list[TensorVariable]:
        """Number of included features, and the variance of the fit."""
        size = pt.constant(self.spec.prior.data.p)
        if self.label is not None:
            size = pt.sum(self._current(self.label) > 0)
        return [size, pt.var(self.current_fit / self.root)]

    def block_inputs(self) -> list[TensorVariable]:
        """Working state, effects, variances, log weights and sigma2 of the sweep over features."""
        v = self.spec.variables(self.model)
        prior = self.spec.prior
        parts = [self.residual, self.model["beta"], *prior.by_feature(v), v["sigma2"]]
        working, effects, variances, log_weights, sigma2 = self.state.rebuild(parts)
        if self.label is not None and not self.draws_label:
            fixed = pt.eq(self._current(self.label)[:, None], pt.arange(variances.shape[1]))
            log_weights = pt.switch(fixed, 0.0, -float("inf"))
        return [working, effects, variances, log_weights, sigma2]

    def _draw_effects(self) -> None:
        if isinstance(self.design, Factorisation):
            effects, fit = self._draw_jointly(self.design)
        else:
            effects, fit = self._draw_by_feature(self.design)
        self.state.values[self.effects] = effects
        self.state.values[self._placeholder] = fit

    def _draw_jointly(self, design: Factorisation) -> tuple[TensorVariable, TensorVariable]:
        working, _, variances, _, sigma2 = self.block_inputs()
        normals = self.state.normals(self.spec.prior.data.p)
        return JointDraw()(*design.shared(), working + self.fit, sigma2, variances[0, 0], normals)

    def _draw_by_feature(self, design: Design) -> tuple[TensorVariable, TensorVariable]:
        p = self.spec.prior.data.p
        block = self.block_inputs()
        races = pt.ones((p, 1)) if self.label is None else self.state.exponentials(block[2].shape)
        normals = self.state.normals(p)
        effects, labels, working = Sweep(design.name)(*design.shared(), *block, races, normals)
        if self.label is not None:
            if self.draws_label:
                self.state.values[self.label] = labels
            pseudo = normals * pt.sqrt(self.spec.prior.pseudo_variance())
            effects = pt.switch(labels > 0, effects, pseudo)
        return effects, self.fit + block[0] - working

    def _current(self, variable: Any) -> Any:
        return self.state.values.get(variable, variable)

    def _named(self, name: str | None) -> Any:
        return self.model.named_vars.get(name) if name is not None else None
