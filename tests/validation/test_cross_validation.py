"""Cross-validation: the same folds for all models, honest scores, nothing lost."""

import functools
import warnings

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo import progress
from blrzoo.prediction import log_score, predict, score
from blrzoo.validation import cross_validate, crossing
from blrzoo.validation.columns import check_unchanged
from blrzoo.validation.data import Data
from blrzoo.validation.folds import read_folds

SHORT = {"draws": 100, "tune": 50, "chains": 2, "cores": 1, "random_seed": 1, "quiet": True}


@pytest.fixture(scope="module")
def data():
    """Two strong effects of four, a covariate, labelled rows; two responses are missing."""
    rng = np.random.default_rng(2)
    names = [f"i{i}" for i in range(43)]
    X = pd.DataFrame(rng.normal(size=(43, 4)), names, list("abcd"))
    W = pd.DataFrame({"age": rng.normal(50, 5, size=43)}, names)
    y = 2 * X["a"] - 1.5 * X["b"] + 0.1 * W["age"] + 0.5 * rng.normal(size=43)
    y.iloc[[3, 20]] = np.nan
    return X, y, W


@pytest.fixture
def instant(monkeypatch):
    """Replace the sampler: draws of mu and beta around least squares, without compiling.

    What the models are made of is recorded, fit by fit.
    """
    made = []

    def factory(X, y, noise=0.1, **more):
        model = pm.Model()
        made.append({"X": X, "y": y, **more})
        model.recipe = (X, y, noise)
        return model

    def sample(model, draws=1000, chains=4, random_seed=None, **kwargs):
        X, y, noise = model.recipe
        rng = np.random.default_rng(random_seed)
        Y = y.to_numpy().reshape(len(y), -1)
        center = X.mean().to_numpy()
        shape = (chains, draws)
        beta, mu = [], []
        for column in Y.T:
            known = ~np.isnan(column)
            Z = np.column_stack([np.ones(known.sum()), X.to_numpy()[known] - center])
            fit = np.linalg.lstsq(Z, column[known])[0]
            mu.append(fit[0] + noise * rng.normal(size=shape))
            beta.append(fit[1:] + noise * rng.normal(size=(*shape, X.shape[1])))
        t, dims = y.ndim > 1, ["trait"] * (y.ndim - 1)
        variance = np.full(shape, 0.25)
        posterior = {
            "mu": (("chain", "draw", *dims), np.stack(mu, -1) if t else mu[0]),
            "beta": (
                ("chain", "draw", "feature", *dims),
                np.stack(beta, -1) if t else beta[0],
            ),
            "sigma2": (
                ("chain", "draw", *dims),
                np.stack([variance] * Y.shape[1], -1) if t else variance,
            ),
        }
        coords = {"chain": range(chains), "draw": range(draws), "feature": X.columns}
        if t:
            coords["trait"] = y.columns
        constant = xr.Dataset({"X_center": ("feature", center)}, {"feature": X.columns})
        return xr.DataTree.from_dict(
            {"posterior": xr.Dataset(posterior, coords), "constant_data": constant}
        )

    monkeypatch.setattr(crossing, "sample", sample)
    factory.made = made
    return factory


# ---- with the sampler ----


@pytest.fixture(scope="module")
def result(data):
    X, y, W = data
    models = {
        "selection": blr.spike_slab,
        "flat": functools.partial(blr.single_component, tau2=1e-12),
    }
    return cross_validate(models, X, y, covariates=W, folds=2, keep_draws=True, **SHORT)


@pytest.mark.slow
def test_the_better_model_wins_on_the_same_folds(result):
    overall = result["overall"].to_dataset()
    assert list(overall["model"].values) == ["selection", "flat"]
    assert overall["r2"].sel(model="selection") > 0.8
    assert overall["r2"].sel(model="flat") < 0.2
    better = result["difference"].to_dataset().sel(model="flat")
    for name, sign in {"crps": 1, "rmse": 1, "log_score": -1, "r2": -1}.items():
        assert sign * float(better[name]) > 0, name
    assert result.attrs["fits"] == result.attrs["fits_planned"] == 4


