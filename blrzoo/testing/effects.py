"""Checks of the full conditionals of effects and labels, by the block that draws them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import stats

from blrzoo.gibbs.blocks.base import Block
from blrzoo.ops.indicators import pattern_conditional
from blrzoo.ops.sweep import block_conditional
from blrzoo.ops.traits import trait_conditional

__all__ = ["CHECKS", "Check", "Point", "Slice", "checks", "effect_checks"]

Point = dict[str, np.ndarray]

#: Points that differ in one variable only, each with its conditional log density.
Slice = Iterator[tuple[Point, float]]
Check = Callable[[Point, np.random.Generator], Slice]

#: From a point to the inputs of the Op of a block, by name.
Inputs = Callable[[Point], dict[str, Any]]

#: Makes the checks of a block for some of the features.
MakeChecks = Callable[[Block, Inputs, np.ndarray, np.random.Generator], list[Check]]

CHECKS: dict[str, MakeChecks] = {}


def checks(name: str) -> Callable[[MakeChecks], MakeChecks]:
    """Decorator that registers the function that makes the checks of the block of this name."""

    def register(make: MakeChecks) -> MakeChecks:
        CHECKS[name] = make
        return make

    return register


def effect_checks(
    block: Block, inputs: Inputs, features: int, rng: np.random.Generator
) -> list[tuple[str, Check]]:
    """Checks of the effects that a block draws, for features chosen at random."""
    if block.name not in CHECKS:
        raise NotImplementedError(
            f"block {block.name!r} has no check of its conditional, got those of "
            f"{sorted(CHECKS)}. Register one with blrzoo.testing.effects.checks."
        )
    p = block.prior.data.p
    chosen = rng.choice(p, size=min(p, features), replace=False)
    made = CHECKS[block.name](block, inputs, chosen, rng)
    return [(str(block.effects.name), check) for check in made]


@checks("joint")
def _joint(block: Block, inputs: Inputs, chosen: Any, rng: Any) -> list[Check]:
    return [_joint_check(block, lambda point: block.design.moments(**inputs(point)))]


@checks("joint-traits")
def _joint_traits(block: Block, inputs: Inputs, chosen: Any, rng: Any) -> list[Check]:
    X = (block.design.U * block.design.s) @ block.design.Vt

    def moments(point: Point) -> tuple[np.ndarray, np.ndarray]:
        target, precision, covariance = inputs(point).values()
        prior = np.kron(np.eye(X.shape[1]), np.linalg.inv(covariance))
        spread = np.linalg.inv(np.kron(X.T @ X, precision) + prior)
        return spread @ (X.T @ target @ precision).ravel(), spread

    return [_joint_check(block, moments)]


@checks("single-site")
def _single_site(block: Block, inputs: Inputs, chosen: Any, rng: Any) -> list[Check]:
    return [_block_check(block, inputs, _site_conditional, _relabel, j) for j in chosen]


@checks("traits")
def _traits(block: Block, inputs: Inputs, chosen: Any, rng: Any) -> list[Check]:
    return [_block_check(block, inputs, _trait_conditional, _relabel, j) for j in chosen]


@checks("indicators")
def _indicators(block: Block, inputs: Inputs, chosen: Any, rng: Any) -> list[Check]:
    traits = rng.integers(block.prior.data.n_traits, size=len(chosen))
    pairs = zip(chosen, traits, strict=True)
    return [_block_check(block, inputs, *_flip(t), j) for j, t in pairs]


def _joint_check(block: Block, moments: Callable[[Point], tuple[np.ndarray, np.ndarray]]) -> Check:
    """Check of all effects, in C order, by their mean and covariance."""
    name = block.model.rvs_to_values[block.effects].name

    def check(point: Point, rng: np.random.Generator) -> Slice:
        mean, covariance = moments(point)
        density = stats.multivariate_normal(mean, covariance, allow_singular=True)
        for effects in rng.multivariate_normal(mean, covariance, size=4):
            shaped = block.prior.data.per_unit(effects.reshape(point[name].shape))
            yield point | {name: shaped}, float(density.logpdf(effects))

    return check


#: Log probabilities of the components, and mean and covariance of the effects in each.
Conditional = tuple[np.ndarray, np.ndarray, np.ndarray]


def _dot(design: Any, j: int, residual: np.ndarray) -> Any:
    """The dot product of a feature and the residual, as a sweep computes it."""
    return design.dot(design.arrays, j, design.begin(design.arrays, np.ascontiguousarray(residual)))


def _site_conditional(block: Block, given: dict[str, Any], j: int) -> Conditional:
    """Conditional of one feature, for one trait."""
    design, sigma2 = block.design, given["sigma2"]
    d = design.arrays[-1][j] / sigma2
    q = _dot(design, j, given["residual"]) / sigma2 + d * given["effects"][j]
    log_p, means, spread = block_conditional(d, q, given["variances"][j], given["log_weights"][j])
    return log_p, means[:, None], spread[:, None, None]


def _trait_conditional(block: Block, given: dict[str, Any], j: int) -> Conditional:
    """Conditional of one feature, for several traits."""
    slabs = given["slabs"][given["groups"][j]]
    data = _precisions(block, given, j)
    return trait_conditional(*data, slabs, given["projections"], given["log_weights"][j])


def _precisions(block: Block, given: dict[str, Any], j: int) -> tuple[Any, np.ndarray, np.ndarray]:
    """x'x, Omega (R + x b')'x and Omega of one feature, for several traits."""
    design, precision = block.design, given["precision"]
    d = design.arrays[-1][j]
    dots = np.array([_dot(design, j, row) for row in given["residual"].T])
    return d, precision @ (dots + d * given["effects"][j]), precision


