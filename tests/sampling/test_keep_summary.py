"""keep="summary": the same numbers as the draws give, in memory that does not grow with them."""

import logging
from functools import cache, partial

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.diagnostics.elements import _split_rhat
from blrzoo.posterior.kept import GROUP, kept_moments, split_rhat
from blrzoo.sampling import draw as drawing
from blrzoo.sampling.running import ChainSums, Inclusion, Moments
from blrzoo.sampling.summary_recorder import summary_recorder
from tests.builders import make_data
from tests.posterior.readers import READERS, X, one_trait
from tests.table import PRIORS, small_data

SHORT = {"draws": 60, "tune": 5, "chains": 2, "cores": 1, "random_seed": 1, "quiet": True}
ROWS = [
    "ridge-single-site",
    "spike-slab",
    "hierarchical-mixture",
    "bayes-b",
    "traits-all",
    "traits-groups-mixture",
]
of_each_row = pytest.mark.parametrize("row", ROWS)
DRAWS = ("chain", "draw")


@cache
def model_of(row):
    return PRIORS[row](*small_data(n=20, p=4))


@cache
def fits(row):
    """A fit with each draw, and one with sums."""
    model = model_of(row)
    return blr.sample(model, **SHORT), blr.sample(model, keep="summary", **SHORT)


def wide(posterior):
    return [name for name, draws in posterior.items() if "feature" in draws.dims]


# ---- the same as the draws ----


@of_each_row
def test_what_is_not_of_features_is_recorded_as_ever(row):
    draws, sums = (fit.posterior.to_dataset() for fit in fits(row))
    assert not wide(sums)
    xr.testing.assert_equal(sums, draws.drop_vars(wide(draws)).drop_vars("feature"))
    xr.testing.assert_equal(*(fit.sample_stats.to_dataset() for fit in fits(row)))


@of_each_row
def test_moments_are_those_of_the_draws(row):
    draws, sums = fits(row)
    posterior, group = draws.posterior.to_dataset(), sums[GROUP].to_dataset()
    names = [name for name in wide(posterior) if name not in ("alpha", "delta", "label")]
    assert {name for name in group if name.endswith("_sd")} == {f"{name}_sd" for name in names}
    batch = np.arange(60) * 8 // 60
    np.testing.assert_array_equal(group["draws"], [np.bincount(batch)] * 2)
    for name in names:
        values = posterior[name]
        by_batch = values.assign_coords(batch=("draw", batch)).groupby("batch").mean()
        expected = values.mean("draw"), values.std("draw", ddof=1), by_batch
        for part, value in zip(("mean", "sd", "batch_mean"), expected, strict=True):
            found = group[f"{name}_{part}"]
            xr.testing.assert_allclose(found, value.transpose(*found.dims), rtol=1e-10)


@pytest.mark.parametrize("row", [row for row in ROWS if "ridge" not in row])
def test_inclusion_is_that_of_the_draws(row):
    draws, sums = fits(row)
    xr.testing.assert_allclose(blr.pip(sums), blr.pip(draws), rtol=1e-12)
    if "traits-groups" not in row and "traits" in row:
        every = blr.pip(draws, any="trait")
        xr.testing.assert_allclose(blr.pip(sums, any="trait"), every, rtol=1e-12)
    of_sums, of_draws = map(blr.indicator_table, (sums, draws))
    for name in ("changes", "pip_spread", "mean", "ess_bulk"):
        xr.testing.assert_allclose(of_sums[name], of_draws[name], rtol=1e-12)
    assert list(of_sums.data_vars) == list(of_draws.data_vars)
    assert of_sums["pip"].dims == of_draws["pip"].dims


@pytest.mark.parametrize(
    ("row", "dim"), [("hierarchical-mixture", "component"), ("traits-all", "pattern")], ids=str
)
def test_frequencies_of_labels(row, dim):
    draws, sums = fits(row)
    found = sums[GROUP]["label_frequency"]
    assert found.dims == ("chain", "feature", dim)
    label = draws.posterior["label"]
    for k, name in enumerate(model_of(row).coords[dim]):
        expected = (label == k).mean("draw")
        xr.testing.assert_allclose(found.sel({dim: name}, drop=True), expected, rtol=1e-12)


