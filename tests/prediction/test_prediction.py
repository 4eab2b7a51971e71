"""Predictions of new rows and their scores, against answers by hand, closed forms and PyMC."""

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.posterior import reader
from blrzoo.prediction import _linear, log_score, ppc_table, predict, score

SAMPLE = ("chain", "draw")


def tree(seed=1, chains=2, draws=30, features="abc", covariates="", traits="", sd=1.0):
    """Make an InferenceData of random parameters; sd scales their spread over the draws."""
    rng = np.random.default_rng(seed)
    t = [len(traits)] if traits else []
    dims = ["trait"] if traits else []

    def normal(*shape):
        return rng.normal(size=shape) + sd * rng.normal(size=(chains, draws, *shape))

    variables = {
        "beta": ((*SAMPLE, "feature", *dims), normal(len(features), *t)),
        "mu": ((*SAMPLE, *dims), normal(*t)),
    }
    constant = {"X_center": ("feature", rng.normal(size=len(features)))}
    coords = {"feature": list(features)}
    if covariates:
        variables["gamma"] = ((*SAMPLE, "covariate", *dims), normal(len(covariates), *t))
        constant["W_center"] = ("covariate", rng.normal(size=len(covariates)))
        coords["covariate"] = list(covariates)
    if traits:
        root = normal(t[0], t[0])
        Sigma = np.einsum("cdij,cdkj->cdik", root, root) + 0.2 * np.eye(t[0])
        variables["Sigma_e"] = ((*SAMPLE, "trait", "trait_bis"), Sigma)
        coords |= {"trait": list(traits), "trait_bis": list(traits)}
    else:
        variables["sigma2"] = (SAMPLE, rng.uniform(0.5, 2.0, size=(chains, draws)))
    order = {"chain": range(chains), "draw": range(draws)} | coords
    groups = {"posterior": xr.Dataset(variables, order)}
    used = {dim: coords[dim] for dim in ("feature", "covariate") if dim in coords}
    groups["constant_data"] = xr.Dataset(constant, used)
    return xr.DataTree.from_dict(groups)


def new_rows(n=5, columns="abc", seed=2):
    values = np.random.default_rng(seed).normal(size=(n, len(columns)))
    return pd.DataFrame(values, index=[f"r{i}" for i in range(n)], columns=list(columns))


def means_by_hand(idata, X, W=None):
    """Draws (chain, draw, obs[, trait]), loops over everything."""
    post, const = idata["posterior"], idata["constant_data"]
    mu, beta = post["mu"].values, post["beta"].values
    out = np.zeros((*beta.shape[:2], len(X), *beta.shape[3:]))
    for c, d, i in np.ndindex(out.shape[:3]):
        out[c, d, i] = mu[c, d]
        for j in range(beta.shape[2]):
            out[c, d, i] += (X[i, j] - const["X_center"].values[j]) * beta[c, d, j]
        for k in range(0 if W is None else W.shape[1]):
            center = const["W_center"].values[k]
            out[c, d, i] += (W[i, k] - center) * post["gamma"].values[c, d, k]
    return out


# ---- the mean ----


@pytest.mark.parametrize("traits", ["", "uv"])
@pytest.mark.parametrize("covariates", ["", "wz"])
@pytest.mark.parametrize("chains", [1, 2])
def test_means_by_hand(traits, covariates, chains):
    idata = tree(traits=traits, covariates=covariates, chains=chains, draws=4)
    X, W = new_rows(), new_rows(columns="wz", seed=3) if covariates else None
    got = predict(idata, X, covariates=W, quantity="mean", summary=False)
    expected = means_by_hand(idata, X.to_numpy(), None if W is None else W.to_numpy())
    assert got.dims == (*SAMPLE, "obs", *["trait"] * bool(traits))
    assert list(got["obs"].values) == list(X.index)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("traits", ["", "uv"])
