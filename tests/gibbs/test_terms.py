"""Models of two terms: features in two designs, each with its own prior and names."""

import numpy as np
import pymc as pm
import pytest

import blrzoo as blr
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from tests.table import two_terms

PAIRS = {
    "spike-slab-ridge": (blr.priors.SpikeSlab(), blr.priors.SingleComponent()),
    "mixture-spike-slab": (blr.priors.MultipleComponent(), blr.priors.SpikeSlab()),
    "ridge-ridge": (blr.priors.SingleComponent(), blr.priors.SingleComponent()),
}


@pytest.mark.parametrize(
    ("name", "codes", "update"),
    [
        ("spike-slab-ridge", True, "joint"),
        ("mixture-spike-slab", False, "auto"),
        ("ridge-ridge", False, "single-site"),
        ("ridge-ridge", True, "joint"),
    ],
)
def test_conditionals(name, codes, update):
    model = two_terms(priors=PAIRS[name], updates=("auto", update), codes=codes, standardize=True)
    checked = blr.testing.check_conditionals(model, random_seed=1)
    assert {"cage_tau2", "cage_beta", "beta", "mu", "sigma2"} <= set(checked)


def test_conditionals_of_several_traits():
    priors = blr.priors.MultivariateSpikeSlab(), blr.priors.Multivariate()
    model = two_terms(priors=priors, likelihood=TraitLikelihood())
    checked = blr.testing.check_conditionals(model, random_seed=1)
    assert {"alpha", "Sigma_b", "cage_beta", "cage_Sigma_b", "Sigma_e", "mu"} <= set(checked)


def test_names_and_dims():
    model = two_terms(priors=PAIRS["mixture-spike-slab"])
    dims = model.named_vars_to_dims
    expected = {"beta": ("feature",), "X": ("obs", "feature"), "pi": ("component",)}
    expected |= {"cage_beta": ("cage_feature",), "cage_delta": ("cage_feature",)}
    expected |= {"cage_X": ("obs", "cage_feature")}
    assert {name: dims[name] for name in expected} == expected
    assert list(model.coords["cage_feature"]) == [0, 1]
    assert {"pi", "cage_pi", "label", "cage_delta"} <= set(model.named_vars)


def test_grouped_prior_of_a_further_term():
    grouped = blr.priors.HierarchicalRidge(groups=["a", "b"])
    model = two_terms(priors=(blr.priors.SpikeSlab(), grouped))
    assert model.named_vars_to_dims["cage_tau2"] == ("cage_group",)
    assert list(model.coords["cage_group"]) == ["a", "b"]
    blr.testing.check_conditionals(model, random_seed=1)


@pytest.mark.parametrize("updates", [("joint", "joint"), ("single-site", "joint")], ids=str)
@pytest.mark.slow
def test_closed_form(updates):
    """With known variances both terms are one ridge, with a variance for each feature."""
    ridges = blr.priors.SingleComponent(tau2=0.3), blr.priors.SingleComponent(tau2=2.0)
    model = two_terms(priors=ridges, updates=updates, likelihood=Likelihood(mu=0.0, sigma2=1.0))
    idata = blr.sample(model, draws=4000, tune=50, chains=2, cores=1, random_seed=1, quiet=True)
    X = np.hstack([model[name].data for name in ("X", "cage_X")])
    X -= X.mean(axis=0)
    precision = X.T @ X + np.diag(np.repeat([1 / 0.3, 1 / 2.0], [4, 2]))
    mean = np.linalg.solve(precision, X.T @ model.rvs_to_values[model["y"]].data)
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))
    draws = np.concatenate(
        [idata.posterior[name].stack(s=("chain", "draw")) for name in ("beta", "cage_beta")]
    )
    error = sd / np.sqrt(2000)  # neighbouring draws of single sites are correlated
    assert (np.abs(draws.mean(axis=1) - mean) < 4 * error).all()
    np.testing.assert_allclose(draws.std(axis=1), sd, rtol=0.06)


def test_log_density_and_copies():
    model = two_terms(priors=PAIRS["spike-slab-ridge"])
    y, point = model["y"], model.initial_point(0)
    point |= {"beta": np.arange(4.0), "delta": np.ones(4, int), "cage_beta": np.array([2.0, -1])}
    X, Z = (model[name].data - model[name].data.mean(axis=0) for name in ("X", "cage_X"))
    r = model.rvs_to_values[y].data - point["mu"] - X @ point["beta"] - Z @ point["cage_beta"]
    sigma2 = np.exp(point["sigma2_log__"])
    expected = -0.5 * (r**2 / sigma2 + np.log(2 * np.pi * sigma2)).sum()
    for copied in (model, model.copy(), pm.do(model, {"tau2": 0.5})):
        at = {value.name: point[value.name] for value in copied.value_vars}
        found = copied.compile_logp(vars=[copied["y"]], mode="FAST_COMPILE")(at)
        assert found == pytest.approx(expected)
    with pm.do(model, {"cage_beta": np.zeros(2)}):
        step = blr.BLRGibbs()
    assert {"cage_beta", "beta"} & set(step.names) == {"beta"}


@pytest.mark.slow
@pytest.mark.parametrize("updates", [("auto", "joint"), ("auto", "single-site")], ids=str)
def test_geweke_joint(updates):
    priors = (
        blr.priors.SpikeSlab(tau2=(8, 0.5), pi=(4, 2)),
        blr.priors.SingleComponent(tau2=(8, 0.5)),
    )
    model = two_terms(n=5, priors=priors, updates=updates)
    z = blr.testing.geweke_joint(model, draws=20_000, random_seed=1)
    assert {"cage_tau2", "cage_beta[1]", "beta[0]", "pi", "mu"} <= set(z.quantity.values)
