"""Plots: what is drawn, and that it can be read."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from blrzoo.plots import plot_pip
from blrzoo.summaries.inclusion import inclusion_table
from tests.builders import independent_fit, tree


def points(ax):
    """Return the lines that carry the points of a trait each."""
    return [line for line in ax.get_lines() if line.get_marker() == "o"]


def tick_labels(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def boxes_of_names(ax):
    ax.figure.canvas.draw()
    return {text.get_text(): text.get_window_extent() for text in ax.texts}


def segments(ax):
    """Return the vertical segments of stems and error bars as (x, low, high) triples."""
    return [
        [(s[0, 0], s[0, 1], s[-1, 1]) for s in collection.get_segments()]
        for collection in ax.collections
    ]


def test_points_are_the_pips_in_the_order_of_the_data():
    idata = independent_fit([0.9, 0.1, 0.5], ["age", "bmi", "bp"])
    ax = plot_pip(idata)
    (line,) = points(ax)
    np.testing.assert_array_equal(line.get_xdata(), [0, 1, 2])
    np.testing.assert_array_equal(line.get_ydata(), inclusion_table(idata)["pip"])
    assert tick_labels(ax) == ["age", "bmi", "bp"]
    assert ax.get_xlabel() == "Feature"
    assert ax.get_ylabel().replace("\n", " ") == "Posterior inclusion probability (PIP)"
    low, high = ax.get_ylim()
    assert -0.05 < low < 0
    assert 1 < high < 1.05
    assert ax.get_yticks()[[0, -1]].tolist() == [0, 1]


@pytest.mark.parametrize("threshold", [None, 0.0, 0.5, 0.8])
def test_threshold(threshold):
    ax = plot_pip(independent_fit([0.9, 0.1]), threshold=threshold)
    levels = [line.get_ydata()[0] for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert levels == ([] if threshold is None else [threshold])


def test_error_bars_are_two_standard_errors_within_0_and_1():
    idata = independent_fit([0.95, 0.5, 0.05], draws=10, seed=3)
    table = inclusion_table(idata)
    assert table["pip"][0] + 2 * table["mcse_pip"][0] > 1
    assert 0 < table["pip"][2] < 2 * table["mcse_pip"][2]
    _, bars = segments(plot_pip(idata))
    np.testing.assert_allclose([x for x, _, _ in bars], [0, 1, 2])
    low = np.maximum(table["pip"] - 2 * table["mcse_pip"], 0)
    high = np.minimum(table["pip"] + 2 * table["mcse_pip"], 1)
    np.testing.assert_allclose([s[1] for s in bars], low, atol=1e-12)
    np.testing.assert_allclose([s[2] for s in bars], high, atol=1e-12)
    (stems,) = segments(plot_pip(idata, error_bars=False))
    np.testing.assert_allclose([s[2] for s in stems], table["pip"], atol=1e-12)


def test_error_bars_that_cannot_be_seen_are_left_out():
    _, bars = segments(plot_pip(independent_fit([0.5, 0.0], draws=500)))  # 1 / 500 in the second
    assert [x for x, _, _ in bars] == [0]
    p = np.full(200, 0.05)
    p[7] = 0.6
    (bars,) = segments(plot_pip(independent_fit(p)))
    assert [x for x, _, _ in bars] == [7]


def test_many_features_have_no_tick_labels_and_the_top_ones_have_names():
    p = np.full(10_000, 0.002)
    top = [40, 41, 2500, 7000, 9999]
    p[top] = [0.9, 0.95, 0.8, 1.0, 0.7]
    ax = plot_pip(independent_fit(p, [f"rs{j}" for j in range(10_000)], draws=100), top=5)
    boxes = boxes_of_names(ax)
    assert tick_labels(ax) == []
    assert set(boxes) == {f"rs{j}" for j in top}
    for j in top:  # beside its point
        x, y = ax.transData.transform((j, points(ax)[0].get_ydata()[j]))
        box = boxes[f"rs{j}"]
        assert box.x0 - 20 < x < box.x1 + 20
        assert box.y0 - 20 < y < box.y1 + 20


@pytest.mark.parametrize("figsize", [(3, 2), (8, 4)])
def test_names_never_overlap_nor_leave_the_axes(figsize):
    p = np.full(1000, 0.002)
    p[300:600] = np.random.default_rng(2).uniform(0.4, 1.0, 300)
    _, ax = plt.subplots(figsize=figsize)
    plot_pip(independent_fit(p, [f"feature_{j}" for j in range(1000)]), ax=ax, top=30)
    boxes = list(boxes_of_names(ax).values())
    assert 2 < len(boxes) < 30
    frame = ax.get_window_extent()
    markers = ax.transData.transform(np.column_stack(points(ax)[0].get_data()))
    for i, box in enumerate(boxes):
        assert not box.count_overlaps(boxes[:i])
        assert not box.count_contains(markers)
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert frame.y0 <= box.y0
        assert box.y1 <= frame.y1


def test_top_names_only_what_was_ever_included():
    p = np.zeros(100)
    p[3] = 0.5
    assert list(boxes_of_names(plot_pip(independent_fit(p)))) == ["3"]
    assert boxes_of_names(plot_pip(independent_fit(np.zeros(100)))) == {}
    assert boxes_of_names(plot_pip(independent_fit(p), top=0)) == {}
    assert list(boxes_of_names(plot_pip(independent_fit(p[:10]), top=4))) == ["3"]


@pytest.mark.parametrize(("size", "length"), [(1, 3), (3, 12), (10, 4), (64, 12), (12, 60)])
def test_tick_labels_do_not_overlap(size, length):
    names = [f"{j:03d}".ljust(length, "x") for j in range(size)]
    ax = plot_pip(independent_fit(np.full(size, 0.3), names))
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) == size
    assert all(a.x1 <= b.x0 for a, b in pairwise(boxes))
    bottom = min(box.y0 for box in boxes)
    assert bottom >= 0  # within the figure
    shown = tick_labels(ax)
    assert all(label.startswith(f"{j:03d}") for j, label in enumerate(shown))
    assert all(len(label) <= 24 for label in shown)


def test_long_names_keep_both_ends():
    names = [f"systolic_blood_pressure_visit_{j}" for j in range(3)]
    shown = tick_labels(plot_pip(independent_fit([0.1, 0.2, 0.3], names)))
    assert shown[2].startswith("systolic")
    assert shown[2].endswith("visit_2")
    assert len(set(shown)) == 3


def test_names_on_the_axis_need_room_or_an_order():
    idata = independent_fit(np.full(60, 0.2))
    _, narrow = plt.subplots(figsize=(3, 2))
    assert tick_labels(plot_pip(idata, ax=narrow)) == []
    assert len(tick_labels(plot_pip(idata))) == 60
    assert tick_labels(plot_pip(idata, labels=False)) == []
    assert len(tick_labels(plot_pip(independent_fit(np.full(80, 0.2)), labels=True))) == 80


def test_one_colour_and_a_legend_entry_a_trait():
    idata = independent_fit([[0.9, 0.1], [0.5, 0.4], [0.0, 0.7]], list("abc"), ["height", "weight"])
    ax = plot_pip(idata)
    lines = points(ax)
    pips = inclusion_table(idata)["pip"]
    for trait, line in zip(["height", "weight"], lines, strict=True):
        assert line.get_label() == trait
        np.testing.assert_array_equal(line.get_ydata(), pips.sel(trait=trait))
    assert lines[0].get_color() != lines[1].get_color()
    assert np.all(lines[0].get_xdata() < lines[1].get_xdata())  # side by side
    assert np.all(abs(lines[1].get_xdata() - [0, 1, 2]) < 0.5)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["height", "weight"]


def test_a_name_stands_at_the_trait_that_has_the_pip():
    p = np.full((200, 2), 0.002)
    p[50, 1] = 0.9
    ax = plot_pip(independent_fit(p, traits=["height", "weight"]), top=1)
    (text,) = ax.texts
    assert text.xy == (50, points(ax)[1].get_ydata()[50])


def test_the_callers_axes_are_used_and_can_be_restyled():
    figure, (left, right) = plt.subplots(1, 2)
    idata = independent_fit([0.9, 0.1])
    assert plot_pip(idata, ax=right, color="k", ms=9, label="A", alpha=0.5) is right
    (line,) = points(right)
    assert line.get_color() == "k"
    assert line.get_markersize() == 9
    plot_pip(idata, ax=right)  # two models in one picture
    assert points(right)[1].get_color() != "k"
    assert not left.get_lines()
    assert plt.get_fignums() == [figure.number]
    assert right.get_legend() is None


def test_axes_of_a_subfigure():
    ax = plt.figure().subfigures(1, 2)[1].subplots()
    assert plot_pip(independent_fit(np.full(100, 0.3)), ax=ax, top=2).texts


def test_a_new_figure_is_the_only_trace():
    before = dict(matplotlib.rcParams)
    plot_pip(independent_fit([0.9, 0.1]))
    assert len(plt.get_fignums()) == 1
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"threshold": 1.5}, ValueError, "threshold must be None or a number.*got 1.5"),
        ({"threshold": float("nan")}, ValueError, "threshold must be None or a number.*got nan"),
        ({"threshold": True}, TypeError, "threshold must be None or a number.*got True"),
        ({"top": -1}, ValueError, "top must be an int from 0 .*got -1"),
        ({"top": 2.5}, TypeError, "top must be an int .*got .* of type float"),
        ({"top": True}, TypeError, "top must be an int .*got .* of type bool"),
    ],
)
def test_bad_arguments_are_refused_before_a_figure_is_made(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_pip(independent_fit([0.5]), **arguments)
    assert not plt.get_fignums()


def test_a_model_without_indicators_is_refused():
    with pytest.raises(ValueError, match="must have indicators"):
        plot_pip(tree(beta=np.ones((1, 5, 2))))
    assert not plt.get_fignums()
