"""Moves: the same posterior with and without them, and chains that mix on correlated features."""

import arviz as az
import numpy as np
import pymc as pm
import pytest
import scipy.sparse as sp

import blrzoo as blr
from blrzoo.gibbs.compose import compose
from blrzoo.gibbs.moves import move_names
from blrzoo.gibbs.spec import spec_of
from tests.builders import assert_same, exact_design, genotypes, last_draw
from tests.oracles.one_trait import (
    CHAINS,
    MU,
    assert_agrees,
    assert_effects_agree,
    enumerate_spike_slab,
)
from tests.table import PRIORS, small_data

#: Rows of the table of priors without labels, for which there is no pair move.
UNLABELLED = {
    *("ridge-joint", "ridge-single-site", "ridge-covariate", "ridge-not-centred", "ridge-weights"),
    *("hierarchical", "hierarchical-pooled", "group-ridge", "half-normal-ridge"),
    *("bayes-a", "lasso", "horseshoe", "annotated-variance", "traits-groups", "traits-own"),
    *("multivariate-joint", "multivariate-single-site", "multivariate-diagonal"),
    *("multivariate-holes", "traits-half-normal"),
}
#: Rows without a variance of all effects that the sweep draws, or of one trait with a joint draw.
UNSCALED = {
    *("ridge-joint", "ridge-covariate", "ridge-weights", "spike-slab-fixed", "mixture-fixed"),
    *("group-ridge", "half-normal-slab", "half-normal-ridge", "horseshoe"),
    *("traits-groups", "traits-groups-mixture", "traits-canonical", "traits-own"),
    "traits-half-normal",
}
#: Rows whose effects are drawn jointly, given variances of which the sweep draws some.
JOINT = ("ridge-joint", "ridge-covariate", "ridge-weights", "multivariate-joint")
JOINT += ("multivariate-diagonal", "half-normal-ridge", "traits-half-normal")
EXPECTED = {
    name: ["collapsed"] * (name in JOINT)
    + ["pairs"] * (name not in UNLABELLED)
    + ["scale"] * (name not in UNSCALED)
    for name in PRIORS
}


def moves_of(model, **options):
    names = [rv.name for rv in model.free_RVs if spec_of(rv) is not None]
    return [move.name for move in compose(model, names, **options).moves]


@pytest.mark.usefixtures("all_pairs")
@pytest.mark.parametrize("name", PRIORS)
def test_moves_of_each_prior(name):
    """That they are right is shown with everything else, in tests/priors/test_priors.py."""
    assert moves_of(PRIORS[name](*small_data(12, 4))) == EXPECTED[name]


@pytest.mark.usefixtures("all_pairs")
def test_the_check_of_pairs_can_fail():
    model = PRIORS["spike-slab"](*small_data(12, 4))
    step = blr.BLRGibbs(model=model)
    cross = step._designs[0].pairs(12)[2]
    cross.set_value(1.01 * cross.get_value())
    with pytest.raises(AssertionError, match="'beta'"):
        blr.testing.check_conditionals(model, random_seed=1)


@pytest.mark.usefixtures("all_pairs")
@pytest.mark.parametrize(
    "name",
    ["spike-slab", "hierarchical-pooled", "traits-all", "traits-independent", "multivariate-holes"],
)
def test_carried_fit_stays_exact(name):
    model = PRIORS[name](*small_data(12, 4))
    step = blr.BLRGibbs(model=model)
    point = last_draw(model, step, draws=50)
    values = [point[name] for name in step._inputs]
    np.testing.assert_allclose(step.fits[0], step._fits(values)[0], atol=1e-11)


FORMS = {
    "genotypes": lambda G: (G, {}),
    "sparse": lambda G: (sp.csr_array(G.astype(float)), {}),
    "float32": lambda G: (G.astype(float), {"design": "float32"}),
    "gram": lambda G: (G.astype(float), {"design": "gram"}),
}


@pytest.mark.engine
@pytest.mark.usefixtures("all_pairs")
@pytest.mark.parametrize("form", FORMS)
def test_every_form_draws_as_numbers_do(form):
    G, y = genotypes()
    X, options = FORMS[form](G)
    models = blr.spike_slab(G.astype(float), y), blr.spike_slab(X, y, **options)
    one, other = (last_draw(model, moves="pairs") for model in models)
    assert_same(one, other, atol=1e-4 if form == "float32" else 1e-9)
    without = last_draw(models[0])
    assert any((one[key] != without[key]).any() for key in one)


def duplicates(correlation=0.99, effect=0.6, n=100, p=4):
    """Two features that are almost the same, one of which has an effect, and others."""
    correlations = np.eye(p)
    correlations[0, 1] = correlations[1, 0] = correlation
    X = exact_design(correlations, n=n) * np.sqrt(n)
    return X, effect * X[:, 0] + np.random.default_rng(4).normal(size=n)


