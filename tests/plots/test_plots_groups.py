"""What groups of features explain, and which traits features affect together."""

from itertools import pairwise

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.patches import Rectangle

import blrzoo as blr
from blrzoo.plots import plot_patterns, plot_variance
from tests.builders import random_fit

GROUPS = ["b", "a", "b", "c", "b", "a"]


def fit(p=6, traits=None, draws=30, share=0.7):
    """Effects of correlated features."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, p)) + rng.normal(size=(30, 1))
    return random_fit(p, traits, draws=draws, share=share, X=X)


def dots(ax):
    return [line for line in ax.get_lines() if line.get_marker() == "o"]


def segments(collection):
    return np.array([[*s[0], *s[-1]] for s in collection.get_segments()])


def row_names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


# ---- variance ----


@pytest.mark.parametrize("quantity", ["share", "apportioned", "variance"])
def test_points_are_those_of_variance_explained(quantity):
    idata = fit()
    ax = plot_variance(idata, groups=GROUPS, quantity=quantity, ci_prob=0.8)
    table = blr.variance_table(idata, groups=GROUPS, ci_prob=0.8).sel(quantity=quantity)
    (points,) = dots(ax)
    close(points.get_xdata(), table["mean"])
    close(points.get_ydata(), [0, 1, 2])
    close(segments(ax.collections[0])[:, [0, 2]], table[["lower", "upper"]].to_array().T)
    assert row_names(ax) == ["b", "a", "c"]
    assert "80 % interval" in ax.get_xlabel()
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_the_reference_is_the_share_of_features():
    ax = plot_variance(fit(), groups=GROUPS)
    marks = segments(ax.collections[1])
    close(marks[:, 0], [3 / 6, 2 / 6, 1 / 6])
    close(marks[:, [1, 3]].mean(axis=1), [0, 1, 2])
    assert legend(ax) == ["share of features"]
    ax = plot_variance(fit(), groups=GROUPS, reference=False)
    assert len(ax.collections) == 1
    assert ax.get_legend() is None
    assert len(plot_variance(fit(), groups=GROUPS, quantity="variance").collections) == 1


def test_enrichment_has_its_reference_at_1():
    idata = fit()
    ax = plot_variance(idata, groups=GROUPS, quantity="enrichment")
    close(dots(ax)[0].get_xdata(), blr.enrichment_table(idata, groups=GROUPS)["mean"])
    (line,) = [line for line in ax.get_lines() if line.get_linestyle() == "--"]
    assert list(line.get_xdata()) == [1, 1]
    assert ax.get_xlabel().startswith("Enrichment")


def test_traits_have_a_colour_each():
    idata = fit(traits=["height", "weight"])
    table = blr.variance_table(idata, groups=GROUPS).sel(quantity="share")
    ax = plot_variance(idata, groups=GROUPS)
    assert legend(ax) == ["height", "weight", "share of features"]
    for line, trait in zip(dots(ax), ["height", "weight"], strict=True):
        close(line.get_xdata(), table["mean"].sel(trait=trait))
        assert np.all(abs(line.get_ydata() - np.arange(3)) < 0.5)
    ax = plot_variance(idata, groups=GROUPS, trait="weight")
    close(dots(ax)[0].get_xdata(), table["mean"].sel(trait="weight"))


def test_a_table_gives_the_same_picture():
    idata = fit()
    explained = blr.variance_table(idata, groups=GROUPS)
    expected = dots(plot_variance(idata, groups=GROUPS))[0].get_xdata()
    ax = plot_variance(explained)
    close(dots(ax)[0].get_xdata(), expected)
    assert len(ax.collections) == 1  # a table does not know how many features there are
    marks = plot_variance(explained, groups=GROUPS).collections[1]
    close(segments(marks)[:, 0], [3 / 6, 2 / 6, 1 / 6])
    enriched = plot_variance(blr.enrichment_table(idata, groups=GROUPS))
    assert enriched.get_xlabel().startswith("Enrichment")
    with pytest.raises(ValueError, match=r"quantity must be one of those in the table.*enrichment"):
        plot_variance(explained, quantity="enrichment")
    with pytest.raises(ValueError, match=r"groups must be the labels.*none for \['b'\]"):
        plot_variance(explained, groups=["a", "c"])


def test_of_many_groups_the_largest_are_shown():
    idata = fit(1000, draws=10)
    groups = np.repeat(np.arange(100), 10)
    table = blr.variance_table(idata, groups=groups).sel(quantity="share")["mean"]
    top = table["group"].values[np.argsort(-table.values)]
    ax = plot_variance(idata, groups=groups)
    assert row_names(ax) == [str(g) for g in top[:40]]
    close(dots(ax)[0].get_xdata(), table.sel(group=top[:40]))
    assert ax.get_ylabel().startswith("40 of 100 groups")
    assert row_names(plot_variance(idata, groups=groups, top=3)) == [str(g) for g in top[:3]]
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    assert all(above.y0 >= below.y1 - 0.5 for above, below in pairwise(boxes))


def test_a_negative_share_can_be_seen():
    X = np.random.default_rng(1).normal(size=(50, 1))
    X = np.column_stack([X[:, 0], X[:, 0] + 0.01 * np.arange(50)])
    beta = np.array([2.0, -1.0]) + np.zeros((1, 5, 2)) + 0.01 * np.arange(5)[:, None]
    idata = az.from_dict({"posterior": {"beta": beta}}, dims={"beta": ["feature"]})
    ax = plot_variance(idata, X, ["a", "b"], quantity="apportioned")
    assert dots(ax)[0].get_xdata().min() < 0
    assert ax.get_xlim()[0] < dots(ax)[0].get_xdata().min()
    assert plot_variance(fit(), groups=GROUPS).get_xlim()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"quantity": "h2"}, ValueError, "quantity must be 'share'.*'h2'"),
        ({"top": 0}, ValueError, "top must be an int from 1"),
        ({"groups": None}, ValueError, "groups must be given for a model without groups"),
        ({"groups": ["a"]}, ValueError, "groups must have one value for each"),
        ({"ci_prob": 2.0}, ValueError, "ci_prob must be a number above 0 and below 1"),
        ({"trait": "x"}, ValueError, "trait must be left out"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_variance(fit(), **({"groups": GROUPS} | arguments))
    assert not plt.get_fignums()


def test_what_is_no_fit_and_no_table_is_refused():
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        plot_variance([1, 2], groups=GROUPS)
    with pytest.raises(ValueError, match=r"or a table.*lacks \['lower', 'upper'\]"):
        plot_variance(xr.Dataset({"mean": ("group", [1.0])}))
    posterior = xr.Dataset({"sigma2": (("chain", "draw"), np.ones((1, 5)))})
    with pytest.raises(ValueError, match="'beta'"):
        plot_variance(xr.DataTree.from_dict({"posterior": posterior}), groups=["a"])
    assert not plt.get_fignums()


# ---- patterns ----


def bars(ax):
    rectangles = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_width() == 0.7]
    return [bar for bar in rectangles if bar.get_y() == 0]


def patterns_of_dots(ax, n_traits):
    """For each bar, which traits have a dark dot, top row first."""
    found: dict[float, set[float]] = {}
    for line in dots(ax):
        if line.get_color() == "0.15":
            for x, y in zip(*line.get_data(), strict=True):
                found.setdefault(x, set()).add(y)
    rows = ax.get_yticks()[-n_traits:]
    return ["".join("1" if y in found[x] else "0" for y in rows) for x in sorted(found)]


@pytest.mark.parametrize("traits", [["height", "weight"], ["a", "b", "c"]])
def test_bars_are_the_expected_numbers_of_features(traits):
    idata = fit(20, traits)
    ax = plot_patterns(idata)
    table = blr.pleiotropy_table(idata)
    table = table.sel(pattern=table["pattern"] != "0" * len(traits))
    close([bar.get_height() for bar in bars(ax)], table["mean"])
    close(segments(ax.collections[0])[:, [1, 3]], table[["lower", "upper"]].to_array().T)
    assert patterns_of_dots(ax, len(traits)) == table["pattern"].values.tolist()
    assert row_names(ax)[-len(traits) :] == traits
    counts = [float(label) for label in row_names(ax)[: -len(traits)]]
    np.testing.assert_allclose(ax.get_yticks()[: -len(traits)], counts)
    none = blr.pleiotropy_table(idata)["mean"].sel(pattern="0" * len(traits)).item()
    assert f"(affecting none: {none:.1f} of 20 features)" in ax.get_xlabel()
    assert np.all(ax.get_yticks()[-len(traits) :] < 0)


@pytest.mark.parametrize("share", [0.5, 1.0])  # most features affect none; hardly any does
def test_patterns_beyond_the_top_are_counted_together(share):
    idata = fit(40, list("abcde"), share=share)
    if share == 1.0:
        idata["posterior"]["delta"][:, :, 3:] = np.maximum(
            idata["posterior"]["delta"][:, :, 3:], (np.arange(37) % 5)[:, None] == np.arange(5)
        )
    table = blr.pleiotropy_table(idata)
    affected = table["mean"].where(table["pattern"] != "00000", 0)
    ax = plot_patterns(idata, top=4)
    heights = [bar.get_height() for bar in bars(ax)]
    assert len(heights) == 5
    close(heights[:4], np.sort(affected)[::-1][:4])
    np.testing.assert_allclose(heights[4], affected.sum() - np.sum(heights[:4]), rtol=1e-9)
    none = table["mean"].where(table["pattern"] == "00000", 0).sum().item()
    assert f"affecting none: {none:.1f} of" in ax.get_xlabel()
    assert "other" in [text.get_text() for text in ax.texts]
    assert len(segments(ax.collections[0])) == 5 - (share == 1.0)  # no interval can be had


def test_names_of_ten_traits_do_not_overlap():
    ax = plot_patterns(fit(100, [f"trait number {t}" for t in range(10)], share=0.2))
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    boxes = sorted(boxes, key=lambda box: -box.y0)
    assert all(above.y0 >= below.y1 - 0.5 for above, below in pairwise(boxes))


def shared_by_hand(idata):
    delta = idata["posterior"]["delta"].values
    return np.einsum("cdft,cdfu->cdtu", delta, delta)


def test_pairs_are_numbers_of_shared_features():
    idata = fit(20, ["a", "b", "c"])
    ax = plot_patterns(idata, show="pairs", ci_prob=0.8)
    draws = shared_by_hand(idata).reshape(-1, 3, 3)
    (image,) = ax.get_images()
    shown = image.get_array()
    lower = np.tril_indices(3)
    close(shown[lower], draws.mean(axis=0)[lower])
    assert np.ma.getmaskarray(shown)[0, 1]
    low, high = np.quantile(draws, [0.1, 0.9], axis=0)
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    for i, j in zip(*lower, strict=True):
        mean, ends = texts[(j, i)].split("\n")
        assert mean == f"{draws.mean(axis=0)[i, j]:.1f}"
        assert ends == f"[{low[i, j]:.1f}, {high[i, j]:.1f}]"
    assert row_names(ax) == ["a", "b", "c"]


def test_correlations_are_those_of_genetic_correlation():
    idata = fit(20, ["a", "b", "c"])
    ax = plot_patterns(idata, show="correlation")
    expected = blr.summary_table(blr.genetic_correlation(idata, definition="fit")["rg_fit"])[
        "mean"
    ].values
    (image,) = ax.get_images()
    lower = np.tril_indices(3)
    close(image.get_array()[lower], expected[lower])
    assert image.get_clim() == (-1, 1)
    no_indicators = xr.DataTree.from_dict(
        {
            "posterior": idata["posterior"].to_dataset().drop_vars("delta"),
            "constant_data": idata["constant_data"].to_dataset(),
        }
    )
    assert plot_patterns(no_indicators, show="correlation").get_images()


@pytest.mark.parametrize(("size", "figsize"), [(2, None), (10, None), (4, (4, 3)), (10, (3, 2))])
def test_numbers_stay_within_their_cells(size, figsize):
    ax = None if figsize is None else plt.figure(figsize=figsize, layout="constrained").subplots()
    idata = fit(2000, [f"t{k}" for k in range(size)], draws=5)
    ax = plot_patterns(idata, show="pairs", ax=ax)
    ax.figure.canvas.draw()
    width, height = ax.get_window_extent().size / size
    for text in ax.texts:
        box = text.get_window_extent()
        assert box.width <= width
        assert box.height <= height
    assert bool(ax.texts) is (figsize != (3, 2))


def test_a_large_matrix_has_no_numbers():
    ax = plot_patterns(fit(20, [f"t{k}" for k in range(15)]), show="pairs")
    assert not ax.texts
    assert len(row_names(ax)) == 15


@pytest.mark.parametrize("show", ["patterns", "pairs", "correlation"])
def test_one_trait_is_refused(show):
    message = "of several traits" if show == "correlation" else "indicators for each trait"
    with pytest.raises(ValueError, match=message):
        plot_patterns(fit(), show=show)
    assert not plt.get_fignums()


def test_bad_arguments_of_patterns_are_refused():
    idata = fit(traits=["a", "b"])
    with pytest.raises(ValueError, match=r"show must be .*'upset'"):
        plot_patterns(idata, show="upset")
    with pytest.raises(ValueError, match="top must be an int from 1"):
        plot_patterns(idata, top=0)
    with pytest.raises(ValueError, match="ci_prob must be a number above 0"):
        plot_patterns(idata, show="pairs", ci_prob=0.0)
    with pytest.raises(ValueError, match="'delta' is 0 everywhere"):
        plot_patterns(fit(traits=["a", "b"], share=0.0))
    assert not plt.get_fignums()
