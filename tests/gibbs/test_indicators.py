"""Independent indicators of many traits: the sweep that draws them one by one."""

import itertools
from functools import cache

import cloudpickle
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

import blrzoo as blr
from blrzoo.designs.base import DESIGNS
from blrzoo.gibbs.spec import spec_of
from blrzoo.ops.indicators import (
    IndicatorInputs,
    IndicatorSweep,
    make_indicator_kernel,
    pattern_conditional,
)
from blrzoo.ops.traits import trait_conditional
from tests.builders import assert_same, last_draw
from tests.ops.inputs import indicator_state
from tests.oracles.one_trait import assert_effects_agree, assert_same_posterior
from tests.oracles.several_traits import elements, enumerate_covariances
from tests.table import TRAIT_NARROW

pytestmark = pytest.mark.engine

compiled = cache(lambda name: make_indicator_kernel(DESIGNS[name]))

CHAINS = {"draws": 3000, "tune": 200, "chains": 4, "quiet": True}


@pytest.mark.parametrize("name", ["dense"])
@pytest.mark.parametrize("signal", [0.1, pytest.param(30.0, marks=pytest.mark.slow)])
@pytest.mark.parametrize("T", range(1, 9))
def test_kernel_equals_reference(name, signal, T):
    design, state = indicator_state(20, 15, T, seed=T, signal=signal)
    inputs = IndicatorInputs(**state)
    expected = IndicatorSweep(name).reference(*design.arrays, *inputs)
    drawn = compiled(name)(*design.arrays, *inputs)
    np.testing.assert_array_equal(drawn[2], expected[2])
    np.testing.assert_array_equal(drawn[1] != 0, expected[2] == 1)
    assert signal > 1 or 0 < expected[2].mean() < 1
    for i in (0, 1, 3):
        np.testing.assert_allclose(drawn[i], expected[i], rtol=1e-12, atol=1e-12 * signal)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_the_op_is_pure(mode):
    """Inputs stay as they are, and both modes of PyTensor give the reference's draw."""
    design, state = indicator_state(20, 6, 3, seed=3)
    symbols = [pt.as_tensor(value).type() for value in state.values()]
    outputs = IndicatorSweep("dense")(*design.shared(), *symbols)
    before = [np.copy(value) for value in state.values()]
    drawn = pytensor.function(symbols, outputs, mode=mode)(*state.values())
    expected = IndicatorSweep("dense").reference(*design.arrays, *state.values())
    for old, new in zip(before, state.values(), strict=True):
        np.testing.assert_array_equal(old, new)
    for value, other in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-11, atol=1e-12)
        assert value.dtype == other.dtype


def test_infinite_odds_keep_an_indicator():
    design, state = indicator_state(20, 30, 4, seed=2, signal=30.0)
    state["log_odds"] = np.where(state["indicators"] > 0, np.inf, -np.inf)
    drawn = compiled("dense")(*design.arrays, *state.values())
    np.testing.assert_array_equal(drawn[2], state["indicators"])
    assert (drawn[0] != 0).all()


