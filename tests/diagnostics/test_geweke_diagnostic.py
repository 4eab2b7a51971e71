"""Geweke's diagnostic, against chains whose scores are known, and its picture."""

from itertools import pairwise

import arviz as az
import matplotlib
import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.signal import lfilter

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from blrzoo.diagnostics import geweke
from blrzoo.plots import plot_geweke
from blrzoo.posterior import reader
from tests.builders import tree

DRAWS = 4000
CHAINS, REPLICATES, PARTS = 4, 500, 10


def autoregression(correlation, shape, seed):
    """Stationary AR(1) chains (chain, draw, replicate) with variance 1."""
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[:, 0] /= np.sqrt(1 - correlation**2)
    return lfilter([1], [1, -correlation], noise, axis=1) * np.sqrt(1 - correlation**2)


def parts(correlation, draws, seed):
    """The same for all replicates, in parts: together they take hundreds of megabytes."""
    for part in range(PARTS):
        yield autoregression(correlation, (CHAINS, draws, REPLICATES // PARTS), [seed, part])


def wide(draws):
    return tree(theta=draws, dims={"theta": ["replicate"]})


def is_standard_normal(z):
    """Mean, SD and two tail frequencies within 5 standard errors of those of N(0, 1)."""
    n = z.size
    tails = [(2.0, 0.0455), (3.0, 0.0027)]
    return (
        abs(z.mean()) < 5 / np.sqrt(n)
        and abs(z.std() - 1) < 5 / np.sqrt(2 * n)
        and all(
            abs(np.mean(abs(z) > bound) - p) < 5 * np.sqrt(p * (1 - p) / n) for bound, p in tails
        )
    )


# ---- the scores ----


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, -0.4])
def test_scores_of_stationary_chains_are_standard_normal(correlation):
    z, naive = [], []
    for draws in parts(correlation, DRAWS, seed=1):
        scores = geweke(wide(draws))["theta"]
        assert scores.dims == ("chain", "replicate")
        z.append(scores.values)
        start, end = draws[:, : DRAWS // 10], draws[:, DRAWS // 2 :]
        variance = start.var(axis=1) / start.shape[1] + end.var(axis=1) / end.shape[1]
        naive.append((start.mean(axis=1) - end.mean(axis=1)) / np.sqrt(variance))
    assert is_standard_normal(np.array(z))
    if correlation:  # the test would notice a variance that takes draws for independent
        assert not is_standard_normal(np.array(naive))


def test_scores_by_hand():
    """The start against eight batches of the end, by the t test of one more draw."""
    draws = autoregression(0.6, (3, 1003), seed=3)
    z = geweke(tree(sigma2=draws), first=0.2, last=0.3)["sigma2"]
    for chain in range(3):
        start, end = draws[chain, :200], draws[chain, 703:]  # 200.6 and 300.9 draws, cut
        means = end[4:].reshape(8, 37).mean(axis=1)
        error = means.std(ddof=1) * np.sqrt(37 / 200 + 1 / 8)
        p = stats.t.sf((start.mean() - means.mean()) / error, 7)
        assert z[chain] == pytest.approx(stats.norm.isf(p), rel=1e-9)


@pytest.mark.parametrize("draws", [200, 1000, 4000])
@pytest.mark.parametrize("effective", [2.5, 5, 20, 100])
def test_the_level_holds_as_documented(draws, effective):
    """By the effective draws of the start; the scores of one estimate an end have 7 to 16 %."""
    correlation = max(0.0, (0.1 * draws - effective) / (0.1 * draws + effective))
    found = [geweke(wide(part))["theta"].values for part in parts(correlation, draws, seed=4)]
    z = np.array(found)
    level = 0.0455 if effective >= 5 else 0.08
    for bound, p in [(2.0, 1.25 * level), (4.0, 2e-4 if effective >= 5 else 1e-3)]:
        assert np.mean(abs(z) > bound) < p + 4 * np.sqrt(p * (1 - p) / z.size)


def test_a_skewed_variable_has_a_few_more():
    draws = np.exp(autoregression(0.9, (4, 1000, 500), seed=4))  # five effective draws in the start
    z = geweke(wide(draws))["theta"].values
    assert np.mean(abs(z) > 2) < 0.08 + 4 * np.sqrt(0.08 * 0.92 / z.size)


def test_a_chain_that_started_far_away_is_seen_with_its_sign():
    draws = autoregression(0.3, (4, 2000), seed=5)
    draws[1] += 3 * np.exp(-np.arange(2000) / 500)
    draws[2] -= 3 * np.arange(2000) / 2000  # a steady drift
    z = geweke(tree(sigma2=draws))["sigma2"].values
    assert np.all(abs(z[[0, 3]]) < 3)
    assert z[1] > 3
    assert z[2] > 3
    assert geweke(tree(sigma2=-draws))["sigma2"].values == pytest.approx(-z)


# ---- what has no score ----


def test_without_a_standard_error_there_is_no_score():
    rng = np.random.default_rng(6)
    moving = rng.normal(size=(2, 200))
    jump, late, broken = np.zeros((2, 200)), moving.copy(), moving.copy()
    jump[:, 100:] = 1  # a plain quotient would be infinite
    late[:, :20] = 0.3
    broken[0, 3], broken[1, 150] = np.nan, np.inf
    z = geweke(tree(pi=np.full((2, 200), 0.5), jump=jump, late=late, broken=broken, moving=moving))
    for name in ("pi", "jump", "late", "broken"):
        assert np.isnan(z[name]).all(), name
    assert np.isfinite(z["moving"]).all()


def test_of_an_indicator_only_what_changes_has_a_score():
    delta = (np.random.default_rng(7).random((2, 400, 3)) < [0.0, 0.4, 1.0]).astype(int)
    idata = tree(delta=delta, dims={"delta": ["feature"]})
    z = geweke(idata, var_names="delta")["delta"]
    np.testing.assert_array_equal(np.isnan(z), [[True, False, True]] * 2)


# ---- which variables ----


def full(traits=False):
    rng = np.random.default_rng(8)
    shape = (2, 200, 3, 2) if traits else (2, 200, 3)
    delta = (rng.random(shape) < 0.4).astype(int)
    dims = ["feature", "trait"] if traits else ["feature"]
    variables = {
        "delta": delta,
        "beta": delta * rng.normal(size=shape),
        "alpha": rng.normal(size=shape),
        "tau2": rng.gamma(2.0, size=(2, 200, 4)),
        "mu": rng.normal(size=(2, 200, 2) if traits else (2, 200)),
    }
    all_dims = {"delta": dims, "beta": dims, "alpha": dims, "tau2": ["group"]}
    if traits:
        all_dims |= {"mu": ["trait"], "Sigma_e": ["trait", "trait_bis"]}
        variables["Sigma_e"] = rng.normal(size=(2, 200, 2, 2))
    return tree(
        sample_stats={"genetic_variance": rng.gamma(2.0, size=(2, 200, 2) if traits else (2, 200))},
        dims=all_dims | ({"genetic_variance": ["trait"]} if traits else {}),
        coords={"feature": ["a", "b", "c"], "trait": ["height", "weight"]},
        **variables,
    )


def test_by_default_hyperparameters_model_size_and_genetic_variance():
    z = geweke(full())
    assert set(z.data_vars) == {"tau2", "mu", "model_size", "genetic_variance"}
    assert z["tau2"].dims == ("chain", "group")
    assert z.attrs == {"first": 0.1, "last": 0.5}
    size = full().posterior["delta"].sum("feature").values
    again = geweke(tree(size=size))["size"]
    np.testing.assert_allclose(z["model_size"], again)


def test_several_traits():
    idata = full(traits=True)
    z = geweke(idata)
    assert z["mu"].dims == z["genetic_variance"].dims == ("chain", "trait")
    assert z["Sigma_e"].dims == ("chain", "trait", "trait_bis")
    of_effects = geweke(idata, var_names=["beta", "genetic_variance"])
    assert set(of_effects.data_vars) == {"beta", "genetic_variance"}
    assert of_effects["beta"].dims == ("chain", "feature", "trait")
    one = geweke(tree(x=idata.posterior["beta"].sel(feature="b", trait="weight").values))["x"]
    chosen = of_effects["beta"].sel(feature="b", trait="weight")
    np.testing.assert_allclose(chosen, one)


def test_wide_variables_are_read_by_blocks(monkeypatch):
    idata = full(traits=True)
    whole = geweke(idata, var_names="beta")
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 8 * 200 * 2 * 2)  # one feature
    xr.testing.assert_identical(geweke(idata, var_names="beta"), whole)


