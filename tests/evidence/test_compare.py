"""Models of the same data compared: leave-one-out, Bayes factors, and what is not the same data."""

import arviz_stats
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.evidence.factors import bayes_factors
from blrzoo.evidence.loo import compare
from blrzoo.evidence.marginal import log_marginal_likelihood
from blrzoo.evidence.observed import check_same, response_of

SHORT = {"draws": 200, "tune": 100, "chains": 2, "random_seed": 1, "quiet": True}
pytestmark = pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")


@pytest.fixture(scope="module")
def data():
    return blr.simulate(n=60, p=8, n_causal=2, h2=0.7, random_seed=1)


@pytest.fixture(scope="module")
def fits(data):
    models = {
        "ridge": blr.single_component(data.X, data.y),
        "selection": blr.spike_slab(data.X, data.y),
    }
    return {name: (model, blr.sample(model, **SHORT)) for name, model in models.items()}


@pytest.fixture(scope="module")
def complete(fits):
    """Fits with their log likelihoods, computed by PyMC."""
    found = {}
    for name, (model, idata) in fits.items():
        found[name] = idata.copy()
        pm.compute_log_likelihood(found[name], model=model, progressbar=False)
    return found


# Leave-one-out


def test_compare_is_that_of_arviz(fits, complete):
    expected = arviz_stats.compare(complete)
    pd.testing.assert_frame_equal(compare(fits), expected)
    pd.testing.assert_frame_equal(compare(complete), expected)
    assert "log_likelihood" not in fits["ridge"][1].children
    raw = arviz_stats.compare(complete, method="pseudo-bma", round_to="none")
    pd.testing.assert_frame_equal(compare(fits, method="pseudo-bma", round_to="none"), raw)


def test_the_order_of_rows_does_not_matter(data, complete):
    turned = data.isel(obs=slice(None, None, -1))
    model = blr.spike_slab(turned.X, turned.y)
    other = blr.sample(model, **SHORT)
    back = complete["ridge"].isel(obs=slice(None, None, -1))
    by_label = compare({"ridge": complete["ridge"], "selection": (model, other)})
    by_hand = compare({"ridge": back, "selection": (model, other)})
    pd.testing.assert_frame_equal(by_label, by_hand)
    pm.compute_log_likelihood(other, model=model, progressbar=False)
    by_position = arviz_stats.compare({"ridge": complete["ridge"], "selection": other})
    assert by_position["dse"].max() > 2 * by_label["dse"].max()


@pytest.mark.parametrize(
    "change",
    [
        lambda idata: idata.isel(chain=[0]),
        lambda idata: idata.isel(draw=slice(None, None, 2)),
        lambda idata: idata,
    ],
    ids=["one-chain", "thinned", "from-file"],
)
def test_compare_takes_any_fit(change, complete, tmp_path):
    ready = {name: change(idata) for name, idata in complete.items()}
    for name, idata in ready.items():
        idata.to_netcdf(tmp_path / f"{name}.nc")
        ready[name] = xr.load_datatree(tmp_path / f"{name}.nc")
    assert sorted(compare(ready).index) == ["ridge", "selection"]


def test_several_traits_are_one_row():
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(30, 3)), index=[f"i{k}" for k in range(30)])
    Y = pd.DataFrame({"a": X[0], "b": X[0] - X[1]}) + rng.normal(size=(30, 2))
    Y.iloc[3, 1] = np.nan
    model = blr.multivariate(X, Y)
    idata = blr.sample(model, **SHORT)
    halves = {half: (model, idata.isel(chain=[half])) for half in (0, 1)}
    assert sorted(compare(halves).index) == ["0", "1"]
    found = pm.compute_log_likelihood(
        idata, model=model, extend_inferencedata=False, progressbar=False
    )["y"]
    assert found.dims == ("chain", "draw", "obs")
    first = idata.posterior.isel(chain=0, draw=0)
    mean = first["mu"].values + (X - X.mean()).to_numpy() @ first["beta"].values
    cov = first["Sigma_e"].values
    rows = [
        stats.multivariate_normal(m, cov).logpdf(y) for m, y in zip(mean, Y.values, strict=True)
    ]
    rows[3] = stats.norm(mean[3, 0], np.sqrt(cov[0, 0])).logpdf(Y.iloc[3, 0])
    np.testing.assert_allclose(found.isel(chain=0, draw=0), rows)


