"""The Manhattan form of plot_pip: groups, positions, credible sets, a panel for each trait."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.colors import to_hex

import blrzoo as blr
from blrzoo.plots import plot_pip
from blrzoo.summaries.inclusion import inclusion_table
from tests.builders import independent_fit, tree


def sets_of(numbers, names=None, **coords):
    names = np.arange(len(numbers)) if names is None else names
    coords = {"feature": names} | coords
    return xr.Dataset({"credible_set": ("feature", np.asarray(numbers))}, coords=coords)


def layers(ax):
    """Points by colour: {colour: (x, y)}; the layers of one colour together."""
    found: dict[str, list[np.ndarray]] = {}
    for line in ax.get_lines():
        if line.get_marker() == "o" and line.get_xdata().size:
            found.setdefault(to_hex(line.get_color()), []).append(np.array(line.get_data()))
    return {color: np.concatenate(parts, axis=1) for color, parts in found.items()}


def all_points(ax):
    """(x, y) of all points, by x."""
    points = np.concatenate(list(layers(ax).values()), axis=1)
    return points[:, np.argsort(points[0], kind="stable")]


def tick_labels(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def tick_boxes(ax):
    ax.figure.canvas.draw()
    return [label.get_window_extent() for label in ax.get_xticklabels()]


def overlapping(boxes):
    return [(i, j) for i, a in enumerate(boxes) for j in range(i) if a.overlaps(boxes[j])]


# ---- groups ----


def test_features_stand_by_group_and_groups_alternate_in_colour():
    p = np.linspace(0.05, 0.95, 200)
    groups = np.tile(["b", "a", "c", "b"], 50)  # not side by side in the data
    idata = independent_fit(p)
    ax = plot_pip(idata, groups=groups)
    pips = inclusion_table(idata)["pip"].values
    order = np.concatenate([np.flatnonzero(groups == g) for g in "bac"])
    x, y = all_points(ax)
    np.testing.assert_array_equal(x, np.arange(200))
    np.testing.assert_array_equal(y, pips[order])
    first, second = layers(ax).values()  # b and c share a colour, a has the other
    np.testing.assert_array_equal(np.sort(first[0]), np.r_[0:100, 150:200])
    np.testing.assert_array_equal(np.sort(second[0]), np.r_[100:150])
    assert tick_labels(ax) == ["b", "a", "c"]
    np.testing.assert_allclose(ax.get_xticks(), [49.5, 124.5, 174.5])
    assert ax.get_xlabel() == "Feature, by group"


def test_groups_are_joined_by_label_and_their_name_is_shown():
    names = [f"rs{j}" for j in range(100)]
    idata = independent_fit(np.linspace(0, 1, 100), names)
    groups = pd.Series(np.repeat(["chr1", "chr2"], [30, 70]), index=names, name="chromosome")
    ax = plot_pip(idata, groups=groups[::-1])
    _, y = all_points(ax)
    np.testing.assert_array_equal(y, inclusion_table(idata)["pip"])
    assert tick_labels(ax) == ["chr1", "chr2"]
    assert ax.get_xlabel() == "Feature, by chromosome"


def test_groups_of_the_model():
    idata = independent_fit(np.full(100, 0.1))
    index = xr.DataArray(np.repeat([1, 0], 50), dims="feature", coords={"feature": np.arange(100)})
    data = xr.Dataset({"group_index": index}, coords={"group": ["exon", "intron"]})
    idata["constant_data"] = xr.DataTree(data)
    assert tick_labels(plot_pip(idata, groups=True)) == ["exon", "intron"]
    with pytest.raises(ValueError, match="group_index"):
        plot_pip(independent_fit([0.5, 0.1]), groups=True)


def test_few_features_keep_their_names_and_groups_stand_above():
    idata = independent_fit(np.full(10, 0.3), [f"snp{j}" for j in range(10)])
    ax = plot_pip(idata, groups=["a", "b"] * 5)
    assert tick_labels(ax) == [f"snp{j}" for j in (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)]
    (above,) = ax.child_axes
    assert [label.get_text() for label in above.get_xticklabels()] == ["a", "b"]
    np.testing.assert_allclose(above.get_xticks(), [2, 7])


@pytest.mark.parametrize("figsize", [(3, 2), (8, 4)])
def test_labels_of_many_groups_do_not_overlap(figsize):
    sizes = np.geomspace(2000, 20, 25).astype(int)
    groups = np.repeat([f"chromosome{g + 1}" for g in range(25)], sizes)
    _, ax = plt.subplots(figsize=figsize)
    plot_pip(independent_fit(np.full(sizes.sum(), 0.001), draws=10), ax=ax, groups=groups, top=0)
    assert not overlapping(tick_boxes(ax))
    assert len(tick_labels(ax)) > 4
    assert tick_labels(ax)[0] == "chromosome1"  # the largest are kept


# ---- positions ----


def test_positions_within_groups():
    p = np.full(100, 0.2)
    groups = np.repeat(["chr1", "chr2"], 50)
    positions = np.r_[1000 + 10 * np.arange(50), 5 * np.arange(50)]
    idata = independent_fit(p)
    x, y = all_points(plot_pip(idata, groups=groups, positions=positions))
    assert np.all(np.diff(x) > 0)
    np.testing.assert_allclose(np.diff(x[:50]), 10)
    np.testing.assert_allclose(np.diff(x[50:]), 5)
    np.testing.assert_allclose(x[0], 0)
    assert 0 < x[50] - x[49] < 0.05 * x[-1]  # a gap between chromosomes
    np.testing.assert_array_equal(y, inclusion_table(idata)["pip"])


def test_positions_without_groups_are_on_the_axis_with_their_unit():
    names = ["b", "a", "c"]
    positions = xr.DataArray(
        [3e6, 1e6, 2e6], {"feature": ["c", "b", "a"]}, "feature", attrs={"units": "bp"}
    )
    idata = independent_fit([0.2, 0.5, 0.9], names)
    ax = plot_pip(idata, positions=positions)
    x, y = all_points(ax)
    np.testing.assert_array_equal(x, [1e6, 2e6, 3e6])
    np.testing.assert_array_equal(y, inclusion_table(idata)["pip"])
    assert ax.get_xlabel() == "Position (bp)"
    ax.figure.canvas.draw()
    assert "2 M" in tick_labels(ax)
    assert not overlapping(tick_boxes(ax))


@pytest.mark.parametrize(
    ("positions", "error", "message"),
    [
        ([1.0], ValueError, "positions must have one value for each of the 2 features"),
        (["a", "b"], TypeError, "positions must be numbers"),
        ([1.0, np.nan], ValueError, "positions must be finite.*1"),
    ],
)
def test_bad_positions_are_refused(positions, error, message):
    with pytest.raises(error, match=message):
        plot_pip(independent_fit([0.5, 0.1]), positions=positions)
    assert not plt.get_fignums()


def test_names_on_the_axis_and_positions_exclude_each_other():
    with pytest.raises(ValueError, match="labels must be left out with positions"):
        plot_pip(independent_fit([0.5, 0.1]), positions=[1, 2], labels=True)


# ---- credible sets ----


def test_members_of_each_credible_set_have_a_colour_and_a_legend_entry():
    names = [f"rs{j}" for j in range(100)]
    numbers = np.zeros(100, int)
    numbers[[10, 11, 12]], numbers[60] = 2, 1
    p = np.where(numbers > 0, 0.4, 0.01)
    idata = independent_fit(p, names)
    sets = sets_of(numbers[::-1], names[::-1])  # joined by label
    ax = plot_pip(idata, credible_sets=sets)
    pips = inclusion_table(idata)["pip"].values
    found = {frozenset(x): y for x, y in layers(ax).values()}
    np.testing.assert_array_equal(found[frozenset([10, 11, 12])], pips[[10, 11, 12]])
    np.testing.assert_array_equal(found[frozenset([60])], pips[[60]])
    assert len(found) == 3  # and the others
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["1: 1 feature", "2: 3 features"]
    assert {text.get_text() for text in ax.texts} == {names[10 + pips[10:13].argmax()], "rs60"}


def test_the_sets_that_blr_credible_sets_finds():
    rng = np.random.default_rng(1)
    first = rng.random((1, 1000)) < 0.6
    draws = np.stack([first, ~first, rng.random((1, 1000)) < 0.05], axis=-1).astype(int)
    idata = tree(delta=draws)
    X = rng.multivariate_normal(np.zeros(3), [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], size=500)
    ax = plot_pip(idata, credible_sets=blr.credible_sets(idata, X))
    assert {tuple(np.sort(x)) for x, _ in layers(ax).values()} == {(0.0, 1.0), (2.0,)}


def test_many_sets_have_one_note_in_the_legend():
    numbers = np.zeros(1000, int)
    numbers[::50] = np.arange(1, 21)
    ax = plot_pip(independent_fit(np.where(numbers > 0, 0.5, 0.0)), credible_sets=sets_of(numbers))
    assert ax.get_legend().get_title().get_text().split()[0] == "20"
    assert not ax.get_legend().get_texts()
    single = [line for line in ax.get_lines() if len(line.get_xdata()) == 1]
    colors = [to_hex(line.get_color()) for line in single if line.get_marker() == "o"]
    assert len(colors) == 20
    assert all(a != b for a, b in pairwise(colors))


def test_no_set_found_leaves_all_grey():
    ax = plot_pip(independent_fit([0.5, 0.1]), credible_sets=sets_of([0, 0]))
    (color,) = layers(ax)
    assert len({color[1:3], color[3:5], color[5:7]}) == 1
    assert ax.get_legend() is None


@pytest.mark.parametrize(
    ("sets", "error", "message"),
    [
        ([1, 0], TypeError, "credible_sets must be the Dataset.*list"),
        (xr.Dataset({"pip": ("feature", [0.1, 0.2])}), ValueError, "'credible_set'.*'pip'"),
        (sets_of([1, 0], ["x", "y"]), ValueError, "credible_sets must have all features"),
        ({"height": sets_of([1, 0])}, ValueError, r"credible_sets must be by trait.*height"),
    ],
)
def test_bad_sets_are_refused(sets, error, message):
    with pytest.raises(error, match=message):
        plot_pip(independent_fit([0.5, 0.1]), credible_sets=sets)
    assert not plt.get_fignums()


# ---- traits ----


def two_traits(size=100, seed=1):
    p = np.random.default_rng(seed).random((size, 2))
    return independent_fit(p, traits=["height", "weight"])


def test_a_panel_for_each_trait():
    idata = two_traits()
    pips = inclusion_table(idata)["pip"]
    axes = plot_pip(idata, groups=np.repeat(["a", "b"], 50))
    assert [ax.get_title() for ax in axes] == ["height", "weight"]
    for ax, trait in zip(axes, ["height", "weight"], strict=True):
        np.testing.assert_array_equal(all_points(ax)[1], pips.sel(trait=trait))
    axes[0].figure.canvas.draw()
    assert not any(label.get_visible() for label in axes[0].get_xticklabels())
    assert tick_labels(axes[1]) == ["a", "b"]


def test_a_trait_can_be_chosen():
    idata = two_traits()
    ax = plot_pip(idata, groups=np.repeat(["a", "b"], 50), trait="weight")
    np.testing.assert_array_equal(
        all_points(ax)[1], inclusion_table(idata)["pip"].sel(trait="weight")
    )
    with pytest.raises(ValueError, match=r"trait must be one of \['height', 'weight'\], got 'x'"):
        plot_pip(idata, trait="x")
    with pytest.raises(ValueError, match="trait must be left out where there are no traits"):
        plot_pip(independent_fit([0.5]), trait="weight")


def test_sets_of_one_trait_and_sets_by_trait():
    idata = two_traits()
    one, other = np.zeros(100, int), np.zeros(100, int)
    one[3], other[[7, 8]] = 1, 1
    left, right = plot_pip(idata, credible_sets=sets_of(one, trait="weight"))
    assert len(layers(left)) == 1
    assert (3.0,) in {tuple(x) for x, _ in layers(right).values()}
    both = {"height": sets_of(one), "weight": sets_of(other)}
    left, right = plot_pip(idata, credible_sets=both)
    assert (3.0,) in {tuple(x) for x, _ in layers(left).values()}
    assert (7.0, 8.0) in {tuple(x) for x, _ in layers(right).values()}


def test_several_axes_of_the_caller():
    figure, axes = plt.subplots(2)
    idata = two_traits()
    result = plot_pip(idata, ax=axes)
    assert list(result) == list(axes)
    for ax, trait in zip(axes, ["height", "weight"], strict=True):
        np.testing.assert_array_equal(
            all_points(ax)[1], inclusion_table(idata)["pip"].sel(trait=trait)
        )
    with pytest.raises(ValueError, match=r"ax must be 2 axes.*got 1"):
        plot_pip(idata, ax=axes[0], groups=np.repeat(["a", "b"], 50))
    with pytest.raises(ValueError, match=r"ax must be 2 axes.*got 3"):
        plot_pip(idata, ax=plt.figure().subplots(3))
    with pytest.raises(TypeError, match=r"ax must be matplotlib axes.*Figure"):
        plot_pip(independent_fit([0.5]), ax=figure)
