"""Variances of effects and residuals, drawn with the effects integrated out."""

from collections.abc import Iterable
from functools import cached_property, partial

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from blrzoo.evaluate import AS_WRITTEN, value_of
from blrzoo.gibbs.blocks.base import Block
from blrzoo.gibbs.blocks.joint import Joint
from blrzoo.gibbs.blocks.joint_traits import JointTraits
from blrzoo.gibbs.moves.base import Move, register
from blrzoo.gibbs.moves.coordinates import Coordinates
from blrzoo.gibbs.moves.laplace import laplace
from blrzoo.gibbs.spec import observed
from blrzoo.gibbs.state import State
from blrzoo.least_squares import project_out
from blrzoo.likelihood.single import POWER, root_weights
from blrzoo.ops.marginal import MarginalDensity

__all__ = ["CollapsedMove", "CollapsedTraits", "CollapsedVariances"]

#: Variables that depend on variances, but are drawn after them, or integrated out.
_LEAVES = ("y", "y_missing")

#: Proposals in a sweep, each accepted or not in turn.
PROPOSALS = 5
#: Degrees of freedom of the proposals: heavier tails than those of any variance's posterior.
FREEDOM = 8
#: Most coordinates, those of 8 traits: of more, few proposals are accepted, and the search is long.
MOST = 72


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

    name, leads, independent = "collapsed", True, True
    block: Joint | JointTraits

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        self.variables = self._find_variables()

    @cached_property
    def _start(self) -> dict[str, np.ndarray]:
        """Initial point of the model, which takes PyMC a while."""
        return dict(self.block.model.initial_point(0))

    def pays(self) -> bool:
        """Whether the step draws effects and variances of up to 8 traits, all measured."""
        model = self.block.model
        others = {*self.variables, self.block.effects, *map(model.named_vars.get, _LEAVES)}
        rest = [rv for rv in model.basic_RVs if rv not in others]
        return (
            self.block.draws_effects
            and bool(self.variables)
            and len(self.block.spec.terms) == 1
            and not {"measured", POWER} & set(model.named_vars)
            and not any(self._parents([rv], without=rv) & set(self.variables) for rv in rest)
            and self._coordinates(self.state).size <= MOST
        )

    def _find_variables(self) -> list[TensorVariable]:
        """Random variables that the step draws and the covariances are made of."""
        found = self._parents(self.covariances()) & set(self.block.step_draws)
        return sorted(found, key=lambda rv: str(rv.name))

    def _parents(
        self, graphs: Iterable[TensorVariable], without: TensorVariable | None = None
    ) -> set[TensorVariable]:
        random = set(self.block.model.basic_RVs)
        return random.intersection(ancestors(graphs, blockers=random - {without})) - {without}

    def covariances(self) -> tuple[TensorVariable, TensorVariable]:
        """Covariance of effects and of residuals, over model variables, (trait, trait) each."""
        raise NotImplementedError

    def target(self) -> TensorVariable:
        """Partial residual of the features, over model variables, (obs, trait)."""
        raise NotImplementedError

    def inputs(self) -> dict[str, TensorVariable]:
        """Inputs of the block that follows, and the log density without the effects."""
        (target,) = self.state.rebuild([self.target()])
        current = self._coordinates(self.state).current()[None]
        density, jacobian = self._log_density(self.state, current, target)
        return self.block.inputs() | {"marginal": density[0] - jacobian[0]}

    def update(self) -> None:
        """Make the proposals, and take each or stay."""
        (target,) = self.state.rebuild([self.target()])
        coordinates = self._coordinates(self.state)
        mode, factor = map(pt.constant, self.proposal())
        steps = _times(self._student(mode.data.size), factor)
        points = pt.concatenate([coordinates.current()[None], mode + steps])
        inverse = pt.constant(np.linalg.inv(factor.data))
        squares = pt.sum(_times(points - mode, inverse) ** 2, axis=1)
        log_proposal = -0.5 * (FREEDOM + mode.data.size) * pt.log1p(squares / FREEDOM)
        log_density, _ = self._log_density(self.state, points, target)
        chosen, self.accepted = self._choose(log_density - log_proposal)
        for rv, value in coordinates.split(points[chosen]).items():
            self.state.values[rv] = coordinates.backward(rv, value)

    def _student(self, size: int) -> TensorVariable:
        """Student t vectors, (proposal, coordinate)."""
        chi2 = 2.0 * pt.sum(self.state.exponentials((PROPOSALS, FREEDOM // 2)), axis=1)
        return self.state.normals((PROPOSALS, size)) / pt.sqrt(chi2 / FREEDOM)[:, None]

    def statistics(self) -> dict[str, TensorVariable]:
        """Share of the proposals that were accepted."""
        return {"collapsed_acceptance": self.accepted}

    def _choose(self, weights: TensorVariable) -> tuple[TensorVariable, TensorVariable]:
        """Index of the last proposal that was accepted, and the share of them that were."""
        noise, current = self.state.exponentials(PROPOSALS), weights[0]
        chosen, accepted = pt.constant(0), pt.constant(0.0)
        for i in range(PROPOSALS):
            takes = -noise[i] < weights[i + 1] - current
            current = pt.switch(takes, weights[i + 1], current)
            chosen = pt.switch(takes, i + 1, chosen)
            accepted = accepted + takes / PROPOSALS
        return chosen, accepted

    def _coordinates(self, state: State) -> Coordinates:
        return Coordinates(self.variables, state, self._start)

    def _log_density(
        self,
        state: State,
        points: TensorVariable,
        target: TensorVariable | np.ndarray | None = None,
    ) -> tuple[TensorVariable, TensorVariable]:
        """Log density at points, and the log Jacobian in it, (point,); without target the prior."""
        coordinates = self._coordinates(state)
        batched = coordinates.split(points)
        symbols = {rv: value[0].type() for rv, value in batched.items()}
        kept = {rv: state.values[rv] for rv in self.variables}
        jacobian = sum(coordinates.log_jacobian(rv, one) for rv, one in symbols.items())
        state.values |= {rv: coordinates.backward(rv, one) for rv, one in symbols.items()}
        prior = sum(pt.sum(pm.logp(rv, rv)) for rv in self.variables)
        graphs = [*state.rebuild([*self.covariances(), prior]), jacobian]
        state.values |= kept
        batched = {symbols[rv]: value for rv, value in batched.items()}
        slabs, noises, prior, jacobian = (
            many if many.ndim > one.ndim else pt.broadcast_to(one, (points.shape[0], *one.shape))
            for many, one in zip(vectorize_graph(graphs, batched), graphs, strict=True)
        )
        if target is None:
            return prior + jacobian, jacobian
        U, s, _ = self.block.design.shared()
        return prior + jacobian + MarginalDensity()(U, s, target, slabs, noises), jacobian

    def proposal(self) -> tuple[np.ndarray, np.ndarray]:
        """Mode of the posterior where mu and gamma are those of least squares, and a factor.

        Where y is not observed, those of the prior.
        """
        state, points = State(self.block.model), pt.matrix("points", dtype="float64")
        values = list(self.block.model.value_vars)
        function = partial(pytensor.function, mode=AS_WRITTEN, on_unused_input="ignore")
        density, _ = self._log_density(state, points, self._residual())
        density = function([points, *values], density)
        first = function(values, self._coordinates(state).current())
        given = [self._start[value.name] for value in values]
        return laplace(lambda many: density(many, *given), first(*given))

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
class CollapsedVariances(CollapsedMove):
    """Variances of effects on one trait and of residuals, without the effects."""

    serves = "joint"
    block: Joint

    def covariances(self) -> tuple[TensorVariable, TensorVariable]:
        """Variance of effects and of residuals, over model variables, (1, 1) each."""
        block = self.block
        v = block.spec.variables(block.model, block.term)
        tau2, sigma2 = block.prior.variance(v), block.likelihood.variance(v, block.model)
        return pt.as_tensor(tau2)[None, None], pt.as_tensor(sigma2)[None, None]

    def target(self) -> TensorVariable:
        """Partial residual of the features, over model variables, (obs, 1)."""
        return (self.block.residual + self.block.current_fit)[:, None]


@register
class CollapsedTraits(CollapsedMove):
    """Covariances of effects on several traits and of residuals, without the effects."""

    serves = "joint-traits"
    block: JointTraits

    def covariances(self) -> tuple[TensorVariable, TensorVariable]:
        """Covariance of effects and of residuals, over model variables, (trait, trait) each."""
        v = self.block.spec.variables(self.block.model, self.block.term)
        return pt.as_tensor(self.block.prior.covariance(v)), v["Sigma_e"]

    def target(self) -> TensorVariable:
        """Partial residual of the features, over model variables, (obs, trait)."""
        return self.block.residual + self.block.current_fit


def _times(points: TensorVariable, factor: TensorVariable) -> TensorVariable:
    """Each point, (point, coordinate), times a matrix from the left."""
    return pt.sum(points[:, None, :] * factor[None, :, :], axis=-1)