def test_a_covariance_that_is_not_positive_definite_is_refused():
    design, state = indicator_state(20, 3, 2, seed=2)
    state["covariance"] = np.array([[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(np.linalg.LinAlgError):
        compiled("dense")(*design.arrays, *state.values())


def enumerated(design, state):
    """Patterns of T traits, and of one feature: log P(pattern), mean and covariance of alpha."""
    T = state["effects"].shape[1]
    patterns = np.array(list(itertools.product([0, 1], repeat=T)))
    d = design.arrays[-1][0]
    q = state["precision"] @ (design.arrays[0][0] @ state["residual"] + d * state["effects"][0])
    slabs = np.stack([state["covariance"] if s.any() else state["pseudo"] for s in patterns])
    given = d, q, state["precision"], slabs, patterns[:, :, None] * np.eye(T)
    return patterns, trait_conditional(*given, patterns @ state["log_odds"][0])


def test_pattern_conditional_is_the_block_conditional():
    design, state = indicator_state(8, 1, 4, seed=7)
    patterns, (log_p, means, covs) = enumerated(design, state)
    d = design.arrays[-1][0]
    q = state["precision"] @ (design.arrays[0][0] @ state["residual"] + d * state["effects"][0])
    given = d, q, state["precision"], state["covariance"], state["pseudo"]
    for k, pattern in enumerate(patterns):
        found = pattern_conditional(*given, pattern > 0)
        odds = found[0] + pattern @ state["log_odds"][0]
        np.testing.assert_allclose(odds, log_p[k] - log_p[0], rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found[1], means[k], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found[2] @ found[2].T, covs[k], rtol=1e-9, atol=1e-12)


def one_scan(patterns, log_p, start):
    """Exact probabilities after one scan over the traits, from the enumerated conditional."""
    now = (patterns == start).all(axis=1).astype(float)
    for t in range(patterns.shape[1]):
        others = np.delete(patterns, t, axis=1)
        same = (others[:, None] == others[None]).all(axis=2)
        p = np.exp(log_p)
        now = (same @ now) * p / (same @ p)
    return now


@pytest.mark.parametrize("start", [(0, 0, 0), (1, 0, 1)])
def test_draws_follow_the_enumerated_conditional(start):
    """Over fresh noise: pattern frequencies of a scan, and moments of alpha given the pattern."""
    design, state = indicator_state(6, 1, 3, seed=22, signal=0.5)
    state["log_odds"] = np.full((1, 3), -0.3)
    patterns, (log_p, means, covs) = enumerated(design, state)
    state["indicators"] = np.array([start])
    expected = one_scan(patterns, log_p, np.array(start))
    np.testing.assert_allclose(expected.sum(), 1.0, rtol=1e-12)
    kernel, size, rng = compiled("dense"), 40_000, np.random.default_rng(2)
    labels, alphas = np.empty(size, dtype=int), np.empty((size, 3))
    for i in range(size):
        state["logistics"], state["normals"] = rng.logistic(size=(1, 3)), rng.normal(size=(1, 3))
        alpha, _, drawn, _ = kernel(*design.arrays, *state.values())
        labels[i], alphas[i] = drawn[0] @ [4, 2, 1], alpha[0]
    error = np.sqrt(expected * (1 - expected) / size)
    assert (np.abs(np.bincount(labels, minlength=8) / size - expected) <= 4.5 * error).all()
    common = np.flatnonzero(expected > 0.02)
    assert len(common) >= 4
    for k in common:
        off = alphas[labels == k] - means[k]
        products = off[:, :, None] * off[:, None, :]
        spread = products.std(axis=0) / np.sqrt(len(off))
        assert (np.abs(off.mean(axis=0)) < 4.5 * off.std(axis=0) / np.sqrt(len(off))).all()
        assert (np.abs(products.mean(axis=0) - covs[k]) < 4.5 * spread).all()


def make_data(n, p, T, *, holes=False, seed=4):
    """Effects of the first feature on some traits; residuals are correlated."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    Sigma_e = 0.4 * np.eye(T) + 0.6
    Y = X[:, :1] * np.linspace(0, 0.7, T) + rng.multivariate_normal(np.zeros(T), Sigma_e, size=n)
    if holes:
        Y[rng.random(Y.shape) < 0.3] = np.nan
        Y[np.isnan(Y).all(axis=1), 0] = 0.3
    return X, Y, Sigma_e


def slab(T):
    """Effects that are correlated, with scales that differ."""
    scale = np.linspace(0.4, 0.8, T)
    return np.outer(scale, scale) * (0.5 * np.eye(T) + 0.5)


def force(model, one_by_one):
    """Choose the way in which the indicators of a model are drawn."""
    block = "indicators" if one_by_one else "traits"
    spec_of(model["alpha"]).main.prior.blocks = {"single-site": block}
    return model


def exact(X, Y, Sigma_e, pi):
    T = Y.shape[1]
    patterns = np.array(list(itertools.product([0, 1], repeat=T)))
    return enumerate_covariances(
        X,
        Y,
        covariances=patterns[:, :, None] * slab(T) * patterns[:, None, :],
        pi=np.prod(np.where(patterns, pi, 1 - pi), axis=1),
        Sigma_e=Sigma_e,
        included=patterns,
    )


@pytest.mark.parametrize(("p", "T", "holes"), [(1, 7, False), (1, 7, True), (2, 3, True)])
@pytest.mark.slow
def test_enumeration_of_all_patterns(p, T, holes):
    X, Y, Sigma_e = make_data(25, p, T, holes=holes)
    pi = np.linspace(0.2, 0.5, T)
    model = blr.multivariate_spike_slab(
        X, Y, pi=pi, Sigma_b=slab(T), Sigma_e=Sigma_e, mu=(0.0, 10.0)
    )
    idata = blr.sample(force(model, True), random_seed=5, **CHAINS)
    expected = exact(X, Y, Sigma_e, pi)
    assert ((expected.pip > 0.05) & (expected.pip < 0.95)).any()
    assert_effects_agree(elements(idata), expected)
    beta, delta = (idata.posterior[name].values for name in ("beta", "delta"))
    np.testing.assert_array_equal(beta != 0, delta == 1)


@pytest.mark.slow
def test_the_oracle_can_fail():
    X, Y, Sigma_e = make_data(25, 1, 7)
    pi = np.linspace(0.2, 0.5, 7)
    fixed = {"Sigma_b": slab(7), "Sigma_e": np.diag(np.diag(Sigma_e)), "mu": (0.0, 10.0)}
    idata = blr.sample(blr.multivariate_spike_slab(X, Y, pi=pi, **fixed), random_seed=5, **CHAINS)
    with pytest.raises(AssertionError, match="against"):
        assert_effects_agree(elements(idata), exact(X, Y, Sigma_e, pi))


@pytest.mark.slow
@pytest.mark.parametrize("holes", [False, True])
def test_both_ways_of_drawing_give_one_posterior(holes):
    """T = 2, all hyperparameters learned: all patterns at once, and one indicator at a time."""
    X, Y, _ = make_data(30, 3, 2, holes=holes)
    first, second = (
        blr.sample(
            force(blr.multivariate_spike_slab(X, Y, Sigma_b=(8, 2.0)), way), random_seed=6, **CHAINS
        )
        for way in (False, True)
    )
    names = ["beta", "delta", "mu", "Sigma_b", "Sigma_e", "pi"]
    assert_same_posterior(first.posterior.dataset, second.posterior.dataset, names)
    assert not np.array_equal(first.posterior["delta"], second.posterior["delta"])


@pytest.fixture(params=[False, True], ids=["complete", "holes"])
def model(request):
    X, Y, _ = make_data(9, 3, 7, holes=request.param)
    return blr.multivariate_spike_slab(X, Y, Sigma_b=(12, 2.0), pi=(2, 2), mu=(0.0, 1.0))


def test_conditionals_match_the_joint_density(model):
    errors = blr.testing.check_conditionals(model, random_seed=1)
    assert {"alpha", "Sigma_b", "pi"} <= set(errors)
    assert max(errors.values()) < 1e-12


def test_conditionals_with_variances_and_a_probability_for_all_traits():
    X, Y, _ = make_data(9, 3, 7)
    model = blr.multivariate_spike_slab(X, Y, form="diagonal", residual="diagonal", pi=0.3)
    assert max(blr.testing.check_conditionals(model, random_seed=1).values()) < 1e-12


def test_conditionals_can_fail(model):
    """Odds that are not the prior's are found in the block of the effects."""
    prior = spec_of(model["alpha"]).main.prior
    right = prior.cells
    prior.cells = lambda v: right(v)._replace(log_weights=1.01 * right(v).log_weights)
    with pytest.raises(AssertionError, match="'alpha'"):
        blr.testing.check_conditionals(model, random_seed=1)


def test_observed_indicators_stay(model):
    delta = np.zeros((3, 7), dtype=int)
    delta[0, :3], delta[2] = 1, 1
    conditioned = pm.observe(model, {"delta": delta})
    assert max(blr.testing.check_conditionals(conditioned, random_seed=1).values()) < 1e-12
    idata = blr.sample(conditioned, draws=20, tune=5, chains=1, random_seed=1, quiet=True)
    beta = idata.posterior["beta"].values
    np.testing.assert_array_equal(beta != 0, np.broadcast_to(delta > 0, beta.shape))


def test_copies_and_pickles_draw_the_same(model):
    step, copy = blr.BLRGibbs(model=model), model.copy()
    expected = last_draw(model, step)
    again = cloudpickle.loads(cloudpickle.dumps(step))
    assert_same(last_draw(model, again), expected)
    assert_same(last_draw(copy), expected)


@pytest.mark.slow
def test_carried_fit_stays_exact(model):
    step = blr.BLRGibbs(model=model)
    point = last_draw(model, step, draws=2000)
    values = [point[name] for name in step._inputs]
    np.testing.assert_allclose(step.fits[0], step._fits(values)[0], atol=1e-11)


@pytest.mark.slow
def test_any_number_of_traits():
    """Forty traits: a list of patterns would fill the memory."""
    X, Y, _ = make_data(60, 5, 40)
    model = blr.multivariate_spike_slab(X, Y)
    assert not hasattr(spec_of(model["alpha"]).main.prior, "table")
    idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    assert idata.posterior["delta"].dims == ("chain", "draw", "feature", "trait")
    assert set(np.unique(idata.posterior["delta"])) == {0, 1}
    size = idata.posterior["delta"].any("trait").sum("feature")
    np.testing.assert_array_equal(idata.sample_stats["model_size"], size)


@pytest.mark.slow
def test_geweke_joint():
    X, Y, _ = make_data(5, 2, 2)
    model = blr.multivariate_spike_slab(X, Y, Sigma_b=(8, 2.0), pi=(2, 2), **TRAIT_NARROW)
    blr.testing.geweke_joint(force(model, True), draws=20_000, random_seed=1)
