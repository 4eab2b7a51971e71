"""Selection at a false discovery rate, and Bayes factors, by hand and by brute force."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.summaries.selection import bayes_factor_inclusion, bayesian_fdr
from tests.builders import indicators, tree

# ---- false discovery rate ----


def brute_force_fdr(pips, level):
    """Largest set of the form PIP >= t whose mean 1 - PIP is at most the level."""
    sizes = [0]
    for threshold in pips:
        chosen = pips[pips >= threshold]
        if (1 - chosen).mean() <= level + 1e-12:
            sizes.append(len(chosen))
    return max(sizes)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_fdr_against_brute_force(level, seed):
    rng = np.random.default_rng(seed)
    pips = np.round(rng.beta(0.3, 0.5, size=40), 1 if seed % 2 else 6)  # with ties and without
    result = bayesian_fdr(xr.DataArray(pips, dims="feature"), level)
    size = brute_force_fdr(pips, level)
    assert result["n_selected"] == size == result["selected"].sum()
    if size:
        assert result["fdr"] == pytest.approx((1 - np.sort(pips)[::-1][:size]).mean())
        assert result["threshold"] == pips[result["selected"].values].min()


def test_fdr_of_nothing_and_of_everything():
    nothing = bayesian_fdr(xr.DataArray([0.3, 0.9], dims="feature"), 0.05)
    assert nothing["n_selected"] == 0
    assert nothing["fdr"] == 0
    assert np.isnan(nothing["threshold"])
    assert not nothing["selected"].any()
    everything = bayesian_fdr(xr.DataArray([1.0, 0.9], dims="feature"), 0.05)
    assert everything["n_selected"] == 2  # exactly at the level


def test_fdr_of_traits_is_one_list():
    delta = indicators(14, 2, 100, 4, 2, probability=[[0.99, 0.1]] * 4)
    result = bayesian_fdr(tree(delta=delta), level=0.05)
    assert result["selected"].dims == ("feature", "trait")
    assert result["selected"].values[:, 0].all()
    assert result["n_selected"] == 4
    assert result["fdr"] == pytest.approx(1 - delta[..., 0].mean())


def test_the_fdr_is_the_share_of_false_discoveries():
    rng = np.random.default_rng(15)
    false, size, expected = 0, 0, 0.0
    for _ in range(200):
        pips = rng.beta(0.5, 0.5, size=100)
        truth = rng.random(100) < pips
        result = bayesian_fdr(xr.DataArray(pips, dims="feature"), 0.1)
        selected = result["selected"].values
        false, size = false + int((selected & ~truth).sum()), size + selected.sum()
        expected += float(result["fdr"] * result["n_selected"])
        assert result["fdr"] <= 0.1
    assert abs(false - expected) < 4 * np.sqrt(expected)
    assert expected / size > 0.09  # as many as the level allows


@pytest.mark.parametrize(
    ("level", "error"), [(0, ValueError), (1, ValueError), ("0.05", TypeError), (True, TypeError)]
)
def test_levels_that_are_refused(level, error):
    with pytest.raises(error, match="level must be"):
        bayesian_fdr(tree(delta=indicators(1, 1, 4, 3)), level)


@pytest.mark.parametrize("values", [[0.5, np.nan], [-0.1, 0.5], [1, 2], ["a", "b"]])
def test_probabilities_that_are_refused(values):
    with pytest.raises(ValueError, match="probabilities from 0 to 1"):
        bayesian_fdr(xr.DataArray(values, dims="feature"))
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        bayesian_fdr([0.5, 0.5])


# ---- Bayes factors ----


def test_bayes_factor_by_hand():
    delta = np.zeros((1, 100, 2), int)
    delta[0, :90, 0] = delta[0, :50, 1] = 1
    table = bayes_factor_inclusion(tree(delta=delta), prior=0.1)
    np.testing.assert_allclose(table["bayes_factor"], [9 / (1 / 9), 1 / (1 / 9)], rtol=1e-12)
    assert (table["lower"] < table["bayes_factor"]).all()
    assert (table["bayes_factor"] < table["upper"]).all()
    assert (table["bound"] == "").all()


def test_the_bayes_factor_is_the_ratio_of_marginal_likelihoods():
    """One feature, all variances known: y | delta is normal, in closed form."""
    rng = np.random.default_rng(16)
    x = rng.normal(size=30)
    y = 0.4 * x + rng.normal(size=30)
    null = stats.multivariate_normal(np.zeros(30), np.eye(30))
    full = stats.multivariate_normal(np.zeros(30), np.eye(30) + np.outer(x, x))
    exact = np.exp(full.logpdf(y) - null.logpdf(y))
    prior = 0.2
    posterior = exact * prior / (exact * prior + 1 - prior)
    delta = (rng.random((4, 5000, 1)) < posterior).astype(int)
    table = bayes_factor_inclusion(tree(delta=delta), prior=prior)
    assert table["lower"].item() < exact < table["upper"].item()
    assert table["upper"].item() < 1.2 * table["lower"].item()


def test_bounds_where_the_indicator_never_changed():
    delta = indicators(17, 2, 100, 3, probability=[0.0, 0.5, 1.0])
    table = bayes_factor_inclusion(tree(delta=delta), prior=0.5)
    assert list(table["bound"].values) == ["<", "", ">"]
    assert np.isfinite(table["bayes_factor"]).all()
    assert table["bayes_factor"][0] == table["upper"][0] < 0.1
    assert table["bayes_factor"][2] == table["lower"][2] > 10
    assert table["lower"][0] == 0
    assert np.isinf(table["upper"][2])
    few = bayes_factor_inclusion(tree(delta=delta).isel(draw=slice(0, 10)), prior=0.5)
    assert few["upper"][0] > 5 * table["upper"][0]  # fewer draws tell less


@pytest.mark.parametrize(
    "prior",
    [
        pd.Series({"c": 0.3, "a": 0.1, "b": 0.2, "other": 0.9}),
        [0.1, 0.2, 0.3],
        xr.DataArray([0.3, 0.2, 0.1], dims="feature", coords={"feature": list("cba")}),
    ],
)
def test_priors_by_feature(prior):
    delta = indicators(18, 2, 100, 3)
    table = bayes_factor_inclusion(tree(delta=delta), prior=prior)
    np.testing.assert_array_equal(table["prior"], [0.1, 0.2, 0.3])
    mean = delta.mean(axis=(0, 1))
    expected = mean / (1 - mean) / (np.array([1, 2, 3]) / np.array([9, 8, 7]))
    np.testing.assert_allclose(table["bayes_factor"], expected, rtol=1e-12)


def test_priors_by_trait():
    delta = indicators(19, 2, 100, 3, 2)
    prior = xr.DataArray([0.5, 0.1], dims="trait")
    table = bayes_factor_inclusion(tree(delta=delta), prior=prior)
    assert table["bayes_factor"].dims == ("feature", "trait")
    mean = delta.mean(axis=(0, 1))
    expected = mean / (1 - mean) * [1, 9]
    np.testing.assert_allclose(table["bayes_factor"], expected, rtol=1e-12)


def test_a_feature_that_the_prior_decides_has_no_bayes_factor():
    delta = indicators(20, 1, 50, 3, probability=[0.0, 0.5, 1.0])
    table = bayes_factor_inclusion(tree(delta=delta), prior=[0, 0.5, 1])
    assert np.isnan(table["bayes_factor"].values[[0, 2]]).all()
    assert list(table["bound"].values) == ["", "", ""]


def in_draws(*values, dims=()):
    """A hyperparameter that is the same in three draws of one chain."""
    return xr.DataArray(
        np.broadcast_to(values[0], (1, 3, *np.shape(values[0]))), dims=("chain", "draw", *dims)
    )


def test_a_fixed_pi_is_found_in_the_draws():
    delta = indicators(21, 1, 3, 2)
    for pi, expected in (
        (in_draws(0.2), [0.2, 0.2]),
        (in_draws([0.1, 0.4], dims=["feature"]), [0.1, 0.4]),
        (in_draws([0.9, 0.06, 0.04], dims=["component"]), [0.1, 0.1]),
    ):
        table = bayes_factor_inclusion(tree(delta=delta, pi=pi))
        np.testing.assert_allclose(table["prior"], expected, rtol=1e-12)
        assert "fixed" in table.attrs["prior_from"]
    constant = {"constant_data": xr.Dataset({"group_index": ("feature", [1, 0])})}
    pi = in_draws([[0.9, 0.1], [0.7, 0.3]], dims=["group", "component"])
    table = bayes_factor_inclusion(tree(label=delta, pi=pi, groups=constant))
    np.testing.assert_allclose(table["prior"], [0.3, 0.1], rtol=1e-12)


def test_patterns_of_traits_are_read_from_the_indicators_of_the_prior():
    pi = in_draws([0.5, 0.25, 0.25], dims=["pattern"])
    prior = {"delta": indicators(22, 1, 4000, 2, 2, probability=[0.5, 0.25])}
    idata = tree(delta=indicators(23, 1, 3, 2, 2), pi=pi, groups={"prior": prior})
    table = bayes_factor_inclusion(idata)
    np.testing.assert_allclose(table["prior"], prior["delta"].mean(axis=(0, 1)))
    assert "indicators" in table.attrs["prior_from"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.full((1, 9, 2, 2), np.nan), "'delta' in idata.prior must have no missing draw"),
        (np.ones((1, 9)), "'delta' in idata.prior must have the dims chain, draw and feature"),
    ],
)
def test_indicators_of_the_prior_are_checked(wrong, message):
    pi = in_draws([0.5, 0.25, 0.25], dims=["pattern"])
    groups = {"prior": {"delta": wrong}}
    with pytest.raises(ValueError, match=message):
        bayes_factor_inclusion(tree(delta=indicators(1, 1, 3, 2, 2), pi=pi, groups=groups))


def test_the_prior_must_be_known():
    pi = xr.DataArray([[0.2, 0.3, 0.4]], dims=("chain", "draw"))
    with pytest.raises(
        ValueError, match=r"prior must be given.*a / \(a \+ b\).*sample_prior_predictive"
    ):
        bayes_factor_inclusion(tree(delta=indicators(24, 1, 3, 2), pi=pi))
    with pytest.raises(ValueError, match="prior must be given"):
        bayes_factor_inclusion(tree(delta=indicators(24, 1, 1, 2), pi=pi.isel(draw=[0])))


@pytest.mark.parametrize(
    ("prior", "error", "message"),
    [
        (1.5, ValueError, "prior must hold probabilities"),
        (np.nan, ValueError, "prior must hold probabilities"),
        ("half", TypeError, "prior must hold numbers"),
        ([0.5, 0.5], ValueError, "prior must have one value for each of the 3"),
        (xr.DataArray([0.5, 0.5], dims="feature"), ValueError, "prior must have the sizes"),
        (
            xr.DataArray([0.5, 0.5], dims="feature", coords={"feature": ["a", "b"]}),
            ValueError,
            r"prior must have all features of the PIPs.* missing \['c'\]",
        ),
    ],
)
def test_priors_that_are_refused(prior, error, message):
    with pytest.raises(error, match=message):
        bayes_factor_inclusion(tree(delta=indicators(1, 1, 4, 3)), prior=prior)


# ---- a fit ----


@pytest.fixture(scope="module")
def fitted():
    data = blr.simulate(n=80, p=12, n_causal=2, random_seed=1)
    model = blr.spike_slab(data.X, data.y, pi=(1, 3))
    options = {"draws": 200, "tune": 100, "chains": 2, "random_seed": 1, "quiet": True}
    return model, blr.sample(model, **options)


def test_the_prior_of_a_fit_is_the_prior_mean_of_pi(fitted):
    model, idata = fitted
    with pytest.raises(ValueError, match="prior must be given"):
        bayes_factor_inclusion(idata)
    idata = idata.copy()
    idata.update(pm.sample_prior_predictive(2000, model=model, random_seed=1))
    table = bayes_factor_inclusion(idata)
    np.testing.assert_allclose(table["prior"], 0.25, atol=5 * 0.194 / np.sqrt(2000))
    assert "mean of pi" in table.attrs["prior_from"]
    del idata["prior"]["pi"]
    table = bayes_factor_inclusion(idata)
    np.testing.assert_allclose(table["prior"], 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 2000))