def test_rows_without_a_response_are_left_out(result, data):
    _, y, _ = data
    predictions = result["predictions"].to_dataset()
    assert list(predictions["obs"].values) == list(y.index[y.notna()])
    np.testing.assert_array_equal(predictions["y"], y.dropna())
    assert predictions.drop_vars("fold").notnull().all().to_array().all()
    np.testing.assert_array_equal(result["scores"]["n"].sum("fold"), [41, 41])
    assert set(np.unique(predictions["fold"], return_counts=True)[1]) == {20, 21}


def test_predictions_are_of_models_that_have_not_seen_the_rows(result, data):
    """The fold fitted and predicted by hand, from the seeds of the function."""
    X, y, W = data
    rng = np.random.default_rng(SHORT["random_seed"])
    plan = read_folds(2, X.index, y.notna().to_numpy(), rng)
    seeds = rng.integers(2**31, size=(2, 2))
    train, test = X.index[plan[1].train], X.index[plan[1].test]
    model = blr.spike_slab(X.loc[train], y[train], covariates=W.loc[train])
    idata = blr.sample(model, **SHORT | {"random_seed": int(seeds[1, 0])})
    draws = predict(
        idata, X.loc[test], covariates=W.loc[test], summary=False, random_seed=int(seeds[1, 1])
    )
    got = result["draws"]["y"].sel(model="selection", obs=test)
    np.testing.assert_allclose(got, draws, rtol=1e-10)
    expected = score(y[test], draws)
    scores = result["scores"].to_dataset().sel(model="selection", fold=1)
    for name in expected.data_vars:
        np.testing.assert_allclose(scores[name], expected[name], rtol=1e-10, err_msg=name)
    lpd = log_score(idata, X.loc[test], y[test], covariates=W.loc[test])
    np.testing.assert_allclose(scores["log_score"], lpd.mean(), rtol=1e-10)
    assert set(train) | set(test) == set(y.index[y.notna()])
    assert not set(train) & set(test)


def test_the_result_survives_a_file(result, tmp_path):
    result.to_netcdf(tmp_path / "cv.nc")
    with az.from_netcdf(tmp_path / "cv.nc") as loaded:
        xr.testing.assert_equal(loaded.load(), result)


def test_an_interrupt_keeps_the_fits_before_it(data):
    """Ctrl-C within pm.sample, which returns what it has: that fit is not taken for a whole one."""
    X, y, _ = data
    calls = []

    def stop(trace, draw):
        calls.append(draw.draw_idx)
        if len(calls) == 300 + 250:  # the second fit, in its second chain
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="Interrupted after 1 of 3 fits"):
        part = cross_validate(blr.single_component, X, y, folds=3, callback=stop, **SHORT)
    scores = part["scores"].to_dataset()
    np.testing.assert_array_equal(scores["rmse"].isnull(), [[False, True, True]])
    np.testing.assert_array_equal(scores["n"], [[scores["n"][0, 0], 0, 0]])
    assert part["overall"]["n"][0] == scores["n"][0, 0]
    assert part.attrs["fits"] == 1


# ---- without it ----


def test_pooled_scores_standard_errors_and_paired_differences(instant, data):
    X, y, _ = data
    models = {
        name: functools.partial(instant, noise=noise)
        for name, noise in {"good": 0.1, "bad": 2.0}.items()
    }
    result = cross_validate(models, X, y, folds=4, keep_draws=True, **SHORT)
    scores, overall = result["scores"].to_dataset(), result["overall"].to_dataset()
    for model in models:
        of_model = result["draws"]["y"].sel(model=model)
        expected = score(y.dropna(), of_model)
        for name in expected.data_vars:
            np.testing.assert_allclose(overall[name].sel(model=model), expected[name], rtol=1e-10)
    for name in ("rmse", "crps", "log_score", "coverage"):
        folds = scores[name].values
        np.testing.assert_allclose(overall[f"{name}_se"], folds.std(1, ddof=1) / 2)
        less = folds[1] - folds[0]
        np.testing.assert_allclose(result["difference"][name], [less.mean()])
        np.testing.assert_allclose(result["difference"][f"{name}_se"], [less.std(ddof=1) / 2])
    assert result["difference"].attrs["first_model"] == "good"
    assert "n_se" not in overall