def test_summaries_are_those_of_the_draws(traits):
    idata = tree(traits=traits)
    draws = predict(idata, new_rows(), summary=False, random_seed=3)
    table = predict(idata, new_rows(), random_seed=3, ci_prob=0.8)
    lower, upper = draws.quantile([0.1, 0.9], SAMPLE)
    np.testing.assert_allclose(table["mean"], draws.mean(SAMPLE), rtol=1e-12)
    np.testing.assert_allclose(table["sd"], draws.stack(s=SAMPLE).std("s", ddof=1), rtol=1e-12)
    np.testing.assert_allclose(table["lower"], lower, rtol=1e-12)
    np.testing.assert_allclose(table["upper"], upper, rtol=1e-12)
    assert table.attrs == {"quantity": "response", "ci_kind": "eti", "ci_prob": 0.8}


@pytest.mark.parametrize("traits", ["", "uv"])
def test_blocks_change_nothing_and_the_seed_decides(monkeypatch, traits):
    idata, X = tree(traits=traits, features="abcde"), new_rows(columns="abcde")
    whole = predict(idata, X, summary=False, random_seed=3)
    table = predict(idata, X, random_seed=3)
    other = predict(idata, X, summary=False, random_seed=4)
    assert not np.isclose(whole, other).any()
    monkeypatch.setattr(_linear, "_BLOCK_BYTES", 2 * 60 * 8 * max(1, len(traits)))
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 2 * 60 * 8)
    again = predict(idata, X, summary=False, random_seed=np.random.default_rng(3))
    np.testing.assert_allclose(again, whole, rtol=1e-12, atol=1e-13)
    xr.testing.assert_allclose(predict(idata, X, random_seed=3), table, rtol=1e-12)


def test_excluded_effects_are_skipped_rightly():
    idata = tree(features="abcd")
    beta = idata["posterior"]["beta"]
    idata["posterior"]["beta"] = beta * (beta["feature"].isin(["b", "d"]) & (beta["draw"] > 3))
    X = new_rows(columns="abcd")
    got = predict(idata, X, quantity="mean", summary=False)
    np.testing.assert_allclose(got, means_by_hand(idata, X.to_numpy()), rtol=1e-12)


def test_thinned_and_from_a_file(tmp_path):
    idata, X, W = tree(covariates="w"), new_rows(), new_rows(columns="w")
    whole = predict(idata, X, covariates=W, quantity="mean", summary=False)
    thinned = predict(
        idata.isel(draw=slice(None, None, 5)), X, covariates=W, quantity="mean", summary=False
    )
    np.testing.assert_allclose(thinned, whole[:, ::5], rtol=1e-13)
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        again = predict(loaded, X, covariates=W, random_seed=1)
        scores = log_score(loaded, X, np.zeros(5), covariates=W)
    xr.testing.assert_allclose(again, predict(idata, X, covariates=W, random_seed=1), rtol=1e-12)
    xr.testing.assert_allclose(scores, log_score(idata, X, np.zeros(5), covariates=W))


# ---- labels ----


def test_columns_are_matched_by_name():
    idata = tree(covariates="wz")
    X, W = new_rows(), new_rows(columns="wz", seed=3)
    expected = predict(idata, X, covariates=W, random_seed=1)
    turned = xr.DataArray(X[["c", "a", "b"]], dims=("obs", "feature")).transpose("feature", "obs")
    mixed = W[["z", "w"]].sample(frac=1, random_state=1)  # rows by label too
    xr.testing.assert_allclose(predict(idata, turned, covariates=mixed, random_seed=1), expected)
    plain = predict(idata, X.to_numpy(), covariates=W.to_numpy(), random_seed=1)
    np.testing.assert_allclose(plain["mean"], expected["mean"], rtol=1e-12)
    assert list(plain["obs"].values) == list(range(5))