def test_what_is_missing_is_told(fits, complete):
    _, idata = fits["ridge"]
    other = complete["selection"]
    with pytest.raises(ValueError, match=r"none in 'ridge'.*\(model, idata\).*compute_log_like"):
        compare({"ridge": idata, "selection": other})
    with pytest.raises(ValueError, match=r"no delta, pi in the posterior of 'ridge'"):
        compare({"ridge": (fits["selection"][0], idata), "selection": other})
    unseen = complete["ridge"].copy()
    del unseen["observed_data"]
    with pytest.raises(ValueError, match="'observed_data', got none in 'ridge'"):
        compare({"ridge": unseen, "selection": other})
    with pytest.raises(ValueError, match="group 'posterior'"):
        compare({"ridge": xr.DataTree(), "selection": other})


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda idata: [idata, idata], TypeError, "fits must be a mapping of names to fits, got"),
        (lambda idata: {"a": idata}, ValueError, "two or more, got 1"),
        (lambda idata: {"a": idata, "b": idata.posterior.dataset}, TypeError, "Dataset.*'b'"),
        (lambda idata: {"a": idata, "b": (idata, None)}, TypeError, "DataTree, NoneType"),
    ],
)
def test_other_things_are_refused(wrong, error, message, complete):
    with pytest.raises(error, match=message):
        compare(wrong(complete["ridge"]))


# The same data


def response(values, **coords):
    dims = list(coords) or ["obs"]
    return xr.DataArray(np.array(values, dtype=float), coords, dims)


def test_same_data_in_any_order():
    y = response([[1, 2], [3, np.nan]], obs=["i", "j"], trait=["a", "b"])
    check_same({"one": y, "two": y[::-1, ::-1]})
    same_labels = response([1, 2, 3], obs=["i", "i", "j"])
    check_same({"one": same_labels, "two": same_labels + 1e-12})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (response([1, 2], obs=["i", "j"]), r"dims \('obs',\) in 'two' and \('obs', 'trait'\)"),
        (
            response([[1, 2]], obs=["i"], trait=["a", "b"]),
            "1 observations in 'two' and 2 in 'one'",
        ),
        (
            response([[1, 2], [3, np.nan]], obs=["i", "k"], trait=["a", "b"]),
            r"other labels of obs in 'two' .* \['k'\]|for instance 'k'",
        ),
        (
            response([[1, 2], [3, np.nan]], obs=["i", "j"], trait=["a", "c"]),
            "other labels of trait in 'two'",
        ),
        (
            response([[1, 2], [np.nan, 3]], obs=["i", "j"], trait=["a", "b"]),
            "other values in 1 of 2 rows .* nan and 3.0 in obs 'j', trait 'a'",
        ),
        (
            response([[1.1, 2], [3, np.nan]], obs=["i", "j"], trait=["a", "b"]),
            "1.1 and 1.0 in obs 'i', trait 'a'",
        ),
    ],
)
def test_other_data_are_refused(other, message):
    y = response([[1, 2], [3, np.nan]], obs=["i", "j"], trait=["a", "b"])
    with pytest.raises(ValueError, match=message):
        check_same({"one": y, "two": other})


def test_fits_and_models_of_other_data_are_refused(data, complete, fits):
    model = blr.single_component(data.X, 2 * data.y)
    moved = complete["ridge"].copy()
    moved["observed_data"] = moved["observed_data"].dataset * 2
    with pytest.raises(ValueError, match=r"other values in 60 of 60 rows in 'moved'"):
        compare({"ridge": complete["ridge"], "moved": moved})
    with pytest.raises(ValueError, match=r"other values in 60 of 60 rows in 'moved'"):
        bayes_factors({"ridge": fits["ridge"][0], "moved": model})
    few = data.isel(obs=slice(0, 50))
    with pytest.raises(ValueError, match="50 observations in 'few' and 60 in 'ridge'"):
        bayes_factors({"ridge": fits["ridge"][0], "few": blr.single_component(few.X, few.y)})


def test_response_of_a_model_has_its_labels(data, fits):
    xr.testing.assert_allclose(response_of(fits["ridge"][0]), data.y.reset_coords(drop=True))


# Bayes factors


def result(value, se):
    y = response([1, 2], obs=["i", "j"])
    return xr.Dataset({"log_marginal_likelihood": value, "se": se, "y": y})


