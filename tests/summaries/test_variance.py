"""Shares of variance against NumPy, answers by hand and the truth of simulations."""

import tracemalloc

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo import progress
from blrzoo.posterior import fit_variance, group_variance
from blrzoo.summaries.effects import effect_table
from blrzoo.summaries.table import summary_table
from blrzoo.summaries.variance import enrichment_table, variance_explained, variance_table
from blrzoo.summaries.variance_share import heritability
from tests.builders import tree

FEATURES = list("abcde")
GROUPS = ["u", "v", "u", "v", "v"]


def random_X(seed=0, n=9, p=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 1)) + rng.normal(3.0, 1.0, size=(n, p))  # correlated


def effects(seed=1, shape=(2, 7, 5), share=1.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) * (rng.random(shape) < share)


def draws(value, shape=(2, 7)):
    """A hyperparameter that is the same in all draws."""
    return np.broadcast_to(value, shape + np.shape(value)).copy()


# ---- heritability ----


def test_heritability_of_the_fit_against_numpy():
    X, beta, sigma2 = random_X(), effects(), np.random.default_rng(2).uniform(1, 2, (2, 7))
    h2 = heritability(tree(X, beta=beta, sigma2=sigma2), definition="fit")
    genetic = np.var(np.einsum("ij,cdj->cdi", X, beta), axis=-1)
    assert list(h2) == ["h2_fit"]
    assert h2["h2_fit"].dims == ("chain", "draw")
    np.testing.assert_allclose(h2["h2_fit"], genetic / (genetic + sigma2), rtol=1e-10)


def test_ridge_components_by_hand():
    X = random_X()
    h2 = heritability(tree(X, beta=effects(), tau2=draws(0.3), sigma2=draws(2.0)))
    expected = 0.3 * X.var(axis=0).sum()
    np.testing.assert_allclose(h2["h2_components"], expected / (expected + 2.0), rtol=1e-12)


GROUP_INDEX = np.array([0, 1, 0, 1, 1])
COMPONENTS = {
    "spike and slab": ({"pi": 0.2, "tau2": 0.5}, {}, lambda v: 0.1 * v.sum()),
    "mixture": (
        {"pi": [0.7, 0.2, 0.1], "tau2": [0.0, 0.1, 1.0]},
        {"pi": ["component"], "tau2": ["component"]},
        lambda v: 0.12 * v.sum(),
    ),
    "groups": (
        {"tau2": [0.5, 2.0]},
        {"tau2": ["group"]},
        lambda v: v @ np.array([0.5, 2.0])[GROUP_INDEX],
    ),
    "groups of inclusion": (
        {"tau2": 2.0, "pi": [0.5, 0.1]},
        {"pi": ["group"]},
        lambda v: v @ np.array([1.0, 0.2])[GROUP_INDEX],
    ),
    "mixtures by group": (
        {"tau2": [[0.0, 1.0], [0.0, 3.0]], "pi": [[0.9, 0.1], [0.5, 0.5]]},
        {"tau2": ["group", "component"], "pi": ["group", "component"]},
        lambda v: v @ np.array([0.1, 1.5])[GROUP_INDEX],
    ),
    "one mixture of the groups' variances": (
        {"tau2": [[0.0, 1.0], [0.0, 3.0]], "pi": [0.9, 0.1]},
        {"tau2": ["group", "component"], "pi": ["component"]},
        lambda v: v @ np.array([0.1, 0.3])[GROUP_INDEX],
    ),
    "probabilities of features": (
        {"tau2": 2.0, "pi": [0.1, 0.2, 0.3, 0.4, 0.5]},
        {"pi": ["feature"]},
        lambda v: 2.0 * v @ [0.1, 0.2, 0.3, 0.4, 0.5],
    ),
}


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_of_every_prior_by_hand(name):
    values, dims, expected = COMPONENTS[name]
    X = random_X()
    idata = tree(
        X,
        data={"group_index": GROUP_INDEX},
        dims=dims,
        sigma2=draws(2.0),
        beta=effects(),
        **{key: draws(value) for key, value in values.items()},
    )
    V = expected(X.var(axis=0))
    result = heritability(idata, definition="components")["h2_components"]
    assert result.dims == ("chain", "draw")
    np.testing.assert_allclose(result, V / (V + 2.0), rtol=1e-12)


