"""A model of the zoo is an ordinary PyMC model: what PyMC and ArviZ do with one works."""

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from tests.oracles.one_trait import assert_agrees, assert_same_posterior, assert_sd_agrees

SHORT = {"draws": 200, "tune": 100, "chains": 2, "random_seed": 1, "quiet": True}

#: pm.sample computes R-hat of indicators that never change, which divides 0 by 0.
constant_indicators = pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")


@pytest.fixture(scope="module")
def data():
    """Two strong effects of six; one covariate."""
    rng = np.random.default_rng(2)
    X = pd.DataFrame(
        rng.normal(size=(60, 6)), index=[f"i{i}" for i in range(60)], columns=list("abcdef")
    )
    age = pd.DataFrame({"age": rng.normal(50, 5, size=60)}, index=X.index)
    y = 3.0 + 2 * X["a"] - 1.5 * X["b"] + 0.1 * age["age"] + rng.normal(size=60)
    return X, y, age


@pytest.fixture(scope="module")
def model(data):
    X, y, age = data
    return blr.spike_slab(X, y, covariates=age)


@pytest.fixture(scope="module")
def idata(model):
    return blr.sample(model, **SHORT)


def test_pm_sample_picks_the_gibbs_step(model, caplog):
    with model, caplog.at_level("INFO"):
        idata = pm.sample(draws=20, tune=20, chains=1, random_seed=1, progressbar=False, cores=1)
    assert "BLRGibbs: [" in caplog.text
    assert "Compound" not in caplog.text
    assert {"beta", "delta", "pi", "tau2", "sigma2", "mu", "gamma"} == set(
        idata.posterior.data_vars
    )


@constant_indicators
def test_pm_sample_with_convergence_checks(model):
    with model:
        idata = pm.sample(draws=150, tune=50, chains=2, random_seed=1, progressbar=False)
    assert float(idata.posterior["delta"].sel(feature="a").mean()) > 0.95


