"""Diagnostics of indicators, against known chains."""

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from blrzoo.diagnostics import indicator_table
from blrzoo.summaries import effect_table, model_size
from tests.builders import tree
from tests.diagnostics.chains import switching

DIMS = ("chain", "draw", "feature", "trait")
CHAINS, DRAWS, REPLICATES = 4, 400, 1000


def variance_of_mean(enter, leave, chains, draws):
    """Of such a chain: p (1 - p) / N (1 + 2 sum_k (1 - k / N) (1 - enter - leave)^k)."""
    p, lags = enter / (enter + leave), np.arange(1, draws)
    inflation = 1 + 2 * np.sum((1 - lags / draws) * (1 - enter - leave) ** lags)
    return p * (1 - p) * inflation / (chains * draws)


def lowered(n, chains, batches=8):
    """Draws that give the interval of Student's t with the freedom of the batches."""
    return n * (stats.norm.isf(0.025) / stats.t.isf(0.025, chains * batches - 1)) ** 2


# ---- per feature ----


def test_changes_and_spread_by_hand():
    delta = np.array(
        [
            [[0, 1, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1]],
            [[1, 1, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1]],
        ]
    )
    result = indicator_table(tree(delta=delta))
    np.testing.assert_array_equal(result["pip"], [4 / 8, 1, 3 / 8])
    np.testing.assert_array_equal(result["changes"], [3, 0, 4])  # none from chain to chain
    np.testing.assert_array_equal(result["pip_spread"], [0.5, 0, 0.25])


def test_standard_error_of_an_indicator_that_moves_is_that_of_arviz():
    delta = switching(0.1, 0.2, (3, 301, 6), seed=1)
    result = indicator_table(tree(delta=delta))
    assert result["changes"].min() > 20
    expected = az.mcse(tree(delta=delta).posterior["delta"])
    np.testing.assert_allclose(result["mcse_pip"], expected, rtol=1 / 900)  # ddof
    naive = np.sqrt(result["pip"] * (1 - result["pip"]) / 903)
    assert np.all(result["mcse_pip"] > 1.5 * naive)


@pytest.mark.parametrize(
    ("enter", "leave"), [(0.5, 0.5), (0.05, 0.1), (0.2, 0.02), (0.7, 0.8)], ids=str
)
def test_standard_error_is_the_error(enter, leave):
    """Each feature is a replicate: squared errors and squared standard errors have one mean."""
    delta = switching(enter, leave, (CHAINS, DRAWS, REPLICATES), seed=2)
    result = indicator_table(tree(delta=delta))
    squared_error = (result["pip"].values - enter / (enter + leave)) ** 2
    difference = squared_error - result["mcse_pip"].values ** 2
    bound = 4.5 * difference.std(ddof=1) / np.sqrt(REPLICATES)
    assert abs(difference.mean()) < bound
    exact = variance_of_mean(enter, leave, CHAINS, DRAWS)
    assert abs(squared_error.mean() - exact) < bound
    if (
        enter + leave != 1
    ):  # the test would notice a standard error that takes draws for independent
        independent = squared_error - result["pip"].values * (1 - result["pip"].values) / 1600
        assert abs(independent.mean()) > 4.5 * independent.std(ddof=1) / np.sqrt(REPLICATES)


@pytest.mark.parametrize(
    ("enter", "leave"),
    [(0.05, 0.1), (0.002, 0.1), (0.001, 0.02), (0.0005, 0.5), (0.1, 0.0002)],
    ids=str,
)
def test_error_bound_holds_for_rare_and_for_common_indicators(enter, leave):
    delta = switching(enter, leave, (CHAINS, DRAWS, REPLICATES), seed=3)
    result = indicator_table(tree(delta=delta))
    error = abs(result["pip"] - enter / (enter + leave))
    exceeded = (error > result["error_bound"]).mean()
    assert exceeded < 0.05 + 4.5 * np.sqrt(0.05 * 0.95 / REPLICATES)
    assert result["error_bound"].min() > 0
    assert result["mcse_pip"].min() > 0