def test_all_models_get_the_same_folds_and_seeds(instant, data):
    X, y, _ = data
    models = {"one": instant, "two": instant}
    both = cross_validate(models, X, y, folds=3, keep_draws=5, **SHORT)
    xs = [tuple(made["X"].index) for made in instant.made]
    assert xs[0::2] == xs[1::2]
    assert len(set(xs)) == 3
    draws = both["draws"]["y"]
    assert dict(draws.sizes) == {"model": 2, "chain": 2, "draw": 5, "obs": 41}
    assert list(draws["draw"].values) == [0, 25, 50, 74, 99]
    np.testing.assert_array_equal(draws[0], draws[1])
    alone = cross_validate(instant, X, y, folds=3, keep_draws=5, **SHORT)
    np.testing.assert_array_equal(alone["draws"]["y"][0], draws[0])
    assert "difference" not in alone.children
    assert list(alone["scores"]["model"].values) == ["factory"]


def test_the_seed_decides(instant, data):
    X, y, _ = data
    first, again, other = (
        cross_validate(instant, X, y, folds=3, **SHORT | {"random_seed": seed})
        for seed in (1, np.random.default_rng(1), 2)
    )
    xr.testing.assert_identical(first, again)
    assert not first["predictions"]["fold"].equals(other["predictions"]["fold"])


def test_folds_by_label_and_by_pairs(instant, data):
    X, y, _ = data
    labels = pd.Series(np.where(np.arange(43) % 3 == 0, "family 1", "family 2"), X.index)
    by_label = cross_validate(instant, X, y, folds=labels.sample(frac=1, random_state=1), **SHORT)
    assert list(by_label["scores"]["fold"].values) == ["family 1", "family 2"]
    np.testing.assert_array_equal(by_label["predictions"]["fold"], labels[y.notna()])
    trained = [set(labels[made["X"].index]) for made in instant.made]
    assert trained == [{"family 2"}, {"family 1"}]
    first = np.flatnonzero(labels == "family 1")
    rest = np.flatnonzero(labels != "family 1")
    pairs = iter([(rest, first), (first, rest)])
    by_pair = cross_validate(instant, X, y, folds=pairs, **SHORT)
    np.testing.assert_array_equal(by_pair["scores"]["rmse"], by_label["scores"]["rmse"])
    some = cross_validate(instant, X, y, folds=[(rest, first[:5]), (rest, first[5:9])], **SHORT)
    assert list(some["predictions"]["obs"].values) == [
        name for name in X.index[first[:9]] if not np.isnan(y[name])
    ]
    array = xr.DataArray(labels[::-1].to_numpy(), {"obs": X.index[::-1]}, "obs")
    by_array = cross_validate(instant, X, y, folds=array, **SHORT)
    xr.testing.assert_identical(by_array["predictions"]["fold"], by_label["predictions"]["fold"])


def test_covariates_and_weights_reach_the_models_row_by_row(instant, data, monkeypatch):
    X, y, W = data
    weights = pd.Series(np.arange(1.0, 44.0), X.index)
    seen = []
    real = crossing.predict

    def spy(idata, X_new, *, covariates, weights, **kwargs):
        seen.append((covariates, weights))
        return real(idata, X_new, weights=weights, **kwargs)

    monkeypatch.setattr(crossing, "predict", spy)
    monkeypatch.setattr(
        crossing, "log_score", lambda i, X, y, covariates, weights: log_score(i, X, y)
    )
    mixed = weights.sample(frac=1, random_state=1)
    cross_validate(instant, X, y, covariates=W, weights=mixed, folds=2, **SHORT)
    for made, (tested, weight) in zip(instant.made, seen, strict=True):
        pd.testing.assert_frame_equal(made["covariates"], W.loc[made["X"].index])
        np.testing.assert_array_equal(made["weights"], weights[made["X"].index])
        assert not set(tested.index) & set(made["X"].index)
        np.testing.assert_array_equal(weight, weights[tested.index])


def test_several_traits(instant, data):
    """Holes of single traits are passed on and not scored; rows without any are left out."""
    X, y, _ = data
    Y = pd.DataFrame({"u": y, "v": -2 * y + 1.0})
    Y.loc["i5", "v"] = np.nan
    result = cross_validate(instant, X, Y, folds=3, **SHORT)
    assert result["scores"]["rmse"].dims == ("model", "fold", "trait")
    np.testing.assert_array_equal(result["overall"]["n"], [[41, 40]])
    np.testing.assert_array_equal(result["predictions"]["y"], Y.loc[y.notna()])
    np.testing.assert_allclose(result["predictions"]["mean"].sel(obs="i5").notnull(), 1)
    one = cross_validate(instant, X, y, folds=3, **SHORT)
    np.testing.assert_array_equal(one["predictions"]["fold"], result["predictions"]["fold"])
    kept = [made["y"].isna().to_numpy().sum() for made in instant.made[:3]]
    assert sorted(kept) == [0, 1, 1]