@pytest.mark.parametrize("name", COMPONENTS)
def test_components_are_the_expected_variance_of_effects_drawn_from_the_prior(name):
    values, dims, expected = COMPONENTS[name]
    X, rng, size = random_X(), np.random.default_rng(3), 20_000
    by_feature = {}
    for key, value in values.items():
        value = np.asarray(value, float)
        if "group" in dims.get(key, []):
            value = value[GROUP_INDEX]
        elif "feature" not in dims.get(key, []):
            value = np.broadcast_to(value, (5, *value.shape))
        by_feature[key] = value
    if "component" in dims.get("tau2", []):
        u = rng.random((size, 5, 1))
        label = (u > by_feature["pi"].cumsum(axis=-1)).sum(axis=-1)
        variance = by_feature["tau2"][np.arange(5), label]
    else:
        variance = by_feature["tau2"] * (rng.random((size, 5)) < by_feature.get("pi", 1.0))
    fitted = (rng.normal(size=(size, 5)) * np.sqrt(variance)) @ X.T
    drawn = fitted.var(axis=1)
    error = drawn.std() / np.sqrt(size)
    assert abs(drawn.mean() - expected(X.var(axis=0))) < 4.5 * error


def test_a_fixed_probability_is_in_the_constant_data():
    pi = np.array([0.0, 1.0, 0.5, 0.5, 0.1])
    X = random_X()
    idata = tree(
        X, {"pi": pi}, {"pi": ["feature"]}, beta=effects(), tau2=draws(2.0), sigma2=draws(1.0)
    )
    V = 2.0 * X.var(axis=0) @ pi
    result = heritability(idata)["h2_components"]
    np.testing.assert_allclose(result, V / (V + 1.0), rtol=1e-12)


UNDETERMINED = {
    "no 'tau2'": ({}, {}),
    "'tau2' has the dim feature": ({"tau2": np.ones(5)}, {"tau2": ["feature"]}),
    r"may depend on \['lambda'\]": (
        {"tau2": 1.0, "lambda": np.ones(5)},
        {"lambda": ["feature"]},
    ),
    r"may depend on \['eta'\]": ({"tau2": 1.0, "eta": np.ones(2)}, {"eta": ["annotation"]}),
    "the posterior has no 'pi'": ({"tau2": 1.0, "delta": np.ones(5, int)}, {}),
    "dim component, and 'pi' has not": (
        {"tau2": np.ones(3), "pi": 0.1},
        {"tau2": ["component"]},
    ),
    "'pi' has several components": (
        {"tau2": 1.0, "pi": np.ones(3) / 3},
        {"pi": ["component"]},
    ),
    "no 'group_index'": ({"tau2": np.ones(3)}, {"tau2": ["group"]}),
}


@pytest.mark.parametrize("reason", UNDETERMINED)
def test_components_are_left_out_with_a_reason_or_refused(reason):
    values, dims = UNDETERMINED[reason]
    values = {key: draws(value) for key, value in values.items()}
    idata = tree(random_X(), dims=dims, beta=effects(), sigma2=draws(1.0), **values)
    result = heritability(idata)
    assert list(result) == ["h2_fit"]
    with pytest.raises(
        ValueError, match=rf"h2_components cannot be computed: .*{reason}.*definition='fit'"
    ):
        heritability(idata, definition="components")
    assert result.attrs["h2_components"].startswith("left out: ")


def test_selection_is_known_from_the_model_size_if_neither_pi_nor_delta_was_kept():
    stats = {"model_size": np.arange(14).reshape(2, 7) % 5}
    posterior = {"beta": effects(), "tau2": draws(1.0), "sigma2": draws(1.0)}
    idata = tree(random_X(), sample_stats=stats, **posterior)
    assert "no 'pi'" in heritability(idata).attrs["h2_components"]
    stats = {"model_size": np.full((2, 7), 5)}
    assert "h2_components" in heritability(tree(random_X(), sample_stats=stats, **posterior))


