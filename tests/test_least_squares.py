"""`ols`: equal to statsmodels, labels kept, and clear refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import xarray as xr

import blrzoo as blr

RNG = np.random.default_rng(7)
N, P = 40, 4
X = pd.DataFrame(
    RNG.normal(size=(N, P)) * [1, 1e-3, 50, 1] + [0, 5, -300, 2],
    columns=["a", "b", "c", "d"],
    index=[f"i{i}" for i in range(N)],
)
W = pd.DataFrame({"sex": RNG.integers(0, 2, N), "age": RNG.normal(50, 9, N)}, index=X.index)
Y = X["a"] - 200 * X["b"] + 0.1 * W["age"] + RNG.normal(0, 2, N)


def reference(covariates):
    columns = X if covariates is None else pd.concat([covariates, X], axis=1)
    return sm.OLS(Y, sm.add_constant(columns)).fit()


@pytest.mark.parametrize("covariates", [None, W], ids=["X", "X-and-W"])
@pytest.mark.parametrize("ci_prob", [0.95, 0.5])
def test_estimates_equal_statsmodels(covariates, ci_prob):
    fit, ref = blr.ols(X, Y, covariates=covariates, ci_prob=ci_prob), reference(covariates)
    interval = ref.conf_int(1 - ci_prob)
    parts = {
        "": ref.params,
        "_se": ref.bse,
        "_t": ref.tvalues,
        "_p": ref.pvalues,
        "_lower": interval[0],
        "_upper": interval[1],
    }
    for suffix, expected in parts.items():
        got = {"const": fit[f"intercept{suffix}"].item()}
        if covariates is not None:
            got |= fit[f"gamma{suffix}"].to_series().to_dict()
        got |= fit[f"beta{suffix}"].to_series().to_dict()
        assert list(got) == list(expected.index)
        np.testing.assert_allclose(list(got.values()), expected, rtol=1e-8, err_msg=suffix)
    np.testing.assert_allclose(fit.sigma2, ref.scale, rtol=1e-10)
    np.testing.assert_allclose(fit.r2, ref.rsquared, rtol=1e-10)
    assert fit.df == ref.df_resid == N - len(ref.params)
    np.testing.assert_allclose(fit.fitted, ref.fittedvalues, rtol=1e-8)
    np.testing.assert_allclose(fit.residual, ref.resid, atol=1e-8)


@pytest.mark.parametrize("covariates", [None, W], ids=["X", "X-and-W"])
def test_predictions_equal_statsmodels(covariates):
    X_new, W_new = X[:5] + 0.3, None if covariates is None else covariates[:5] + 1
    fit = blr.ols(X, Y, covariates=covariates, X_new=X_new, covariates_new=W_new, ci_prob=0.9)
    columns = X_new if W_new is None else pd.concat([W_new, X_new], axis=1)
    rows = sm.add_constant(columns, has_constant="add")
    ref = reference(covariates).get_prediction(rows).summary_frame(alpha=0.1)
    pairs = {
        "predicted": "mean",
        "mean_lower": "mean_ci_lower",
        "mean_upper": "mean_ci_upper",
        "predicted_lower": "obs_ci_lower",
        "predicted_upper": "obs_ci_upper",
    }
    for name, column in pairs.items():
        np.testing.assert_allclose(fit[name], ref[column], rtol=1e-8, err_msg=name)
    assert list(fit.obs_new.values) == list(X_new.index)


def test_interval_covers_as_often_as_it_says():
    rng, hits = np.random.default_rng(1), []
    for _ in range(400):
        x = rng.normal(size=(8, 2))
        y, new = x[:, 0] + rng.normal(size=8), rng.normal(size=(1, 2))
        fit = blr.ols(x, y, X_new=new, ci_prob=0.8)
        truth = new[0, 0] + rng.normal()
        beta_in = fit.beta_lower[0] < 1 < fit.beta_upper[0]
        hits.append((beta_in, fit.predicted_lower[0] < truth < fit.predicted_upper[0]))
    z = (np.mean(hits, axis=0) - 0.8) / np.sqrt(0.8 * 0.2 / 400)
    assert (abs(z) < 4).all(), z


@pytest.mark.filterwarnings("ignore:X has columns of different units")
def test_labels_and_order_of_the_data():
    fit = blr.ols(X, Y[::-1], covariates=W.sample(frac=1, random_state=1))
    np.testing.assert_allclose(fit.beta, blr.ols(X, Y, covariates=W).beta)
    assert list(fit.feature.values) == ["a", "b", "c", "d"]
    assert list(fit.covariate.values) == ["sex", "age"]
    assert list(fit.obs.values) == list(X.index)
    model = blr.single_component(X, Y, covariates=W)
    for dim in ("obs", "feature", "covariate"):
        assert list(model.coords[dim]) == list(fit[dim].values)


@pytest.mark.parametrize(
    "new",
    [
        X[["d", "b", "a", "c"]][:3],
        X[:3].to_numpy(),
        xr.DataArray(X[:3].to_numpy(), dims=["obs", "feature"]),
        xr.DataArray(X[:3].to_numpy().T, dims=["feature", "obs"], coords={"feature": list(X)}),
    ],
    ids=["columns-moved", "array", "dataarray", "transposed"],
)
def test_new_observations_are_joined_by_column(new):
    fit = blr.ols(X, Y, X_new=new)
    np.testing.assert_allclose(fit.predicted, fit.fitted[:3])


@pytest.mark.filterwarnings("ignore:X has columns of different units")
def test_new_covariates_are_joined_to_the_new_rows_by_label():
    fit = blr.ols(X, Y, covariates=W, X_new=X[:3], covariates_new=W[:3][::-1])
    np.testing.assert_allclose(fit.predicted, fit.fitted[:3])


def test_one_new_observation_and_one_feature():
    fit = blr.ols(X[["a"]], Y, X_new=[[0.5]])
    expected = fit.intercept + 0.5 * fit.beta[0]
    np.testing.assert_allclose(fit.predicted, [expected])
    assert fit.predicted_lower < fit.mean_lower < fit.mean_upper < fit.predicted_upper


def test_perfect_fit():
    fit = blr.ols([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0])
    np.testing.assert_allclose([fit.beta[0], fit.intercept, fit.r2], [2, 1, 1])
    assert fit.beta_p[0] < 1e-10


def test_nearly_collinear_columns_keep_their_digits():
    # the normal equations lose twice the digits: condition 1e6 here, 1e12 there
    x = RNG.normal(size=200)
    near = np.column_stack([x, x + 1e-6 * RNG.normal(size=200)])
    y = near @ [1.0, 1.0]
    fit = blr.ols(near, y)
    np.testing.assert_allclose(fit.beta, [1.0, 1.0], rtol=1e-8)


A = X.to_numpy()
NEW = X[:2]
BAD = {
    "n-equals-q": (
        (A[:5], Y[:5].to_numpy()),
        {},
        r"n = 5 observations and 5 columns .*single_comp",
    ),
    "n-below-q": ((A[:3], Y[:3].to_numpy()), {}, r"n = 3 observations and 5 columns"),
    "n-with-W": ((X[:7], Y[:7]), {"covariates": W[:7]}, r"n = 7 observations and 7 columns"),
    "constant": ((X.assign(one=0.1), Y), {}, r"no constant features.*\['one'\]"),
    "copy": ((X.assign(e=X["b"]), Y), {}, r"feature \['e'\] as linear.*single_component"),
    "sum": ((X.assign(e=X["a"] + 2 * X["c"] - 1), Y), {}, r"feature \['e'\] as linear"),
    "two": ((X.assign(e=X["a"], z=RNG.normal(size=N), f=X["b"]), Y), {}, r"\['e', 'f'\] as"),
    "of-W": ((X.assign(e=3 * W["age"]), Y), {"covariates": W}, r"feature \['e'\] as"),
    "ci_prob-0": (
        (X, Y),
        {"ci_prob": 0},
        r"ci_prob must be a number above 0 and below 1, got 0 of",
    ),
    "ci_prob-95": ((X, Y), {"ci_prob": 95}, r"ci_prob must be a number above 0 .*, got 95"),
    "new-names": (
        (X, Y),
        {"X_new": NEW.rename(columns={"a": "q"})},
        r"^X_new must have the columns of the fit.*unknown \['q'\]",
    ),
    "new-width": (
        (X, Y),
        {"X_new": A[:2, :3]},
        r"X_new must .* the 4 columns.* got shape \(2, 3\)",
    ),
    "new-1d": ((X, Y), {"X_new": A[0]}, r"X_new must have 2 dim.*reshape\(1, -1\)"),
    "new-nan": ((X, Y), {"X_new": A[:2] * np.nan}, r"X_new must be complete.* got 8 missing"),
    "new-no-W": ((X, Y), {"covariates": W, "X_new": NEW}, r"covariates_new must be given"),
    "new-no-X": (
        (X, Y),
        {"covariates_new": W[:2]},
        r"covariates_new must be left out without X_new",
    ),
    "new-more-W": ((X, Y), {"X_new": NEW, "covariates_new": W[:2]}, r"covariates_new must be"),
    "new-rows": (
        (X, Y),
        {"covariates": W, "X_new": NEW, "covariates_new": W[:3]},
        r"covariates_new must have the rows of X_new.* \(3 for 2\): unknown \['i2'\]",
    ),
}


@pytest.mark.parametrize(("data", "options", "pattern"), BAD.values(), ids=BAD)
def test_refusals(data, options, pattern):
    with pytest.raises(ValueError, match=pattern):
        blr.ols(*data, **options)


@pytest.mark.parametrize(
    ("options", "pattern"),
    [
        ({"ci_prob": "0.9"}, "ci_prob must be a number above 0 and below 1, got '0.9'"),
        ({"ci_prob": True}, "ci_prob must be a number above 0 and below 1, got True"),
        ({"X_new": NEW.astype(object).replace(NEW.iloc[0, 0], "u")}, "X_new must be real numbers"),
    ],
)
def test_refusals_of_type(options, pattern):
    with pytest.raises(TypeError, match=pattern):
        blr.ols(X, Y, **options)