@pytest.mark.parametrize("container", ["numpy", "xarray"])
def test_containers(instant, data, container):
    X, y, _ = data
    expected = cross_validate(instant, X, y, folds=3, **SHORT)
    if container == "numpy":
        given = X.to_numpy(), y.to_numpy()
    else:
        given = xr.DataArray(X, dims=("obs", "feature")), xr.DataArray(y, dims="obs")
    got = cross_validate(instant, *given, folds=3, **SHORT)
    np.testing.assert_allclose(got["scores"]["crps"], expected["scores"]["crps"], rtol=1e-12)


def test_an_error_of_a_fit_carries_the_fits_before_it(instant, data):
    X, y, _ = data

    def fails(X, y):
        if len(instant.made) == 5:
            raise FloatingPointError("no luck")
        return instant(X, y)

    with pytest.raises(FloatingPointError, match="no luck") as caught:
        cross_validate({"one": instant, "two": fails}, X, y, folds=4, keep_draws=True, **SHORT)
    partial = caught.value.partial
    assert "attribute 'partial'" in caught.value.__notes__[0]
    missing = partial["scores"]["rmse"].isnull()
    np.testing.assert_array_equal(
        missing, [[False, False, False, True], [False, False, True, True]]
    )
    assert partial["overall"].attrs["folds"] == 2
    assert dict(partial["draws"].sizes)["obs"] == 41
    rows = partial["predictions"]["mean"].notnull().sum("obs")
    np.testing.assert_array_equal(rows, partial["scores"]["n"].sum("fold"))


def test_an_error_of_the_second_model_leaves_the_first(instant, data):
    """No fold is finished by all models: no comparison, but the scores are there."""
    X, y, _ = data
    with pytest.raises(TypeError, match=r"must be functions that return a pm.Model.*str") as caught:
        cross_validate({"one": instant, "two": lambda X, y: "model"}, X, y, folds=3, **SHORT)
    partial = caught.value.partial
    assert int(partial["scores"]["rmse"].notnull().sum()) == 1
    assert partial["overall"].attrs["folds"] == 0
    assert partial["overall"]["rmse"].isnull().all()
    assert partial["difference"]["rmse"].isnull().all()


def test_an_error_of_the_first_fit_is_itself(data):
    X, y, _ = data
    with pytest.raises(ValueError, match="h2 must be") as caught:
        cross_validate(functools.partial(blr.spike_slab, h2=2.0), X, y, **SHORT)
    assert not hasattr(caught.value, "partial")


def test_an_interrupt_of_the_first_fit_is_itself(data):
    def stop(X, y):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cross_validate(stop, *data[:2], **SHORT)


