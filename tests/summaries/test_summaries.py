"""Summaries against answers computed by hand or by NumPy."""

from pathlib import Path

import arviz as az
import numpy as np
import pytest
import xarray as xr

from blrzoo.posterior import reader
from blrzoo.posterior.reader import genetic_variance
from blrzoo.summaries import effect_table, model_size, pip
from blrzoo.summaries.inclusion import inclusion_table
from tests.builders import tree

DIMS = ("chain", "draw", "feature", "trait")


def spike_slab_draws(seed, shape, probability=0.4):
    rng = np.random.default_rng(seed)
    delta = (rng.random(shape) < probability).astype(int)
    return delta, delta * rng.normal(0.5, 1.0, shape)


# ---- PIPs ----


def test_pip_by_hand():
    delta = np.array([[[1, 0], [1, 0], [0, 0]], [[1, 0], [1, 1], [0, 0]]])
    result = pip(tree(delta=delta, coords={"feature": ["age", "bmi"]}))
    assert result.name == "pip"
    assert result.dims == ("feature",)
    assert result.sel(feature="age") == 4 / 6
    assert result.sel(feature="bmi") == 1 / 6


def test_pip_of_several_traits_keeps_the_trait():
    delta = np.zeros((1, 4, 2, 2), int)
    delta[0, :, 1, 0] = [1, 1, 1, 0]
    delta[0, :, 1, 1] = [0, 0, 0, 1]
    idata = tree(delta=delta)
    np.testing.assert_array_equal(pip(idata), [[0, 0], [0.75, 0.25]])
    assert pip(idata).dims == ("feature", "trait")
    np.testing.assert_array_equal(model_size(idata), [[1, 1, 1, 1]])  # any trait


def test_pip_of_a_mixture_does_not_depend_on_the_labels_of_its_components():
    component = np.random.default_rng(1).integers(0, 4, size=(2, 50, 5))
    swapped = np.array([0, 3, 1, 2])[component]
    expected = np.mean(component != 0, axis=(0, 1))
    assert 0.5 < expected.min()
    np.testing.assert_allclose(pip(tree(label=component)), expected, rtol=1e-15)
    np.testing.assert_array_equal(pip(tree(label=swapped)), pip(tree(label=component)))


def test_pip_prefers_delta_to_the_label_of_a_pattern():
    delta = np.zeros((1, 3, 2, 2), int)
    delta[..., 0] = 1
    result = pip(tree(label=np.ones((1, 3, 2), int), delta=delta))
    np.testing.assert_array_equal(result, [[1, 0], [1, 0]])


@pytest.mark.parametrize("dtype", [bool, np.int8, float])
def test_pip_takes_any_dtype_and_order_of_dims(dtype):
    delta, _ = spike_slab_draws(2, (2, 20, 3))
    idata = tree(delta=delta.astype(dtype))
    turned = xr.DataTree.from_dict(
        {"posterior": idata["posterior"].to_dataset().transpose("feature", "draw", "chain")}
    )
    np.testing.assert_allclose(pip(turned), delta.mean(axis=(0, 1)), rtol=1e-15)


def test_pip_of_thinned_draws_and_of_one_chain():
    delta, _ = spike_slab_draws(3, (3, 40, 4))
    idata = tree(delta=delta)
    thinned = idata.isel(draw=slice(None, None, 7))
    np.testing.assert_allclose(pip(thinned), delta[:, ::7].mean(axis=(0, 1)), rtol=1e-15)
    one = idata.isel(chain=[1])
    np.testing.assert_allclose(pip(one), delta[1].mean(axis=0), rtol=1e-15)


def test_everything_survives_a_file(tmp_path: Path):
    delta, beta = spike_slab_draws(4, (2, 30, 3))
    X = xr.DataArray(np.random.default_rng(0).normal(size=(6, 3)), dims=("obs", "feature"))
    idata = tree(
        delta=delta,
        beta=beta,
        coords={"feature": ["a", "b", "c"]},
        X=X.assign_coords(feature=["a", "b", "c"]),
    )
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_equal(pip(loaded), pip(idata))
        xr.testing.assert_allclose(effect_table(loaded), effect_table(idata), rtol=1e-12)
        xr.testing.assert_allclose(genetic_variance(loaded), genetic_variance(idata), rtol=1e-12)