@of_each_row
def test_the_table_of_effects_has_the_columns_that_sums_tell(row):
    draws, sums = map(blr.effect_table, fits(row))
    assert list(sums.data_vars) == [k for k in draws.data_vars if k not in ("lower", "upper")]
    assert sums.attrs["lower"] == sums.attrs["upper"]
    assert "left out: a quantile needs draws" in sums.attrs["lower"]
    for name in {"mean", "sd", "pip"} & set(sums):
        xr.testing.assert_allclose(sums[name], draws[name], rtol=1e-10)
        assert sums[name].attrs == draws[name].attrs
    ordered = blr.effect_table(fits(row)[1], sort_by="abs_mean")
    assert (
        np.diff(abs(ordered["mean"]).max([d for d in ordered.dims if d != "feature"])) <= 0
    ).all()


@pytest.mark.parametrize("row", ["ridge-covariate", "spike-slab-standardized", "traits-all"])
def test_predictions_are_those_at_the_means(row):
    draws, sums = fits(row)
    new = {"X_new": make_data(3, 4, seed=2)[0]}
    if "covariate" in row:
        new["covariates"] = np.ones((3, 2))
    expected = blr.predict(draws, **new, quantity="mean")["mean"]
    for quantity in ("response", "mean"):
        found = blr.predict(sums, **new, quantity=quantity)
        xr.testing.assert_allclose(found["mean"], expected, rtol=1e-10)
        assert list(found.data_vars) == ["mean"]
        assert found.attrs["quantity"] == quantity
        assert "left out: it needs draws of the effects" in found.attrs["sd"]


def test_what_is_kept_does_not_depend_on_the_number_of_cores():
    one = fits("spike-slab")[1]
    two = blr.sample(model_of("spike-slab"), keep="summary", **SHORT | {"cores": 2})
    for group in ("posterior", GROUP):
        xr.testing.assert_identical(
            two[group].to_dataset().drop_attrs(), one[group].to_dataset().drop_attrs()
        )


def test_draws_of_tuning_are_in_no_sum():
    kept = blr.sample(model_of("spike-slab"), keep="summary", discard_tuned_samples=False, **SHORT)
    assert kept["warmup_posterior"].sizes["draw"] == 5
    xr.testing.assert_identical(kept[GROUP].to_dataset(), fits("spike-slab")[1][GROUP].to_dataset())


def test_memory_does_not_grow_with_the_draws():
    X, y = small_data(n=10, p=500)
    model = blr.spike_slab(X, y)
    held = []
    for draws in (20, 2000):
        made = summary_recorder(model, ["mu", "beta", "delta"], draws)
        chain = made.__copy__()
        chain.setup(draws, 0)
        arrays = [array for _, one in chain.sums.running for array in vars(one).values()]
        held.append(sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)))
        assert list(chain.samples) == ["mu"]
    assert held[0] == held[1] <= 500 * (72 + 36)


# ---- numbers ----


def sums_of(values, planned=None, running=None):
    """Sums of the draws (draw, feature) of one chain."""
    sums = ChainSums(
        planned or len(values), [(0, running or Moments("beta", ("feature",), values.shape[1:]))]
    )
    for value in values:
        sums.add([value])
    return sums.result()


def moments_of(chains, planned=None):
    group = xr.concat([sums_of(values, planned) for values in chains], "chain")
    fit = xr.DataTree.from_dict({"posterior": xr.Dataset(), GROUP: group})
    return kept_moments(fit, "beta")


def test_sums_far_from_zero_lose_no_digits():
    values = 1e8 + np.random.default_rng(1).normal(size=(1000, 3))
    found = sums_of(values)
    np.testing.assert_allclose(found["beta_sd"], values.std(axis=0, ddof=1), rtol=1e-7)
    np.testing.assert_allclose(found["beta_mean"], values.mean(axis=0), rtol=1e-14)


@pytest.mark.parametrize(
    ("draws", "counts"),
    [
        (1, [1, 0, 0, 0, 0, 0, 0, 0]),
        (4, [1, 0, 1, 0, 1, 0, 1, 0]),
        (10, [2, 1, 1, 1, 2, 1, 1, 1]),
        (16, [2] * 8),
    ],
)
def test_batches(draws, counts):
    values = np.arange(2.0 * draws).reshape(draws, 2)
    found = sums_of(values)
    np.testing.assert_array_equal(found["draws"], counts)
    empty = np.array(counts) == 0
    np.testing.assert_array_equal(found["beta_batch_mean"].isnull().all("feature"), empty)
    np.testing.assert_allclose(found["beta_mean"], values.mean(axis=0))
    assert bool(found["beta_sd"].isnull().all()) is (draws == 1)