@pytest.mark.parametrize("value", ["frame", "dataarray", "turned", "numpy", "list"])
def test_a_single_row(value):
    idata, X = tree(), new_rows(n=2)
    array = xr.DataArray(X, dims=("obs", "feature"))
    one = {
        "frame": X.iloc[:1],
        "dataarray": array[:1],
        "turned": array[:1].rename(obs="row").transpose("feature", "row"),
        "numpy": X.to_numpy()[:1],
        "list": X.to_numpy()[:1].tolist(),
    }[value]
    got = predict(idata, one, quantity="mean")
    np.testing.assert_allclose(
        got["mean"], predict(idata, X, quantity="mean")["mean"][:1], rtol=1e-12
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X_new": new_rows(columns="abx")}, r"X_new.*missing \['c'\], unknown \['x'\]"),
        ({"X_new": new_rows(columns="abcd")}, r"got .* \(4 for 3\): unknown \['d'\]"),
        (
            {"X_new": new_rows().to_numpy()[:, :2]},
            r"X_new must have one .* each of the 3 features.*got shape",
        ),
        ({"X_new": pd.DataFrame(np.ones((5, 3)))}, r"X_new.*missing \['a', 'b', 'c'\]"),
        ({"X_new": new_rows().where(lambda x: x > -9, np.nan) * np.nan}, "X_new is read as X.*NaN"),
        ({"covariates": None}, r"covariates must be given, the fit has \['w'\]"),
        ({"covariates": new_rows(columns="q")}, r"covariates.*missing \['w'\].*\['q'\]"),
        ({"covariates": np.ones(4)}, "covariates must have one row per observation"),
        ({"covariates": new_rows(columns="w").rename(str.upper)}, "obs labels"),
        ({"weights": [1, 1, 0, 1, 1]}, "weights must be positive; got 0"),
        ({"weights": np.ones(4)}, "weights must have one row per observation"),
        ({"quantity": "sd"}, "quantity must be 'response'.*got 'sd'"),
        ({"ci_prob": 95}, "ci_prob must be a number above 0 and below 1, got 95"),
    ],
)
def test_what_is_refused(change, message):
    arguments = {"X_new": new_rows(), "covariates": new_rows(columns="w")} | change
    with pytest.raises(ValueError, match=message):
        predict(tree(covariates="w"), **arguments)


def test_what_is_refused_besides():
    with pytest.raises(ValueError, match="covariates must be left out where the fit has none"):
        predict(tree(), new_rows(), covariates=np.ones(5))
    with pytest.raises(TypeError, match=r"X_new is read as X.*real numbers; got text"):
        predict(tree(), new_rows().astype(str))
    with pytest.raises(TypeError, match="ci_prob must be a number"):
        predict(tree(), new_rows(), ci_prob="0.9")
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        predict(tree()["posterior"].to_dataset(), new_rows())


@pytest.mark.parametrize("name", ["beta", "mu", "sigma2"])
def test_a_missing_variable_is_named(name):
    idata = tree()
    del idata["posterior"][name]
    with pytest.raises(ValueError, match=rf"idata.posterior must have the variable '{name}'"):
        predict(idata, new_rows())
    if name == "sigma2":
        assert predict(idata, new_rows(), quantity="mean")["mean"].size == 5


def test_missing_data_of_the_fit_are_named():
    idata = tree(covariates="w")
    del idata["constant_data"]["W_center"]
    with pytest.raises(ValueError, match=r"idata.constant_data must have the variable 'W_center'"):
        predict(idata, new_rows(), covariates=np.ones(5))
    del idata["constant_data"]
    with pytest.raises(ValueError, match=r"idata.constant_data must have the variable 'X_center'"):
        predict(idata, new_rows(), covariates=np.ones(5))
    some = tree()
    some["posterior"] = some["posterior"].to_dataset().sel(feature=["a", "b"])
    with pytest.raises(ValueError, match=r"'X_center'.*\(3 for 2\): unknown \['c'\]"):
        predict(some, new_rows(columns="ab"))
    holes = tree()
    holes["posterior"]["beta"] = holes["posterior"]["beta"].where(holes["posterior"]["draw"] < 9)
    with pytest.raises(ValueError, match=r"'beta' .* no missing draw"):
        predict(holes, new_rows())
    huge = tree()
    huge["posterior"]["beta"] = 1e290 * huge["posterior"]["beta"]
    with pytest.raises(ValueError, match="can be multiplied by the effects"):
        predict(huge, 0 * new_rows() + 1e59)
    with pytest.raises(ValueError, match="must have a scale whose squares are finite"):
        predict(tree(), 0 * new_rows() + 1e61)
    unnamed = tree()
    unnamed["posterior"]["mu"] = unnamed["posterior"]["beta"]
    with pytest.raises(ValueError, match=r"'mu' in idata.posterior must have the dims"):
        predict(unnamed, new_rows())


