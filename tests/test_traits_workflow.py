"""A model of several traits is an ordinary PyMC model: what PyMC and ArviZ do with one works."""

import arviz as az
import arviz_stats
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from tests.oracles.one_trait import assert_agrees

SHORT = {"draws": 200, "tune": 100, "chains": 2, "random_seed": 1, "quiet": True, "cores": 1}
TRAITS = ["height", "weight"]


@pytest.fixture(scope="module")
def data():
    """Names for everything; 4 rows of 70 without any trait, holes in others; `a` and `b` matter."""
    rng = np.random.default_rng(4)
    ids = [f"i{i}" for i in range(70)]
    X = pd.DataFrame(rng.normal(size=(70, 8)), index=ids, columns=list("abcdefgh"))
    E = rng.multivariate_normal([0, 0], [[1.0, 0.5], [0.5, 1.0]], size=70)
    B = np.zeros((8, 2))
    B[0], B[1] = [2.0, 2.0], [-1.5, 0.0]
    Y = pd.DataFrame([10.0, 50.0] + X.to_numpy() @ B + E, index=ids, columns=TRAITS)
    Y.iloc[:20, 1] = np.nan
    Y.iloc[50:60, 0] = np.nan
    Y.iloc[66:] = np.nan
    return X, Y


@pytest.fixture(scope="module")
def model(data):
    return blr.multivariate_spike_slab(*data, missing="predict")


@pytest.fixture(scope="module")
def idata(model):
    return blr.sample(model, **SHORT)


def test_pm_sample_picks_the_gibbs_step(model, caplog):
    with model, caplog.at_level("INFO"):
        idata = pm.sample(draws=20, tune=20, chains=1, random_seed=1, progressbar=False, cores=1)
    assert "BLRGibbs: [" in caplog.text
    assert "NUTS" not in caplog.text
    expected = {"mu", "Sigma_e", "Sigma_b", "pi", "delta", "alpha", "beta", "y_missing"}
    assert set(idata.posterior.data_vars) == expected


def test_output_contract(idata):
    posterior = idata.posterior
    for name in ("beta", "delta"):
        assert posterior[name].dims == ("chain", "draw", "feature", "trait")
    for name in ("Sigma_b", "Sigma_e"):
        assert posterior[name].dims == ("chain", "draw", "trait", "trait_bis")
    for name in ("mu", "pi"):
        assert posterior[name].dims == ("chain", "draw", "trait")
    assert list(posterior["trait"].values) == list(posterior["trait_bis"].values) == TRAITS
    assert list(posterior["obs_missing"].values) == ["i66", "i67", "i68", "i69"]
    assert posterior["y_missing"].dims == ("chain", "draw", "obs_missing", "trait")
    assert idata.observed_data["y"].sizes == {"obs": 66, "trait": 2}
    constant = {"X", "X_center", "X_missing", "measured"}
    assert set(idata.constant_data.data_vars) == constant


def test_statistics_belong_to_the_effects(idata):
    posterior, X = idata.posterior, idata.constant_data["X"]
    np.testing.assert_array_equal(posterior["beta"] != 0, posterior["delta"] == 1)
    size = posterior["delta"].any("trait").sum("feature")
    np.testing.assert_array_equal(size, idata.sample_stats["model_size"])
    variance = xr.dot(X - X.mean("obs"), posterior["beta"], dim="feature").var("obs")
    got, expected = xr.align(idata.sample_stats["genetic_variance"], variance)
    np.testing.assert_allclose(got, expected.transpose(*got.dims), rtol=1e-9)


def test_what_matters_is_found(idata):
    pip = blr.pip(idata)
    assert pip.sel(feature="a").min() > 0.95
    assert pip.sel(feature="b", trait="height") > 0.95
    assert pip.sel(feature="b", trait="weight") < 0.7
    d = idata.posterior["delta"].sel(feature="b")
    event = (d.sel(trait="height") > 0) & (d.sel(trait="weight") == 0)
    table = blr.pleiotropy_table(idata)["probability"].sel(feature="b", pattern="10")
    np.testing.assert_allclose(event.mean(), table)


