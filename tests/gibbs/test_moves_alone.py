"""Moves without the rest of the sweep: chains of one move against quadrature."""

import itertools

import arviz as az
import numpy as np
import pytensor
import pytest
from scipy import stats
from scipy.special import logsumexp

import blrzoo as blr
from blrzoo.evaluate import AS_WRITTEN
from blrzoo.gibbs.compiled import Compiled
from blrzoo.gibbs.compose import compose
from blrzoo.ops.generator import addresses
from tests.builders import make_data

pytestmark = pytest.mark.slow


def chain_of(model, name, draws, **start):
    """Values of the model's variables after each of many updates by a move alone."""
    composer = compose(model, [rv.name for rv in model.free_RVs], moves=[name])
    (move,) = composer.moves
    move.update()
    state, names = composer.state, [value.name for value in composer.inputs]
    values = [state.transformed(model.values_to_rvs[value]) for value in composer.inputs]
    function = Compiled(
        [*composer.inputs, *composer.fits, composer.rng],
        [*values, *composer.current_fits, state.rng],
    )
    point = model.initial_point() | start
    fit = composer.blocks[0].term.design.fit(beta_at(model, point))
    rng, found = np.random.default_rng(1), []
    current = [np.array(point[name]) for name in names]
    for _ in range(draws):
        *current, fit, rng = function(*current, fit, addresses(rng))
        found.append(dict(zip(names, map(np.array, current), strict=True)))
    return {name: np.array([one[name] for one in found]) for name in names}, fit


def beta_at(model, point):
    """Effects at a point of the model."""
    values = model.replace_rvs_by_values([model["beta"]])
    function = pytensor.function(
        model.value_vars, values[0], mode=AS_WRITTEN, on_unused_input="ignore"
    )
    return function(*(point[value.name] for value in model.value_vars))


def assert_moments(draws, points, log_density):
    """Means and SDs of draws are those of a density on a grid of points."""
    weights = np.exp(log_density - logsumexp(log_density))
    for power in (1, 2):
        mean = weights @ points
        about = (draws - mean) ** power if power == 2 else draws
        exact = weights @ ((points - mean) ** power if power == 2 else points)
        errors = [float(az.mcse(one[None])) for one in about.T]
        assert (np.abs(about.mean(axis=0) - exact) < 4 * np.array(errors)).all(), (power, errors)


def grid(*axes):
    return np.array(list(itertools.product(*axes)))


def test_variances_without_effects():
    X, y = make_data(n=12, p=20)
    model = blr.single_component(X, y, tau2=(3, 0.2), sigma2=(3, 0.5), mu=0.3, update="joint")
    draws, _ = chain_of(model, "collapsed", 20_000)
    X = X - X.mean(axis=0)
    points = grid(np.linspace(-9, 4, 120), np.linspace(-7, 5, 120))  # log sigma2, log tau2
    d, U = np.linalg.eigh(X @ X.T)
    variance = np.exp(points[:, :1]) + np.exp(points[:, 1:]) * d
    log_p = -0.5 * (np.log(variance) + (U.T @ (y - 0.3)) ** 2 / variance).sum(axis=1)
    for column, S2 in ((0, 0.5), (1, 0.2)):
        prior = stats.invgamma(1.5, scale=1.5 * S2)
        log_p += prior.logpdf(np.exp(points[:, column])) + points[:, column]
    both = np.column_stack([draws["sigma2_log__"], draws["tau2_log__"]])
    assert_moments(both, points, log_p)


@pytest.mark.parametrize("form", ["full", "diagonal"])
def test_effects_of_two_traits_with_their_covariance(form):
    X, y = make_data(n=15, p=5)
    Y = np.column_stack([y, np.cos(np.arange(15.0)) - 0.5 * y])
    own = {"Sigma_b": (6, 1.5)} if form == "full" else {"tau2": (6, 0.4), "form": "diagonal"}
    noise = np.array([[20.0, 6.0], [6.0, 16.0]])  # little information: the prior counts too
    model = blr.multivariate(X, Y, Sigma_e=noise, mu=0.2, update="single-site", **own)
    start = np.random.default_rng(3).normal(scale=0.5, size=(5, 2))
    draws, fit = chain_of(model, "scale", 20_000, beta=start)
    X = X - X.mean(axis=0)
    np.testing.assert_allclose(fit, X @ draws["beta"][-1], atol=1e-9)
    name = next(name for name in draws if name.startswith(("Sigma_b", "tau2")))
    initial = model.initial_point()[name]
    first = np.diag(np.exp(initial[[0, 2]] if form == "full" else initial / 2))
    Z = start @ np.linalg.inv(first).T
    axis = np.linspace(0.02, 3.0, 60)
    if form == "full":
        points = grid(axis, np.linspace(-2.5, 2.5, 70), axis)
        roots = np.zeros((len(points), 2, 2))
        roots[:, 0, 0], roots[:, 1, 0], roots[:, 1, 1] = points.T
        value = draws[name]
        found = np.column_stack([np.exp(value[:, 0]), value[:, 1], np.exp(value[:, 2])])
    else:
        points = grid(axis, axis)
        roots = points[:, :, None] * np.eye(2)
        found = np.exp(draws[name] / 2)
    residuals = Y - 0.2 - np.einsum("ij,kj,mtk->mit", X, Z.T, roots)
    log_p = -0.5 * np.einsum("mit,tu,miu->m", residuals, np.linalg.inv(noise), residuals)
    assert_moments(found, points, log_p + log_prior(form, roots))


def log_prior(form, roots):
    """Log prior density of L from that of L L'."""
    if form == "diagonal":
        tau2 = np.diagonal(roots, axis1=1, axis2=2) ** 2
        return (stats.invgamma(3, scale=1.2).logpdf(tau2) + 0.5 * np.log(tau2)).sum(axis=1)
    sigmas = roots @ np.swapaxes(roots, 1, 2)
    prior = stats.invwishart(6, 1.5 * np.eye(2)).logpdf(np.moveaxis(sigmas, 0, -1))
    return prior + 2 * np.log(roots[:, 0, 0]) + np.log(roots[:, 1, 1])


def test_only_effects_of_included_features_move():
    X, y = make_data(n=15, p=5)
    Y = np.column_stack([y, np.cos(np.arange(15.0)) - 0.5 * y])
    model = blr.multivariate_spike_slab(X, Y, patterns="all", Sigma_b=(6, 1.5))
    label = np.array([0, 1, 2, 3, 0])
    alpha = np.linalg.lstsq(X - X.mean(axis=0), Y - Y.mean(axis=0))[0]
    draws, fit = chain_of(model, "scale", 500, label=label, alpha=alpha)
    stay = (draws["alpha"] == alpha).all(axis=(0, 2))
    np.testing.assert_array_equal(stay, label == 0)
    beta = beta_at(model, model.initial_point() | {k: v[-1] for k, v in draws.items()})
    np.testing.assert_allclose(fit, (X - X.mean(axis=0)) @ beta, atol=1e-9)