def test_errors_of_independent_draws_are_those_of_arviz():
    rng = np.random.default_rng(1)
    chains = rng.normal(size=(4, 800, 2000))
    table = blr.effect_table(summarized({"beta": chains}))
    np.testing.assert_allclose((table["mcse_mean"] ** 2).mean() * 3200, 1.3, atol=0.06)
    # of batches alone: that of chains, which are few, is larger now and then
    one = blr.effect_table(summarized({"beta": chains.reshape(1, 3200, -1)}))
    np.testing.assert_allclose((one["mcse_mean"] ** 2).mean() * 3200, 1.0, atol=0.05)


def summarized(draws, chains=None):
    """A fit with keep="summary" of these draws (chain, draw, feature)."""
    running = {"beta": lambda p: Moments("beta", ("feature",), (p,)), "delta": _inclusion}
    parts = []
    for k in range(len(next(iter(draws.values())))):
        found = [sums_of(v[k], running=running[name](v.shape[-1])) for name, v in draws.items()]
        parts.append(xr.merge(found, compat="override"))
    shape = next(iter(draws.values())).shape[:2]
    posterior = {"sigma2": (DRAWS, np.random.default_rng(2).gamma(5, size=shape))}
    groups = {"posterior": xr.Dataset(posterior), GROUP: xr.concat(parts, "chain")}
    if "delta" in draws:
        size = (DRAWS, draws["delta"].sum(axis=-1))
        groups["sample_stats"] = xr.Dataset({"model_size": size})
    return xr.DataTree.from_dict(groups)


def _inclusion(p):
    return Inclusion(("feature",), (p,))