def test_the_recorded_genetic_variance_is_read_and_other_individuals_are_not():
    stats = {"genetic_variance": np.full((2, 7), 3.0)}
    idata = tree(random_X(), sample_stats=stats, beta=effects(), sigma2=draws(1.0))
    assert np.all(heritability(idata)["h2_fit"] == 0.75)
    given = heritability(idata, random_X())["h2_fit"]
    assert not np.any(given == 0.75)
    alone = tree(sample_stats=stats, sigma2=draws(1.0), tau2=draws(1.0))  # nothing else was kept
    assert np.all(heritability(alone)["h2_fit"] == 0.75)
    assert "no X" in heritability(alone).attrs["h2_components"]


@pytest.mark.parametrize("several", [False, True])
def test_other_individuals_are_joined_by_label(several):
    beta = effects(shape=(2, 7, 5, 2)) if several else effects()
    sigma2 = draws([1.0, 2.0] if several else 1.0)
    idata = tree(
        random_X(), dims={"sigma2": ["trait"] if several else []}, beta=beta, sigma2=sigma2
    )
    other = random_X(5, n=4)
    genetic = np.var(np.einsum("ij,cdj...->cdi...", other, beta), axis=2)
    expected = genetic / (genetic + sigma2)
    frame = pd.DataFrame(other, columns=FEATURES)
    shuffled = frame[list("ecadb")].assign(other=1.0)
    array = xr.DataArray(shuffled, dims=("row", "feature"))
    for X in (other, other.tolist(), frame, shuffled, array, array.T):
        result = heritability(idata, X, definition="fit")["h2_fit"]
        assert result.dims == ("chain", "draw", "trait")[: result.ndim]
        np.testing.assert_allclose(result, expected, rtol=1e-10)
    plain = xr.DataArray(other, dims=("obs", "feature"))
    np.testing.assert_allclose(heritability(idata, plain)["h2_fit"], expected, rtol=1e-10)


def test_several_traits_take_the_diagonals():
    X, beta = random_X(), effects(shape=(2, 7, 5, 2))
    Sigma_b, Sigma_e = np.array([[1.0, 0.3], [0.3, 2.0]]), np.array([[4.0, 1.0], [1.0, 0.5]])
    idata = tree(X, beta=beta, Sigma_b=draws(Sigma_b), Sigma_e=draws(Sigma_e))
    h2 = heritability(idata)
    V = np.array([1.0, 2.0]) * X.var(axis=0).sum()
    expected = np.broadcast_to(V / (V + np.array([4.0, 0.5])), (2, 7, 2))
    np.testing.assert_allclose(h2["h2_components"], expected, rtol=1e-12)
    genetic = np.var(np.einsum("ij,cdjt->cdit", X, beta), axis=2)
    np.testing.assert_allclose(h2["h2_fit"], genetic / (genetic + np.array([4.0, 0.5])), rtol=1e-10)
    assert h2["h2_fit"].dims == h2["h2_components"].dims == ("chain", "draw", "trait")


def test_the_recorded_variance_of_several_traits_is_by_trait():
    values = np.random.default_rng(4).uniform(1, 2, (2, 7, 2))
    Sigma_e = draws(np.diag([1.0, 2.0]))
    idata = tree(sample_stats={"genetic_variance": values}, Sigma_e=Sigma_e)  # PyMC numbers the dim
    h2 = heritability(idata)["h2_fit"]
    assert h2.dims == ("chain", "draw", "trait")
    assert list(h2["trait"].values) == ["t1", "t2"]
    np.testing.assert_allclose(h2, values / (values + np.array([1.0, 2.0])), rtol=1e-12)