@pytest.mark.parametrize("traits", [(), (2,)])
def test_blocks_of_features_change_nothing(monkeypatch, traits):
    delta, beta = spike_slab_draws(5, (2, 25, 7, *traits))
    X = xr.DataArray(np.random.default_rng(0).normal(size=(6, 7)), dims=("obs", "feature"))
    idata = tree(delta=delta, beta=beta, X=X)
    functions = [effect_table, inclusion_table, pip, model_size, genetic_variance]
    whole = [function(idata) for function in functions]
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 2 * 25 * 8 * 3)
    for function, expected in zip(functions, whole, strict=True):
        xr.testing.assert_allclose(function(idata), expected, rtol=1e-12)


# ---- what is refused ----


@pytest.mark.parametrize("function", [pip, model_size, effect_table])
def test_a_dataset_is_not_an_inference_data(function):
    idata = tree(delta=np.ones((1, 2, 3)), beta=np.ones((1, 2, 3)))
    with pytest.raises(
        TypeError, match=r"idata must be an InferenceData .* got one of type Dataset"
    ):
        function(idata["posterior"].to_dataset())
    with pytest.raises(ValueError, match=r"idata must have a group 'posterior'.*not idata.poster"):
        function(idata["posterior"])


@pytest.mark.parametrize("function", [pip, model_size])
def test_a_model_without_indicators_is_told_what_to_do(function):
    with pytest.raises(ValueError, match=r"'delta'.*'label'.*has \['beta'\].*spike_slab"):
        function(tree(beta=np.ones((1, 2, 3))))


def test_dims_must_be_named_and_draws_complete():
    draws = np.ones((1, 5, 2))
    with pytest.raises(ValueError, match=r"must have the dims .* lacks \['feature'\]"):
        pip(az.from_dict({"posterior": {"delta": draws}}))
    draws[0, 3, 1] = np.nan
    with pytest.raises(ValueError, match=r"'delta' .* no missing draw"):
        pip(tree(delta=draws))


def test_effect_summary_needs_beta():
    with pytest.raises(ValueError, match=r"must have the variable 'beta'; it has \['delta'\]"):
        effect_table(tree(delta=np.ones((1, 5, 2))))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ci_prob": 1.0}, ValueError, "ci_prob must be a number above 0 and below 1, got 1.0"),
        ({"ci_prob": 95}, ValueError, "ci_prob must be .*got 95"),
        ({"ci_prob": "0.9"}, TypeError, "ci_prob must be a number.*got '0.9' of type str"),
        ({"ci_prob": True}, TypeError, "ci_prob must be a number.*got True of type bool"),
        ({"ci_kind": "quantile"}, ValueError, "ci_kind must be 'eti'.*'quantile'"),
        ({"sort_by": "pip"}, ValueError, "sort_by must be.*'pip'.*no indicators"),
        (
            {"sort_by": "effect"},
            ValueError,
            "sort_by must be 'abs_mean', 'mean', 'sd', .*got 'effect'",
        ),
    ],
)
def test_effect_summary_refuses(arguments, error, message):
    beta = np.random.default_rng(0).normal(size=(2, 10, 2))
    with pytest.raises(error, match=message):
        effect_table(tree(beta=beta), **arguments)


# ---- the table of effects ----