def test_an_indicator_that_never_changes_is_as_well_known_as_the_model_size():
    delta = switching(0.02, 0.05, (4, 500, 3), seed=4)
    delta[..., 0], delta[..., 1] = 0, 1
    idata = tree(delta=delta)
    stuck = idata.posterior["delta"].isel(feature=0)
    assert az.ess(stuck, method="mean") == 2000  # what looks perfect
    assert az.mcse(stuck) == 0
    n = float(az.ess(delta.sum(axis=-1), method="bulk"))
    assert n < 200
    result = indicator_table(idata)
    np.testing.assert_array_equal(result["pip"][:2], [0, 1])
    np.testing.assert_array_equal(result["changes"][:2], 0)
    bound = 1 - 0.025 ** (1 / lowered(n, 4))
    np.testing.assert_allclose(result["error_bound"][:2], bound, rtol=1e-9)
    sd = np.sqrt((n + 1) / ((n + 2) ** 2 * (n + 3)))
    np.testing.assert_allclose(result["mcse_pip"][:2], sd, rtol=1e-9)
    assert result["ess_bulk"].sel(quantity="model_size") == pytest.approx(n, rel=1e-12)


def test_a_few_changes_do_not_tell_how_long_a_visit_lasts():
    delta = switching(0.02, 0.05, (4, 500, 2), seed=5)
    delta[..., 0] = 0
    delta[2, 100, 0] = 1  # one visit of one draw: ArviZ finds 2000 effective draws
    n = float(az.ess(delta.sum(axis=-1), method="bulk"))
    result = indicator_table(tree(delta=delta)).isel(feature=0)
    pip = 1 / 2000
    assert result["changes"] == 2
    assert result["mcse_pip"] == pytest.approx(np.sqrt(pip * (1 - pip) / n), rel=1e-9)
    n = lowered(n, 4)
    upper = stats.beta.ppf(0.975, n * pip + 1, n * (1 - pip))
    assert result["error_bound"] == pytest.approx(upper - pip, rel=1e-9)


def test_when_nothing_ever_moves_only_the_chains_are_information():
    delta = np.zeros((4, 100, 3), int)
    delta[..., 1] = 1
    result = indicator_table(tree(delta=delta))
    bound = 1 - 0.025 ** (1 / lowered(4, 4))
    np.testing.assert_allclose(result["error_bound"], bound, rtol=1e-12)
    np.testing.assert_allclose(result["mcse_pip"], stats.beta.std(1, 5), rtol=1e-12)
    row = result.sel(quantity="model_size")
    assert row["mean"] == 1
    for name in ("r_hat", "ess_bulk", "ess_tail", "mcse_mean"):
        assert np.isnan(row[name])


def test_chains_stuck_in_different_places():
    delta = np.zeros((4, 100, 2), int)
    delta[:2, :, 0] = 1
    delta[2:, :, 1] = 1
    delta[:, :, 1] |= delta[:, :, 0] & (np.arange(100) % 2)  # the model size moves
    result = indicator_table(tree(delta=delta)).isel(feature=0)
    assert result["changes"] == 0
    assert result["pip_spread"] == 1
    assert result["mcse_pip"] > 0.2  # four chains, a fair coin each: 0.25
    one = indicator_table(tree(delta=delta[:, :, :1])).sel(quantity="model_size")
    assert one["r_hat"] > 1e6


def test_one_chain_has_no_spread():
    delta = switching(0.3, 0.3, (1, 100, 2), seed=6)
    result = indicator_table(tree(delta=delta))
    assert np.all(np.isnan(result["pip_spread"]))
    assert np.all(result["mcse_pip"] > 0)
    assert np.isnan(result["r_hat"].sel(quantity="model_size"))
    assert result["ess_bulk"].sel(quantity="model_size") > 0


def test_two_draws_are_too_few_to_tell():
    delta = np.array([[[0, 0], [1, 0]], [[0, 0], [1, 0]]])
    result = indicator_table(tree(delta=delta))
    assert np.isnan(result["mcse_pip"][0])
    bound = 1 - 0.025 ** (1 / lowered(2, 2, batches=2))  # two chains
    assert result["error_bound"][1] == pytest.approx(bound)


def test_a_thinned_chain_is_a_chain():
    delta = switching(0.05, 0.1, (4, 2000, 50), seed=7)
    idata = tree(delta=delta)
    thinned = indicator_table(idata.isel(draw=slice(None, None, 10)))
    again = indicator_table(tree(delta=delta[:, ::10]))
    xr.testing.assert_equal(thinned, again)
    whole = indicator_table(idata)
    ratio = (thinned["mcse_pip"] / whole["mcse_pip"]).values
    p, correlation = 1 / 3, 0.85**10  # of the draws that are left
    variance = p * (1 - p) / 800 * (1 + correlation) / (1 - correlation)
    expected = np.sqrt(variance / variance_of_mean(0.05, 0.1, 4, 2000))
    assert abs(ratio.mean() - expected) < 4.5 * ratio.std(ddof=1) / np.sqrt(50)


