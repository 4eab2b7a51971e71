"""Correlations between traits, and patterns of traits, against NumPy and answers by hand."""

from itertools import product

import arviz as az
import numpy as np
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.posterior import fit_variance, reader
from blrzoo.summaries.covariance import (
    genetic_correlation,
    genetic_covariance,
    residual_correlation,
)
from blrzoo.summaries.pleiotropy import pleiotropy_table
from blrzoo.summaries.table import summary_table
from blrzoo.summaries.variance_share import heritability
from tests.builders import tree

TRAITS = ["t1", "t2", "t3"]
SIGMA = np.array([[1.0, 0.8, -0.2], [0.8, 2.0, 0.5], [-0.2, 0.5, 1.5]])
OTHER = np.array([[0.5, -0.2, 0.1], [-0.2, 1.0, 0.0], [0.1, 0.0, 0.3]])
SHAPE = (2, 6)
GROUP_INDEX = np.array([0, 1, 1, 0])


def random_X(seed=0, n=9):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(3.0, 1.0, size=(n, 4))


def effects(seed=1, shape=(*SHAPE, 4, 3)):
    return np.random.default_rng(seed).normal(size=shape)


def draws(value):
    return np.broadcast_to(value, SHAPE + np.shape(value)).copy()


def correlation(matrices):
    sd = np.sqrt(np.einsum("...tt->...t", matrices))
    return matrices / sd[..., :, None] / sd[..., None, :]


# ---- of the fit ----


@pytest.mark.parametrize("block", [1, 300, 2**25])
@pytest.mark.parametrize("sparse", [0.0, 1.1])
def test_covariance_of_the_fit_against_numpy(monkeypatch, block, sparse):
    monkeypatch.setattr(fit_variance, "_BLOCK_BYTES", block)
    monkeypatch.setattr(fit_variance, "_SPARSE", sparse)
    X, beta = random_X(), effects()
    idata = tree(X, beta=beta)
    covariance = genetic_covariance(idata, definition="fit")["cov_fit"]
    rg = genetic_correlation(idata, definition="fit")["rg_fit"]
    assert covariance.dims == rg.dims == ("chain", "draw", "trait", "trait_bis")
    for c, d in np.ndindex(SHAPE):
        fitted = X @ beta[c, d]
        np.testing.assert_allclose(covariance[c, d], np.cov(fitted.T, ddof=0), rtol=1e-10)
        np.testing.assert_allclose(rg[c, d], np.corrcoef(fitted.T), rtol=1e-10)
    assert np.all(np.diagonal(rg, axis1=-2, axis2=-1) == 1.0)
    assert list(rg["trait_bis"].values) == TRAITS


def test_the_diagonals_are_the_variances_of_heritability():
    idata = tree(
        random_X(), beta=effects(), Sigma_b=draws(SIGMA), Sigma_e=draws(np.diag([1.0, 2.0, 3.0]))
    )
    covariance, h2 = genetic_covariance(idata), heritability(idata)
    for name in ("fit", "components"):
        variance = np.diagonal(covariance[f"cov_{name}"], axis1=-2, axis2=-1)
        expected = variance / (variance + np.array([1.0, 2.0, 3.0]))
        np.testing.assert_allclose(h2[f"h2_{name}"], expected, rtol=1e-10)


def test_a_draw_in_which_a_trait_has_no_variance_has_no_correlation():
    beta = effects()
    beta[0, :2, :, 1] = 0.0
    rg = genetic_correlation(tree(random_X(), beta=beta), definition="fit")["rg_fit"]
    missing = np.isnan(rg.values)
    assert np.all(missing[0, :2, 1])
    assert np.all(missing[0, :2, :, 1])
    assert missing.sum() == 2 * 5
    table = summary_table(rg)
    kept = rg.sel(trait="t1", trait_bis="t2").values.ravel()[2:]
    cell = table.sel(trait="t1", trait_bis="t2")
    np.testing.assert_allclose(cell["mean"], kept.mean(), rtol=1e-12)
    np.testing.assert_allclose(cell["sd"], kept.std(ddof=1), rtol=1e-12)
    np.testing.assert_allclose(cell["lower"], np.quantile(kept, 0.025), rtol=1e-12)


# ---- of components ----

PATTERNS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]])
PATTERN_PI = np.array([0.4, 0.3, 0.2, 0.1])
INDEPENDENT = np.array([0.5, 0.2, 0.1])


