"""PIPs over traits, groups and windows, and what is decided from them, by hand and by NumPy."""

from pathlib import Path

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.posterior import reader
from blrzoo.summaries.group_inclusion import group_pip, window_pip
from blrzoo.summaries.inclusion import inclusion_table, pip, pip_interval
from blrzoo.summaries.selection import bayes_factor_inclusion, bayesian_fdr
from tests.builders import indicators, tree

DIMS = ("chain", "draw", "feature", "trait")


ALTERNATE = np.array([[[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]]])  # a or b, never both


# ---- PIPs over traits ----


def test_any_trait_is_a_joint_event():
    delta = np.zeros((2, 2, 2, 2), int)
    delta[:, 0, 0, 0] = 1  # the first feature: one trait or the other
    delta[:, 1, 0, 1] = 1
    delta[:, 0, 1, :] = 1  # the second: both or none
    result = pip(tree(delta=delta), any="trait")
    assert result.dims == ("feature",)
    np.testing.assert_array_equal(result, [1.0, 0.5])
    np.testing.assert_array_equal(pip(tree(delta=delta)), 0.5)
    np.testing.assert_array_equal(pip(tree(delta=delta), any=["trait"]), [1.0, 0.5])


def test_any_of_several_dims():
    array = indicators(1, 2, 30, 4, 2, 3)
    data = xr.DataArray(array, dims=("chain", "draw", "feature", "trait", "age"))
    idata = tree(delta=data)
    np.testing.assert_allclose(
        pip(idata, any="age"), array.any(axis=-1).mean(axis=(0, 1)), rtol=1e-12
    )
    both = pip(idata, any=("trait", "age"))
    np.testing.assert_allclose(both, array.any(axis=(-1, -2)).mean(axis=(0, 1)), rtol=1e-12)


@pytest.mark.parametrize("wrong", ["draw", "feature", "tissue", ["trait", "chain"]])
def test_any_names_dims_of_the_indicators(wrong):
    idata = tree(delta=indicators(2, 1, 4, 2, 2))
    for function in (pip, group_pip):
        arguments = [] if function is pip else [["x", "y"]]
        with pytest.raises(ValueError, match=r"any must name dims .*they have \['trait'\]"):
            function(idata, *arguments, any=wrong)
    with pytest.raises(ValueError, match=r"any must name .*no others.*of all traits"):
        pip(tree(label=indicators(2, 1, 4, 2)), any="trait")


def test_any_is_a_keyword():
    with pytest.raises(TypeError, match="positional"):
        pip(tree(delta=indicators(2, 1, 4, 2, 2)), "trait")


def test_the_interval_of_a_pip_holds_its_error_bound():
    idata = tree(delta=indicators(3, 2, 200, 5, probability=[0.0, 0.01, 0.5, 0.9, 1.0]))
    interval, table = pip_interval(idata), inclusion_table(idata)
    farther = np.maximum(interval["pip"] - interval["lower"], interval["upper"] - interval["pip"])
    np.testing.assert_allclose(farther, table["error_bound"], rtol=1e-12)
    assert interval["lower"][0] == 0
    assert interval["upper"][4] == 1


# ---- groups ----


def test_a_group_is_known_better_than_its_features():
    idata = tree(delta=ALTERNATE)
    table = group_pip(idata, {"gene1": ["a", "b"], "gene2": ["b", "c"], "gene3": ["c"]})
    np.testing.assert_array_equal(table["pip"], [1.0, 0.5, 0.25])
    np.testing.assert_array_equal(table["expected_size"], [1.0, 0.75, 0.25])
    np.testing.assert_array_equal(table["n_features"], [2, 2, 1])
    assert list(table["group"].values) == ["gene1", "gene2", "gene3"]