@pytest.mark.parametrize("draws", [100, 400])
def test_rhat_is_the_classic_one_of_split_chains(draws):
    values = np.random.default_rng(1).normal(size=(4, draws, 5))
    values[1, :, 0] += 1.0
    values[..., 1] = np.arange(4)[:, None]  # each chain in a place of its own
    values[..., 2] = 3.3  # never changes
    values[:, draws // 2 :, 3] += 2.0  # a drift
    expected = _split_rhat(values)
    found = split_rhat(moments_of(values)).values
    np.testing.assert_allclose(found[[0, 3, 4]], expected[[0, 3, 4]], rtol=1e-10)
    assert found[1] > 1e6
    assert np.isnan(found[2])


def test_chains_that_stay_apart_have_no_small_error():
    delta = np.zeros((4, 800, 2), dtype=int)
    delta[:3, :, 0] = 1  # three chains with the one, and one with the other
    delta[3:, :, 1] = 1
    fit = summarized({"delta": delta, "beta": delta + 0.0})
    table = blr.indicator_table(fit)
    assert (table["mcse_pip"] > 0.2).all()
    assert (table["error_bound"] > 0.4).all()
    messages = " ".join(convergence_messages(fit))
    assert "The chains disagree on which features are included" in messages
    assert "Stuck: an indicator never changed in a chain" in messages
    assert "R-hat is above 10 for beta[" in messages
    assert blr.diagnose(fit, quiet=True).level == "poor"


def test_one_batch_tells_no_error():
    found = blr.effect_table(summarized({"beta": np.ones((1, 1, 2)), "delta": np.ones((1, 1, 2))}))
    assert bool(found[["sd", "mcse_mean"]].isnull().all().to_array().all())
    assert bool((found["mcse_pip"] > 0.2).all())


# ---- interrupted ----


def stop(chain, at):
    """A callback that interrupts a chain after so many draws, those of tuning (5) left out."""

    def callback(trace, draw):
        if draw.chain == chain and draw.draw_idx == at + 4:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize(
    ("chain", "at", "kept"),
    [
        (1, 50, {0: 60, 1: 50}),
        (1, 5, {0: 60}),  # as with keep="draws", PyMC drops the other
        (0, 20, {1: 60}),
    ],
)
def test_an_interrupt_keeps_what_there_is(chain, at, kept):
    model, draws = model_of("spike-slab"), fits("spike-slab")[0].posterior["beta"]
    found = blr.sample(model, keep="summary", callback=stop(chain, at), **SHORT)
    assert found.posterior.sizes["chain"] == len(kept)
    assert found.posterior.sizes["draw"] == min(kept.values())
    group = found[GROUP].to_dataset()
    np.testing.assert_array_equal(group["draws"].sum("batch"), list(kept.values()))
    for k, (label, number) in enumerate(kept.items()):
        expected = draws.isel(chain=label, draw=slice(number)).mean("draw")
        np.testing.assert_allclose(group["beta_mean"].isel(chain=k), expected, rtol=1e-10)
    table = blr.effect_table(found)
    every = [draws.isel(chain=c, draw=slice(n)) for c, n in kept.items()]
    together = xr.concat(every, "draw", coords="minimal", compat="override")
    np.testing.assert_allclose(table["mean"], together.mean("draw"), rtol=1e-10)
    np.testing.assert_allclose(table["sd"], together.std("draw", ddof=1), rtol=1e-10)
    assert bool(table["mcse_mean"].notnull().all())


def test_an_interrupt_of_chains_in_other_processes_keeps_what_there_is():
    settings = SHORT | {"cores": 2, "draws": 2000, "callback": stop(0, 100)}
    found = blr.sample(model_of("spike-slab"), keep="summary", **settings)
    counts = found[GROUP]["draws"].sum("batch").values
    assert counts.min() == found.posterior.sizes["draw"] < 2000
    assert bool((blr.pip(found) > 0).all())


def test_a_late_error_loses_nothing_else(monkeypatch, caplog):
    def fail(*args):
        raise RuntimeError("boom")

    monkeypatch.setattr(drawing, "add_summaries", fail)
    found = blr.sample(model_of("spike-slab"), keep="summary", **SHORT)
    assert "After sampling, the summary of the features failed (RuntimeError: boom)" in caplog.text
    xr.testing.assert_equal(found.posterior["mu"], fits("spike-slab")[1].posterior["mu"])


# ---- kept and put together ----


def test_a_fit_from_a_file_is_read_alike(tmp_path):
    fit = fits("traits-all")[1]
    fit.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_identical(loaded[GROUP].to_dataset(), fit[GROUP].to_dataset())
        xr.testing.assert_identical(blr.effect_table(loaded), blr.effect_table(fit))


def test_fits_are_put_together_along_chain():
    model = model_of("spike-slab")
    more = SHORT | {"random_seed": 2}
    parts = {keep: blr.sample(model, keep=keep, **more) for keep in ("draws", "summary")}
    pairs = zip(fits("spike-slab"), parts.values(), strict=True)
    draws, sums = (_together(*pair) for pair in pairs)
    assert sums[GROUP].sizes["chain"] == 4
    for name in ("mean", "sd", "pip"):
        expected = blr.effect_table(draws)[name]
        xr.testing.assert_allclose(blr.effect_table(sums)[name], expected, rtol=1e-10)
    assert blr.diagnose(sums, quiet=True)["chains"] == 4


def _together(first, second):
    groups = {name: node.to_dataset() for name, node in first.children.items()}
    for name, data in groups.items():
        if "chain" in data.dims:
            groups[name] = xr.concat([data, second[name].to_dataset()], "chain", data_vars="all")
    return xr.DataTree.from_dict(groups)


def test_chains_and_features_can_be_chosen():
    fit = fits("spike-slab")[1]
    one = fit.isel(chain=[1])
    np.testing.assert_allclose(blr.pip(one), fit[GROUP]["pip"].isel(chain=1))
    assert blr.pip(fit.isel(feature=[2, 0]))["feature"].values.tolist() == [2, 0]


def test_a_fit_without_variables_of_features_has_no_sums():
    found = blr.sample(model_of("spike-slab"), keep="summary", var_names=["mu"], **SHORT)
    assert GROUP not in found.children
    assert list(found.posterior.data_vars) == ["mu"]


def test_some_variables_of_features():
    names = ["mu", "sigma2", "beta"]
    found = blr.sample(model_of("spike-slab"), keep="summary", var_names=names, **SHORT)
    assert set(found[GROUP].data_vars) == {"draws", "beta_mean", "beta_sd", "beta_batch_mean"}
    assert "pip" not in blr.effect_table(found)
    with pytest.raises(ValueError, match=r"^idata\.posterior must have indicators"):
        blr.pip(found)


# ---- what reads it, and what cannot ----


def without_draws(fit):
    """The fit of the table of readers, with sums in the place of its draws of features."""
    idata = fit()
    posterior = idata["posterior"].to_dataset()
    chains = [_sums(posterior.isel(chain=k)) for k in range(posterior.sizes["chain"])]
    group = xr.concat(chains, "chain").assign_coords(feature=posterior["feature"])
    if "trait" in group.dims:
        group = group.assign_coords(trait=posterior["trait"])
        idata["sample_stats"] = xr.DataTree(_statistics(posterior))
    idata[GROUP] = xr.DataTree(group)
    idata["posterior"] = xr.DataTree(posterior.drop_vars(wide(posterior)))
    del idata["posterior_predictive"], idata["log_likelihood"]
    return idata


def _sums(chain):
    dims = chain["beta"].dims[1:]
    shape = chain["beta"].shape[1:]
    running = [(0, Moments("beta", dims, shape)), (1, Inclusion(dims, shape))]
    sums = ChainSums(chain.sizes["draw"], running)
    for values in zip(chain["beta"].values, chain["delta"].values, strict=True):
        sums.add(values)
    return sums.result()


def _statistics(posterior):
    """What the sampler records."""
    fitted = np.einsum("nj,cdjt->cdnt", X, posterior["beta"].values)
    size = posterior["delta"].any("trait").sum("feature")
    return xr.Dataset(
        {"genetic_variance": ((*DRAWS, "trait"), fitted.var(axis=2)), "model_size": size}
    )


SERVED = {
    "bayes_factor_inclusion",
    "bayesian_fdr",
    "diagnose",
    "diagnose traits",
    "summary_table",
    "effect_table",
    "effect_table traits",
    "geweke",
    "heritability",
    "heritability traits",
    "indicator_table",
    "model_size",
    "model_size traits",
    "pip",
    "pip of any trait",
    "plot_geweke",
    "plot_pip",
    "plot_pip traits",
    "plot_prior_posterior",
    "predict",
    "residual_correlation",
}
READS_DRAWS = {"score"}  # predictive ones, and no fit
REFUSAL = (
    r"^idata must have draws of '.*' for this, got a fit with keep='summary', .* Fit again with "
    r"keep='draws', .* read this fit\.$"
)


def test_the_lists_are_of_readers():
    assert SERVED | READS_DRAWS <= set(READERS)


@pytest.mark.parametrize("name", sorted(SERVED))
def test_served(name):
    fit, read = READERS[name]
    assert read(without_draws(fit)) is not None


@pytest.mark.parametrize("name", sorted(set(READERS) - SERVED - READS_DRAWS))
def test_what_needs_draws_says_so(name):
    fit, read = READERS[name]
    with pytest.raises(ValueError, match=REFUSAL):
        read(without_draws(fit))


def test_served_numbers_are_those_of_the_draws():
    sums, draws = without_draws(one_trait), one_trait()
    for read in (blr.bayesian_fdr, blr.model_size, blr.pip):
        xr.testing.assert_allclose(read(sums), read(draws))
    of_sums, of_draws = (blr.diagnose(fit, quiet=True) for fit in (sums, draws))
    assert set(of_sums) == set(of_draws)
    for name in ("r_hat", "ess_bulk", "pip_spread", "stuck", "model_size"):
        np.testing.assert_allclose(of_sums[name], of_draws[name])
    table = blr.evidence.bayes_factor_inclusion(sums, prior=0.1)
    np.testing.assert_allclose(
        table["bayes_factor"], blr.evidence.bayes_factor_inclusion(draws, prior=0.1)["bayes_factor"]
    )


def test_other_refusals(monkeypatch):
    fit, model = fits("spike-slab")[1], model_of("spike-slab")
    new = small_data(n=3, p=4)[0]
    calls = [
        partial(blr.sample_more, fit, model),
        partial(blr.evidence.compare, {"a": (model, fit), "b": (model, fit)}),
        partial(blr.predict, fit, new, summary=False),
        partial(blr.evidence.log_score, fit, new, np.zeros(3)),
        partial(blr.geweke, fit, var_names=["mu", "delta"]),
        partial(blr.geweke, fits("traits-all")[1], var_names="label"),
        partial(blr.pleiotropy_table, fits("traits-all")[1]),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=REFUSAL):
            call()
    with pytest.raises(ValueError, match=r"^var_names must be variables .* there is no 'tau3'"):
        blr.geweke(fit, var_names="tau3")
    with pytest.raises(ValueError, match=r"^any must name dims of the indicators .* got 'trait'"):
        blr.pip(fit, any="trait")
    with pytest.raises(ValueError, match=r"^sort_by must be .* got 'lower'"):
        blr.effect_table(fit, sort_by="lower")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tau2", "'tau2' has the dim feature"),
        ("pi", "no draws of the 'pi' of features"),
        ("local", "the variance of an effect may depend on ['local']"),
    ],
)
def test_variances_of_features_are_not_taken_for_none(name, reason):
    fit = fits("spike-slab")[1].copy()
    group = fit[GROUP].to_dataset()
    for part in ("mean", "sd", "batch_mean"):
        group[f"{name}_{part}"] = group[f"beta_{part}"]
    fit[GROUP] = xr.DataTree(group)
    fit["posterior"] = xr.DataTree(fit["posterior"].to_dataset().drop_vars(name, errors="ignore"))
    assert reason in blr.heritability(fit).attrs["h2_components"]
    assert "h2_components" in blr.heritability(fits("spike-slab")[1])