def by_pattern(probabilities, patterns, Sigma):
    pairs = zip(probabilities, patterns, strict=True)
    return sum(p * np.diag(d) @ Sigma @ np.diag(d) for p, d in pairs)


def independent(pi, Sigma):
    patterns = list(product((0, 1), repeat=3))
    probabilities = [np.prod(np.where(d, pi, 1 - pi)) for d in patterns]
    return by_pattern(probabilities, patterns, Sigma)


ALL_DIMS = ["group", "component", "trait", "trait_bis"]
COMPONENTS = {  # hyperparameters, dims, and E[b_j b_j'] of the two groups
    "ridge": ({"Sigma_b": SIGMA}, {}, [SIGMA, SIGMA]),
    "independent": (
        {"Sigma_b": SIGMA, "pi": INDEPENDENT},
        {"pi": ["trait"]},
        [independent(INDEPENDENT, SIGMA)] * 2,
    ),
    "patterns": (
        {"Sigma_b": SIGMA, "pi": PATTERN_PI},
        {"pi": ["pattern"]},
        [by_pattern(PATTERN_PI, PATTERNS, SIGMA)] * 2,
    ),
    "groups": (
        {"Sigma_b": np.stack([SIGMA, OTHER])},
        {"Sigma_b": ["group", "trait", "trait_bis"]},
        [SIGMA, OTHER],
    ),
    "groups with a null": (
        {"Sigma_b": np.stack([SIGMA, OTHER]), "pi": [[0.9, 0.1], [0.5, 0.5]]},
        {"Sigma_b": ["group", "trait", "trait_bis"], "pi": ["group", "component"]},
        [0.1 * SIGMA, 0.5 * OTHER],
    ),
    "mixtures by group": (
        {
            "Sigma_b": [[0 * SIGMA, SIGMA, OTHER], [0 * SIGMA, OTHER, SIGMA]],
            "pi": [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]],
        },
        {"Sigma_b": ALL_DIMS, "pi": ["group", "component"]},
        [0.2 * SIGMA + 0.1 * OTHER, 0.3 * OTHER + 0.6 * SIGMA],
    ),
    "one probability": ({"Sigma_b": SIGMA, "pi": 0.3}, {}, [0.3 * SIGMA] * 2),
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_covariance_of_components_by_hand(name):
    values, dims, by_group = COMPONENTS[name]
    X = random_X()
    idata = tree(
        X,
        {"group_index": GROUP_INDEX, "patterns": PATTERNS},
        dims,
        beta=effects(),
        **{key: draws(value) for key, value in values.items()},
    )
    expected = sum(v * by_group[g] for v, g in zip(X.var(axis=0), GROUP_INDEX, strict=True))
    covariance = genetic_covariance(idata, definition="components")["cov_components"]
    assert covariance.dims == ("chain", "draw", "trait", "trait_bis")
    np.testing.assert_allclose(covariance, draws(expected), rtol=1e-12)
    rg = genetic_correlation(idata)["rg_components"]
    np.testing.assert_allclose(rg, draws(correlation(expected)), rtol=1e-12)
    assert np.all(np.diagonal(rg, axis1=-2, axis2=-1) == 1.0)


def test_components_differ_from_draw_to_draw():
    scale = np.random.default_rng(2).uniform(1, 2, SHAPE)
    pi = np.random.default_rng(3).uniform(0.1, 0.9, (*SHAPE, 3))
    idata = tree(
        random_X(),
        dims={"pi": ["trait"]},
        beta=effects(),
        Sigma_b=scale[..., None, None] * SIGMA,
        pi=pi,
    )
    covariance = genetic_covariance(idata)["cov_components"]
    total = random_X().var(axis=0).sum()
    for c, d in np.ndindex(SHAPE):
        expected = total * independent(pi[c, d], scale[c, d] * SIGMA)
        np.testing.assert_allclose(covariance[c, d], expected, rtol=1e-12)


UNDETERMINED = {
    "no 'Sigma_b'": ({}, {}),
    "no 'patterns'": ({"Sigma_b": SIGMA, "pi": PATTERN_PI}, {"pi": ["pattern"]}),
    "the posterior has no 'pi'": ({"Sigma_b": SIGMA, "delta": np.ones((4, 3), int)}, {}),
    "no 'group_index'": (
        {"Sigma_b": np.stack([SIGMA, OTHER])},
        {"Sigma_b": ["group", "trait", "trait_bis"]},
    ),
}


