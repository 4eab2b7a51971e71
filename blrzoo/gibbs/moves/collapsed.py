"""Variances of effects and residuals, drawn with the effects integrated out."""

import math
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from blrzoo.evaluate import AS_WRITTEN, value_of
from blrzoo.gibbs.blocks import Block
from blrzoo.gibbs.moves.base import Move, register
from blrzoo.gibbs.moves.laplace import laplace
from blrzoo.gibbs.spec import observed
from blrzoo.gibbs.state import State
from blrzoo.least_squares import project_out
from blrzoo.likelihood.single import POWER, root_weights
from blrzoo.ops.marginal import MarginalDensity

__all__ = ["CollapsedMove", "CollapsedTraits"]

#: Variables that depend on variances, but are drawn after them, or integrated out.
_LEAVES = ("y", "y_missing")

#: Proposals in a sweep, each accepted or not in turn.
PROPOSALS = 5
#: Degrees of freedom of the proposals: heavier tails than those of any variance's posterior.
FREEDOM = 8


@register
class CollapsedMove(Move):
    r"""Variances of effects and residuals given everything but the effects, then the effects.

    Where there are more features than observations, the effects say little about their variance
    that is not noise, and a variance that is drawn given them hardly moves. With the effects
    integrated out, the density of y costs little more than a pass over the singular values
    (`MarginalDensity`). Five proposals in turn are independent Student t with 8 degrees of freedom
    around the mode of the posterior, in the coordinates that NUTS would use, with the curvature
    there: found from the data when the sweep is made [1]_. The effects are drawn next, given the
    new variances, as they must be.

    Where the proposals are bad they are rejected, and the sweep is what it would be without them.

    References
    ----------
    .. [1] Tierney (1994). Markov chains for exploring posterior distributions. Annals of
       Statistics 22:1701-1728 (independence chains).
    """

    name, serves, leads = "collapsed", "joint", True

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.variables = self._find_variables()
        values = [block.model.rvs_to_values[rv] for rv in self.variables]
        self._start = block.model.initial_point(0) if values else {}
        self._shapes = [self._start[value.name].shape for value in values]

    def pays(self) -> bool:
        """Whether the step draws the effects and their variances, and y was measured for all."""
        model = self.block.model
        others = {*self.variables, self.block.effects, *map(model.named_vars.get, _LEAVES)}
        rest = [rv for rv in model.basic_RVs if rv not in others]
        return (
            self.block.draws_effects
            and bool(self.variables)
            and len(self.block.spec.terms) == 1
            and not {"measured", POWER} & set(model.named_vars)
            and not any(self._parents([rv], without=rv) & set(self.variables) for rv in rest)
        )

    def _find_variables(self) -> list[TensorVariable]:
        """Random variables that the step draws and the covariances are made of."""
        found = self._parents(self.covariances()) & set(self.block.step_draws)
        return sorted(found, key=lambda rv: str(rv.name))

    def _parents(self, graphs: Any, without: Any = None) -> set[Any]:
        random = set(self.block.model.basic_RVs)
        return random.intersection(ancestors(graphs, blockers=random - {without})) - {without}

    def covariances(self) -> tuple[Any, Any]:
        """Covariance of effects and of residuals, over model variables, (trait, trait) each."""
        block = self.block
        v = block.spec.variables(block.model, block.term)
        tau2, sigma2 = block.prior.variance(v), block.likelihood.variance(v, block.model)
        return pt.as_tensor(tau2)[None, None], pt.as_tensor(sigma2)[None, None]

    def target(self) -> Any:
        """Partial residual of the features, over model variables, (obs, trait)."""
        return (self.block.residual + self.block.current_fit)[:, None]

    def inputs(self) -> dict[str, Any]:
        """Inputs of the block that follows, and the log density without the effects."""
        (target,) = self.state.rebuild([self.target()])
        density, jacobian = self._log_density(self.state, self._current()[None], target)
        return self.block.inputs() | {"marginal": density[0] - jacobian[0]}

    def update(self) -> None:
        """Make the proposals, and take each or stay."""
        (target,) = self.state.rebuild([self.target()])
        mode, factor = map(pt.constant, self.proposal())
        normals = self.state.normals((PROPOSALS, mode.shape[0]))
        chi2 = 2.0 * pt.sum(self.state.exponentials((PROPOSALS, FREEDOM // 2)), axis=1)
        steps = normals / pt.sqrt(chi2 / FREEDOM)[:, None]
        points = pt.concatenate([self._current()[None], mode + _times(steps, factor)])
        inverse = pt.constant(np.linalg.inv(factor.data))
        squares = pt.sum(_times(points - mode, inverse) ** 2, axis=1)
        log_proposal = -0.5 * (FREEDOM + mode.shape[0]) * pt.log1p(squares / FREEDOM)
        weights = self._log_density(self.state, points, target)[0] - log_proposal
        chosen, self.accepted = self._choose(weights)
        for rv, value in self._split(points[chosen]):
            self.state.values[rv] = self._backward(self.state, rv, value)

    def statistics(self) -> dict[str, Any]:
        """Share of the proposals that were accepted."""
        return {"collapsed_acceptance": self.accepted}

    def _choose(self, weights: Any) -> tuple[Any, Any]:
        """Index of the last proposal that was accepted, and the share of them that were."""
        noise, current = self.state.exponentials(PROPOSALS), weights[0]
        chosen, accepted = pt.constant(0), pt.constant(0.0)
        for i in range(PROPOSALS):
            takes = -noise[i] < weights[i + 1] - current
            current = pt.switch(takes, weights[i + 1], current)
            chosen = pt.switch(takes, i + 1, chosen)
            accepted = accepted + takes / PROPOSALS
        return chosen, accepted

    def _current(self) -> Any:
        """Current point, (coordinate,)."""
        return pt.concatenate([self.state.transformed(rv).ravel() for rv in self.variables])

    def _split(self, points: Any) -> list[tuple[Any, Any]]:
        """Values of each variable, unconstrained, from points, (..., coordinate)."""
        found, first = [], 0
        for rv, shape in zip(self.variables, self._shapes, strict=True):
            last = first + math.prod(shape)
            part = points[..., first]
            if shape:
                part = points[..., first:last].reshape((*points.shape[:-1], *shape))
            found.append((rv, part))
            first = last
        return found

    def _backward(self, state: State, rv: Any, value: Any) -> Any:
        transform = state.model.rvs_to_transforms[rv]
        if transform is None:
            return value
        return transform.backward(value, *state.rebuild(rv.owner.inputs))

    def _log_density(self, state: State, points: Any, target: Any = None) -> tuple[Any, Any]:
        """Log density at points, and the log Jacobian in it, (point,); without target the prior."""
        symbols = {rv: state.model.rvs_to_values[rv].type() for rv in self.variables}
        kept = {rv: state.values[rv] for rv in self.variables}
        state.values |= {rv: self._backward(state, rv, one) for rv, one in symbols.items()}
        prior = sum(pt.sum(pm.logp(rv, rv)) for rv in self.variables)
        graphs = state.rebuild([*self.covariances(), prior])
        state.values |= kept
        graphs.append(sum(self._log_jacobian(state, rv, one) for rv, one in symbols.items()))
        batched = {symbols[rv]: value for rv, value in self._split(points)}
        slabs, noises, prior, jacobian = (
            many if many.ndim > one.ndim else pt.broadcast_to(one, (points.shape[0], *one.shape))
            for many, one in zip(vectorize_graph(graphs, batched), graphs, strict=True)
        )
        if target is None:
            return prior + jacobian, jacobian
        U, s, _ = self.block.design.shared()
        return prior + jacobian + MarginalDensity()(U, s, target, slabs, noises), jacobian

    def _log_jacobian(self, state: State, rv: Any, value: Any) -> Any:
        transform = state.model.rvs_to_transforms[rv]
        if transform is None:
            return pt.constant(0.0)
        return pt.sum(transform.log_jac_det(value, *state.rebuild(rv.owner.inputs)))

    def proposal(self) -> tuple[np.ndarray, np.ndarray]:
        """Mode of the posterior where mu and gamma are those of least squares, and a factor.

        Where y is not observed, those of the prior.
        """
        model, points = self.block.model, pt.matrix("points", dtype="float64")
        density, _ = self._log_density(State(model), points, self._residual())
        values = list(model.value_vars)
        function = pytensor.function(
            [points, *values], density, mode=AS_WRITTEN, on_unused_input="ignore"
        )
        given = [self._start[value.name] for value in values]
        first = [self._start[model.rvs_to_values[rv].name].ravel() for rv in self.variables]
        return laplace(lambda many: function(many, *given), np.concatenate(first))

    def _residual(self) -> np.ndarray | None:
        """Observed y, (obs, trait), without its regression on the intercept and the covariates."""
        model, y = self.block.model, observed(self.block.model)
        if y is None:
            return None
        root = np.broadcast_to(value_of(root_weights(model)), len(y))[:, None]
        columns = [root]
        if "W" in model.named_vars:
            columns.append(root * model["W"].get_value())
        Q, _ = np.linalg.qr(np.hstack(columns))
        return project_out(Q, root * y.reshape(len(y), -1))


@register
class CollapsedTraits(CollapsedMove):
    """Covariances of effects on several traits and of residuals, without the effects."""

    serves = "joint-traits"

    def covariances(self) -> tuple[Any, Any]:
        """Covariance of effects and of residuals, over model variables, (trait, trait) each."""
        v = self.block.spec.variables(self.block.model, self.block.term)
        return pt.as_tensor(self.block.prior.covariance(v)), v["Sigma_e"]

    def target(self) -> Any:
        """Partial residual of the features, over model variables, (obs, trait)."""
        return self.block.residual + self.block.current_fit


def _times(points: Any, factor: Any) -> Any:
    """Each point, (point, coordinate), times a matrix from the left."""
    return pt.sum(points[:, None, :] * factor[None, :, :], axis=-1)
