"""Checks of the full conditionals of effects and labels, by the block that draws them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import stats

from blrzoo.designs.base import Design
from blrzoo.gibbs.blocks.base import Block
from blrzoo.gibbs.moves import make_moves
from blrzoo.ops.indicators import pattern_conditional
from blrzoo.ops.pairs import pair_conditional
from blrzoo.ops.sweep import block_conditional
from blrzoo.ops.trait_pairs import states, trait_pair_conditional
from blrzoo.ops.traits import trait_conditional
from blrzoo.priors.base import Prior

__all__ = ["CHECKS", "Check", "Point", "Slice", "checks", "effect_checks"]

Point = dict[str, np.ndarray]

#: Points that differ in one variable only, each with its conditional log density.
Slice = Iterator[tuple[Point, float]]
Check = Callable[[Point, np.random.Generator], Slice]

#: Inputs of the Op of a block by name, and the function that computes them at a point.
Given = dict[str, np.ndarray]
Inputs = Callable[[Point], Given]

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
    name: str, block: Block, inputs: Inputs, features: int, rng: np.random.Generator
) -> list[tuple[str, Check]]:
    """Checks of the effects that a block or a move draws, for features chosen at random."""
    if name not in CHECKS:
        raise NotImplementedError(
            f"block or move {name!r} has no check of its conditional, got those of "
            f"{sorted(CHECKS)}. Register one with blrzoo.testing.effects.checks."
        )
    p = block.prior.data.p
    chosen = rng.choice(p, size=min(p, features), replace=False)
    made = CHECKS[name](block, inputs, chosen, rng)
    return [(str(block.effects.name), check) for check in made]


def _move(block: Block, name: str) -> Any:
    """The move of this name, with the attributes of its class."""
    (move,) = make_moves(block, [name])
    return move


@checks("joint")
def _joint(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    return [_joint_check(block, _joint_moments(block, inputs))]


@checks("joint-traits")
def _joint_traits(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    return [_joint_check(block, _joint_moments(block, inputs))]


#: Mean and covariance of all effects, in C order, at a point.
Moments = Callable[[Point], tuple[np.ndarray, np.ndarray]]


def _joint_moments(block: Block, inputs: Inputs) -> Moments:
    """Moments of what the joint draw of effects, on one trait or several, has at a point."""
    design = block.term.design.factorisation
    X = (design.U * design.s) @ design.Vt

    def moments(point: Point) -> tuple[np.ndarray, np.ndarray]:
        given = inputs(point)
        if "tau2" in given:
            given = {name: given[name] for name in ("target", "sigma2", "tau2")}
            return design.moments(**given)
        target, precision = given["target"], given["precision"]
        prior = np.kron(np.eye(X.shape[1]), np.linalg.inv(given["covariance"]))
        spread = np.linalg.inv(np.kron(X.T @ X, precision) + prior)
        return spread @ (X.T @ target @ precision).ravel(), spread

    return moments


@checks("collapsed")
def _collapsed(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    """Variances without the effects, then the effects given them: both of them move."""
    effects = _joint_check(block, _joint_moments(block, inputs))
    move = _move(block, "collapsed")
    values = [block.model.rvs_to_values[rv].name for rv in move.variables]

    def check(point: Point, rng: np.random.Generator) -> Slice:
        for _ in range(3):
            moved = point | {
                name: point[name] + 0.3 * rng.standard_normal(point[name].shape) for name in values
            }
            marginal = float(inputs(moved)["marginal"])
            for again, density in effects(moved, rng):
                yield again, marginal + density

    return [check]


@checks("single-site")
def _single_site(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    return [_block_check(block, inputs, _site_conditional, _relabel, j) for j in chosen]


@checks("pairs")
def _pairs(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    move = _move(block, "pairs")
    first, second, _ = (shared.get_value() for shared in move.pairs)
    pairs = rng.choice(len(first), size=min(len(chosen), len(first)), replace=False)
    conditional = _pair_conditional if block.name == "single-site" else _trait_pair_conditional
    both = zip(first[pairs], second[pairs], strict=True)
    return [_block_check(block, inputs, conditional, _relabel, np.array(j)) for j in both]


@checks("scale")
def _scale(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    move = _move(block, "scale")
    if block.name != "single-site":
        return [_trait_scale_check(block, inputs, move)]
    values, effects = block.model.rvs_to_values, block.model.rvs_to_values[block.effects].name

    def check(point: Point, rng: np.random.Generator) -> Slice:
        given = inputs(point)
        for c in (0.6, 1.0, 1.3):
            moved = point | {effects: c * point[effects]}
            for rv, power in move.variances.items():
                name = values[rv].name
                moved[name] = point[name] + power * np.log(c)  # PyMC's values of them are logs
            likelihood = c * given["linear"] - c * c * given["quadratic"] / 2
            yield moved, float(likelihood + inputs(moved)["log_prior"])

    return [check]


def _trait_scale_check(block: Block, inputs: Inputs, move: Any) -> Check:
    values, size = block.model.rvs_to_values, block.prior.data.n_traits
    effects, covariance = (values[rv].name for rv in (block.effects, move.variable))

    def check(point: Point, rng: np.random.Generator) -> Slice:
        given = inputs(point)
        included = given["included"] > 0
        for width in (0.0, 0.1, 0.3):
            m = np.equal(move.rows, move.columns) + width * rng.uniform(size=len(move.rows))
            M = np.zeros((size, size))
            M[move.rows, move.columns] = m
            moved = {effects: np.where(included[:, None], point[effects] @ M.T, point[effects])}
            moved[covariance] = _transformed(point[covariance], M, full=move.full)
            log_p = given["linear"] @ m - m @ given["precision"] @ m / 2
            log_p -= included.sum() * np.log(np.diagonal(M)).sum()
            yield point | moved, float(log_p + inputs(point | moved)["log_prior"])

    return check


def _transformed(value: np.ndarray, M: np.ndarray, *, full: bool) -> np.ndarray:
    """PyMC's value of M Sigma M' from that of Sigma; of variances, M is diagonal."""
    if not full:
        return value + 2 * np.log(np.diagonal(M))
    packed, on_diagonal = np.tril_indices(len(M)), np.eye(len(M), dtype=bool)
    factor = np.zeros_like(M)
    factor[packed] = value
    moved = M @ np.where(on_diagonal, np.exp(factor), factor)
    return np.where(on_diagonal, np.log(np.abs(moved) + ~on_diagonal), moved)[packed]


@checks("traits")
def _traits(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    return [_block_check(block, inputs, _trait_conditional, _relabel, j) for j in chosen]


@checks("indicators")
def _indicators(
    block: Block, inputs: Inputs, chosen: np.ndarray, rng: np.random.Generator
) -> list[Check]:
    traits = rng.integers(block.prior.data.n_traits, size=len(chosen))
    pairs = zip(chosen, traits, strict=True)
    return [_block_check(block, inputs, *_flip(t), j) for j, t in pairs]


def _joint_check(block: Block, moments: Moments) -> Check:
    """Check of all effects, in C order, by their mean and covariance."""
    name = block.model.rvs_to_values[block.effects].name

    def check(point: Point, rng: np.random.Generator) -> Slice:
        mean, covariance = moments(point)
        density = stats.multivariate_normal(mean, covariance, allow_singular=True)
        for effects in rng.multivariate_normal(mean, covariance, size=4):
            shaped = block.prior.data.per_unit(effects.reshape(point[name].shape))
            yield point | {name: shaped}, float(density.logpdf(effects))

    return check


#: Log probabilities of the components, and mean and covariance of the effects in each; for two
#: features, of all pairs of components.
Conditional = tuple[np.ndarray, np.ndarray, np.ndarray]


def _dot(design: Design, j: int, residual: np.ndarray) -> Any:
    """The dot product of a feature and the residual, as a sweep computes it."""
    return design.dot(design.arrays, j, design.begin(design.arrays, np.ascontiguousarray(residual)))


def _site_conditional(block: Block, given: Given, j: int) -> Conditional:
    """Conditional of one feature, for one trait."""
    design, sigma2 = block.term.design, given["sigma2"]
    d = design.arrays[-1][j] / sigma2
    q = _dot(design, j, given["residual"]) / sigma2 + d * given["effects"][j]
    log_p, means, spread = block_conditional(d, q, given["variances"][j], given["log_weights"][j])
    return log_p, means[:, None], spread[:, None, None]


def _pair_conditional(block: Block, given: Given, both: np.ndarray) -> Conditional:
    """Conditional of two features, for one trait."""
    design, sigma2 = block.term.design, given["sigma2"]
    information = np.diag(design.arrays[-1][both]) / sigma2
    pair = (given["first"] == both[0]) & (given["second"] == both[1])
    information[[0, 1], [1, 0]] = given["cross"][pair] / sigma2
    dots = np.array([_dot(design, j, given["residual"]) for j in both])
    q = dots / sigma2 + information @ given["effects"][both]
    return pair_conditional(information, q, given["variances"][both], given["log_weights"][both])


def _trait_pair_conditional(block: Block, given: Given, both: np.ndarray) -> Conditional:
    """Conditional of two features, for several traits."""
    design, precision = block.term.design, given["precision"]
    products = np.diag(design.arrays[-1][both])
    pair = (given["first"] == both[0]) & (given["second"] == both[1])
    products[[0, 1], [1, 0]] = given["cross"][pair]
    dots = np.array([[_dot(design, j, row) for row in given["residual"].T] for j in both])
    q = (dots + products @ given["effects"][both]) @ precision
    prior = given["slabs"][given["groups"][both]], given["projections"], given["log_weights"][both]
    log_p, means, covariances = trait_pair_conditional(products, q, precision, *prior)
    labels = given["labels"][both[0]], given["labels"][both[1]]
    rows, columns = zip(*states(labels, len(log_p)), strict=True)
    reached = np.full_like(log_p, -np.inf)
    reached[rows, columns] = log_p[rows, columns]
    return reached, means, covariances


def _trait_conditional(block: Block, given: Given, j: int) -> Conditional:
    """Conditional of one feature, for several traits."""
    slabs = given["slabs"][given["groups"][j]]
    data = _precisions(block, given, j)
    return trait_conditional(*data, slabs, given["projections"], given["log_weights"][j])


def _precisions(block: Block, given: Given, j: int) -> tuple[float, np.ndarray, np.ndarray]:
    """x'x, Omega (R + x b')'x and Omega of one feature, for several traits."""
    design, precision = block.term.design, given["precision"]
    d = design.arrays[-1][j]
    dots = np.array([_dot(design, j, row) for row in given["residual"].T])
    return d, precision @ (dots + d * given["effects"][j]), precision