def test_bayes_factors_by_hand():
    models = {"a": result(-12.0, 0.3), "b": result(-10.0, 0.4), "c": result(-11.0, 0.0)}
    table = bayes_factors(models)
    assert table.reference == "b"
    np.testing.assert_allclose(table["log_bayes_factor"], [-2, 0, -1])
    np.testing.assert_allclose(table["log_bayes_factor_se"], [0.5, 0, 0.4])
    expected = np.exp([-2, 0, -1]) / np.exp([-2, 0, -1]).sum()
    np.testing.assert_allclose(table["probability"], expected)
    odds = bayes_factors(models, prior={"c": 6, "a": 3, "b": 1}, reference="a")
    np.testing.assert_allclose(odds["log_bayes_factor"], [0, 2, 1])
    weighted = np.array([3, 1, 6]) * np.exp([-2, 0, -1])
    np.testing.assert_allclose(odds["probability"], weighted / weighted.sum())


def test_errors_of_the_probabilities_are_those_of_repeats():
    errors = np.array([0.02, 0.03, 0.01])
    logs = np.array([-10.5, -10.0, -11.0])
    names = ["a", "b", "c"]
    table = bayes_factors({n: result(v, s) for n, v, s in zip(names, logs, errors, strict=True)})
    repeats = np.exp(logs + errors * np.random.default_rng(1).normal(size=(20_000, 3)))
    probability = repeats / repeats.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(table["probability_se"], probability.std(axis=0), rtol=0.03)


def test_bayes_factors_of_models_are_those_of_their_results(fits, data):
    ridge = fits["ridge"][0]
    wide = blr.single_component(data.X, data.y, tau2=100.0)
    table = bayes_factors({"ridge": ridge, "wide": log_marginal_likelihood(wide)})
    values = [float(log_marginal_likelihood(m)["log_marginal_likelihood"]) for m in (ridge, wide)]
    np.testing.assert_allclose(table["log_marginal_likelihood"], values, rtol=1e-12)
    np.testing.assert_allclose(table["log_bayes_factor"], values - np.max(values), atol=1e-9)


def test_a_null_model_and_lindleys_paradox():
    """The wider the prior of an effect that is there, the more the null is preferred."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 1))
    y = 0.4 * X[:, 0] + rng.normal(size=50)
    models = {
        str(tau2): blr.single_component(X, y, tau2=tau2, sigma2=1.0, mu=0.0)
        for tau2 in (1e-9, 0.1, 1.0, 100.0, 1e6)
    }
    table = bayes_factors(models, reference="1e-09")["log_bayes_factor"].to_series()
    assert table["0.1"] > 1
    assert table["1.0"] > table["100.0"] > table["1000000.0"]
    assert table["1000000.0"] < -1
    q = (X[:, 0] - X.mean()) @ y
    d = np.sum((X - X.mean()) ** 2)
    by_hand = 0.5 * (q**2 / (d + 1) - np.log1p(d))
    np.testing.assert_allclose(table["1.0"], by_hand, atol=1e-6)


@pytest.mark.parametrize(
    ("models", "arguments", "error", "message"),
    [
        ([1], {}, TypeError, "models must be a mapping"),
        ({"a": result(0, 0)}, {}, ValueError, "two or more, got 1"),
        ({"a": result(0, 0), "b": 3.0}, {}, TypeError, "got float for 'b'"),
        (
            {"a": result(0, 0), "b": result(0, 0)},
            {"reference": "c"},
            ValueError,
            "must be None or 'a' or 'b', got 'c'",
        ),
        ({"a": result(0, 0), "b": result(0, 0)}, {"prior": {"a": 1}}, ValueError, r"\['a', 'b'\]"),
        (
            {"a": result(0, 0), "b": result(0, 0)},
            {"prior": {"a": 1, "b": 0}},
            ValueError,
            "positive and finite",
        ),
    ],
)
def test_wrong_arguments_of_bayes_factors(models, arguments, error, message):
    with pytest.raises(error, match=message):
        bayes_factors(models, **arguments)


def test_models_that_blrzoo_did_not_make_are_refused():
    with pm.Model() as other:
        pm.Normal("z", 0, 1)
    with pytest.raises(ValueError, match="one of blrzoo"):
        bayes_factors({"a": other, "b": other})