def test_a_model_size_that_was_not_recorded():
    fit = fits("spike-slab")[1].copy()
    del fit["sample_stats"]
    assert "model_size" not in blr.diagnose(fit, quiet=True)
    assert bool((blr.effect_table(fit)["mcse_pip"] > 0).all())
    with pytest.raises(ValueError, match=REFUSAL):
        blr.model_size(fit)


def test_sums_that_are_not_finite_are_refused():
    fit = fits("spike-slab")[1].copy(deep=True)
    fit[GROUP]["beta_mean"].values[1, 2] = np.nan
    for read in (blr.effect_table, blr.pip, blr.heritability, blr.indicator_table):
        with pytest.raises(ValueError, match=r"posterior_summary must be finite, .* \['beta'\]"):
            read(fit)
    verdict = blr.diagnose(fit, quiet=True)
    assert verdict.level == "poor"
    assert "not finite (NaN or infinite): beta" in str(verdict)


def test_convergence_is_checked_after_sampling(caplog):
    settings = SHORT | {"quiet": False, "draws": 100, "progressbar": False}
    with caplog.at_level(logging.WARNING):
        blr.sample(model_of("spike-slab"), keep="summary", initvals=None, **settings)
    assert "failed" not in caplog.text


# ---- arguments ----


def forbid(*args, **kwargs):
    raise AssertionError("sampling began")