@pytest.mark.parametrize("kind", ["fit", "components"])
def test_h2_of_a_simulation_is_recovered(kind):
    """h2 = 0.6 is in the 99 % interval, and intervals are about 8 SDs narrower than (0, 1)."""
    data = blr.simulate(n=400, p=60, n_causal=60, h2=0.6, random_seed=3)
    model = blr.single_component(data.X, data.y)
    idata = blr.sample(model, draws=300, tune=100, chains=2, random_seed=1, quiet=True)
    table = summary_table(heritability(idata, definition=kind), ci_prob=0.99).isel(quantity=0)
    assert table["lower"] < 0.6 < table["upper"]
    assert 0.01 < table["sd"] < 0.08
    fitted = heritability(idata, data.X, definition="fit")["h2_fit"]
    np.testing.assert_allclose(fitted, heritability(idata, definition="fit")["h2_fit"], rtol=1e-8)


def test_correlated_features_make_the_two_differ():
    """Two equal columns whose effects cancel: the fit has no variance, the components do."""
    x = np.random.default_rng(5).normal(size=50)
    beta = np.tile([1.0, -1.0], (1, 3, 1))
    posterior = {"beta": beta, "tau2": draws(1.0, (1, 3)), "sigma2": draws(1.0, (1, 3))}
    h2 = heritability(tree(np.column_stack([x, x]), coords={"feature": ["a", "b"]}, **posterior))
    assert np.all(h2["h2_fit"] == 0)
    assert np.all(h2["h2_components"] > 0.5)


# ---- by group ----


def by_hand(X, beta, labels):
    """variance, share, apportioned by np.cov; (chain, draw, group)."""
    fits = [np.einsum("ij,cdj->cdi", X[:, m], beta[..., m]) for m in labels]
    total = sum(fits)
    variance = np.stack([f.var(axis=-1) for f in fits], axis=-1)
    pairs = [
        [np.cov(f[c, d], total[c, d], ddof=0)[0, 1] for f in fits] for c, d in np.ndindex(2, 7)
    ]
    covariance = np.reshape(pairs, variance.shape)
    whole = total.var(axis=-1)[..., None]
    with np.errstate(invalid="ignore"):  # draws without any effect
        return variance, variance / whole, covariance / whole


MEMBERS = [np.array([0, 2]), np.array([1, 3, 4])]
SHARES = [1.0, 0.5]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("path", ["cells", "covariances", "fits"])
@pytest.mark.parametrize("block", [1, 300, 2**25])
def test_partition_against_numpy(monkeypatch, share, path, block):
    monkeypatch.setattr(fit_variance, "_BLOCK_BYTES", block)
    monkeypatch.setattr(fit_variance, "_SPARSE", 1.1 if path == "cells" else 0.0)
    if path == "fits":
        monkeypatch.setattr(group_variance, "_SMALL", 0)
    X, beta = random_X(), effects(share=share)
    result = variance_explained(tree(X, beta=beta), groups=GROUPS)
    for name, expected in zip(result, by_hand(X, beta, MEMBERS), strict=True):
        assert result[name].dims == ("chain", "draw", "group")
        some = np.isfinite(expected)
        np.testing.assert_allclose(result[name].values[some], expected[some], rtol=1e-9)
    assert list(result["group"].values) == ["u", "v"]
    sums = result["apportioned"].sum("group", skipna=False)
    np.testing.assert_allclose(sums.values[np.isfinite(sums)], 1.0, rtol=1e-12)
    assert not np.allclose(result["share"].sum("group"), 1.0, atol=0.01)  # correlated groups


@pytest.mark.parametrize("path", ["cells", "covariances"])
def test_partition_of_several_traits_is_that_of_each(monkeypatch, path):
    monkeypatch.setattr(fit_variance, "_SPARSE", 1.1 if path == "cells" else 0.0)
    X, beta = random_X(), effects(shape=(2, 7, 5, 2))
    both = variance_explained(tree(X, beta=beta), groups=GROUPS)
    assert both["share"].dims == ("chain", "draw", "group", "trait")
    for t, trait in enumerate(["t1", "t2"]):
        one = variance_explained(tree(X, beta=beta[..., t]), groups=GROUPS)
        for name in one:
            values = both[name].sel(trait=trait)
            np.testing.assert_allclose(values, one[name], rtol=1e-10)