@pytest.mark.parametrize(
    "groups",
    [
        ["x", "y", "x", "z"],
        pd.Series({"c": "x", "b": "y", "a": "x", "d": "z", "other": "w"}),
        xr.DataArray(["z", "x", "y", "x"], dims="feature", coords={"feature": list("dcba")}),
        {"x": ["c", "a"], "y": ["b"], "z": ["d"]},
        pd.DataFrame({"x": [0, 1, 1, 0], "y": [1, 0, 0, 0], "z": [0, 0, 0, 1]}, list("bacd")),
        xr.DataArray(
            np.array([[1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], bool),
            dims=("group", "feature"),
            coords={"group": ["x", "y", "z"], "feature": list("abcd")},
        ),
        np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]),
    ],
    ids=["list", "series", "array", "dict", "frame", "matrix", "by position"],
)
def test_groups_of_every_kind_are_joined_by_label(groups):
    delta = indicators(4, 2, 50, 4)
    table = group_pip(tree(delta=delta), groups)
    expected = [delta[..., [0, 2]].any(axis=-1).mean(), delta[..., 1].mean(), delta[..., 3].mean()]
    np.testing.assert_allclose(table["pip"], expected, rtol=1e-12)
    np.testing.assert_array_equal(table["n_features"], [2, 1, 1])
    names = [0, 1, 2] if isinstance(groups, np.ndarray) else ["x", "y", "z"]
    assert list(table["group"].values) == names


def test_a_feature_without_a_label_is_in_no_group():
    delta = indicators(5, 1, 30, 3)
    for labels in (["x", None, "x"], pd.Series([7.0, np.nan, 7.0], list("abc"))):
        table = group_pip(tree(delta=delta), labels)
        np.testing.assert_allclose(table["pip"], [delta[..., [0, 2]].any(axis=-1).mean()])


def test_the_groups_of_the_model_are_the_default():
    delta = indicators(6, 1, 30, 3)
    idata = tree(data={"group_index": [1, 0, 1]}, delta=delta)
    idata["posterior"] = idata["posterior"].to_dataset().assign_coords(group=["coding", "other"])
    table = group_pip(idata).sel(group="other")
    assert table["pip"] == pytest.approx(delta[..., [0, 2]].any(axis=-1).mean())
    with pytest.raises(ValueError, match=r"groups must be given.*group_index"):
        group_pip(tree(delta=delta))


@pytest.mark.parametrize("one_trait", [None, "trait"])
def test_groups_of_several_traits_against_numpy(one_trait):
    delta = indicators(7, 2, 60, 6, 2)
    index = np.array([0, 1, 0, 2, 2, 1])
    table = group_pip(tree(delta=delta), index, any=one_trait)
    z = delta.any(axis=-1)[..., None] if one_trait else delta
    counts = np.stack([z[:, :, index == g].sum(axis=2) for g in range(3)], axis=2)
    expected = (counts > 0).mean(axis=(0, 1)), counts.mean(axis=(0, 1))
    for name, values in zip(("pip", "expected_size"), expected, strict=True):
        assert table[name].dims == (("group",) if one_trait else ("group", "trait"))
        np.testing.assert_allclose(table[name], values[:, 0] if one_trait else values, rtol=1e-12)
    sums = (
        pip(tree(delta=delta), any=one_trait)
        .groupby(xr.DataArray(index, dims="feature", name="g"))
        .sum()
    )
    np.testing.assert_allclose(table["expected_size"], sums.transpose("g", ...), rtol=1e-12)


def test_the_error_of_a_group_is_that_of_its_event():
    rng = np.random.default_rng(8)
    first = (np.cumsum(rng.random((2, 600)) < 0.1, axis=1) % 2).astype(int)  # long visits
    delta = np.stack([first, 1 - first, indicators(9, 2, 600)], axis=-1)
    idata = tree(delta=delta)
    table = group_pip(idata, {"both": ["a", "b"], "first": ["a"], "mixed": ["a", "c"]})
    event = (first + delta[..., 2]) > 0
    usual = np.sqrt(event.mean() * (1 - event.mean()) / az.ess(event.astype(float), method="mean"))
    assert float(table["mcse_pip"].sel(group="mixed")) == pytest.approx(usual)
    alone = inclusion_table(idata)["mcse_pip"][0]
    assert float(table["mcse_pip"].sel(group="first")) == pytest.approx(float(alone))
    assert table["pip"].sel(group="both") == 1
    assert table["mcse_pip"].sel(group="both") > 0  # never changed: not known exactly
    count = first + delta[..., 2]
    expected = count.std() / np.sqrt(az.ess(count.astype(float), method="mean"))
    assert float(table["mcse_expected_size"].sel(group="mixed")) == pytest.approx(expected)
    assert np.isnan(table["mcse_expected_size"].sel(group="both"))


def test_a_mixture_counts_what_is_not_null():
    label = np.array([[[0, 3], [2, 0], [0, 0], [1, 1]]])
    table = group_pip(tree(label=label), ["x", "x"])
    assert table["pip"].item() == 0.75
    assert table["expected_size"].item() == 1.0


