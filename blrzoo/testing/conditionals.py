"""Full conditionals against the joint density, to rounding."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from scipy import stats

from blrzoo.designs.base import Design
from blrzoo.gibbs.compose import Composer, State
from blrzoo.gibbs.spec import spec_of
from blrzoo.gibbs.step import compose
from blrzoo.ops.joint import Factorisation
from blrzoo.ops.reference import block_conditional

__all__ = ["check_conditionals"]

Point = dict[str, np.ndarray]

#: Every function here runs a few times only: compiling would take longer than running.
_MODE = "FAST_COMPILE"


def check_conditionals(
    model: pm.Model,
    *,
    points: int = 3,
    features: int = 5,
    rtol: float = 1e-9,
    random_seed: Any = None,
) -> dict[str, float]:
    r"""Check every full conditional of a model against its joint density.

    At random points, ``log p(everything) - log p(variable | rest)`` must not change with the
    variable: :math:`p(x | rest) \propto p(x, rest)`. For the effects this is done with the
    (label, effect) block of single features as the sweep draws it (section 2 of the design), or
    with the multivariate normal of the joint draw.

    Parameters
    ----------
    model : pm.Model
        Made by `blrzoo.regression` or a factory.
    points : int
        Number of random points.
    features : int
        Number of features, taken at random, whose block is checked at each point.
    rtol : float
        Bound of the error, relative to the size of the log densities.
    random_seed : int, Generator or None
        Seeds the points.

    Returns
    -------
    dict of str to float
        Largest relative error by name of the variable.

    Raises
    ------
    AssertionError
        Where an error exceeds `rtol`; names the variable.

    References
    ----------
    .. [1] Grosse & Duvenaud (2014). Testing MCMC code. arXiv:1412.5218.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=20, p=3, n_causal=1, random_seed=1)
    >>> errors = blr.testing.check_conditionals(blr.spike_slab(data.X, data.y), random_seed=1)
    >>> sorted(errors)
    ['alpha', 'mu', 'pi', 'sigma2', 'tau2']
    """
    rng = np.random.default_rng(random_seed)
    names = [rv.name for rv in model.free_RVs if spec_of(rv) is not None]
    composer = compose(model, names)
    joints = {leaf: _joint_density(model, leaf) for leaf in (False, True)}
    checks = [*_hyperparameter_checks(composer), *_effect_checks(composer, features, rng)]
    errors = {name: 0.0 for name, _ in checks}
    for _ in range(points):
        point = _random_point(model, rng)
        for name, check in checks:
            pieces = check(point, rng)
            error = _relative_error(model, joints[name == "y_missing"], pieces)
            errors[name] = max(errors[name], np.inf if np.isnan(error) else error)
    wrong = {name: error for name, error in errors.items() if not error <= rtol}
    if wrong:
        raise AssertionError(
            f"check_conditionals: these conditionals do not match the model's density to "
            f"rtol={rtol:g} (relative errors): {wrong}"
        )
    return errors


def _joint_density(model: pm.Model, leaf: bool) -> Callable[..., Any]:
    """Log density of everything; without missing responses, which nothing is drawn given."""
    rvs = [rv for rv in model.basic_RVs if leaf or rv.name != "y_missing"]
    density = model.logp(vars=rvs, jacobian=False)
    return pytensor.function(model.value_vars, density, mode=_MODE, on_unused_input="ignore")


#: Points that differ in one variable only, each with its conditional log density.
Slice = Iterator[tuple[Point, float]]
Check = Callable[[Point, np.random.Generator], Slice]


def _relative_error(model: pm.Model, joint: Callable[..., Any], pieces: Slice) -> float:
    """Largest change of joint minus conditional log density along a slice."""
    names = [value.name for value in model.value_vars]
    both = np.array(
        [(float(joint(*(point[name] for name in names))), logp) for point, logp in pieces]
    )
    gap = both[:, 0] - both[:, 1]
    return float(np.ptp(gap) / (1.0 + np.abs(both).max()))


def _random_point(model: pm.Model, rng: np.random.Generator) -> Point:
    """Draw a point from the prior, by the names of the value variables."""
    transforms = model.rvs_to_transforms
    values = [
        transforms[rv].forward(rv, *rv.owner.inputs) if transforms[rv] is not None else rv
        for rv in model.free_RVs
    ]
    drawn = pm.draw(values, random_seed=rng, mode=_MODE)
    names = [model.rvs_to_values[rv].name for rv in model.free_RVs]
    return dict(zip(names, map(np.asarray, drawn), strict=True))


def _fit(composer: Composer, point: Point) -> np.ndarray:
    (beta,) = State(composer.model).rebuild([composer.model["beta"]])
    return composer.design.fit(_evaluate(composer, [beta], point)[0])


def _evaluate(composer: Composer, outputs: list[Any], point: Point, **extra: Any) -> list[Any]:
    """Evaluate graphs of value variables (and of the fit) at a point."""
    given = {value: point[value.name] for value in composer.inputs}
    if "fit" in extra:
        given[composer.fit] = extra["fit"]
    function = pytensor.function(list(given), outputs, mode=_MODE, on_unused_input="ignore")
    return function(*given.values())


def _hyperparameter_checks(composer: Composer) -> list[tuple[str, Check]]:
    return [
        (rv.name, _hyperparameter_check(composer, rv, dist))
        for rv, dist in composer.conditionals.items()
    ]


def _hyperparameter_check(composer: Composer, rv: Any, dist: Any) -> Check:
    name = composer.model.rvs_to_values[rv].name
    logp = pt.sum(pm.logp(dist, rv))
    (logp,) = composer.state.rebuild([logp])
    function = pytensor.function(
        [*composer.inputs, composer.fit], logp, mode=_MODE, on_unused_input="ignore"
    )

    def check(point: Point, rng: np.random.Generator) -> Slice:
        fit = _fit(composer, point)
        for _ in range(4):
            moved = point | {name: point[name] + rng.standard_normal(point[name].shape)}
            values = [moved[value.name] for value in composer.inputs]
            yield moved, float(function(*values, fit))

    return check


def _effect_checks(
    composer: Composer, features: int, rng: np.random.Generator
) -> list[tuple[str, Check]]:
    if not composer.draws_effects:
        return []
    if isinstance(composer.design, Factorisation):
        return [(composer.effects.name, _joint_check(composer, composer.design))]
    p = composer.spec.prior.data.p
    chosen = rng.choice(p, size=min(p, features), replace=False)
    return [(composer.effects.name, _block_check(composer, composer.design, j)) for j in chosen]


def _joint_check(composer: Composer, design: Factorisation) -> Check:
    name = composer.model.rvs_to_values[composer.effects].name
    block = composer.block_inputs()

    def check(point: Point, rng: np.random.Generator) -> Slice:
        fit = _fit(composer, point)
        working, _, variances, _, sigma2 = _evaluate(composer, block, point, fit=fit)
        mean, covariance = design.moments(working + fit, sigma2, variances[0, 0])
        density = stats.multivariate_normal(mean, covariance, allow_singular=True)
        for effects in rng.multivariate_normal(mean, covariance, size=4):
            yield point | {name: effects}, float(density.logpdf(effects))

    return check


def _block_check(composer: Composer, design: Design, j: int) -> Check:
    values = composer.model.rvs_to_values
    name = values[composer.effects].name
    label = values[composer.label].name if composer.draws_label else None
    block = composer.block_inputs()

    def check(point: Point, rng: np.random.Generator) -> Slice:
        fit = _fit(composer, point)
        working, effects, variances, log_weights, sigma2 = _evaluate(
            composer, block, point, fit=fit
        )
        d = design.arrays[-1][j] / sigma2
        q = design.dot(design.arrays, j, working) / sigma2 + d * effects[j]
        log_p, means, spread = block_conditional(d, q, variances[j], log_weights[j])
        for k in np.flatnonzero(np.isfinite(log_p)):
            null = composer.label is not None and k == 0
            mean = 0.0 if null else means[k]
            sd = np.sqrt(composer.spec.prior.pseudo_variance() if null else spread[k])
            for effect in mean + sd * rng.standard_normal(3):
                moved = point | {name: _put(point[name], j, effect)}
                if label is not None:
                    moved[label] = _put(point[label], j, k)
                yield moved, float(log_p[k] + stats.norm.logpdf(effect, mean, sd))

    return check


def _put(array: np.ndarray, j: int, value: Any) -> np.ndarray:
    changed = array.copy()
    changed[j] = value
    return changed