def test_groups_by_label_by_position_and_of_the_model():
    X, beta = random_X(), effects()
    expected = variance_explained(tree(X, beta=beta), groups=GROUPS)
    series = pd.Series(GROUPS, index=FEATURES)[list("acbed")]
    array = xr.DataArray(series.to_numpy(), {"feature": series.index}, "feature")
    categories = pd.Series(pd.Categorical(GROUPS), index=FEATURES)
    for groups in (np.array(GROUPS), series, array, array.drop_vars("feature")[[0, 2, 1, 4, 3]]):
        result = variance_explained(tree(X, beta=beta), groups=groups)
        xr.testing.assert_allclose(result, expected, rtol=1e-12)
    result = variance_explained(tree(X, beta=beta), groups=categories)
    np.testing.assert_array_equal(result["share"], expected["share"])
    of_model = {"group_index": GROUP_INDEX}
    tau2 = {"tau2": draws([1.0, 2.0])}
    named = tree(X, of_model, {"tau2": ["group"]}, {"group": ["u", "v"]}, beta=beta, **tau2)
    xr.testing.assert_allclose(variance_explained(named), expected, rtol=1e-12)
    numbered = variance_explained(tree(X, of_model, beta=beta))
    assert list(numbered["group"].values) == [0, 1]


def test_the_table_is_that_of_the_draws():
    idata = tree(random_X(), beta=effects(shape=(2, 50, 5)))
    table = variance_table(idata, groups=GROUPS, ci_prob=0.8)
    some = variance_explained(idata, groups=GROUPS)
    assert list(table["quantity"].values) == ["variance", "share", "apportioned"]
    for name in some:
        row, flat = table.sel(quantity=name), some[name].stack(s=("chain", "draw"))
        np.testing.assert_allclose(row["mean"], flat.mean("s"), rtol=1e-12)
        np.testing.assert_allclose(row["sd"], flat.std("s", ddof=1), rtol=1e-12)
        np.testing.assert_allclose(row["lower"], flat.quantile(0.1, "s"), rtol=1e-10)
        np.testing.assert_allclose(row["upper"], flat.quantile(0.9, "s"), rtol=1e-10)
    frame = table.sel(quantity="share", drop=True).to_dataframe()
    assert list(frame.columns) == ["mean", "sd", "lower", "upper", "mcse_mean"]
    assert list(frame.index) == ["u", "v"]


def test_draws_without_any_variance_have_no_shares():
    beta = effects(shape=(1, 40, 5))
    beta[:, :10] = 0.0
    idata = tree(random_X(), beta=beta)
    result = variance_explained(idata, groups=GROUPS)
    assert np.all(result["variance"][:, :10] == 0)
    assert np.all(np.isnan(result["share"][:, :10]))
    assert np.all(np.isfinite(result["share"][:, 10:]))
    table = variance_table(idata, groups=GROUPS).sel(quantity="share")
    expected = result["share"][0, 10:]
    np.testing.assert_allclose(table["mean"], expected.mean("draw"), rtol=1e-12)
    np.testing.assert_allclose(table["upper"], expected.quantile(0.975, "draw"), rtol=1e-12)
    nothing = variance_table(tree(random_X(), beta=0 * beta), groups=GROUPS)
    assert np.all(np.isnan(nothing["mean"].sel(quantity="share")))
    assert np.all(
        np.isnan(enrichment_table(tree(random_X(), beta=0 * beta), groups=GROUPS)["mean"])
    )