def test_log_likelihood_is_the_marginal_density_of_what_was_measured(idata, model):
    """Of an observation's measured traits; holes add nothing."""
    fit = idata.isel(draw=slice(0, 4))
    with model:
        pm.compute_log_likelihood(fit, progressbar=False)
    assert fit.log_likelihood["y"].dims == ("chain", "draw", "obs")
    post, const = fit.posterior.isel(chain=1, draw=3), fit.constant_data
    mean = post["mu"] + xr.dot(const["X"] - const["X_center"], post["beta"], dim="feature")
    y, mean = fit.observed_data["y"].values, mean.transpose("obs", "trait").values
    expected = []
    for row, center in zip(y, mean, strict=True):
        known = ~np.isnan(row)
        cov = post["Sigma_e"].values[np.ix_(known, known)]
        expected.append(stats.multivariate_normal(center[known], cov).logpdf(row[known]))
    got = fit.log_likelihood["y"].isel(chain=1, draw=3)
    np.testing.assert_allclose(got, expected, rtol=1e-8)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")  # few draws
def test_loo(idata, model):
    fit = idata.copy()
    with model:
        pm.compute_log_likelihood(fit, progressbar=False)
    loo = arviz_stats.loo(fit)
    assert np.isfinite(loo.elpd)
    assert loo.elpd < fit.log_likelihood["y"].mean(("chain", "draw")).sum()


def test_posterior_predictive_fills_the_holes(idata, model, data):
    """Replications are of complete rows, with residuals as correlated as Sigma_e says."""
    with model:
        predicted = pm.sample_posterior_predictive(idata, random_seed=1, progressbar=False)
    drawn = predicted.posterior_predictive["y"]
    assert drawn.sizes == {"chain": 2, "draw": 200, "obs": 66, "trait": 2}
    assert not drawn.isnull().any()
    X, Y = data
    for trait in TRAITS:
        mean = drawn.sel(trait=trait).mean(("chain", "draw")).to_pandas()
        assert np.corrcoef(mean, 2 * X["a"][:66])[0, 1] > 0.7
        assert abs(mean.mean() - Y[trait].mean()) < 1.0
    residual = drawn - drawn.mean(("chain", "draw"))
    r = xr.corr(residual.sel(trait="height"), residual.sel(trait="weight"))
    rho = blr.residual_correlation(idata).sel(trait="height", trait_bis="weight").mean()
    assert abs(r - rho) < 0.1


def test_prior_predictive(model):
    with model:
        prior = pm.sample_prior_predictive(draws=100, random_seed=1)
    assert prior.prior_predictive["y"].sizes["trait"] == 2
    assert np.isfinite(prior.prior_predictive["y"]).all()
    assert prior.prior["delta"].mean() == pytest.approx(0.5, abs=0.1)


def test_netcdf_round_trip(idata, tmp_path):
    idata.to_netcdf(tmp_path / "fit.nc")
    loaded = az.from_netcdf(tmp_path / "fit.nc")
    assert set(loaded.children) == set(idata.children)
    xr.testing.assert_equal(blr.pip(loaded), blr.pip(idata))
    for summary in (blr.genetic_correlation, blr.heritability, blr.residual_correlation):
        options = {} if summary is blr.residual_correlation else {"progressbar": False}
        xr.testing.assert_allclose(summary(loaded, **options), summary(idata, **options))
    xr.testing.assert_equal(blr.pleiotropy_table(loaded), blr.pleiotropy_table(idata))


