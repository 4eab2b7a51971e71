"""blr.sample refuses before the first draw, loses nothing after the last; sample_more goes on."""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.sampling import draw as drawing
from blrzoo.sampling.starts import dispersed

pytestmark = pytest.mark.engine

SHORT = {"draws": 20, "tune": 5, "chains": 2, "cores": 1, "random_seed": 1, "quiet": True}
NEXT = {"cores": 1, "random_seed": 1, "quiet": True}


def make_data(seed=4):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(40, 5)), columns=list("abcde"))
    return X, X["a"] + rng.normal(size=40)


@pytest.fixture(scope="module")
def model():
    return blr.spike_slab(*make_data())


@pytest.fixture(scope="module")
def idata(model):
    return blr.sample(model, **SHORT)


def forbid(*args, **kwargs):
    raise AssertionError("sampling began")


SEED = r"^random_seed must be None, an int of at least 0, a list .* got "
NAMES = r"^var_names must be a list of one or more variables of the model, each once, got "
BAD = [
    (
        {"draws": 0},
        ValueError,
        r"^draws must be an int from 1 .*, got 0 of type int\. Leave it out for 1000",
    ),
    ({"draws": 10.0}, TypeError, r"^draws must be an int .*, got 10\.0 of type float"),
    ({"tune": -1}, ValueError, r"^tune must be None or an int from 0 .*, got -1"),
    ({"random_seed": "a"}, TypeError, SEED + "'a' of type str"),
    ({"random_seed": -1}, ValueError, SEED + "-1"),
    ({"random_seed": np.random.RandomState(1)}, TypeError, SEED + "RandomState"),
    ({"var_names": []}, ValueError, NAMES + r"\[\]\. Choose from \['mu', "),
    ({"var_names": [[1]]}, ValueError, NAMES + r"\[\[1\]\]"),
    ({"var_names": ["mu", "mu"]}, ValueError, NAMES + r"\['mu', 'mu'\]"),
    ({"return_inferencedata": False}, ValueError, "^return_inferencedata must be True, got False"),
    ({"idata_kwargs": {"coords": {}}}, ValueError, r"^idata_kwargs must be .* got \{'coords'"),
    (
        {"idata_kwargs": {"log_likelihood": True}, "var_names": ["beta"]},
        ValueError,
        r"^var_names must have all free .* got none of \['mu', .*'delta'\]\. Leave",
    ),
    ({"initvals": {"nu": 1}}, ValueError, r"^initvals must be of free variables .* got 'nu'\."),
    (
        {"initvals": {"beta": [1.0] * 5, "delta": [0] * 5}},
        ValueError,
        r"beta .* got 1\. .*an excluded effect is 0\.",
    ),
    ({"initvals": {"delta": [1] * 4}}, ValueError, r"delta must have shape \(5,\), got \(4,\)"),
    ({"initvals": {"beta": 0.0}}, ValueError, r"beta must have shape \(5,\), got \(\)"),
    ({"initvals": {"delta": [0, 1, 2, 0, 0]}}, ValueError, r"delta .* that it can have, got 2\."),
    ({"initvals": {"delta": [0.5] * 5}}, ValueError, r"delta .* that it can have, got 0\.5\."),
    ({"initvals": {"sigma2": -1.0}}, ValueError, r"sigma2 .* that it can have, got -1\."),
    ({"initvals": {"sigma2_log__": np.nan}}, ValueError, "sigma2_log__ must be finite .* got nan"),
    ({"initvals": {"mu": "middle"}}, TypeError, "mu must be numbers, got 'middle'"),
    ({"initvals": 3}, TypeError, "^initvals must be a dict .* got 3"),
    ({"initvals": [{}]}, ValueError, "^initvals must have one dict for each of 4 chains, got 1"),
]


@pytest.mark.parametrize(("given", "error", "pattern"), BAD, ids=[str(row[0])[:40] for row in BAD])
def test_refused_before_the_first_draw(model, monkeypatch, given, error, pattern):
    monkeypatch.setattr(pm, "sample", forbid)
    with pytest.raises(error, match=pattern):
        blr.sample(model, **given)