def test_enrichment_by_hand():
    X, beta = random_X(), effects(shape=(2, 40, 5))
    idata = tree(X, beta=beta)
    share = variance_explained(idata, groups=GROUPS)["share"]
    ratio = share / xr.DataArray([0.4, 0.6], {"group": ["u", "v"]})
    table = enrichment_table(idata, groups=GROUPS)
    np.testing.assert_allclose(table["mean"], ratio.mean(("chain", "draw")), rtol=1e-12)
    np.testing.assert_allclose(table["sd"], ratio.std(("chain", "draw"), ddof=1), rtol=1e-12)
    np.testing.assert_array_equal(table["probability"], (ratio > 1).mean(("chain", "draw")))
    np.testing.assert_array_equal(table["features"], [2, 3])
    assert 0 < table["probability"].min()
    apportioned = enrichment_table(idata, groups=GROUPS, of="apportioned")
    assert apportioned["mean"] @ xr.DataArray([0.4, 0.6], dims="group") == pytest.approx(1.0)


def test_enrichment_skips_draws_without_variance():
    beta = np.zeros((1, 4, 2))
    beta[0, 1:, 0] = 1.0
    coords = {"feature": ["a", "b"]}
    idata = tree(np.array([[0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]), coords=coords, beta=beta)
    table = enrichment_table(idata, groups=["u", "v"])
    np.testing.assert_array_equal(table["probability"], [1.0, 0.0])
    np.testing.assert_array_equal(table["mean"], [2.0, 0.0])


@pytest.mark.slow
def test_the_group_that_has_the_effects_is_found():
    """All causal features are among the first 10 of 50: share near 1, enrichment near 5."""
    data = blr.simulate(n=300, p=50, n_causal=50, h2=0.7, random_seed=6)
    beta = data.beta.where(np.arange(50) < 10, 0.0)
    noise = np.random.default_rng(6).normal(0.0, 0.3, 300)
    model = blr.spike_slab(data.X, data.X @ beta + noise)
    idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    groups = pd.Series(np.where(np.arange(50) < 10, "causal", "rest"), index=data.feature.values)
    table = enrichment_table(idata, groups=groups)
    assert abs(table["mean"].sel(group="causal") - 5.0) < 0.3
    assert table["mean"].sel(group="rest") < 0.1
    np.testing.assert_array_equal(table["probability"], [1.0, 0.0])


# ---- any InferenceData ----


def fitted():
    return tree(
        random_X(),
        {"group_index": GROUP_INDEX},
        {"tau2": ["group"]},
        {"group": ["u", "v"]},
        beta=effects(shape=(3, 20, 5)),
        tau2=draws([1.0, 2.0], (3, 20)),
        sigma2=draws(1.0, (3, 20)),
    )


FUNCTIONS = [heritability, variance_explained, variance_table, enrichment_table]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_everything_survives_a_file(tmp_path, function):
    idata = fitted()
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(function(loaded), function(idata), rtol=1e-12)
    with xr.open_datatree(tmp_path / "fit.nc") as on_disk:
        xr.testing.assert_allclose(function(on_disk), function(idata), rtol=1e-12)


def test_thinned_draws_one_chain_and_float32():
    idata = fitted()
    for function in (heritability, variance_explained):
        whole = function(idata)
        thinned = idata.isel(draw=slice(None, None, 3), missing_dims="ignore")
        xr.testing.assert_allclose(function(thinned), whole.isel(draw=slice(None, None, 3)))
        one = idata.isel(chain=[1], missing_dims="ignore")
        xr.testing.assert_allclose(function(one), whole.isel(chain=[1]))
        turned = idata["posterior"].to_dataset().transpose("feature", "draw", ...)
        other = xr.DataTree.from_dict(
            {"posterior": turned, "constant_data": idata["constant_data"].to_dataset()}
        )
        xr.testing.assert_allclose(function(other), whole)
    for function in (variance_table, enrichment_table):
        assert np.all(np.isfinite(function(idata.isel(chain=[0], missing_dims="ignore"))["sd"]))
    single = idata.copy()
    single["posterior"] = idata["posterior"].to_dataset().astype(np.float32)
    result, expected = heritability(single)["h2_fit"], heritability(idata)["h2_fit"]
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_small_integers_do_not_overflow():
    X = np.random.default_rng(7).integers(0, 3, size=(60, 5)).astype(np.int8)
    beta = 100 * effects()
    for function in (heritability, lambda idata: variance_explained(idata, groups=GROUPS)):
        posterior = {"beta": beta, "sigma2": draws(1.0), "tau2": draws(1.0)}
        result, expected = (function(tree(x, **posterior)) for x in (X, X.astype(float)))
        xr.testing.assert_allclose(result, expected, rtol=1e-12)


# ---- what is refused ----


X_REFUSED = {
    r"X must have one column for each of the 5 features": np.ones((3, 4)),
    r"X must have all features .*: missing \['e'\]\.": pd.DataFrame(
        np.ones((3, 4)), columns=list("abcd")
    ),
    r"X must have all features .* each once.*: repeated \['a'\]": pd.DataFrame(
        np.ones((3, 6)), columns=list("abcdea")
    ),
    r"X must have the dims \(obs, feature\)": xr.DataArray(np.ones((3, 5)), dims=("obs", "snp")),
    "X must have at least 2 observations": np.ones((1, 5)),
    "X must be finite": np.where(np.eye(5), np.nan, 1.0),
    # as by position
    r"X must have all features .*pass X.to_numpy\(\)": pd.DataFrame(np.ones((3, 5))),
}


@pytest.mark.parametrize("message", X_REFUSED)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_x_that_does_not_fit_is_refused(function, message):
    with pytest.raises(ValueError, match=message):
        function(fitted(), X_REFUSED[message])


def test_an_x_of_another_kind_is_refused():
    with pytest.raises(TypeError, match=r"X must hold real numbers, got dtype <U1"):
        heritability(fitted(), np.full((3, 5), "a"))
    with pytest.raises(TypeError, match=r"X must be a matrix, got Dataset"):
        heritability(fitted(), xr.Dataset({"X": 1}))


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (
            ["u"] * 4,
            "groups must have one value for each of the 5 features of the posterior",
        ),
        (["u", None, "v", "v", "v"], r"groups must name a group.*1 missing labels, for \['b'\]"),
        (
            pd.Series(["u"] * 4, index=list("abcd")),
            r"groups must have all .*missing \['e'\]",
        ),
        (
            pd.Series(["u"] * 6, index=list("abcdea")),
            r"groups .*each once.*repeated \['a'\]",
        ),
    ],
)
@pytest.mark.parametrize("function", [variance_explained, variance_table, enrichment_table])
def test_groups_that_do_not_fit_are_refused(function, groups, message):
    with pytest.raises(ValueError, match=message):
        function(fitted(), groups=groups)


