"""Check of full conditionals against the joint density, up to rounding."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import Integer, Number, Seed
from blrzoo.distributions.partial_normal import PartialNormal
from blrzoo.evaluate import AS_WRITTEN, ONCE
from blrzoo.gibbs.blocks import Block
from blrzoo.gibbs.compose import Composer, compose
from blrzoo.gibbs.moves import Move
from blrzoo.gibbs.spec import find_model, spec_of
from blrzoo.gibbs.state import State
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.testing.effects import Check, Inputs, Point, Slice, effect_checks

__all__ = ["check_conditionals"]


def check_conditionals(
    model: pm.Model,
    *,
    points: int = 3,
    features: int = 5,
    rtol: float = 1e-9,
    random_seed: Any = None,
) -> dict[str, float]:
    r"""Check every full conditional of a model against its joint density.

    At random points drawn from the prior, :math:`\log p(x, rest) - \log p(x | rest)` must not
    change with the variable x [1]_, because :math:`p(x | rest) \propto p(x, rest)`. For effects, x
    is the label and the effect of one feature, as the sweep draws them, of two correlated features
    at once, or all effects where they are drawn jointly. Where the indicators of a feature are
    drawn one by one, x is one of them, chosen at random, and the feature's effects.

    Where values of y are missing for some traits, the sweep first draws these values, and then
    everything else given the complete y. The joint density is then that of the complete y, and the
    conditional of the missing values ("y") is checked too: together they imply that the rest is
    drawn from the posterior given the observed values.

    Parameters
    ----------
    model : pm.Model
        Made by `blrzoo.regression` or a factory.
    points : int, default 3
        Number of random points.
    features : int, default 5
        Number of features, chosen at random, whose labels and effects are checked at each point.
    rtol : float, default 1e-9
        Largest error that is allowed, relative to the size of the log densities.
    random_seed : int, list of int, Generator or None, optional
        Seed of the points and the features. Default: a new one at each call.

    Returns
    -------
    dict of str to float
        Largest relative error by name of the variable.

    Raises
    ------
    AssertionError
        If an error exceeds `rtol`; the message names the variable.
    TypeError, ValueError
        If an argument has the wrong type or is out of range, or blrzoo did not make the model.
    NotImplementedError
        If a block of effects of your own has no check.

    References
    ----------
    .. [1] Grosse & Duvenaud (2014). Testing MCMC code. arXiv:1412.5218.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=20, p=3, n_causal=1, random_seed=1)
    >>> errors = blr.testing.check_conditionals(blr.spike_slab(data.X, data.y), random_seed=1)
    >>> sorted(errors)
    ['beta', 'mu', 'pi', 'sigma2', 'tau2']
    """
    model = find_model(model)
    points = Integer(1, default=3).check("points", points)
    features = Integer(1, default=5).check("features", features)
    rtol = Number(above=0, default=1e-9).check("rtol", rtol)
    Seed().check("random_seed", random_seed)
    rng = np.random.default_rng(random_seed)
    names = [rv.name for rv in model.free_RVs if spec_of(rv) is not None]
    composer = compose(model, names)
    complete = _complete(composer)
    compiled = _compiler(composer)
    leaves = {False, "y_missing" in names}
    joints = {leaf: compiled(_joint_density(composer, complete, leaf)) for leaf in leaves}
    checks = [
        *_augmentation_check(composer, compiled),
        *_hyperparameter_checks(composer, compiled),
        *(
            check
            for part, block in _parts(composer)
            for check in effect_checks(part.name, block, _inputs(part, compiled), features, rng)
        ),
    ]
    errors = {name: 0.0 for name, _ in checks}
    for _ in range(points):
        point = _random_point(composer, rng)
        for name, check in checks:
            pieces = check(point, rng)
            error = _relative_error(joints[name == "y_missing"], pieces)
            errors[name] = max(errors[name], np.inf if np.isnan(error) else error)
    wrong = {name: error for name, error in errors.items() if not error <= rtol}
    if wrong:
        raise AssertionError(
            f"check_conditionals: these conditionals do not match the model's density to "
            f"rtol={rtol:g} (relative errors): {wrong}"
        )
    return errors


#: Compiles graphs to a function of a point.
Compiler = Callable[[Any], Callable[[Point], Any]]

#: Name of the complete y, an input of every function if y has missing values.
_COMPLETE = "y_complete"


def _complete(composer: Composer) -> TensorVariable | None:
    """Let the conditionals read a complete y, as they do within a sweep."""
    if composer.augmentation is None:
        return None
    complete = composer.state.values[composer.model["y"]] = pt.dmatrix(_COMPLETE)
    return complete


def _joint_density(
    composer: Composer, complete: TensorVariable | None, leaf: bool
) -> TensorVariable:
    """Joint log density; `leaf` includes responses of rows without y, on which nothing depends."""
    model = composer.model
    left_out = {*(() if leaf else ("y_missing",)), *(() if complete is None else ("y",))}
    rvs = [rv for rv in model.basic_RVs if rv.name not in left_out]
    density = model.logp(vars=rvs, jacobian=False)
    if complete is not None:
        (term,) = State(model).rebuild([pt.sum(pm.logp(_of_complete(composer), complete))])
        density = density + term
    return density


def _of_complete(composer: Composer) -> TensorVariable:
    """Distribution of the complete y."""
    model, likelihood = composer.model, cast(TraitLikelihood, composer.spec.likelihood)
    v, weights = composer.spec.variables(model), composer.model.named_vars.get("weights")
    known = np.ones(model["measured"].get_value().shape, dtype=bool)
    return PartialNormal.dist(likelihood.mean(v, model), v["Sigma_e"], known, weights)


def _compiler(composer: Composer) -> Compiler:
    """Compiler of graphs over the value variables, the carried fits and the complete y."""
    function = partial(pytensor.function, mode=AS_WRITTEN, on_unused_input="ignore")
    inputs = [*composer.inputs, *composer.fits]
    if composer.augmentation is not None:
        inputs.append(composer.state.values[composer.model["y"]])
    scaled = [block.term.scaled_effects(composer.model) for block in composer.blocks]
    effects = function(composer.inputs, State(composer.model).rebuild(scaled))

    def compiled(outputs: Any) -> Callable[[Point], Any]:
        values = function(inputs, outputs)

        def call(point: Point) -> Any:
            drawn = effects(*(point[value.name] for value in composer.inputs))
            given = dict(point)
            for block, beta in zip(composer.blocks, drawn, strict=True):
                given[block.fit.name] = block.design.fit(beta)
            return values(*(given[value.name] for value in inputs))

        return call

    return compiled


def _parts(composer: Composer) -> list[tuple[Block | Move, Block]]:
    """Blocks and moves that draw effects, each with the block whose effects they are."""
    blocks = [(block, block) for block in composer.blocks if block.draws_effects]
    return [*blocks, *((move, move.block) for move in composer.moves)]


def _inputs(part: Block | Move, compiled: Compiler) -> Inputs:
    """Inputs of the Op of a block at a point, by name."""
    inputs = part.inputs()
    values = compiled(list(inputs.values()))
    return lambda point: dict(zip(inputs, values(point), strict=True))


def _relative_error(joint: Callable[[Point], float], pieces: Slice) -> float:
    """Largest change of joint minus conditional log density along a slice."""
    both = np.array([(float(joint(point)), logp) for point, logp in pieces])
    gap = both[:, 0] - both[:, 1]
    return float(np.ptp(gap) / (1.0 + np.abs(both).max()))


def _random_point(composer: Composer, rng: np.random.Generator) -> Point:
    """Draw a point from the prior, by name of the value variable."""
    model, transforms = composer.model, composer.model.rvs_to_transforms
    values = [
        transforms[rv].forward(rv, *rv.owner.inputs) if transforms[rv] is not None else rv
        for rv in model.free_RVs
    ]
    drawn = pm.draw(values, random_seed=rng, mode=ONCE)
    names = [model.rvs_to_values[rv].name for rv in model.free_RVs]
    point = dict(zip(names, map(np.asarray, drawn), strict=True))
    if composer.augmentation is not None:
        y = model.rvs_to_values[model["y"]].data
        point[_COMPLETE] = np.where(np.isnan(y), rng.standard_normal(y.shape), y)
    return point


def _augmentation_check(composer: Composer, compiled: Compiler) -> list[tuple[str, Check]]:
    """Check of the conditional of missing values of y, if there are any."""
    if composer.augmentation is None:
        return []
    density = pt.sum(pm.logp(composer.augmentation, composer.model["y"]))
    logp = compiled(composer.state.rebuild([density])[0])
    measured = composer.model["measured"].get_value().astype(bool)

    def check(point: Point, rng: np.random.Generator) -> Slice:
        y = point[_COMPLETE]
        for _ in range(4):
            moved = np.where(measured, y, y + rng.standard_normal(y.shape))
            yield point | {_COMPLETE: moved}, float(logp(point | {_COMPLETE: moved}))

    return [("y", check)]


def _hyperparameter_checks(composer: Composer, compiled: Compiler) -> list[tuple[str, Check]]:
    return [
        (rv.name, _hyperparameter_check(composer, compiled, rv, dist))
        for rv, dist in composer.conditionals.items()
    ]


def _hyperparameter_check(
    composer: Composer, compiled: Compiler, rv: TensorVariable, dist: TensorVariable
) -> Check:
    name = composer.model.rvs_to_values[rv].name
    function = compiled(composer.state.rebuild([pt.sum(pm.logp(dist, rv))])[0])

    def check(point: Point, rng: np.random.Generator) -> Slice:
        for _ in range(4):
            moved = point | {name: point[name] + rng.standard_normal(point[name].shape)}
            yield moved, float(function(moved))

    return check