def test_data_in_the_place_of_a_model(model):
    X, y = make_data()
    for given in ((X, y), (X.to_numpy(), y), (X,), (y.to_list(),)):
        with pytest.raises(
            TypeError, match=r"Build a model first: model = blr\.spike_slab\(X, y\)"
        ):
            blr.sample(*given)
    with pytest.raises(TypeError, match=r"got 100 after it\. Other arguments go by name"):
        blr.sample(model, 100)


def test_frozen_models_are_refused_by_sample(model):
    with pytest.raises(ValueError, match=r"marks were lost \(freeze_dims_and_data\)"):
        blr.sample(pm.model.transform.optimization.freeze_dims_and_data(model), **SHORT)


def test_good_initvals_are_taken(model):
    given = {"sigma2_log__": 0.5, "delta": [1] * 5, model["mu"]: 1.0, "tau2": "prior"}
    given["beta"] = [0.5] * 5
    for initvals in (given, [given, None]):
        blr.sample(model, initvals=initvals, **SHORT)


def test_log_likelihood_as_asked_for(model, idata):
    asked = blr.sample(model, idata_kwargs={"log_likelihood": True}, **SHORT)
    expected = idata.copy()
    same_mode = {"mode": "FAST_COMPILE"}  # another one has another order of sums
    pm.compute_log_likelihood(expected, model=model, progressbar=False, compile_kwargs=same_mode)
    xr.testing.assert_equal(asked.log_likelihood.dataset, expected.log_likelihood.dataset)
    np.testing.assert_array_equal(asked.posterior["beta"], idata.posterior["beta"])


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("name_traits", "the name of the dim trait"),
        ("convergence_messages", "the check of convergence"),
        ("_add_log_likelihood", "the log likelihood"),
    ],
)
@pytest.mark.parametrize("error", [RuntimeError("boom"), KeyboardInterrupt()], ids=repr)
def test_a_late_error_loses_no_draw(model, idata, monkeypatch, caplog, name, what, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(drawing, name, fail)
    monkeypatch.setattr(pm, "sample", lambda **kwargs: idata.copy())
    found = blr.sample(model, idata_kwargs={"log_likelihood": name == "_add_log_likelihood"})
    xr.testing.assert_equal(found.posterior["beta"], idata.posterior["beta"])
    assert f"After sampling, {what} failed ({type(error).__name__}: {error})" in caplog.text


def test_alpha_of_others_is_left_alone():
    """Only blrzoo's alpha, of several traits, is beta."""
    X, y = make_data()
    with blr.single_component(X, y) as model:
        pm.Normal("alpha", 5.0, 0.1)
    posterior = blr.sample(model, **SHORT).posterior
    assert float(posterior["alpha"].mean()) > 4.0


def test_alpha_of_several_traits_is_beta_without_a_copy(monkeypatch, caplog):
    X, y = make_data()
    model = blr.multivariate_spike_slab(X, np.column_stack([y, y[::-1]]))
    posterior = blr.sample(model, **SHORT).posterior
    assert np.shares_memory(posterior["alpha"].values, posterior["beta"].values)
    monkeypatch.setattr(drawing, "add_alias", forbid)
    assert "alpha" not in blr.sample(model, **SHORT).posterior
    assert "After sampling, the alias alpha failed" in caplog.text


def starts_of(monkeypatch, call):
    """Arguments that pm.sample gets."""
    got = {}

    def capture(**kwargs):
        got.update(kwargs)
        raise StopIteration

    monkeypatch.setattr(pm, "sample", capture)
    with pytest.raises(StopIteration):
        call()
    return got


def test_extend_starts_at_the_last_draws(model, idata, monkeypatch):
    reversed_ = idata.copy()
    reversed_["posterior"] = xr.DataTree(
        idata.posterior.to_dataset().isel(feature=slice(None, None, -1))
    )
    for given in (idata, reversed_):
        got = starts_of(monkeypatch, lambda given=given: blr.sample_more(given, model, **NEXT))
        assert (got["chains"], got["tune"], got["draws"]) == (2, 0, 1000)
        for k, start in enumerate(got["initvals"]):
            assert set(start) == {rv.name for rv in model.free_RVs}
            for name, value in start.items():
                expected = idata.posterior[name].isel(chain=k, draw=-1)
                np.testing.assert_array_equal(value, expected, err_msg=name)


def test_extend_appends(model, idata):
    given = idata.copy()
    given["prior"] = xr.DataTree(xr.Dataset({"mu": (("chain", "draw"), np.zeros((1, 3)))}))
    given["log_likelihood"] = xr.DataTree(given.posterior.to_dataset()[["mu"]])
    before = given.copy(deep=True)
    longer = blr.sample_more(given, model, draws=7, **NEXT)
    longer = blr.sample_more(longer, model, draws=3, **NEXT)
    xr.testing.assert_identical(given, before)
    assert set(longer.children) == set(given.children) - {"log_likelihood"}
    for group in ("posterior", "sample_stats"):
        found, old = longer[group].to_dataset(), idata[group].to_dataset()
        assert list(found["draw"]) == list(range(30))
        assert set(found.data_vars) == set(old.data_vars)
        xr.testing.assert_equal(found.isel(draw=slice(20))[list(old.data_vars)], old)
    xr.testing.assert_identical(
        longer["constant_data"].to_dataset(), idata["constant_data"].to_dataset()
    )
    posterior = longer.posterior
    np.testing.assert_array_equal(posterior["delta"].sum("feature"), longer.sample_stats.model_size)


def test_extend_keeps_labels_of_chains_and_draws_that_repeat(model, idata):
    twice = {
        name: xr.concat([group.to_dataset()] * 2, "draw") if "draw" in group.dims else group
        for name, group in idata.children.items()
    }
    twice = xr.DataTree.from_dict(
        {
            name: data.assign_coords(chain=[7, 3]) if "draw" in data.dims else data.to_dataset()
            for name, data in twice.items()
        }
    )
    longer = blr.sample_more(twice, model, draws=2, **NEXT)
    assert list(longer.posterior["chain"]) == [7, 3]
    assert list(longer.posterior["draw"]) == [*range(20), *range(20), 20, 21]


def test_extend_with_the_same_seed_has_new_random_numbers():
    """Effects of a ridge with fixed variances are nearly independent draws: their noise shows."""
    X, y = make_data()
    model = blr.single_component(X, y, tau2=1.0, sigma2=1.0, update="joint")
    for seed in (1, np.random.default_rng(1)):
        settings = {"cores": 1, "quiet": True, "tune": 0, "draws": 400}
        first = blr.sample(model, chains=1, random_seed=seed, **settings)
        again = 1 if isinstance(seed, int) else np.random.default_rng(1)
        longer = blr.sample_more(first, model, random_seed=again, **settings)
        old, new = np.split(longer.posterior["beta"].values[0], 2)
        r = [np.corrcoef(old[:, j], new[:, j])[0, 1] for j in range(5)]
        assert np.abs(r).max() < 4.5 / np.sqrt(400)


def test_extend_with_nuts(tmp_path):
    """NUTS is tuned anew, and none of these draws is kept; from a file as well."""
    model = blr.single_component(*make_data(), tau2=pm.HalfNormal.dist(1.0))
    first = blr.sample(model, **{**SHORT, "tune": 100})
    first.to_netcdf(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as stored:
        longer = blr.sample_more(stored.load(), model, draws=10, tune=60, **NEXT)
    assert longer.posterior.sizes["draw"] == 30
    assert set(longer.sample_stats.data_vars) == set(first.sample_stats.data_vars)
    assert np.isfinite(longer.sample_stats["step_size"]).all()


def test_extend_several_traits():
    X, y = make_data()
    Y = pd.DataFrame({"u": y, "v": X["b"]})
    model = blr.multivariate(X, Y)
    first = blr.sample(model, **SHORT)
    shuffled = xr.DataTree.from_dict(
        {
            name: group.to_dataset().transpose(..., "chain")
            if "chain" in group.dims
            else group.to_dataset()
            for name, group in first.children.items()
        }
    )
    longer = blr.sample_more(shuffled, model, draws=4, **NEXT)
    assert longer.posterior.sizes["draw"] == 24
    assert set(longer.sample_stats["genetic_variance"].dims) == {"chain", "draw", "trait"}
    xr.testing.assert_equal(
        longer.posterior["beta"].isel(draw=slice(20)).transpose("chain", ...),
        first.posterior["beta"],
    )


def other(change):
    X, y = make_data()
    return blr.spike_slab(*change(X, y))


REFUSED = [
    (
        lambda i: blr.sample_more("fit", other(lambda X, y: (X, y))),
        TypeError,
        "^idata must be a DataTree",
    ),
    (lambda i: blr.sample_more(i, "m"), TypeError, r"^model must be a pm\.Model"),
    (
        lambda i: blr.sample_more(i, other(lambda X, y: (X.rename(columns={"a": "z"}), y))),
        ValueError,
        r"^idata must have the feature labels of the model.*: missing \['z'\], unknown \['a'\]",
    ),
    (
        lambda i: blr.sample_more(i, other(lambda X, y: (X, -y))),
        ValueError,
        "^idata must be a fit of the model, got other values of y in it",
    ),
    (
        lambda i: blr.sample_more(i, other(lambda X, y: (X.assign(c=X["c"] ** 2), y))),
        ValueError,
        "^idata must be a fit of the model, got other values of X",
    ),
    (
        lambda i: blr.sample_more(i, blr.single_component(*make_data())),
        ValueError,
        r"^idata must have draws of the model's variables only, got \['delta', 'pi'\]",
    ),
]


@pytest.mark.parametrize(("call", "error", "pattern"), REFUSED)
def test_extend_refuses_another_model(idata, monkeypatch, call, error, pattern):
    monkeypatch.setattr(pm, "sample", forbid)
    with pytest.raises(error, match=pattern):
        call(idata)


def test_extend_refuses_what_it_cannot_continue(model, idata, monkeypatch):
    monkeypatch.setattr(pm, "sample", forbid)
    some = idata.copy()
    some["posterior"] = xr.DataTree(idata.posterior.to_dataset().drop_vars("sigma2"))
    with pytest.raises(ValueError, match=re.escape("got none of ['sigma2'].")):
        blr.sample_more(some, model)
    with pytest.raises(ValueError, match=r"^idata must have draws .* 'draw': 0"):
        blr.sample_more(idata.isel(draw=slice(0)), model)
    with pytest.raises(ValueError, match=r"^chains must be left out, got 4: idata decides it"):
        blr.sample_more(idata, model, chains=4)
    with pytest.raises(ValueError, match=r"^draws must be an int from 1"):
        blr.sample_more(idata, model, 0)


def test_a_prior_with_very_heavy_tails_starts_where_pymc_does() -> None:
    X, y = np.random.default_rng(1).normal(size=(20, 5)), np.random.default_rng(2).normal(size=20)
    model = blr.regression(X, y, prior=blr.priors.BayesA(nu=0.001, S2=1.0))
    assert dispersed(model, 2, 1) == [{}, {}]
    drawn = blr.sample(model, draws=20, tune=0, chains=2, cores=1, random_seed=1, quiet=True)
    assert np.isfinite(drawn.posterior["beta"]).all()


def test_chains_start_at_places_of_their_own(model: pm.Model) -> None:
    starts = [start["beta"] for start in dispersed(model, 4, 1)]
    assert len({tuple(effects) for effects in starts}) == 4


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is compiled through the model, one entry for each time."""
    calls: list[str] = []
    original = pm.Model.compile_fn

    def spy(self: pm.Model, *args: object, **kwargs: object) -> object:
        calls.append("compile_fn")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(pm.Model, "compile_fn", spy)
    return calls


def test_more_chains_compile_no_more(model: pm.Model, compiled: list[str]) -> None:
    settings = {"draws": 5, "tune": 0, "cores": 1, "random_seed": 1, "quiet": True}
    blr.sample(model, chains=1, **settings)
    of_one = len(compiled)
    blr.sample(model, chains=4, **settings)
    assert len(compiled) == 2 * of_one


def test_each_chain_is_recorded_as_pymc_records_it(model: pm.Model) -> None:
    starts = dispersed(model, 3, 1)
    settings = {"draws": 5, "tune": 2, "chains": 3, "cores": 1, "random_seed": 1}
    ours = blr.sample(model, initvals=starts, quiet=True, **settings)
    with model:
        theirs = pm.sample(
            initvals=starts, quiet=True, compute_convergence_checks=False, **settings
        )
    for name, draws in theirs.posterior.data_vars.items():
        xr.testing.assert_identical(ours.posterior[name], draws)


def test_no_gradient_is_derived_where_gibbs_draws_all(
    model: pm.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymc.sampling.mcmc.tg.grad", None)
    blr.sample(model, draws=5, tune=0, chains=1, cores=1, random_seed=1, quiet=True)