def test_what_is_missing_is_named():
    X, beta, sigma2 = random_X(), effects(), draws(1.0)
    with pytest.raises(ValueError, match=r"'sigma2' or.*'Sigma_e'; it has \['beta'\]"):
        heritability(tree(X, beta=beta))
    with pytest.raises(ValueError, match="must have the variable 'beta'"):
        heritability(tree(X, sigma2=sigma2))
    with pytest.raises(ValueError, match=r"X must be given .*constant_data has no 'X'"):
        heritability(tree(beta=beta, sigma2=sigma2))
    with pytest.raises(ValueError, match=r"X must be given .*constant_data has no 'X'"):
        variance_table(tree(beta=beta), groups=GROUPS)
    with pytest.raises(ValueError, match=r"groups must be given .*'group_index'"):
        variance_table(tree(X, beta=beta))
    with pytest.raises(ValueError, match="must have a group 'posterior'"):
        enrichment_table(xr.DataTree())
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        heritability(tree(beta=beta)["posterior"].to_dataset())


def test_missing_draws_are_refused():
    beta = effects()
    beta[1, 3, 2] = np.nan
    for function in (heritability, enrichment_table):
        idata = tree(random_X(), {"group_index": GROUP_INDEX}, beta=beta, sigma2=draws(1.0))
        with pytest.raises(ValueError, match=r"'beta' .* no missing draw"):
            function(idata)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda i: heritability(i, definition="h2"), ValueError, "definition must be 'both'.*'h2'"),
        (lambda i: variance_table(i, ci_prob=95), ValueError, "ci_prob must be .*got 95"),
        (lambda i: enrichment_table(i, ci_prob="0.9"), TypeError, "ci_prob must be a number"),
        (lambda i: enrichment_table(i, ci_kind="q"), ValueError, "ci_kind must be 'eti'"),
        (lambda i: enrichment_table(i, of="all"), ValueError, "of must be 'share'.*'all'"),
    ],
)
def test_arguments_that_there_are_not(call, error, message):
    with pytest.raises(error, match=message):
        call(fitted())