def test_progress_and_convergence_are_told(instant, data, capsys, caplog, monkeypatch):
    shown = []
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    monkeypatch.setattr(progress, "_start_bar", lambda total, name: shown.append((total, name)))
    monkeypatch.setattr(crossing, "convergence_messages", lambda idata: ["R-hat is 9"])
    X, y, _ = data
    cross_validate(instant, X, y, folds=3, **SHORT)
    assert capsys.readouterr().out == ""
    assert not caplog.text
    assert not shown
    cross_validate(instant, X, y, folds=3, **SHORT | {"quiet": False})
    assert shown == [(3, "factory, fold 0")]
    assert "factory, fold 2: R-hat is 9" in caplog.text


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"folds": 1},
            ValueError,
            r"folds must be an int from 2 to 41, got 1 of type int\. There are 41 rows",
        ),
        ({"folds": 42}, ValueError, "got 42"),
        ({"folds": "5"}, TypeError, "folds must be a number, labels .*got str"),
        ({"folds": True}, TypeError, "got bool"),
        ({"folds": [1, 2]}, ValueError, r"each of the 43 rows of X, got shape \(2,\)"),
        ({"folds": np.array(0.5)}, TypeError, "folds must be a number, labels .*got ndarray"),
        ({"folds": (4, np.ones(2))}, ValueError, "got parts of different lengths"),
        ({"folds": np.zeros(43)}, ValueError, "folds must be at least 2, got 1"),
        ({"folds": [None] + [1] * 42}, ValueError, "label for each row; got 1 missing"),
        ({"folds": pd.Series([1, 2], ["i0", "i1"])}, ValueError, r"missing \['i2', "),
        ({"folds": [([0, 1, 2], [2])] * 2}, ValueError, r"train on; got \[2\] in both"),
        ({"folds": [([0, 1], [2])] * 2}, ValueError, r"test a row once; got the rows \[2\]"),
        ({"folds": [([0, 1], [99])] * 2}, ValueError, "positions 0 to 42, got 99"),
        ({"folds": [([0, 1], [0.5])] * 2}, TypeError, "vectors of integers; got dtype float"),
        ({"folds": [([0, 1], [3]), ([0, 1], [4])]}, ValueError, "got 0 and 2 in fold 0"),
        ({"models": {}}, ValueError, "models must be at least one"),
        ({"models": {"a": pm.Model()}}, TypeError, "got Model. Pass blr.spike_slab, not"),
        ({"models": {1: blr.spike_slab}}, TypeError, r"got names \[1\]"),
        (
            {"keep_draws": 0},
            ValueError,
            "keep_draws must be True or False or an int from 1 .*got 0 of",
        ),
        ({"keep_draws": "all"}, TypeError, "keep_draws must be .*got 'all' of type str"),
        ({"ci_prob": 1.0}, ValueError, "ci_prob must be a number above 0 and below 1, got 1.0"),
        ({"weights": np.ones(3)}, ValueError, "weights must have one row per observation"),
    ],
)
def test_what_is_refused(instant, data, change, error, message):
    arguments = {"models": instant, "X": data[0], "y": data[1]} | change
    with pytest.raises(error, match=message):
        cross_validate(**arguments, **SHORT)
    assert not instant.made


# ---- functions that choose or change the data ----


@pytest.fixture
def kept(monkeypatch):
    """Replace the sampler: exact least squares of the data that a model holds, in every draw."""
    models = []

    def sample(model, draws=1000, chains=4, **kwargs):
        models.append(model)
        X, y = model["X"].data, model.rvs_to_values[model["y"]].data
        center = X.mean(axis=0)
        parts = {"mu": np.ones((len(X), 1)), "beta": X - center}
        if "W" in model.named_vars:
            W = model["W"].get_value()
            parts["gamma"] = W - W.mean(axis=0)
        effects = np.linalg.lstsq(np.hstack(list(parts.values())), y)[0]
        ends = np.cumsum([part.shape[1] for part in parts.values()])[:-1]
        found = dict(zip(parts, np.split(effects, ends), strict=True)) | {"sigma2": np.ones(1)}
        coords = {"feature": list(model.coords["feature"])}
        constant = {"X_center": ("feature", center)}
        dims = {"mu": [], "beta": ["feature"], "gamma": ["covariate"], "sigma2": []}
        if "W" in model.named_vars:
            coords["covariate"] = list(model.coords["covariate"])
            constant["W_center"] = ("covariate", W.mean(axis=0))
        drawn = {
            name: (
                ["chain", "draw", *dims[name]],
                np.broadcast_to(
                    value if dims[name] else value[0],
                    (chains, draws, *value.shape) if dims[name] else (chains, draws),
                ),
            )
            for name, value in found.items()
        }
        return xr.DataTree.from_dict(
            {
                "posterior": xr.Dataset(drawn, coords),
                "constant_data": xr.Dataset(constant, coords),
            }
        )

    monkeypatch.setattr(crossing, "sample", sample)
    return models


def best_two(X, y, **more):
    """The two columns that correlate most with y, in an order of their own."""
    order = abs(X.corrwith(y)).sort_values(ascending=False).index
    return blr.single_component(X[order[:2]], y, **more)