def test_mixtures_and_traits():
    delta = switching(0.3, 0.3, (2, 100, 3), seed=8)
    mixture = indicator_table(tree(label=delta * 2))
    xr.testing.assert_equal(mixture, indicator_table(tree(delta=delta)))
    both = np.stack([delta, switching(0.2, 0.3, (2, 100, 3), seed=9)], axis=-1)
    result = indicator_table(tree(delta=both))
    assert result["mcse_pip"].dims == ("feature", "trait")
    np.testing.assert_array_equal(result["changes"].isel(trait=0), mixture["changes"])
    size = both.any(axis=-1).sum(axis=-1)
    assert result["mean"].sel(quantity="model_size") == pytest.approx(size.mean())


def traits(seed=30):
    """Make a fit of two traits: indicators of each, and what the step records."""
    delta = np.stack(
        [switching(0.3, 0.3, (3, 200, 4), seed), switching(0.2, 0.3, (3, 200, 4), seed + 1)], -1
    )
    rng = np.random.default_rng(seed)
    recorded = {"model_size": delta.any(axis=-1).sum(axis=-1)}
    idata = tree(delta=delta, beta=delta * rng.normal(size=delta.shape), sample_stats=recorded)
    variance = xr.DataArray(rng.gamma(2.0, size=(3, 200, 2)), dims=("chain", "draw", "trait"))
    idata["sample_stats"]["genetic_variance"] = variance
    return idata


def test_traits_with_what_the_step_recorded():
    idata = traits()
    variance = idata.sample_stats["genetic_variance"].values
    result = indicator_table(idata)
    assert list(result["quantity"]) == [
        "model_size",
        "genetic_variance[0]",
        "genetic_variance[1]",
    ]
    assert result["mean"].values[1:] == pytest.approx(variance.mean(axis=(0, 1)))
    assert result["r_hat"].values[2] == pytest.approx(float(az.rhat(variance[..., 1])))
    for name in ("pip", "mcse_pip", "error_bound", "pip_spread", "changes"):
        assert result[name].dims == ("feature", "trait")


def test_traits_thinned_one_chain_and_from_a_file(tmp_path):
    idata = traits()
    idata.to_netcdf(tmp_path / "fit.nc")
    xr.testing.assert_allclose(
        indicator_table(az.from_netcdf(tmp_path / "fit.nc")), indicator_table(idata)
    )
    groups = {name: idata[name].to_dataset() for name in idata.children}
    groups["posterior"] = groups["posterior"].sel(draw=slice(None, None, 5))  # not sample_stats
    thinned = indicator_table(xr.DataTree.from_dict(groups))
    whole = indicator_table(idata.isel(draw=slice(None, None, 5)))
    xr.testing.assert_allclose(thinned, whole)
    one = indicator_table(idata.isel(chain=[1]))
    assert np.isnan(one["pip_spread"]).all()
    assert np.isnan(one["r_hat"]).all()
    assert np.isfinite(one[["error_bound", "ess_bulk"]].to_array()).all()


def test_one_label_for_the_effects_of_two_traits():
    """A pattern label is of the feature, its effects of each trait."""
    idata = traits()
    label = idata.posterior["delta"].isel(trait=0, drop=True) * 3
    both = xr.Dataset({"label": label, "beta": idata.posterior["beta"]})
    both = xr.DataTree.from_dict({"posterior": both})
    assert indicator_table(both)["pip"].dims == ("feature",)
    table = effect_table(both, sort_by="pip")
    assert table["pip"].dims == ("feature",)
    assert table["mean"].dims == ("feature", "trait")
    assert np.all(np.diff(table["pip"]) <= 0)
    np.testing.assert_array_equal(model_size(both), (label > 0).sum("feature"))


# ---- model size and genetic variance ----