def test_effect_summary_against_numpy_and_arviz():
    delta, beta = spike_slab_draws(6, (3, 101, 5))
    beta += np.linspace(0, 2, 101)[:, None] * delta  # autocorrelated
    idata = tree(delta=delta, beta=beta, coords={"feature": list("abcde")})
    table = effect_table(idata, ci_prob=0.8)
    flat = beta.reshape(-1, 5)
    np.testing.assert_allclose(table["mean"], flat.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(table["sd"], flat.std(axis=0, ddof=1), rtol=1e-12)
    np.testing.assert_allclose(table["lower"], np.quantile(flat, 0.1, axis=0), rtol=1e-12)
    np.testing.assert_allclose(table["upper"], np.quantile(flat, 0.9, axis=0), rtol=1e-12)
    mcse = az.mcse(idata.posterior["beta"])
    np.testing.assert_allclose(table["mcse_mean"], mcse, rtol=1e-12)
    np.testing.assert_allclose(table["pip"], delta.mean(axis=(0, 1)), rtol=1e-12)
    given_included = [flat[:, j][flat[:, j] != 0].mean() for j in range(5)]
    np.testing.assert_allclose(table["mean"] / table["pip"], given_included, rtol=1e-12)
    assert table.attrs["ci_prob"] == 0.8


def test_the_hdi_is_the_narrowest_interval():
    beta = np.random.default_rng(7).exponential(size=(2, 100, 3))
    table = effect_table(tree(beta=beta), ci_prob=0.9, ci_kind="hdi")
    ordered = np.sort(beta.reshape(-1, 3), axis=0)
    width = ordered[180:] - ordered[:-180]
    start = width.argmin(axis=0)
    np.testing.assert_allclose(table["lower"], ordered[start, range(3)], rtol=1e-12)
    np.testing.assert_allclose(table["upper"], ordered[start + 180, range(3)], rtol=1e-12)
    assert np.all(table["upper"] < effect_table(tree(beta=beta), ci_prob=0.9)["upper"])


def test_the_default_is_a_95_percent_equal_tailed_interval():
    beta = np.random.default_rng(8).normal(size=(2, 100, 2))
    table = effect_table(tree(beta=beta))
    np.testing.assert_allclose(table["lower"], np.quantile(beta, 0.025, axis=(0, 1)), rtol=1e-12)
    assert table.attrs["ci_kind"] == "eti"
    assert "pip" not in table


def test_an_effect_that_never_moves_has_no_standard_error():
    beta = np.random.default_rng(9).normal(size=(2, 100, 2))
    beta[..., 1] = 0.0
    table = effect_table(tree(beta=beta))
    assert table["mcse_mean"][0] > 0
    assert np.isnan(table["mcse_mean"][1])
    assert table["sd"][1] == 0


def test_float32_draws_are_summed_in_double():
    beta = np.random.default_rng(10).normal(1e4, 1.0, size=(2, 1000, 1)).astype(np.float32)
    table = effect_table(tree(beta=beta))
    np.testing.assert_allclose(table["mean"], beta.astype(float).mean(), rtol=1e-12)


def test_sorting():
    beta = np.random.default_rng(11).normal([0.1, -3.0, 1.0, 1.0], 1e-3, size=(2, 50, 4))
    delta = np.zeros((2, 50, 4), int)
    delta[..., 2:] = 1
    idata = tree(beta=beta, delta=delta, coords={"feature": list("abcd")})
    assert "".join(effect_table(idata)["feature"].values) == "abcd"
    assert "".join(effect_table(idata, sort_by="pip")["feature"].values) == "cdab"
    assert "".join(effect_table(idata, sort_by="abs_mean")["feature"].values)[0] == "b"
    assert "".join(effect_table(idata, sort_by="mean")["feature"].values)[-1] == "b"
    table = effect_table(idata, sort_by="mean")
    xr.testing.assert_equal(table.sel(feature=list("abcd")), effect_table(idata))


def test_sorting_of_several_traits_takes_the_largest():
    means = np.array([[0.0, 1.0], [-5.0, 0.0], [2.0, 2.0]])
    beta = np.random.default_rng(12).normal(means, 1e-3, size=(2, 50, 3, 2))
    table = effect_table(tree(beta=beta, coords={"feature": list("abc")}), sort_by="abs_mean")
    assert "".join(table["feature"].values) == "bca"
    assert table["mean"].dims == ("feature", "trait")


def test_the_table_as_a_data_frame():
    delta, beta = spike_slab_draws(13, (2, 30, 3))
    frame = effect_table(
        tree(beta=beta, delta=delta, coords={"feature": list("abc")})
    ).to_dataframe()
    assert list(frame.columns) == ["mean", "sd", "lower", "upper", "mcse_mean", "pip", "mcse_pip"]
    assert frame.index.name == "feature"
    assert list(frame.index) == ["a", "b", "c"]


def test_a_mixture_of_several_traits_has_one_pip_a_feature():
    component = np.random.default_rng(14).integers(0, 2, size=(2, 30, 3))
    beta = component[..., None] * np.random.default_rng(15).normal(size=(2, 30, 3, 2))
    table = effect_table(tree(beta=beta, label=component))
    assert table["pip"].dims == ("feature",)
    assert table["mean"].dims == ("feature", "trait")


# ---- model size and genetic variance ----


def test_model_size_by_hand_and_as_recorded():
    delta = np.array([[[1, 0, 1], [0, 0, 0], [1, 1, 1]]])
    np.testing.assert_array_equal(model_size(tree(delta=delta)), [[2, 0, 3]])
    recorded = np.array([[12, 10, 13]])  # these features are some of the model's
    idata = tree(delta=delta, sample_stats={"model_size": recorded})
    np.testing.assert_array_equal(model_size(idata), recorded)


def test_recorded_statistics_are_those_of_the_draws_that_are_left():
    delta, _ = spike_slab_draws(16, (2, 12, 4))
    idata = tree(delta=delta, sample_stats={"model_size": delta.sum(axis=-1) + 100})
    idata["posterior"] = idata["posterior"].isel(draw=slice(1, None, 5))
    np.testing.assert_array_equal(model_size(idata), delta[:, 1::5].sum(axis=-1) + 100)
    idata["sample_stats"] = idata["sample_stats"].isel(draw=slice(0, 3))
    np.testing.assert_array_equal(model_size(idata), delta[:, 1::5].sum(axis=-1))


@pytest.mark.parametrize("traits", [(), (3,)])
def test_genetic_variance_against_numpy(traits):
    _, beta = spike_slab_draws(17, (2, 9, 4, *traits))
    X = np.random.default_rng(18).normal(3.0, 1.0, size=(11, 4))
    labels = list("abcd")
    shuffled = [2, 0, 3, 1]
    design = xr.DataArray(X[:, shuffled], dims=("obs", "feature")).assign_coords(
        feature=[labels[j] for j in shuffled]
    )
    result = genetic_variance(tree(beta=beta, coords={"feature": labels}, X=design))
    expected = np.var(np.einsum("ij,cdj...->cdi...", X, beta), axis=2)
    assert result.dims == ("chain", "draw", "trait")[: 2 + len(traits)]
    np.testing.assert_allclose(result, expected, rtol=1e-10)


def test_genetic_variance_of_small_integers():
    _, beta = spike_slab_draws(19, (1, 6, 5))
    X = np.random.default_rng(20).integers(0, 3, size=(40, 5)).astype(np.int8)
    design = xr.DataArray(X, dims=("obs", "feature"))
    expected = (beta[0] @ X.T.astype(float)).var(axis=1)
    result = genetic_variance(tree(beta=beta, X=design))
    np.testing.assert_allclose(result[0], expected, rtol=1e-10)


def test_genetic_variance_is_left_out_when_it_cannot_be_had():
    _, beta = spike_slab_draws(21, (1, 6, 3))
    X = xr.DataArray(np.ones((4, 3)), dims=("obs", "feature"))
    assert genetic_variance(tree(beta=beta)) is None
    assert genetic_variance(tree(delta=beta, X=X)) is None
    assert genetic_variance(tree(beta=beta, X=X.isel(feature=[0, 1]))) is None
    assert genetic_variance(tree(beta=beta, X=X.where(X.obs > 0))) is None
    recorded = {"genetic_variance": np.ones((1, 6))}
    assert genetic_variance(tree(beta=beta, sample_stats=recorded)).sum() == 6


def test_the_table_of_indicators_is_what_effect_summary_shows():
    delta, beta = spike_slab_draws(22, (2, 200, 3))
    idata = tree(delta=delta, beta=beta)
    table = effect_table(idata)
    xr.testing.assert_identical(table["mcse_pip"], inclusion_table(idata)["mcse_pip"])