def test_one_chain_thinned_and_from_a_file(tmp_path):
    idata = full()
    idata.to_netcdf(tmp_path / "fit.nc")
    xr.testing.assert_allclose(geweke(az.from_netcdf(tmp_path / "fit.nc")), geweke(idata))
    one = geweke(idata.isel(chain=[1]))
    xr.testing.assert_allclose(one, geweke(idata).isel(chain=[1]))
    groups = {name: idata[name].to_dataset() for name in idata.children}
    groups["posterior"] = groups["posterior"].sel(draw=slice(None, None, 2))
    thinned = geweke(xr.DataTree.from_dict(groups))
    xr.testing.assert_allclose(thinned, geweke(idata.isel(draw=slice(None, None, 2))))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"var_names": "sigma"}, ValueError, "there is no 'sigma', only .*'tau2'"),
        ({"var_names": ["mu", "nu"]}, ValueError, "there is no 'nu'"),
        ({"first": 0.01}, ValueError, "first=0.01 of 200 draws is 2 draws; at least 10"),
        ({"first": 0.0}, ValueError, "first must be a number above 0 and below 1, got 0.0"),
        ({"last": 1.5}, ValueError, "last must be a number above 0 and below 1, got 1.5"),
        ({"first": 0.6}, ValueError, "first \\+ last must be at most 1"),
        ({"first": "a"}, TypeError, "first must be a number"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        geweke(full(), **arguments)


def test_an_inference_data_without_what_is_needed_is_refused():
    with pytest.raises(ValueError, match="group 'posterior'"):
        geweke(xr.DataTree())
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        geweke(full().posterior.to_dataset())
    beta = full().posterior["beta"].to_dataset()
    with pytest.raises(
        ValueError, match=r"must have hyperparameters.*\['beta'\].*var_names='beta'"
    ):
        geweke(xr.DataTree.from_dict({"posterior": beta}))
    flat = xr.Dataset({"mu": ("sample", np.ones(5)), "nu": (("chain", "draw"), np.ones((1, 5)))})
    with pytest.raises(ValueError, match=r"'mu' in idata.posterior must have the dims chain and"):
        geweke(xr.DataTree.from_dict({"posterior": flat}))


# ---- the picture ----


def points(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "o"]


def tick_labels(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_points_are_the_scores():
    idata = full()
    z = geweke(idata)
    ax = plot_geweke(idata)
    assert tick_labels(ax)[:3] == ["tau2[0]", "tau2[1]", "tau2[2]"]
    assert [line.get_label() for line in points(ax)] == ["chain 0", "chain 1"]
    row = tick_labels(ax).index("genetic_variance")
    shown = [line.get_xdata()[row] for line in points(ax)]
    np.testing.assert_array_equal(shown, z["genetic_variance"])
    for line in points(ax):
        np.testing.assert_allclose(line.get_ydata(), np.arange(7), atol=0.5)
    low, high = ax.get_xlim()
    assert low == -high
    assert high >= max(abs(line.get_xdata()).max() for line in points(ax))


def test_of_many_rows_the_largest_are_named_without_overlap():
    draws = np.random.default_rng(9).normal(size=(2, 400, 300))
    draws[1, :, 77] += 4 * np.exp(-np.arange(400) / 50)
    ax = plot_geweke(wide(draws))
    assert "theta[77]" in tick_labels(ax)
    assert 1 < len(tick_labels(ax)) <= 10
    ax.figure.canvas.draw()
    boxes = sorted((t.get_window_extent() for t in ax.get_yticklabels()), key=lambda b: b.y0)
    assert all(a.y1 <= b.y0 for a, b in pairwise(boxes))


def test_elements_without_a_score_are_left_out():
    idata = full()
    idata["posterior"]["tau2"][:, :, 0] = 0.0  # the null component of a mixture
    assert tick_labels(plot_geweke(idata, var_names="tau2")) == ["tau2[1]", "tau2[2]", "tau2[3]"]
    idata["posterior"]["mu"][:] = 0.0
    with pytest.raises(ValueError, match=r"none of \['mu'\] has a Geweke score"):
        plot_geweke(idata, var_names="mu")


def test_the_callers_axes_are_used_and_can_be_restyled():
    figure, (left, right) = plt.subplots(1, 2)
    assert plot_geweke(full(traits=True), ax=right, ms=9, alpha=0.5) is right
    assert {line.get_markersize() for line in points(right)} == {9}
    assert not left.get_lines()
    assert plt.get_fignums() == [figure.number]
    one = plot_geweke(full().isel(chain=[0]))
    assert one.get_legend() is None