def test_quantities_are_those_of_arviz():
    delta = switching(0.05, 0.1, (4, 300, 20), seed=10)
    beta = delta * np.random.default_rng(11).normal(size=delta.shape)
    X = np.random.default_rng(12).normal(size=(30, 20))
    result = indicator_table(tree(delta=delta, beta=beta, X=X))
    draws = {"model_size": delta.sum(axis=-1), "genetic_variance": (beta @ X.T).var(axis=-1)}
    assert list(result["quantity"]) == list(draws)
    for name, values in draws.items():
        row = result.sel(quantity=name)
        assert row["mean"] == pytest.approx(values.mean(), rel=1e-9)
        assert row["sd"] == pytest.approx(values.std(ddof=1), rel=1e-9)
        assert row["r_hat"] == pytest.approx(float(az.rhat(values)), rel=1e-9)
        assert row["ess_bulk"] == pytest.approx(float(az.ess(values, method="bulk")), rel=1e-6)
        tail = float(az.ess(values, method="tail", prob=(0.05, 0.95)))
        assert row["ess_tail"] == pytest.approx(tail, rel=1e-6)
        assert row["mcse_mean"] == pytest.approx(float(az.mcse(values)), rel=1e-6)


def test_recorded_quantities_are_preferred():
    delta = switching(0.3, 0.3, (2, 50, 3), seed=13)
    rng = np.random.default_rng(14)
    recorded = {
        "model_size": rng.integers(50, 60, size=(2, 50)),
        "genetic_variance": rng.gamma(2.0, size=(2, 50)),
    }
    result = indicator_table(tree(delta=delta, sample_stats=recorded))
    for name, values in recorded.items():
        assert result["mean"].sel(quantity=name) == pytest.approx(values.mean(), rel=1e-12)


def test_a_model_without_indicators_has_the_genetic_variance_only():
    beta = np.random.default_rng(15).normal(size=(2, 50, 3))
    X = np.random.default_rng(16).normal(size=(20, 3))
    result = indicator_table(tree(beta=beta, X=X))
    assert list(result["quantity"]) == ["genetic_variance"]
    assert "pip" not in result
    recorded = {"model_size": np.full((2, 50), 3), "genetic_variance": beta.var(axis=-1)}
    result = indicator_table(tree(beta=beta, sample_stats=recorded))
    assert list(result["quantity"]) == ["genetic_variance"]


def test_indicators_that_were_not_kept_leave_the_recorded_model_size():
    beta = np.random.default_rng(17).normal(size=(2, 50, 3))
    recorded = {"model_size": np.random.default_rng(18).integers(0, 4, (2, 50))}
    result = indicator_table(tree(beta=beta, sample_stats=recorded))
    assert list(result["quantity"]) == ["model_size"]


def test_genetic_variance_of_each_trait():
    beta = np.random.default_rng(19).normal(size=(2, 50, 3, 2))
    X = np.random.default_rng(20).normal(size=(20, 3))
    result = indicator_table(tree(beta=beta, X=X))
    assert list(result["quantity"]) == ["genetic_variance[t1]", "genetic_variance[t2]"]
    expected = (beta[..., 1] @ X.T).var(axis=-1).mean()
    assert result["mean"].sel(quantity="genetic_variance[t2]") == pytest.approx(expected)


def test_a_tail_that_every_draw_is_in_is_no_tail():
    """ArviZ's tail ESS of a size that is mostly at its maximum is the number of draws."""
    delta = np.ones((2, 200, 2), int)
    delta[0, :8, 1] = 0
    sizes = delta.sum(axis=-1)
    assert az.ess(sizes, method="tail", prob=(0.05, 0.95)) == 400
    row = indicator_table(tree(delta=delta)).sel(quantity="model_size")
    assert np.isnan(row["ess_tail"])
    assert row["ess_bulk"] < 400


def test_the_two_tables():
    delta = switching(0.3, 0.3, (2, 50, 3), seed=21)
    result = indicator_table(tree(delta=delta))
    features = result.drop_dims("quantity").to_dataframe()
    columns = ["pip", "mcse_pip", "error_bound", "pip_spread", "changes"]
    assert list(features.columns) == columns
    assert len(features) == 3
    quantities = result.drop_dims("feature").to_dataframe()
    assert list(quantities.columns) == ["mean", "sd", "r_hat", "ess_bulk", "ess_tail", "mcse_mean"]
    assert list(quantities.index) == ["model_size"]


def test_nothing_to_diagnose_is_refused():
    beta = np.ones((2, 50, 3))
    with pytest.raises(ValueError, match=r"indicators.*'genetic_variance'.*has \['beta'\]"):
        indicator_table(tree(beta=beta))
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        indicator_table({"beta": beta})