@pytest.mark.parametrize("reason", UNDETERMINED)
def test_components_are_left_out_with_a_reason_or_refused(reason):
    values, dims = UNDETERMINED[reason]
    values = {key: draws(value) for key, value in values.items()}
    idata = tree(random_X(), dims=dims, beta=effects(), **values)
    result = genetic_correlation(idata)
    assert list(result) == ["rg_fit"]
    assert reason in result.attrs["rg_components"]
    with pytest.raises(ValueError, match=rf"cannot be computed: .*{reason}.*definition='fit'"):
        genetic_correlation(idata, definition="components")


def test_the_two_definitions_differ_as_they_say():
    """Effects on different, but equal, features: the fit has a correlation, components none."""
    x = np.random.default_rng(4).normal(size=20)
    beta = np.zeros((*SHAPE, 2, 3))
    beta[..., 0, 0] = beta[..., 1, 1] = beta[..., 0, 2] = 1.0
    idata = tree(
        np.column_stack([x, x]),
        coords={"feature": ["a", "b"]},
        beta=beta,
        Sigma_b=draws(np.eye(3)),
    )
    rg = genetic_correlation(idata).sel(trait="t1", trait_bis="t2")
    np.testing.assert_allclose(rg["rg_fit"], 1.0)
    np.testing.assert_array_equal(rg["rg_components"], 0.0)


# ---- residuals, files, refusals ----


def test_residual_correlation_by_hand():
    scale = np.random.default_rng(5).uniform(1, 2, SHAPE)[..., None, None]
    result = residual_correlation(tree(Sigma_e=scale * SIGMA))
    assert result.name == "residual_correlation"
    np.testing.assert_allclose(result, draws(correlation(SIGMA)), rtol=1e-12)
    assert np.all(np.diagonal(result, axis1=-2, axis2=-1) == 1.0)
    frame = summary_table(result).to_dataframe()
    assert frame.index.names == ["trait", "trait_bis"]
    np.testing.assert_allclose(frame["mean"].unstack(), correlation(SIGMA))


def fitted():
    return tree(random_X(), beta=effects(), Sigma_b=draws(SIGMA), Sigma_e=draws(OTHER))


@pytest.mark.parametrize(
    "function", [genetic_correlation, genetic_covariance, residual_correlation]
)
def test_files_thinned_draws_and_one_chain(tmp_path, function):
    idata = fitted()
    whole = function(idata)
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(function(loaded), whole)
    for place in ({"draw": slice(None, None, 2)}, {"chain": [1]}):
        part = function(idata.isel(place, missing_dims="ignore"))
        xr.testing.assert_allclose(part, whole.isel(place))


def test_one_trait_has_no_correlations():
    beta = np.ones((1, 3, 4))
    idata = tree(random_X(), dims={"beta": ["feature"]}, beta=beta, sigma2=np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"'beta' .* several traits.*lacks \['trait'\]"):
        genetic_correlation(idata)
    with pytest.raises(ValueError, match=r"several traits, 'Sigma_e'.*it has \['beta', 'sigma2'\]"):
        residual_correlation(idata)
    with pytest.raises(ValueError, match=r"each trait, 'delta'"):
        pleiotropy_table(idata)


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match=r"X must be given .*constant_data has no 'X'"):
        genetic_correlation(tree(beta=effects()))
    with pytest.raises(ValueError, match="must have the variable 'beta'"):
        genetic_covariance(tree(random_X(), Sigma_b=draws(SIGMA)))
    with pytest.raises(ValueError, match=r"definition must be 'both'.*'rg'"):
        genetic_correlation(fitted(), definition="rg")
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        residual_correlation(fitted()["posterior"].to_dataset())


# ---- pleiotropy ----


def random_delta(seed=6, shape=(2, 50, 4, 3)):
    rng = np.random.default_rng(seed)
    common = rng.random((*shape[:3], 1)) < 0.3
    return ((rng.random(shape) < 0.2) | common).astype(int)