def _flip(t: int) -> tuple[Callable[..., Conditional], Callable[..., Any]]:
    """Conditional of a feature with the indicator of trait t off and on, and the new indicators."""

    def relabel(prior: Any, old: np.ndarray, k: Any) -> np.ndarray:
        return np.where(np.arange(old.size) == t, k, old)

    def conditional(block: Block, given: dict[str, Any], j: int) -> Conditional:
        fixed = *_precisions(block, given, j), given["covariance"], given["pseudo"]
        patterns = [relabel(None, given["indicators"][j], k) > 0 for k in (0, 1)]
        (off, *first), (on, *second) = (pattern_conditional(*fixed, s) for s in patterns)
        odds = given["log_odds"][j, t] + on - off
        means, roots = zip(first, second, strict=True)
        log_p = -np.logaddexp(0.0, np.array([odds, -odds]))
        return log_p, np.array(means), np.array([root @ root.T for root in roots])

    return conditional, relabel


def _relabel(prior: Any, old: Any, k: Any) -> Any:
    """Label of a feature in component k."""
    return prior.label(k)


def _block_check(
    block: Block,
    inputs: Inputs,
    conditional: Callable[[Block, dict[str, Any], int], Conditional],
    relabel: Callable[[Any, Any, Any], Any],
    j: int,
) -> Check:
    values, prior = block.model.rvs_to_values, block.prior
    name = values[block.effects].name
    label = values[block.label].name if block.draws_label else None
    unit = 1.0 if prior.data.x_scale is None else prior.data.x_scale[j]

    def check(point: Point, rng: np.random.Generator) -> Slice:
        log_p, means, covariances = conditional(block, inputs(point), j)
        for k in np.flatnonzero(np.isfinite(log_p)):
            density, drawn = _effects_of(means[k], covariances[k], unit, rng)
            for effect in drawn:
                effects = _put(prior.data.per_sd(point[name]), j, effect)
                moved = point | {name: prior.data.per_unit(effects)}
                if label is not None:
                    moved[label] = _put(point[label], j, relabel(prior, point[label][j], k))
                yield moved, float(log_p[k] + density(effect))

    return check


def _effects_of(
    mean: np.ndarray, covariance: np.ndarray, unit: float, rng: np.random.Generator
) -> tuple[Callable[[np.ndarray], float], np.ndarray]:
    """Density (per unit of X) and draws of a feature's effects; a single draw if they are 0."""
    if not covariance.any():
        return lambda effect: 0.0, mean[None]
    normal = stats.multivariate_normal(mean, covariance)
    jacobian = mean.size * np.log(unit)  # which a point mass does not have
    drawn = normal.rvs(3, random_state=rng).reshape(3, -1)
    return lambda effect: normal.logpdf(effect) + jacobian, drawn


def _put(array: np.ndarray, j: int, value: Any) -> np.ndarray:
    changed = array.copy()
    changed[j] = value if array.ndim > 1 else np.squeeze(value)
    return changed