@pytest.mark.parametrize("traits", [(), (2,)])
def test_blocks_change_nothing(monkeypatch, traits):
    idata = tree(delta=indicators(10, 2, 25, 9, *traits))
    sets = {"x": list("ihg"), "y": list("adgi"), "z": ["c"], "all": list("abcdefghi")}
    functions = [
        lambda: group_pip(idata, sets),
        lambda: group_pip(idata, np.arange(9) // 2),
        lambda: window_pip(idata, None, 4, step=1),
    ]
    whole = [function() for function in functions]
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 2 * 25 * 8 * 2)
    for function, expected in zip(functions, whole, strict=True):
        xr.testing.assert_allclose(function(), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("groups", "error", "message"),
    [
        (
            ["x", "y"],
            ValueError,
            r"groups must have one value .* 3 features of .*, got shape \(2,\)",
        ),
        ([None] * 3, ValueError, "groups must name a group for some feature"),
        (pd.Series({"a": 1, "b": 2}), ValueError, r"groups must have .*\['c'\]"),
        (pd.Series([1, 2, 3, 4], list("abca")), ValueError, r"groups must have .*\['a'\]"),
        ({}, ValueError, "groups must have at least one name"),
        ({"g": ["a", "q"]}, ValueError, r"got \['q'\] \(1 unknown\) in 'g'"),
        ({"g": []}, ValueError, "got none in 'g'"),
        ({"g": "a"}, TypeError, r"map each name to a list .*'a' \(str\) for 'g'"),
        ({"g": 1}, TypeError, "map each name to a list"),
        ([["a", "b"], ["c"]], TypeError, "got a list of lists"),
        (np.full((3, 2), 0.5), ValueError, "must hold True and False"),
        (np.array([[1, 0], [0, 0], [1, 0]]), ValueError, r"got none in \[1\]"),
        (pd.DataFrame({"g": ["x", "y", "z"]}, list("abc")), ValueError, "must hold True and False"),
        (xr.DataArray(np.ones((3, 1)), dims=("snp", "gene")), ValueError, r"dims \(feature, group"),
    ],
)
def test_groups_that_are_refused(groups, error, message):
    with pytest.raises(error, match=message):
        group_pip(tree(delta=ALTERNATE), groups)


def test_a_mapping_needs_unique_features():
    with pytest.raises(ValueError, match=r"not unique.*\['a'\]"):
        group_pip(tree(delta=ALTERNATE, coords={"feature": list("aab")}), {"g": ["a"]})
    assert (
        group_pip(tree(delta=ALTERNATE, coords={"feature": list("aab")}), ["g"] * 3)["pip"].item()
        == 1
    )


# ---- windows ----


def brute_force_windows(positions, width, step):
    """Members of the windows from the smallest position to the first that holds the largest."""
    start, found = min(positions), []
    while True:
        inside = [j for j, at in enumerate(positions) if start <= at < start + width]
        if inside:
            found.append((start, inside))
        if start + width > max(positions):
            return found
        start += step