@pytest.mark.parametrize("labels", ["names", "numbers"])
def test_chosen_columns_are_those_of_the_held_out_rows(kept, data, labels):
    X, y, W = data
    if labels == "numbers":  # as of an array
        X = X.set_axis(range(4), axis=1)
    X = X.iloc[:, ::-1]
    result = cross_validate(best_two, X, y, covariates=W, folds=3, **SHORT)
    for k, model in enumerate(kept):
        chosen = list(model.coords["feature"])
        assert set(chosen) == ({"a", "b"} if labels == "names" else {0, 1})
        of_fold = result["predictions"].to_dataset()
        of_fold = of_fold.isel(model=0, obs=of_fold["fold"].values == k)
        train = y.index[y.notna() & ~y.index.isin(of_fold["obs"].values)]
        Z = np.column_stack([np.ones(len(X)), X[chosen], W])
        fit = np.linalg.lstsq(Z[X.index.isin(train)], y[train])[0]
        expected = pd.Series(Z @ fit, X.index)[of_fold["obs"].values]
        sd = 1 / np.sqrt(SHORT["draws"] * SHORT["chains"])  # of a mean of residuals of SD 1
        assert abs(of_fold["mean"] - expected.to_numpy()).max() < 5 * sd


def test_chosen_covariates_and_rows_are_those_of_the_model(kept, data):
    X, y, W = data
    W = W.assign(sex=np.arange(43) % 2.0)

    def some(X, y, covariates):
        rows = X.index[::-1][3:]  # in another order, some dropped
        return blr.single_component(X.loc[rows], y[rows], covariates=covariates.loc[rows, ["sex"]])

    result = cross_validate(some, X, y, covariates=W, folds=3, **SHORT)
    assert result["overall"]["n"].item() == 41
    assert [list(model.coords["covariate"]) for model in kept] == [["sex"]] * 3


def scaled(table):
    return (table - table.mean()) / table.std()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (
            lambda X, y, **more: blr.single_component(scaled(X), y, **more),
            r"keep X as given; got 4 changed column\(s\), \['a', 'b', 'c', 'd'\], from 'model'.*"
            "standardize=True",
        ),
        (
            lambda X, y, **more: blr.single_component(X.assign(c=X["c"] ** 2), y, **more),
            r"keep X as given; got 1 changed column\(s\), \['c'\]",
        ),
        (
            lambda X, y, **more: blr.single_component(scaled(X).to_numpy(), y.to_numpy()),
            r"keep the names of the columns of X; got new ones, \[0, 1, 2, 3\]",
        ),
        (
            lambda X, y, **more: blr.single_component(X[["a"]].rename(columns=str.upper), y),
            r"keep the names of the columns of X; got new ones, \['A'\], .* Choose columns by name",
        ),
        (
            lambda X, y, **more: blr.single_component(X.set_axis(list("bacd"), axis=1), y),
            r"keep X as given; got 2 changed column\(s\), \['b', 'a'\]",
        ),
        (
            lambda X, y, covariates: blr.single_component(X, y, covariates=scaled(covariates)),
            r"keep covariates as given; got 1 changed column\(s\), \['age'\]",
        ),
        (
            lambda X, y, **more: blr.single_component(X, scaled(y), **more),
            r"keep y as given; .* scored in the units of y",
        ),
        (
            lambda X, y, **more: blr.single_component(
                X.iloc[3:].reset_index(drop=True), y.iloc[3:].to_numpy()
            ),
            r"keep the labels of the rows of X where they drop some; got 24 rows",
        ),
    ],
)
def test_what_changes_the_data_is_refused_before_it_is_sampled(kept, data, factory, message):
    X, y, W = data
    with pytest.raises(ValueError, match=f"^models must {message}"):
        cross_validate(factory, X, y, covariates=W, folds=3, **SHORT)
    assert not kept


def test_traits_as_given_pass_and_changed_ones_do_not(instant, data):
    X, y, _ = data
    Y = pd.DataFrame({"u": y, "v": -2 * y + np.random.default_rng(3).normal(size=43)})
    Y.loc["i5", "v"] = np.nan
    train = Data.read(X, Y, None, None).rows(np.flatnonzero(y.notna()))
    check_unchanged(blr.multivariate(train.X, train.y), train, "'it'")
    with pytest.raises(ValueError, match=r"keep y as given; got 1 changed column\(s\), \['v'\]"):
        check_unchanged(blr.multivariate(train.X, train.y * [1, 2]), train, "'it'")


@pytest.mark.parametrize("quiet", [True, False])
def test_copies_are_told_unless_quiet(kept, data, quiet):
    X, y, _ = data
    X = X.assign(e=X["a"])
    settings = SHORT | {"quiet": quiet, "folds": 3, "compute_convergence_checks": False}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cross_validate(blr.single_component, X, y, **settings)
    assert sum("copies" in str(one.message) for one in caught) == (0 if quiet else 3)