# ---- tables ----


def test_a_table_of_draws_is_that_of_effect_summary():
    beta = effects(shape=(4, 100, 5))
    idata = tree(beta=beta)
    for kind in ("eti", "hdi"):
        table = summary_table(idata["posterior"].to_dataset()["beta"], ci_prob=0.9, ci_kind=kind)
        expected = effect_table(idata, ci_prob=0.9, ci_kind=kind)
        xr.testing.assert_allclose(table, expected[list(table)], rtol=1e-12)


def test_tables_need_draws():
    with pytest.raises(
        TypeError, match=r"draws must be a DataArray or a Dataset, got .* of type ndarray"
    ):
        summary_table(np.ones((2, 3)))
    with pytest.raises(ValueError, match="draws must have the dims chain and draw"):
        summary_table(xr.Dataset({"mean": ("feature", [1.0])}))
    mixed = xr.Dataset({"h2": (("chain", "draw"), np.eye(2)), "p": 3})
    assert list(summary_table(mixed)["quantity"].values) == ["h2"]


# ---- memory, time and progress ----


def peak(function, *arguments, **named):
    tracemalloc.start()
    function(*arguments, **named, progressbar=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(("dtype", "share"), [(np.float64, 1.0), (np.int8, 1.0), (np.int8, 0.02)])
def test_memory_is_that_of_blocks_and_not_of_the_draws(monkeypatch, dtype, share):
    """Beta is 8 MB and X 4 MB (as float64); what is needed beside them is a fraction of it."""
    n, p, size = 200, 2500, (2, 200)
    X = np.random.default_rng(8).integers(0, 3, (n, p)).astype(dtype)
    beta = effects(shape=(*size, p), share=share)
    labels = {"feature": np.arange(p)}
    idata = tree(X, coords=labels, beta=beta, sigma2=draws(1.0, size), tau2=draws(1.0, size))
    few, many = np.arange(p) // 500, np.arange(p) // 25
    free = peak(variance_explained, idata, groups=few)
    monkeypatch.setattr(fit_variance, "_BLOCK_BYTES", 2**17)
    assert peak(heritability, idata) < 2e6
    assert peak(variance_explained, idata, groups=few) < 2e6 < free
    results = 5 * 8 * 400 * 100  # variance, share, covariance and two in passing
    assert peak(variance_explained, idata, groups=many) < 2e6 + results


def test_sparse_draws_take_as_many_products_as_there_are_effects(monkeypatch):
    """Twice n products for each effect that is not 0; dense draws take n for each that is."""
    products = []

    def counted(X, some, positions, multiply=fit_variance.sparse_fit):
        products.append(some.nnz)
        return multiply(X, some, positions)

    monkeypatch.setattr(fit_variance, "sparse_fit", counted)
    monkeypatch.setattr(group_variance, "sparse_fit", counted)
    monkeypatch.setattr(group_variance._Groups, "of_many", None)
    monkeypatch.setattr(fit_variance, "_BLOCK_BYTES", 2**17)
    X, beta = random_X(p=300), effects(shape=(1, 200, 300), share=0.01)
    idata = tree(X, coords={"feature": np.arange(300)}, beta=beta)
    variance_explained(idata, groups=np.arange(300) // 100)
    assert sum(products) == 2 * np.count_nonzero(beta)
    assert len(products) > 4  # in blocks


def test_there_is_no_bar_where_the_output_is_a_file(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    heritability(tree(random_X(), beta=effects(), sigma2=draws(1.0)), progressbar=True)
    assert capsys.readouterr() == ("", "")