# ---- the residuals ----


def test_residual_variance_is_sigma2_by_weight():
    """Standardised residuals of all draws and rows are N(0, 1)."""
    idata, X = tree(draws=400), new_rows(n=20)
    weights = np.linspace(0.5, 4.0, 20)
    means = predict(idata, X, quantity="mean", summary=False)
    drawn = predict(idata, X, weights=weights, summary=False, random_seed=5)
    sd = np.sqrt(idata["posterior"]["sigma2"].values[..., None] / weights)
    z = ((drawn - means) / sd).values
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert np.abs(z.var(axis=(0, 1)) - 1).max() < 4 * np.sqrt(2 / 800)


def test_residual_covariance_is_sigma_e_by_weight():
    """Whitened by the root of Sigma_e of each draw, residuals are independent N(0, 1)."""
    idata, X = tree(draws=400, traits="uv"), new_rows(n=20)
    weights = np.linspace(0.5, 4.0, 20)
    means = predict(idata, X, quantity="mean", summary=False)
    drawn = predict(idata, X, weights=weights, summary=False, random_seed=5)
    values, vectors = np.linalg.eigh(idata["posterior"]["Sigma_e"].values)
    e = (drawn - means).values * np.sqrt(weights)[:, None]
    z = np.einsum("cdij,cdni->cdnj", vectors, e) / np.sqrt(values)[:, :, None]
    z = z.reshape(-1, 2)
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(z.T)[0, 1]) < 4 / np.sqrt(len(z))


def test_a_diagonal_residual_may_be_given_by_variances():
    idata = tree(traits="uv", draws=2000, sd=0.0)
    variances = np.array([0.25, 9.0])
    shape = (2, 2000, 2)
    post = idata["posterior"].to_dataset().drop_vars("Sigma_e")
    post["sigma2"] = ((*SAMPLE, "trait"), np.broadcast_to(variances, shape))
    idata["posterior"] = post
    sd = predict(idata, new_rows(), random_seed=1)["sd"]
    np.testing.assert_allclose(sd**2 / variances, 1.0, atol=5 * np.sqrt(2 / 4000))


@pytest.fixture(scope="module")
def fitted():
    """A fit with covariates and weights, and its data."""
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.normal(size=(80, 6)), columns=list("abcdef"))
    W = pd.DataFrame({"age": rng.normal(50, 5, size=80)})
    weights = rng.uniform(0.5, 3.0, size=80)
    noise = rng.normal(size=80) / np.sqrt(weights)
    y = 3.0 + 2 * X["a"] - 1.5 * X["b"] + 0.1 * W["age"] + noise
    model = blr.spike_slab(X[:60], y[:60], covariates=W[:60], weights=weights[:60])
    idata = blr.sample(model, draws=500, tune=100, chains=2, random_seed=1, quiet=True)
    return model, idata, X[:60], W[:60], weights[:60]


def pymc_draws(model, idata):
    """PyMC's posterior predictive, of the rows of the fit."""
    with model:
        drawn = pm.sample_posterior_predictive(idata, random_seed=1, progressbar=False)
    return drawn.posterior_predictive["y"]


def test_means_are_those_of_pymc(fitted):
    """Draw by draw: with next to no residual variance, PyMC's draws are the means."""
    model, idata, X, W, weights = fitted
    exact = idata.copy(deep=True)
    exact["posterior"]["sigma2"] = exact["posterior"]["sigma2"] * 1e-24
    expected = pymc_draws(model, exact)
    got = predict(idata, X, covariates=W, weights=weights, quantity="mean", summary=False)
    np.testing.assert_allclose(got, expected.transpose(*got.dims), rtol=1e-9)
    assert list(got["obs"].values) == list(X.index)