FIXED = {"pi": 0.3, "tau2": 0.8, "sigma2": 1.2}


@pytest.mark.parametrize(
    ("effect", "design"),
    [
        pytest.param(0.6, "dense", marks=pytest.mark.compiled),
        *(
            pytest.param(e, d, marks=pytest.mark.slow)
            for e in (0.15, 3.0)
            for d in ("dense", "gram")
        ),
    ],
)
def test_enumeration_of_features_correlated_099(effect, design):
    X, y = duplicates(effect=effect)
    model = blr.spike_slab(X, y, **FIXED, **MU, design=design)
    idata = blr.sample(model, random_seed=5, **CHAINS)
    exact = enumerate_spike_slab(X, y, **FIXED, **MU)
    assert_effects_agree(idata.posterior.dataset, exact)
    np.testing.assert_allclose(blr.pip(idata), exact.pip, atol=0.01)


@pytest.mark.compiled
def test_indicators_of_near_copies_mix():
    """300 effective draws of each indicator per 1000 sweeps; below 50 without the move."""
    X, y = duplicates(p=2)
    settings = {"draws": 1000, "tune": 200, "random_seed": 1, "quiet": True}
    found = {}
    for moves in ("pairs", []):
        idata = blr.sample(blr.spike_slab(X, y, **FIXED), moves=moves, **settings)
        found[len(moves) > 0] = az.ess(idata.posterior["delta"].astype(float)).to_numpy() / 4
    assert found[True].min() > 300
    assert found[False].min() < 50


@pytest.mark.slow
@pytest.mark.parametrize("design", ["dense", "gram"])
def test_enumeration_with_learned_variances(design):
    X, y = duplicates()
    learned = {"pi": (2.0, 3.0), "tau2": (6.0, 1.0), "sigma2": (8.0, 1.0)}
    model = blr.spike_slab(X, y, **learned, **MU, design=design)
    idata = blr.sample(model, random_seed=6, **CHAINS)
    exact = enumerate_spike_slab(X, y, **learned, **MU)
    assert_effects_agree(idata.posterior.dataset, exact)
    for hyper in ("tau2", "sigma2"):
        assert_agrees(idata.posterior[hyper], exact.hyper_mean(hyper), hyper)


@pytest.mark.compiled
def test_variances_of_many_effects_mix():
    """Where there are more features than observations, tau2 of a single-site ridge sticks."""
    data = blr.simulate(n=30, p=100, n_causal=50, h2=0.7, random_seed=1)
    model = blr.single_component(data.X, data.y, update="single-site")
    settings = {"draws": 2000, "tune": 200, "random_seed": 1, "quiet": True}
    ess = [
        float(az.ess(blr.sample(model, moves=moves, **settings).posterior["tau2"]))
        for moves in ([], "scale")
    ]
    assert ess[1] > 1.5 * ess[0]


def test_only_labels_of_correlated_features_have_pairs():
    X, y = duplicates()
    assert moves_of(blr.spike_slab(X, y, **FIXED)) == ["pairs"]
    assert moves_of(blr.spike_slab(X[:, 1:], y, **FIXED)) == []
    assert moves_of(blr.single_component(X, y)) == ["collapsed"]
    assert moves_of(blr.spike_slab(X, y), moves=["scale"]) == ["scale"]
    assert moves_of(blr.spike_slab(X, y), moves=[]) == []


def test_observed_labels_are_not_drawn_in_pairs():
    X, y = duplicates()
    model = pm.observe(blr.spike_slab(X, y, **FIXED), {"delta": np.array([1, 0, 0, 1])})
    assert moves_of(model) == []


@pytest.mark.usefixtures("all_pairs")
def test_observed_effects_are_not_moved():
    X, y = duplicates()
    effects = {"delta": np.array([1, 0, 0, 1]), "beta": np.array([0.5, 0.0, 0.0, 0.2])}
    assert moves_of(pm.observe(blr.spike_slab(X, y), effects)) == []
    ridge = blr.single_component(X, y, update="single-site")
    assert moves_of(ridge) == ["scale"]
    assert moves_of(pm.observe(ridge, {"beta": effects["beta"]})) == []


def test_moves_are_named():
    model = blr.spike_slab(*duplicates())
    assert move_names() == ["collapsed", "pairs", "scale"]
    assert_same(last_draw(model, moves=["pairs"]), last_draw(model, moves="pairs"))
    with pytest.raises(
        ValueError, match=r"^moves must be a name or .*'pairs', 'scale'\], got \['swaps'"
    ):
        blr.BLRGibbs(model=model, moves=["swaps"])
    with pytest.raises(TypeError, match=r"^moves must be .*Leave it out for all"):
        blr.sample(model, moves=3)
    with pytest.raises(ValueError, match=r"^step must be left out with moves"):
        blr.sample(model, moves="pairs", step=blr.BLRGibbs(model=model))
