"""Observations that are not alike: known weights, and missing responses."""

import numpy as np
import pandas as pd
import pytest

import blrzoo as blr
from tests.oracles.one_trait import (
    assert_agrees,
    assert_effects_agree,
    assert_sd_agrees,
    exact_ridge,
)

FIXED = {"tau2": 0.8, "sigma2": 1.2, "mu": (0.0, 10.0)}
CHAINS = {"draws": 10_000, "tune": 200, "chains": 2, "quiet": True, "random_seed": 4}


def records(seed=8):
    """Lines with several records each: features of a line are those of its records."""
    rng = np.random.default_rng(seed)
    X, counts = rng.normal(size=(12, 4)), rng.integers(1, 6, size=12)
    line = np.repeat(np.arange(12), counts)
    y = X[line] @ np.array([1.0, -0.5, 0.0, 0.2]) + rng.normal(size=line.size)
    return X, counts, line, y


@pytest.mark.parametrize("update", ["joint", "single-site"])
@pytest.mark.slow
def test_weighted_means_are_as_good_as_their_records(update):
    """With a known residual variance, means with weights n_i hold all that the records hold."""
    X, counts, line, y = records()
    means = pd.Series(y).groupby(line).mean()
    model = blr.single_component(X, means, weights=counts, update=update, **FIXED)
    idata = blr.sample(model, **CHAINS)
    assert_effects_agree(idata.posterior.dataset, exact_ridge(X[line], y, **FIXED))


@pytest.mark.slow
def test_weights_do_matter():
    X, _, line, y = records()
    means = pd.Series(y).groupby(line).mean()
    idata = blr.sample(blr.single_component(X, means, **FIXED), **CHAINS)
    with pytest.raises(AssertionError, match="against"):
        assert_effects_agree(idata.posterior.dataset, exact_ridge(X[line], y, **FIXED))


def test_genetic_variance_is_on_the_scale_of_y():
    X, counts, line, y = records()
    means = pd.Series(y).groupby(line).mean()
    model = blr.spike_slab(X, means, weights=counts)
    idata = blr.sample(model, draws=50, tune=50, chains=1, random_seed=1, quiet=True)
    expected = (idata.posterior["beta"].values @ X.T).var(axis=-1)
    np.testing.assert_allclose(idata.sample_stats["genetic_variance"], expected, rtol=1e-10)


def with_gaps():
    rng = np.random.default_rng(9)
    X = pd.DataFrame(rng.normal(size=(25, 3)), index=[f"i{k}" for k in range(25)])
    y = X[0] + rng.normal(size=25)
    y.iloc[[3, 11]] = np.nan
    return X, y


@pytest.mark.parametrize("update", ["joint", "single-site"])
@pytest.mark.slow
def test_missing_responses_are_predicted_and_enter_nothing_else(update):
    X, y = with_gaps()
    known = y.notna()
    model = blr.single_component(X, y, missing="predict", update=update, **FIXED)
    idata = blr.sample(model, **CHAINS)
    assert_effects_agree(
        idata.posterior.dataset, exact_ridge(X[known].to_numpy(), y[known].to_numpy(), **FIXED)
    )
    assert list(idata.posterior["obs_missing"].values) == ["i3", "i11"]
    assert idata.observed_data["y"].sizes["obs"] == 23
    mean, sd = closed_form_prediction(X, y, known)
    for i in range(2):
        draws = idata.posterior["y_missing"].isel(obs_missing=i)
        assert_agrees(draws, mean[i], "predicted mean")
        assert_sd_agrees(draws, sd[i], "prediction")


def closed_form_prediction(X, y, known):
    """Normal posterior of (mu, beta), and the predictive distribution of the gaps."""
    center = X[known].mean()
    Z = np.column_stack([np.ones(25), X - center])
    used = Z[known.to_numpy()]
    precision = used.T @ used / 1.2 + np.diag([0.01, *[1 / 0.8] * 3])
    covariance = np.linalg.inv(precision)
    location = covariance @ used.T @ y[known].to_numpy() / 1.2
    gaps = Z[~known.to_numpy()]
    return gaps @ location, np.sqrt(1.2 + np.einsum("ij,jk,ik->i", gaps, covariance, gaps))


def test_masked_arrays_and_frames_with_gaps():
    X, y = with_gaps()
    forms = [y, np.ma.masked_invalid(y.to_numpy()), y.to_frame("yield"), y.to_xarray()]
    for form in forms:
        model = blr.spike_slab(X, form, missing="predict")
        assert model.dim_lengths["obs_missing"].eval() == 2


def test_complete_data_have_nothing_to_predict():
    X, y = with_gaps()
    model = blr.spike_slab(X, y.fillna(0.0), missing="predict")
    assert "y_missing" not in model.named_vars


def test_missing_is_refused_unless_asked_for():
    X, y = with_gaps()
    with pytest.raises(ValueError, match=r"y must be complete.*2 missing.*missing='predict'"):
        blr.spike_slab(X, y)
    with pytest.raises(ValueError, match="y must be known for at least 2 observations; got 1"):
        blr.spike_slab(X, y.where(y.index == "i0"), missing="predict")
    with pytest.raises(ValueError, match="missing must be 'error' or 'predict', got 'drop'"):
        blr.spike_slab(X, y, missing="drop")
    with pytest.raises(ValueError, match=r"X must be complete"):
        blr.spike_slab(X.where(X < 1), y, missing="predict")


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.r_[0.0, np.ones(24)], "weights must be positive; got 1 that are not, the first 0"),
        (-np.ones(25), "weights must be positive; got 25"),
        (np.r_[np.nan, np.ones(24)], "weights must be complete and finite"),
        (np.ones(7), "weights must have one row per observation of X; got 7"),
        (np.ones((25, 2)), r"weights must be a vector; got shape \(25, 2\)"),
        (pd.Series(np.ones(25)), "weights must have the obs labels of X"),
    ],
)
def test_bad_weights_are_refused(weights, message):
    X, y = with_gaps()
    with pytest.raises(ValueError, match=message):
        blr.spike_slab(X, y.fillna(0.0), weights=weights)