def test_responses_are_distributed_as_those_of_pymc(fitted):
    model, idata, X, W, weights = fitted
    expected = pymc_draws(model, idata).transpose(*SAMPLE, "obs")
    got = predict(idata, X, covariates=W, weights=weights, summary=False, random_seed=7)
    p_values = [
        stats.ks_2samp(got.sel(obs=i).values.ravel(), expected.sel(obs=i).values.ravel()).pvalue
        for i in X.index
    ]
    assert min(p_values) > 1e-3 / len(p_values)
    ratio = got.std(SAMPLE) / expected.std(SAMPLE)
    assert float(abs(np.log(ratio)).max()) < 5 / np.sqrt(1000)


def test_several_traits_are_predicted_as_by_pymc():
    """Means draw by draw; the covariance of the residuals within Monte Carlo error."""
    data = blr.simulate(n=90, p=6, n_causal=3, n_traits=2, random_seed=1)
    old, new = data.isel(obs=slice(0, 70)), data.isel(obs=slice(70, None))
    model = blr.multivariate(old.X, old.y)
    idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    exact = idata.copy(deep=True)
    exact["posterior"]["Sigma_e"] = exact["posterior"]["Sigma_e"] * 1e-20
    expected = pymc_draws(model, exact)
    means = predict(idata, old.X, quantity="mean", summary=False)
    np.testing.assert_allclose(means, expected, atol=1e-8)
    means = predict(idata, new.X, quantity="mean", summary=False)
    e = (predict(idata, new.X, summary=False, random_seed=1) - means).values
    Sigma = idata["posterior"]["Sigma_e"].mean(SAMPLE).values
    products = np.einsum("cdni,cdnj->cdnij", e, e).reshape(-1, 2, 2)
    error = products.std(axis=0) / np.sqrt(len(products))
    assert (np.abs(products.mean(axis=0) - Sigma) < 4 * error).all()


def test_intervals_cover_new_rows_of_a_simulation():
    """95 %, within binomial error and that of the estimated residual SD (delta method)."""
    data = blr.simulate(n=2400, p=5, n_causal=3, random_seed=3)
    old, new = data.isel(obs=slice(0, 400)), data.isel(obs=slice(400, None))
    model = blr.single_component(old.X, old.y)
    idata = blr.sample(model, draws=1000, tune=100, chains=2, random_seed=1, quiet=True)
    result = score(new.y, predict(idata, new.X, summary=False, random_seed=1))
    slope = 2 * 1.96 * stats.norm.pdf(1.96)
    sd = np.sqrt(0.95 * 0.05 / 2000 + slope**2 / (2 * 400))
    assert abs(float(result["coverage"]) - 0.95) < 4 * sd
    assert abs(float(result["r2"]) - 0.5) < 0.1


# ---- the log score ----


def test_log_score_by_hand():
    idata, X, y = tree(draws=3), new_rows(), np.linspace(-1, 1, 5)
    weights = np.linspace(1, 2, 5)
    sd = np.sqrt(idata["posterior"]["sigma2"].values[..., None] / weights)
    density = stats.norm.pdf(y, means_by_hand(idata, X.to_numpy()), sd)
    got = log_score(idata, X, y, weights=weights)
    np.testing.assert_allclose(got, np.log(density.mean(axis=(0, 1))), rtol=1e-10)
    assert got.name == "log_score"


def test_log_score_of_several_traits_is_by_trait():
    idata, X = tree(draws=3, traits="uv"), new_rows()
    y = pd.DataFrame(np.random.default_rng(1).normal(size=(5, 2)), X.index, list("uv"))
    y.iloc[2, 1] = np.nan
    variance = np.diagonal(idata["posterior"]["Sigma_e"].values, axis1=2, axis2=3)
    means = means_by_hand(idata, X.to_numpy())
    density = stats.norm.pdf(y, means, np.sqrt(variance)[:, :, None])
    got = log_score(idata, X, y[["v", "u"]].sample(frac=1, random_state=1))
    np.testing.assert_allclose(got, np.log(density.mean(axis=(0, 1))), rtol=1e-10)
    assert np.isnan(got[2, 1])


# ---- scores ----


def as_draws(values, **coords):
    return xr.DataArray(values, coords, (*SAMPLE, "obs", "trait")[: values.ndim])