def test_thinned_draws_and_one_chain(idata):
    thin = idata.isel(chain=[1], draw=slice(None, None, 5))
    rg = blr.genetic_correlation(thin, progressbar=False)
    assert rg["rg_fit"].sizes["draw"] == 40
    assert blr.summary_table(rg)["mean"].dims


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("copy", marks=pytest.mark.slow),
        "two processes",
        pytest.param("rows of Y shuffled", marks=pytest.mark.slow),
        pytest.param("xarray", marks=pytest.mark.slow),
    ],
)
def test_the_same_draws(change, idata, model, data):
    X, Y = data
    made, options = model, SHORT
    if change == "copy":
        made = model.copy()
    elif change == "two processes":
        options = {**SHORT, "cores": 2}
    elif change == "rows of Y shuffled":
        Y = Y.sample(frac=1, random_state=1)
        made = blr.multivariate_spike_slab(X, Y, missing="predict")
    else:
        arrays = xr.DataArray(X, dims=("obs", "feature")), xr.DataArray(Y.T, dims=("trait", "obs"))
        made = blr.multivariate_spike_slab(*arrays, missing="predict")
    again = blr.sample(made, **options)
    for name in ("beta", "delta", "Sigma_e", "y_missing"):
        np.testing.assert_array_equal(again.posterior[name], idata.posterior[name])


def test_what_was_not_measured_may_be_masked_or_na(data):
    """NaN, masked and pd.NA are the same holes; integers are numbers."""
    X, Y = data
    X, Y = X[:66], Y[:66].round()
    nullable = Y.astype("Int64")
    masked = np.ma.masked_invalid(Y.to_numpy())
    for given in (nullable, masked):
        made = blr.multivariate(X, given)
        values = made.rvs_to_values[made["y"]].eval()
        np.testing.assert_array_equal(values, Y)
        np.testing.assert_array_equal(made["measured"].get_value(), Y.notna())


def test_observing_and_doing(idata, model):
    """pm.observe fixes probabilities, pm.do the residual covariance: the rest is drawn."""
    observed = pm.observe(model, {"pi": np.array([0.01, 0.01])})
    fit = blr.sample(observed, **SHORT)
    assert "pi" not in fit.posterior
    others = list("cdefgh")
    assert blr.pip(fit).sel(feature=others).mean() < 0.5 * blr.pip(idata).sel(feature=others).mean()
    assert blr.pip(fit).sel(feature="a").min() > 0.95


@pytest.mark.slow
def test_groups_are_joined_by_label(data):
    X, Y = data
    groups = pd.Series(["odd", "even"] * 4, index=X.columns)
    by_label = groups.sample(frac=1, random_state=2)
    fits = [
        blr.sample(blr.hierarchical_multivariate(X[:66], Y[:66], g, n_components=2), **SHORT)
        for g in (by_label, groups.to_numpy())
    ]
    np.testing.assert_array_equal(fits[0].posterior["beta"], fits[1].posterior["beta"])
    posterior = fits[0].posterior
    assert posterior["pi"].dims == ("chain", "draw", "group", "component")
    assert list(posterior["group"].values) == ["odd", "even"]
    assert blr.pip(fits[0]).dims == ("feature",)
    np.testing.assert_array_equal(posterior["beta"].any("trait"), posterior["label"] > 0)
    assert list(blr.group_pip(fits[0])["group"].values) == ["odd", "even"]


@pytest.mark.slow
def test_a_prior_that_is_conjugate_by_another_way_of_writing_it(data):
    """InverseWishart.dist is the tuple; a prior of another family goes to NUTS."""
    X, Y = data[0][:66], data[1][:66]
    S = np.diag([1.0, 2.0])
    tuples = blr.multivariate(X, Y, Sigma_e=(6, S))
    dists = blr.multivariate(X, Y, Sigma_e=blr.priors.InverseWishart.dist(6, S))
    first, second = (blr.sample(m, **{**SHORT, "draws": 20}) for m in (tuples, dists))
    np.testing.assert_allclose(first.posterior["Sigma_e"], second.posterior["Sigma_e"])
    wishart = blr.multivariate(X, Y, Sigma_e=pm.Wishart.dist(6, S))
    assert sorted(blr.BLRGibbs(model=wishart).names) == ["Sigma_b", "beta", "mu"]