def test_progress_bar_has_useful_columns(model, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    with model:
        pm.sample(draws=20, tune=10, chains=1, compute_convergence_checks=False)
    printed = capsys.readouterr().out
    assert "Included" in printed
    assert "Var(Xb)" in printed


def test_output_contract(idata):
    posterior = idata.posterior
    assert posterior["beta"].dims == posterior["delta"].dims == ("chain", "draw", "feature")
    assert posterior["gamma"].dims == ("chain", "draw", "covariate")
    for name in ("mu", "sigma2", "tau2", "pi"):
        assert posterior[name].dims == ("chain", "draw")
    assert list(posterior["feature"].values) == list("abcdef")
    assert list(idata.observed_data["obs"].values[:2]) == ["i0", "i1"]
    assert {"X", "X_center", "W", "W_center"} == set(idata.constant_data.data_vars)
    statistics = {"model_size", "genetic_variance", "scale_acceptance", "sweeps"}
    assert set(idata.sample_stats.data_vars) == statistics


def test_indicators_and_statistics_belong_to_the_effects(idata):
    posterior, X = idata.posterior, idata.constant_data["X"]
    np.testing.assert_array_equal(posterior["beta"] != 0, posterior["delta"] == 1)
    np.testing.assert_array_equal(posterior["delta"].sum("feature"), idata.sample_stats.model_size)
    variance = xr.dot(X - X.mean("obs"), posterior["beta"], dim="feature").var("obs")
    np.testing.assert_allclose(variance, idata.sample_stats.genetic_variance, rtol=1e-9)


def test_posterior_predictive_follows_the_effects(idata, model, data):
    with model:
        predicted = pm.sample_posterior_predictive(idata, random_seed=1, progressbar=False)
    mean = predicted.posterior_predictive["y"].mean(("chain", "draw"))
    assert float(np.corrcoef(mean, data[1])[0, 1]) > 0.9


def test_predictions_for_new_rows(idata, data):
    """New rows have other labels and another number; the centers stay those of the fit."""
    X, _, age = data
    new = (X.iloc[:5] + 1.0).set_axis([f"new{i}" for i in range(5)])
    more = age.iloc[:5].set_axis(new.index)
    post, const = idata.posterior, idata.constant_data
    expected = (
        post["mu"].mean().item()
        + (new.to_numpy() - const["X_center"].values) @ post["beta"].mean(("chain", "draw")).values
        + (more.to_numpy() - const["W_center"].values)
        @ post["gamma"].mean(("chain", "draw")).values
    )
    predicted = blr.predict(idata, new, covariates=more, quantity="mean")
    np.testing.assert_allclose(predicted["mean"], expected)
    assert list(predicted["obs"].values) == list(new.index)


@pytest.mark.parametrize("name", ["X", "X_center"])
def test_x_belongs_to_the_design_and_is_not_changed(model, name):
    with model, pytest.raises(TypeError, match=f"`{name}` must be a `SharedVariable`"):
        pm.set_data({name: model[name].data[:3]})


def test_prior_predictive(model):
    """The default prior puts half of the variance of y on X."""
    with model:
        prior = pm.sample_prior_predictive(draws=500, random_seed=1)
    assert prior.prior["beta"].sizes["feature"] == 6
    assert prior.prior_predictive["y"].shape == (1, 500, 60)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")  # few draws
def test_log_likelihood_loo_compare_summary(idata, model, data):
    X, y, age = data
    ridge = blr.single_component(X, y, covariates=age)
    fits = {"selection": idata.copy(), "ridge": blr.sample(ridge, **SHORT)}
    for fit, made in ((fits["selection"], model), (fits["ridge"], ridge)):
        with made:
            pm.compute_log_likelihood(fit, progressbar=False)
    exact = -0.5 * np.log(2 * np.pi * idata.posterior["sigma2"])
    assert float(fits["selection"].log_likelihood["y"].max()) <= float(exact.max())
    assert np.isfinite(az.loo(fits["selection"]).elpd)
    assert list(az.compare(fits)["rank"]) == [0, 1]
    table = az.summary(idata, var_names=["mu", "tau2", "pi", "sigma2", "gamma"])
    assert list(table.index)[:2] == ["mu", "tau2"]


def test_log_likelihood_is_the_normal_density(idata, model, data):
    fit = idata.copy()
    with model:
        pm.compute_log_likelihood(fit, progressbar=False)
    post, const, y = fit.posterior, fit.constant_data, fit.observed_data["y"]
    mean = (
        post["mu"]
        + xr.dot(const["X"] - const["X_center"], post["beta"], dim="feature")
        + xr.dot(const["W"] - const["W_center"], post["gamma"], dim="covariate")
    )
    expected = -0.5 * (np.log(2 * np.pi * post["sigma2"]) + (y - mean) ** 2 / post["sigma2"])
    got, expected = xr.align(fit.log_likelihood["y"], expected)
    np.testing.assert_allclose(got, expected.transpose(*got.dims), rtol=1e-8)


def test_netcdf_round_trip(idata, tmp_path):
    idata.to_netcdf(tmp_path / "fit.nc")
    loaded = az.from_netcdf(tmp_path / "fit.nc")
    xr.testing.assert_equal(blr.pip(loaded), blr.pip(idata))
    assert set(loaded.children) == set(idata.children)
    table, expected = blr.effect_table(loaded), blr.effect_table(idata)
    xr.testing.assert_allclose(table, expected)


def test_random_seed_decides(model, idata):
    again = blr.sample(model, **SHORT)
    other = blr.sample(model, **{**SHORT, "random_seed": 2})
    np.testing.assert_array_equal(again.posterior["beta"], idata.posterior["beta"])
    assert not np.array_equal(other.posterior["beta"], idata.posterior["beta"])


def test_global_random_state_is_untouched(model):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    blr.sample(model, **SHORT)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_labels_join_x_and_y(data):
    """Rows of y in another order give the same posterior."""
    X, y, _ = data
    straight = blr.sample(blr.spike_slab(X, y), **SHORT)
    shuffled = blr.sample(blr.spike_slab(X, y.sample(frac=1, random_state=1)), **SHORT)
    np.testing.assert_array_equal(straight.posterior["beta"], shuffled.posterior["beta"])


@pytest.mark.slow
def test_centring_changes_the_meaning_of_mu_only(data):
    """mu at average features, less the center times the effects, is mu at X = 0."""
    X, y, _ = data
    X = X + 5.0
    settings = {**SHORT, "draws": 4000}
    centred, raw = (
        blr.sample(
            blr.single_component(
                X, y, center=center, update="joint", mu=(0.0, 1e3), tau2=1.0, sigma2=1.0
            ),
            **settings,
        )
        for center in (True, False)
    )
    moved = centred.posterior.dataset.copy()
    moved["mu"] = moved["mu"] - (centred.constant_data["X_center"] * moved["beta"]).sum("feature")
    assert float(abs(raw.constant_data["X_center"]).max()) == 0
    assert_same_posterior(moved, raw.posterior.dataset, ["beta", "mu"])


def test_interrupted_sampling_keeps_what_it_has(model):
    def stop(trace, draw):
        if draw.chain == 1 and draw.draw_idx == 150:
            raise KeyboardInterrupt

    idata = blr.sample(model, **{**SHORT, "cores": 1}, callback=stop)
    assert idata.posterior.sizes["draw"] >= 40


@pytest.mark.slow
def test_step_can_be_shared_with_nuts(data):
    """tau2 given to NUTS by hand; all the rest stays with the Gibbs step."""
    X, y, _ = data
    with blr.spike_slab(X, y) as model:
        step = [pm.NUTS([model["tau2"]])]
        idata = blr.sample(**{**SHORT, "draws": 400}, step=step)
    assert float(idata.posterior["delta"].sel(feature="a").mean()) > 0.95


@pytest.mark.slow
def test_half_normal_subclass(data, caplog):
    """The issue's example: NUTS on the standard deviation, Gibbs on all the rest."""

    class HalfNormalSlab(blr.priors.SpikeSlab):
        def tau2_variable(self):
            return pm.HalfNormal("tau", 2.0) ** 2

    X, y, _ = data
    model = blr.regression(X, y, prior=HalfNormalSlab())
    with caplog.at_level("INFO"):
        idata = blr.sample(model, draws=400, tune=400, chains=2, random_seed=1, progressbar=False)
    assert "NUTS: [tau]" in caplog.text
    assert "BLRGibbs: [mu, sigma2, pi, delta, beta]" in caplog.text
    np.testing.assert_allclose(idata.posterior["tau2"], idata.posterior["tau"] ** 2)


@pytest.mark.slow
def test_half_normal_subclass_has_the_right_posterior():
    """Posterior of the SD against quadrature, with one feature that is always included."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    y = y + X @ np.array([1.0, -0.5])
    model = blr.single_component(X, y, tau2=pm.HalfNormal.dist(1.0), sigma2=1.0, mu=(0.0, 10.0))
    idata = blr.sample(model, draws=5000, tune=1000, chains=2, random_seed=1, quiet=True)
    grid = np.linspace(1e-4, 12.0, 4000)
    Z = np.column_stack([np.full(30, 10.0), X - X.mean(axis=0)])
    logp = [-0.5 * t**2 + _log_evidence(Z, y, t) for t in grid]
    weights = np.exp(np.array(logp) - max(logp))
    weights /= weights.sum()
    assert_agrees(idata.posterior["tau2"], weights @ grid, "tau2")
    assert_sd_agrees(
        idata.posterior["tau2"], np.sqrt(weights @ (grid - weights @ grid) ** 2), "tau2"
    )


def _log_evidence(Z, y, tau2):
    covariance = np.eye(len(y)) + (Z * np.r_[1.0, tau2, tau2]) @ Z.T
    return -0.5 * (np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y))


@pytest.mark.slow
def test_nuts_on_the_ridge_agrees(data):
    """The same model by NUTS: an independent sampler, means and SDs."""
    X, y, _ = data
    model = blr.single_component(X, y)
    settings = {"draws": 2000, "tune": 1000, "chains": 2, "random_seed": 1, "quiet": True}
    gibbs = blr.sample(model, **settings).posterior
    with model:
        nuts = blr.sample(step=pm.NUTS(), **settings).posterior
    assert_same_posterior(gibbs, nuts, ["beta", "sigma2", "tau2", "mu"])