def crps_of_normal(y, mean=0.0, sd=1.0):
    """Gneiting & Raftery (2007), equation 21."""
    z = (y - mean) / sd
    return sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))


def test_scores_by_hand():
    rng = np.random.default_rng(3)
    values, y = rng.normal(size=(2, 20, 6)), rng.normal(size=6)
    result = score(y, as_draws(values), ci_prob=0.5)
    mean, (low, high) = values.mean((0, 1)), np.quantile(values, [0.25, 0.75], axis=(0, 1))
    flat = values.reshape(40, 6)
    pairs = abs(flat[:, None] - flat[None]).sum((0, 1)) / (40 * 39)
    expected = {
        "n": 6,
        "r2": 1 - ((y - mean) ** 2).sum() / ((y - y.mean()) ** 2).sum(),
        "correlation": stats.pearsonr(y, mean).statistic,
        "rmse": np.sqrt(((y - mean) ** 2).mean()),
        "mae": abs(y - mean).mean(),
        "coverage": ((low <= y) & (y <= high)).mean(),
        "width": (high - low).mean(),
        "crps": (abs(flat - y).mean(0) - pairs / 2).mean(),
    }
    assert list(result.data_vars) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-11, err_msg=name)


def test_rmse_and_mae_are_those_of_arviz():
    rng = np.random.default_rng(4)
    values, y = rng.normal(size=(2, 20, 6)), rng.normal(size=6)
    idata = az.from_dict({"posterior_predictive": {"y": values}, "observed_data": {"y": y}})
    result = score(y, as_draws(values))
    for kind in ("rmse", "mae"):
        got = az.metrics(idata, kind=kind, round_to="none").mean
        np.testing.assert_allclose(result[kind], got, rtol=1e-12)


def test_crps_of_a_normal():
    """Closed form, within Monte Carlo error of independent draws."""
    draws = np.random.default_rng(5).normal(2.0, 3.0, size=(4, 5000, 1)).repeat(5, axis=2)
    y = np.array([2.0, 0.0, 5.0, -7.0, 20.0])
    got = score(y, as_draws(draws), pointwise=True)["crps"].values
    expected = crps_of_normal(y, 2.0, 3.0)
    # the error of a mean of m terms with an SD of at most about 3
    np.testing.assert_allclose(got, expected, atol=4 * 3 / np.sqrt(20_000))


def test_crps_is_fair():
    """Unbiased for small m, where dividing by m**2 is not: 1 / (m sqrt(pi)) too large."""
    m, n = 4, 40_000
    draws = np.random.default_rng(6).normal(size=(1, m, n))
    values = score(np.full(n, 0.5), as_draws(draws), pointwise=True)["crps"].values
    error = values.std() / np.sqrt(n)
    assert abs(values.mean() - crps_of_normal(0.5)) < 4 * error
    assert 4 * error < 0.1 / (m * np.sqrt(np.pi))


def test_a_single_draw_scores_its_error():
    result = score([1.0, 5.0], as_draws(np.array([[[2.0, 2.0]]])))
    assert float(result["crps"]) == 2.0
    assert float(result["width"]) == 0.0


def test_coverage_of_the_truth():
    """Binomial error: the draws are from the distribution of the truth."""
    rng = np.random.default_rng(7)
    n = 1500
    for ci_prob in (0.5, 0.95):
        draws = as_draws(rng.normal(size=(1, 2000, n)))
        result = score(rng.normal(size=n), draws, ci_prob=ci_prob)
        assert abs(float(result["coverage"]) - ci_prob) < 4 * np.sqrt(ci_prob * (1 - ci_prob) / n)
        np.testing.assert_allclose(
            result["width"], 2 * stats.norm.isf((1 - ci_prob) / 2), rtol=0.01
        )