def _flip(t: int) -> tuple[Callable[..., Conditional], Callable[..., Any]]:
    """Conditional of a feature with the indicator of trait t off and on, and the new indicators."""

    def relabel(prior: Prior, old: np.ndarray, k: int) -> np.ndarray:
        return np.where(np.arange(old.size) == t, k, old)

    def conditional(block: Block, given: Given, j: int) -> Conditional:
        fixed = *_precisions(block, given, j), given["covariance"], given["pseudo"]
        patterns = [relabel(block.prior, given["indicators"][j], k) > 0 for k in (0, 1)]
        (off, *first), (on, *second) = (pattern_conditional(*fixed, s) for s in patterns)
        odds = given["log_odds"][j, t] + on - off
        means, roots = zip(first, second, strict=True)
        log_p = -np.logaddexp(0.0, np.array([odds, -odds]))
        return log_p, np.array(means), np.array([root @ root.T for root in roots])

    return conditional, relabel


def _relabel(prior: Any, old: Any, k: Any) -> Any:
    """Label of a feature in component k, or of two features in two components."""
    return prior.label(k) if np.ndim(k) == 0 else np.array([prior.label(one) for one in k])


def _block_check(
    block: Block,
    inputs: Inputs,
    conditional: Callable[[Block, Given, Any], Conditional],
    relabel: Callable[[Any, Any, Any], Any],
    j: Any,
) -> Check:
    """Check of one feature, or of two."""
    values, prior = block.model.rvs_to_values, block.prior
    name = values[block.effects].name
    label = values[block.label].name if block.draws_label else None
    units = np.ones(prior.data.p) if prior.data.x_scale is None else prior.data.x_scale

    def check(point: Point, rng: np.random.Generator) -> Slice:
        log_p, means, covariances = conditional(block, inputs(point), j)
        shape = point[name][j].shape
        unit = np.repeat(units[j], means.shape[-1] // np.size(j))
        for k in zip(*np.nonzero(np.isfinite(log_p)), strict=True):
            density, drawn = _effects_of(means[k], covariances[k], unit, rng)
            component = k[0] if np.ndim(j) == 0 else np.array(k)
            for effect in drawn:
                effects = _put(prior.data.per_sd(point[name]), j, effect.reshape(shape))
                moved = point | {name: prior.data.per_unit(effects)}
                if label is not None:
                    moved[label] = _put(point[label], j, relabel(prior, point[label][j], component))
                yield moved, float(log_p[k] + density(effect))

    return check


def _effects_of(
    mean: np.ndarray, covariance: np.ndarray, unit: np.ndarray, rng: np.random.Generator
) -> tuple[Callable[[np.ndarray], float], np.ndarray]:
    """Density (per unit of X) and draws of effects; a single draw if all are 0."""
    free = np.diagonal(covariance) > 0.0
    if not free.any():
        return lambda effect: 0.0, mean[None]
    normal = stats.multivariate_normal(mean[free], covariance[np.ix_(free, free)])
    jacobian = np.log(unit[free]).sum()  # a point mass has none
    drawn = np.tile(mean, (3, 1))
    drawn[:, free] = normal.rvs(3, random_state=rng).reshape(3, -1)
    return lambda effect: normal.logpdf(effect[free]) + jacobian, drawn


def _put(array: np.ndarray, j: int, value: Any) -> np.ndarray:
    changed = array.copy()
    changed[j] = value
    return changed