BAD = [
    (
        {"keep": "none"},
        r"^keep must be 'draws' or 'summary', got 'none' of type str\. Leave it out for 'draws",
    ),
    ({"keep": None}, r"^keep must be 'draws' or 'summary', got None"),
    (
        {"keep": "summary", "idata_kwargs": {"log_likelihood": True}},
        r"^idata_kwargs must not ask for the log likelihood with keep='summary'.* keep='draws'",
    ),
    ({"keep": "summary", "var_names": ["beta"]}, r"^var_names must have a variable .*\['beta'\]"),
    ({"keep": "summary", "trace": []}, r"^trace must be left out with keep='summary'.* \[\]"),
]


@pytest.mark.parametrize(("given", "pattern"), BAD, ids=[str(row[0]) for row in BAD])
def test_refused_before_the_first_draw(monkeypatch, given, pattern):
    monkeypatch.setattr(pm, "sample", forbid)
    with pytest.raises(ValueError, match=pattern):
        blr.sample(model_of("spike-slab"), **given)


def test_refused_by_other_functions(monkeypatch):
    monkeypatch.setattr(pm, "sample", forbid)
    with pytest.raises(ValueError, match=r"^keep must be left out, got 'summary': idata decides"):
        blr.sample_more(fits("spike-slab")[0], model_of("spike-slab"), keep="summary")
    X, y = small_data(n=20, p=4)
    with pytest.raises(ValueError, match=r"^keep must be 'draws', got 'summary'.* Scores"):
        blr.cross_validate(blr.spike_slab, pd.DataFrame(X), y, keep="summary")