def test_missing_values_are_skipped_by_trait():
    rng = np.random.default_rng(8)
    values, y = rng.normal(size=(2, 20, 6, 3)), rng.normal(size=(6, 3))
    y[[0, 2], 1] = np.nan
    y[:, 2] = np.nan
    draws = as_draws(values, trait=list("uvw"))
    result = score(y, draws)
    assert result["rmse"].dims == ("trait",)
    np.testing.assert_array_equal(result["n"], [6, 4, 0])
    some = [1, 3, 4, 5]
    alone = score(y[some, 1], as_draws(values[:, :, some, 1]))
    for name in result.data_vars:
        np.testing.assert_allclose(result[name].values[1], alone[name], rtol=1e-12)
        assert name == "n" or np.isnan(result[name].values[2])


def test_truth_is_joined_by_label():
    rng = np.random.default_rng(9)
    y = pd.Series(rng.normal(size=6), list("abcdef"))
    draws = as_draws(rng.normal(size=(2, 20, 6)), obs=list("abcdef"))
    expected = score(y.to_numpy(), draws)
    xr.testing.assert_allclose(score(y.sample(frac=1, random_state=2), draws), expected)
    with pytest.raises(ValueError, match="y_true must have the obs labels of predictions"):
        score(y.rename({"a": "z"}), draws)
    stacked = draws.stack(sample=SAMPLE)
    xr.testing.assert_allclose(score(y, stacked), expected)


def test_scores_that_do_not_exist_are_nan():
    result = score([1.0, 1.0], as_draws(np.ones((1, 3, 2))))
    assert np.isnan(result["r2"])
    assert np.isnan(result["correlation"])
    assert result["rmse"] == 0


def test_what_a_score_refuses():
    draws = as_draws(np.ones((1, 3, 2)))
    with pytest.raises(
        TypeError, match=r"predictions must be.*got one of type Dataset\. Pass .*summary=False"
    ):
        score([1.0, 2.0], draws.to_dataset(name="y"))
    with pytest.raises(ValueError, match=r"predictions must be.*got dims \('obs',\)"):
        score([1.0, 2.0], draws.mean(SAMPLE))
    with pytest.raises(ValueError, match="y_true must have known values"):
        score([np.nan, np.nan], draws)
    with pytest.raises(ValueError, match="one row per observation of predictions; got 3"):
        score([1.0, 2.0, 3.0], draws)
    with pytest.raises(ValueError, match=r"y_true is read as y.*infinite"):
        score([1.0, np.inf], draws)
    with pytest.raises(ValueError, match=r"y_true must have one .* for each of the 2 traits"):
        score(np.ones((2, 3)), as_draws(np.ones((1, 3, 2, 2)), trait=["u", "v"]))


# ---- posterior predictive checks ----


def checked(y, replicated, **groups):
    dims = ("obs", "trait")[: y.ndim]
    return xr.DataTree.from_dict(
        {
            "observed_data": xr.Dataset({"y": (dims, y)}),
            "posterior_predictive": xr.Dataset({"y": ((*SAMPLE, *dims), replicated)}),
            "posterior": xr.Dataset({"mu": (SAMPLE, np.zeros(replicated.shape[:2]))}),
            **groups,
        }
    )


def test_statistics_by_hand():
    rng = np.random.default_rng(10)
    y, replicated = rng.exponential(size=50), rng.normal(1.0, 1.0, size=(2, 100, 50))
    functions = {
        "variance": lambda v: v.var(ddof=1),
        "skewness": stats.skew,
        "kurtosis": stats.kurtosis,
        "min": np.min,
        "max": np.max,
        "mean": np.mean,
        "0.9": lambda v: np.quantile(v, 0.9),
        "range": np.ptp,
    }
    given = {name: name for name in functions} | {"0.9": 0.9, "range": np.ptp}
    table = ppc_table(checked(y, replicated), given, ci_prob=0.8)
    for name, function in functions.items():
        row = table.sel(statistic=name)
        values = np.array([function(v) for v in replicated.reshape(200, 50)])
        np.testing.assert_allclose(row["observed"], function(y), rtol=1e-10)
        np.testing.assert_allclose(row["mean"], values.mean(), rtol=1e-10)
        np.testing.assert_allclose(row["sd"], values.std(ddof=1), rtol=1e-10)
        np.testing.assert_allclose(row["lower"], np.quantile(values, 0.1), rtol=1e-10)
        np.testing.assert_allclose(row["p_value"], (values > function(y)).mean())
    assert float(table["p_value"].sel(statistic="min")) < 0.05
    default = ppc_table(checked(y, replicated))
    assert list(default["statistic"].values) == ["variance", "skewness", "kurtosis", "0.01", "0.99"]