@pytest.mark.slow
def test_three_traits_with_many_holes_and_more_features_than_rows():
    """60 % of all values are missing, p = 100 > n = 90: the strong effects are found."""
    data = blr.simulate(
        n=90, p=100, n_traits=3, n_causal=2, h2=0.9, effects="equal", missing=0.6, random_seed=5
    )
    model = blr.multivariate_spike_slab(
        data.X, data.y, missing="predict", patterns="restrictive", pi=(98, 2)
    )
    fit = blr.sample(model, **SHORT)
    for name in ("beta", "Sigma_b", "Sigma_e", "mu", "y_missing"):
        assert np.isfinite(fit.posterior[name]).all()
    best = blr.pip(fit, any="trait").to_series().nlargest(2).index
    assert set(best) == set(data.feature.values[data.causal.any("trait")])
    unseen = data.y.isnull().all("trait")
    assert fit.posterior.sizes["obs_missing"] == int(unseen.sum())


def test_one_trait_keeps_its_dim(data):
    X, Y = data
    y = Y["height"].dropna()
    fit = blr.sample(blr.multivariate_spike_slab(X.loc[y.index], y), **SHORT)
    assert fit.posterior["Sigma_e"].sizes["trait"] == 1
    assert list(fit.posterior["trait"].values) == ["height"]
    assert (blr.pip(fit).sel(feature=["a", "b"]) > 0.9).all()
    assert set(blr.pleiotropy_table(fit)["pattern"].values) <= {"0", "1"}


@pytest.mark.slow
def test_disjoint_individuals_say_nothing_of_the_residual_correlation():
    """Its posterior given the two variances is its prior given them, whatever the data are."""
    data = blr.simulate(
        n=60, p=2, n_traits=2, residual_correlation=0.9, missing="disjoint", random_seed=1
    )
    model = blr.multivariate(data.X, data.y, Sigma_e=(5, np.diag([1.0, 1.0])))
    options = {**SHORT, "draws": 3000, "tune": 300, "chains": 4}
    fit = blr.sample(model, **options)
    r = blr.residual_correlation(fit).sel(trait="trait1", trait_bis="trait2")
    assert_agrees(r, 0.0, "residual correlation")
    Sigma = fit.posterior["Sigma_e"]
    grid = np.linspace(-0.9995, 0.9995, 2000)
    inverse = sum(1 / Sigma.values[..., t, t] for t in (0, 1)).ravel()
    # IW(5, I): |Sigma|^-4 exp(-tr(Sigma^-1) / 2), as a function of the correlation
    log = -4 * np.log1p(-(grid**2)) - inverse[::100, None] / (2 * (1 - grid**2))
    weights = np.exp(log - log.max(axis=1, keepdims=True))
    expected = (weights @ grid**2 / weights.sum(axis=1)).mean()
    assert expected > 0.1
    assert_agrees(r**2, expected, "square of the residual correlation")


def test_predict_has_the_mean_of_the_posterior_predictive():
    data = blr.simulate(n=60, p=5, n_traits=2, n_causal=2, random_seed=2)
    model = blr.multivariate(data.X, data.y)
    fit = blr.sample(model, **SHORT)
    predicted = blr.predict(fit, data.X, random_seed=2)
    with model:
        drawn = pm.sample_posterior_predictive(fit, random_seed=1, progressbar=False)
    drawn = drawn.posterior_predictive["y"]
    error = 5 * drawn.std(("chain", "draw")) * np.sqrt(2 / 400)  # of the difference of two means
    mean = predicted["mean"].transpose("obs", "trait")
    assert (abs(drawn.mean(("chain", "draw")).values - mean.values) < error.values).all()