@pytest.mark.parametrize(("width", "step"), [(10, None), (10, 5), (7, 3), (100, 100), (1, 1)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_windows_against_brute_force(width, step, seed):
    positions = np.random.default_rng(seed).integers(5, 60, size=12)
    delta = indicators(11, 1, 40, 12)
    table = window_pip(tree(delta=delta), positions, width, step=step)
    expected = brute_force_windows(positions, width, step or width)
    np.testing.assert_array_equal(table["start"], [start for start, _ in expected])
    np.testing.assert_array_equal(table["end"], [start + width for start, _ in expected])
    union = [delta[..., members].any(axis=-1).mean() for _, members in expected]
    np.testing.assert_allclose(table["pip"], union, rtol=1e-12)
    np.testing.assert_array_equal(table["n_features"], [len(members) for _, members in expected])


def test_windows_stay_on_their_chromosome():
    delta = indicators(12, 1, 40, 5)
    chromosome = pd.Series(["2", "1", "1", "2", "2"], list("abcde"))
    positions = pd.Series([30, 1, 5, 10, 12], list("abcde"))
    idata = tree(delta=delta)
    table = window_pip(idata, positions.sample(frac=1, random_state=1), 10, chromosome=chromosome)
    assert list(table["chromosome"].values) == ["2", "2", "1"]
    np.testing.assert_array_equal(table["start"], [10, 30, 1])
    members = [[3, 4], [0], [1, 2]]
    expected = [delta[..., some].any(axis=-1).mean() for some in members]
    np.testing.assert_allclose(table["pip"], expected)


def test_windows_of_a_number_of_features():
    delta = indicators(13, 1, 40, 7, 2)
    chromosome = [1, 1, 1, 1, 2, 2, 2]
    table = window_pip(tree(delta=delta), None, 2, chromosome=chromosome, any="trait")
    np.testing.assert_array_equal(table["n_features"], [2, 2, 2, 1])
    assert table["pip"].dims == ("window",)
    np.testing.assert_allclose(table["pip"][2], delta[..., [4, 5], :].any(axis=(-1, -2)).mean())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"width": 0}, ValueError, "width must be a finite number above 0, got 0"),
        ({"width": "1kb"}, TypeError, "width must be a finite number above 0, got '1kb'"),
        ({"width": 5, "step": 6}, ValueError, "step must be at most width"),
        ({"width": 5, "step": -1}, ValueError, "step must be a finite number above 0, got -1"),
        ({"width": 5, "step": 1e-9}, ValueError, "step must leave at most 1,000,000 windows"),
        ({"width": 5, "positions": [1.0, np.nan, 2.0]}, ValueError, "positions must be finite"),
        ({"width": 5, "positions": list("abc")}, TypeError, "positions must be numbers"),
        ({"width": 5, "positions": [1, 2]}, ValueError, "positions must have one value"),
        ({"width": 5, "chromosome": ["1", None, "2"]}, ValueError, "chromosome must have a label"),
    ],
)
def test_windows_that_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        window_pip(tree(delta=ALTERNATE), **({"positions": [1, 9, 30]} | arguments))


# ---- what all of them share ----


FUNCTIONS = [
    lambda idata: pip(idata, any="trait"),
    lambda idata: group_pip(idata, [1, 2, 1]),
    lambda idata: window_pip(idata, [1, 2, 9], 5),
    bayesian_fdr,
    lambda idata: bayes_factor_inclusion(idata, prior=0.2),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_files_single_chains_and_thinned_draws(function, tmp_path: Path):
    delta = indicators(25, 3, 60, 3, 2)
    idata = tree(delta=delta)
    idata.to_netcdf(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(function(loaded), function(idata), rtol=1e-12)
    thinned = function(idata.isel(draw=slice(None, None, 5)))
    xr.testing.assert_allclose(thinned, function(tree(delta=delta[:, ::5])), rtol=1e-12)
    one = function(idata.isel(chain=[1]))
    name = "pip" if isinstance(one, xr.Dataset) else None
    values = one if name is None else one[name]
    assert bool((values <= 1).all())


@pytest.mark.parametrize("function", [*FUNCTIONS, lambda i: group_pip(i, {"g": ["a"]})])
def test_indicators_are_needed(function):
    with pytest.raises(ValueError, match=r"'delta'.*'label'.*has \['beta'\]"):
        function(tree(beta=np.ones((1, 2, 3))))
    with pytest.raises(ValueError, match="group 'posterior'"):
        function(xr.DataTree.from_dict({"prior": xr.Dataset()}))
    missing = indicators(26, 1, 4, 3, 2).astype(float)
    missing[0, 1, 2, 1] = np.nan
    with pytest.raises(ValueError, match="no missing draw"):
        function(tree(delta=missing))


@pytest.mark.parametrize("function", FUNCTIONS[1:])
def test_results_can_be_written_and_their_names_are_free(function, tmp_path: Path):
    result = function(tree(delta=indicators(27, 2, 30, 3, 2, probability=[0, 0.5])))
    assert not [name for name in result.data_vars if hasattr(xr.Dataset, name)]
    result.to_netcdf(tmp_path / "table.nc")
    with xr.open_dataset(tmp_path / "table.nc") as loaded:
        xr.testing.assert_allclose(loaded, result)


# ---- a fit ----


def test_groups_of_a_fit():
    data = blr.simulate(n=80, p=12, n_causal=2, random_seed=1)
    model = blr.spike_slab(data.X, data.y, groups=np.arange(12) // 4)
    idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    delta = idata["posterior"]["delta"].values.reshape(2, 200, 3, 4)
    table = group_pip(idata)
    np.testing.assert_allclose(table["pip"], delta.any(axis=-1).mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_array_equal(table["group"], [0, 1, 2])
    windows = window_pip(idata, None, 4)
    np.testing.assert_allclose(windows["pip"], table["pip"], rtol=1e-12)