@pytest.mark.parametrize("block", [1, 2**24])
def test_patterns_against_counting(monkeypatch, block):
    monkeypatch.setattr(reader, "_BLOCK_BYTES", block)
    delta = random_delta()
    result = pleiotropy_table(tree(delta=delta), ci_prob=0.8)
    names = np.apply_along_axis(lambda row: "".join(map(str, row)), -1, delta)
    assert sorted(result["pattern"].values) == sorted(np.unique(names))
    for name in np.unique(names):
        number, row = (names == name).sum(axis=-1), result.sel(pattern=name)
        np.testing.assert_allclose(row["mean"], number.mean(), rtol=1e-12)
        np.testing.assert_allclose(row["sd"], number.std(ddof=1), rtol=1e-12)
        np.testing.assert_allclose(row["upper"], np.quantile(number, 0.9), rtol=1e-12)
        np.testing.assert_allclose(row["mcse_mean"], az.mcse(number.astype(float)), rtol=1e-9)
        np.testing.assert_allclose(row["share"], number.mean() / 4, rtol=1e-12)
        expected = (names == name).mean(axis=(0, 1))
        np.testing.assert_allclose(row["probability"], expected, rtol=1e-12)
        assert "".join(str(int(v)) for v in row["affected"].values) == name
    assert list(result["mean"].values) == sorted(result["mean"].values, reverse=True)
    np.testing.assert_allclose(result["probability"].sum("pattern"), 1.0, rtol=1e-12)
    assert result["mean"].sum() == pytest.approx(4.0)
    assert result["probability"].dims == ("feature", "pattern")


def test_patterns_name_their_traits():
    result = pleiotropy_table(tree(delta=random_delta()))
    names = result["traits"].to_series()
    assert names["000"] == "none"
    assert names["101"] == "t1+t3"
    frame = result.drop_dims(["feature", "trait"]).to_dataframe()
    columns = ["mean", "sd", "lower", "upper", "mcse_mean", "share", "traits"]
    assert sorted(frame.columns) == sorted(columns)


def test_only_patterns_that_occur_and_marginals_are_the_pips():
    delta = random_delta()
    delta[..., 2] = delta[..., 1]
    idata = tree(delta=delta)
    result = pleiotropy_table(idata)
    assert set(result["pattern"].values) <= {"000", "100", "011", "111"}
    marginal = (result["probability"] * result["affected"]).sum("pattern")
    xr.testing.assert_allclose(marginal, blr.pip(idata).drop_attrs().rename(None))


def test_rare_patterns_are_counted_together():
    delta = random_delta()
    whole, result = (pleiotropy_table(tree(delta=delta), most=k) for k in (64, 2))
    kept = list(whole["pattern"].values[:2])
    assert list(result["pattern"].values) == [*kept, "other"]
    xr.testing.assert_allclose(result["mean"][:2], whole["mean"][:2])
    assert float(result["mean"][2]) == pytest.approx(4 - float(whole["mean"][:2].sum()))
    np.testing.assert_allclose(result["probability"].sum("pattern"), 1.0, rtol=1e-12)
    assert np.all(np.isnan(result["affected"].sel(pattern="other")))


def test_many_traits():
    T = 40
    delta = (np.random.default_rng(7).random((1, 20, 3, T)) < 0.02).astype(np.int8)
    labels = {"feature": list("abc"), "trait": np.arange(T)}
    idata = tree(delta=delta, coords=labels)
    result = pleiotropy_table(idata, most=500)
    assert all(len(name) == T for name in result["pattern"].values)
    marginal = (result["probability"] * result["affected"]).sum("pattern")
    np.testing.assert_allclose(marginal, delta.mean(axis=(0, 1)), rtol=1e-12, atol=1e-15)


def test_patterns_of_files_thinned_draws_and_one_chain(tmp_path):
    delta = random_delta()
    idata = tree(delta=delta)
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(pleiotropy_table(loaded), pleiotropy_table(idata))
    thinned = pleiotropy_table(idata.isel(draw=slice(None, None, 7), chain=[1]))
    xr.testing.assert_allclose(thinned, pleiotropy_table(tree(delta=delta[1:, ::7])))


def test_pleiotropy_refuses():
    idata = tree(delta=random_delta())
    with pytest.raises(TypeError, match="most must be an int from 1"):
        pleiotropy_table(idata, most=2.5)
    with pytest.raises(ValueError, match="most must be an int from 1"):
        pleiotropy_table(idata, most=0)
    with pytest.raises(ValueError, match=r"ci_prob must be .*got 95"):
        pleiotropy_table(idata, ci_prob=95)
    delta = random_delta().astype(float)
    delta[0, 3] = np.nan
    with pytest.raises(ValueError, match="no missing draw"):
        pleiotropy_table(tree(delta=delta))
    many = tree(delta=np.ones((1, 2, 1, 63), int), coords={"feature": ["a"], "trait": range(63)})
    with pytest.raises(ValueError, match=r"at most 62 traits in 'delta', got 63"):
        pleiotropy_table(many)
