"""Samplers against exact posteriors: enumeration of all models, closed forms, quadrature."""

import pytest

import blrzoo as blr
from tests.builders import make_data
from tests.oracles.one_trait import (
    CHAINS,
    DESIGNS,
    MU,
    assert_agrees,
    assert_effects_agree,
    enumerate_spike_slab,
    exact_ridge,
)

slow = pytest.mark.slow

#: One compiled row of each kind runs with the fast tests.
ROWS = [
    pytest.param(name, marks=pytest.mark.compiled if name == "correlated-strong" else slow)
    for name in DESIGNS
]


@pytest.mark.parametrize("name", ROWS)
def test_enumeration_with_fixed_hyperparameters(name):
    X, y = make_data(*DESIGNS[name])
    fixed = {"pi": 0.3, "tau2": 0.8, "sigma2": 1.2}
    exact = enumerate_spike_slab(X, y, **fixed, **MU)
    model = blr.spike_slab(X, y, **fixed, **MU)
    idata = blr.sample(model, random_seed=5, **CHAINS)
    assert_effects_agree(idata.posterior.dataset, exact)


@pytest.mark.parametrize("name", ["weak", "correlated-strong", "n<p"])
@pytest.mark.slow
def test_enumeration_with_learned_hyperparameters(name):
    n, p, correlation, effects = DESIGNS[name]
    X, y = make_data(n, min(p, 6), correlation, effects)
    learned = {"pi": (2.0, 3.0), "tau2": (6.0, 1.0), "sigma2": (8.0, 1.0)}
    exact = enumerate_spike_slab(X, y, **learned, **MU)
    idata = blr.sample(blr.spike_slab(X, y, **learned, **MU), random_seed=6, **CHAINS)
    assert_effects_agree(idata.posterior.dataset, exact)
    for hyper in ("tau2", "sigma2"):
        assert_agrees(idata.posterior[hyper], exact.hyper_mean(hyper), hyper)


@pytest.mark.parametrize("update", ["joint", "single-site"])
@pytest.mark.parametrize("name", ["strong-and-weak", "correlated-strong", "n<p", "one-feature"])
@pytest.mark.parametrize(
    "hyper", [{"tau2": 0.8, "sigma2": 1.2}, {"tau2": (6.0, 1.0), "sigma2": (8.0, 1.0)}]
)
@pytest.mark.slow
def test_ridge_against_closed_form(update, name, hyper):
    X, y = make_data(*DESIGNS[name])
    exact = exact_ridge(X, y, **hyper, **MU)
    model = blr.single_component(X, y, update=update, **hyper, **MU)
    idata = blr.sample(model, random_seed=7, **CHAINS)
    assert_effects_agree(idata.posterior.dataset, exact)
    for parameter in hyper:
        if isinstance(hyper[parameter], tuple):
            assert_agrees(idata.posterior[parameter], exact.hyper_mean(parameter), parameter)


@pytest.mark.slow
def test_oracle_can_fail():
    """The bound is tight enough to see a tau2 that is 10% off."""
    X, y = make_data(*DESIGNS["strong-and-weak"])
    model = blr.spike_slab(X, y, pi=0.3, tau2=0.8 * 1.1, sigma2=1.2, **MU)
    idata = blr.sample(model, random_seed=5, **CHAINS)
    exact = enumerate_spike_slab(X, y, pi=0.3, tau2=0.8, sigma2=1.2, **MU)
    with pytest.raises(AssertionError, match="against"):
        assert_effects_agree(idata.posterior.dataset, exact)