def test_statistics_of_traits_leave_out_what_is_missing():
    rng = np.random.default_rng(11)
    y, replicated = rng.normal(size=(40, 2)), rng.normal(size=(1, 50, 40, 2))
    y[3, 0] = y[5, 1] = np.nan
    names = {"trait": ["u", "v"]}
    idata = checked(y, replicated)
    for group in ("observed_data", "posterior_predictive"):
        idata[group] = idata[group].to_dataset().assign_coords(names)
    table = ppc_table(idata, ["variance", "correlation"])
    labels = ["variance[u]", "variance[v]", "correlation[u, v]"]
    assert list(table["statistic"].values) == labels
    both = [i for i in range(40) if i not in (3, 5)]
    expected = np.nanvar(y[:, 0], ddof=1), np.nanvar(y[:, 1], ddof=1), np.corrcoef(y[both].T)[0, 1]
    np.testing.assert_allclose(table["observed"], expected, rtol=1e-10)
    of_rep = np.mean([np.corrcoef(r[both].T)[0, 1] for r in replicated[0]])
    np.testing.assert_allclose(table["mean"].sel(statistic=labels[2]), of_rep, rtol=1e-10)


def test_ties_count_by_half():
    idata = checked(np.array([1.0, 2.0]), np.array([[[1.0, 2.0], [1.0, 9.0], [0.0, 2.0]]]))
    assert float(ppc_table(idata, ["max"])["p_value"][0]) == (1 + 2 / 2) / 3


def test_residuals_find_a_curve_that_the_response_hides():
    """y = x + curve: by residuals in the order of x the misfit is plain; a good model passes."""
    rng = np.random.default_rng(12)
    x = np.sort(rng.uniform(-2, 2, size=150))
    found = {}
    for curve in (0.0, 0.5):
        y = 5 * x + curve * x**2 + rng.normal(size=150)
        model = blr.single_component(x[:, None], y)
        idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
        with model:
            pm.sample_posterior_predictive(
                idata, random_seed=1, extend_inferencedata=True, progressbar=False
            )
        lag = {"lag 1": lambda e: np.corrcoef(e[1:], e[:-1])[0, 1]}
        found[curve] = float(ppc_table(idata, lag, residuals=True)["p_value"][0])
    assert found[0.5] < 0.01
    assert 0.02 < found[0.0] < 0.98


@pytest.mark.parametrize(
    ("statistics", "error", "message"),
    [
        (["sd"], ValueError, "statistics must be names of.*got 'sd'"),
        ([1.5], ValueError, "got 1.5. Try 0.99"),
        (["correlation"], ValueError, "'correlation', which takes two traits"),
        ([3], TypeError, "got int"),
        ({"double": lambda v: 2 * v}, ValueError, "must return one number.*'double' returned"),
    ],
)
def test_statistics_that_are_refused(statistics, error, message):
    with pytest.raises(error, match=message):
        ppc_table(checked(np.ones(4), np.ones((1, 3, 4))), statistics)


def test_a_check_names_what_is_missing():
    idata = checked(np.ones(4), np.ones((1, 3, 4)))
    with pytest.raises(ValueError, match="posterior must have the variable 'beta'"):
        ppc_table(idata, residuals=True)
    del idata["posterior_predictive"]
    with pytest.raises(ValueError, match=r"'posterior_predictive'.*extend_inferencedata=True"):
        ppc_table(idata)
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        ppc_table(xr.Dataset())
    lacking = tree()
    y = np.ones(4)
    full = checked(y, np.ones((2, 30, 4)), posterior=lacking["posterior"].to_dataset())
    full["constant_data"] = lacking["constant_data"].to_dataset()
    with pytest.raises(ValueError, match=r"constant_data must have \['X'\]"):
        ppc_table(full, residuals=True)
