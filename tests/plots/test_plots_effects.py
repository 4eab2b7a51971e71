"""The forest of effects, and posterior means against least squares."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.plots import plot_effects, plot_shrinkage
from tests.builders import random_fit


def dots(ax):
    """Return the line that carries the points."""
    (line,) = [line for line in ax.get_lines() if line.get_marker() == "o"]
    return line


def intervals(ax):
    return np.array([[s[0, 0], s[-1, 0], s[0, 1]] for s in ax.collections[0].get_segments()])


def close(actual, expected):
    """Equal but for the order of the sums."""
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-15)


def row_names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def apart(texts):
    boxes = sorted((text.get_window_extent() for text in texts), key=lambda box: -box.y0)
    return all(above.y0 >= below.y1 - 0.5 for above, below in pairwise(boxes))


# ---- effects ----


def test_points_and_intervals_are_those_of_the_summary():
    idata = random_fit()
    ax = plot_effects(idata, ci_prob=0.8, ci_kind="hdi")
    table = blr.effect_table(idata, ci_prob=0.8, ci_kind="hdi", sort_by="abs_mean")
    close(dots(ax).get_xdata(), table["mean"])
    np.testing.assert_array_equal(dots(ax).get_ydata(), np.arange(10))
    expected = np.column_stack([table["lower"], table["upper"], np.arange(10)])
    close(intervals(ax), expected)
    assert row_names(ax) == table["feature"].values.tolist()
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first on top
    assert [text.get_text() for text in ax.texts] == [
        "PIP",
        *(f"{value:.2f}" for value in table["pip"].values),
    ]
    assert ax.get_xlabel() == "Effect (units of y per unit of x)\nmean and 80 % interval"
    assert ax.get_ylabel() == "Feature"


@pytest.mark.parametrize(
    ("size", "sort_by", "traits"),
    [
        (10_000, "abs_mean", None),
        (300, "pip", None),
        (300, "abs_mean", ["height", "weight"]),
        (300, "pip", ["height", "weight"]),
    ],
)
def test_of_many_features_the_top_ones_are_shown(size, sort_by, traits):
    idata = random_fit(size, traits, draws=10)
    axes = np.atleast_1d(plot_effects(idata, sort_by=sort_by, top=12))
    table = blr.effect_table(idata, sort_by=sort_by).isel(feature=slice(12))
    assert row_names(axes[0]) == table["feature"].values.tolist()
    for k, ax in enumerate(axes):
        column = table if traits is None else table.isel(trait=k)
        close(dots(ax).get_xdata(), column["mean"])
        close(intervals(ax)[:, 1], column["upper"])
        pips = [text.get_text() for text in ax.texts][1:]
        assert pips == [f"{value:.2f}" for value in column["pip"].values]
    assert axes[0].get_ylabel().startswith(f"12 of {size:,} features")


def test_thirty_of_many_and_all_of_few():
    assert len(row_names(plot_effects(random_fit(200)))) == 30
    assert len(row_names(plot_effects(random_fit(7)))) == 7


def test_the_order_of_the_data():
    idata = random_fit(50)
    ax = plot_effects(idata, top=5, sort_by=None)
    top = blr.effect_table(idata, sort_by="abs_mean")["feature"].values[:5]
    assert row_names(ax) == sorted(top, key=lambda name: int(name[3:]))


def test_named_features_in_their_order():
    idata = random_fit()
    ax = plot_effects(idata, features=["snp7", "snp2"])
    table = blr.effect_table(idata).sel(feature=["snp7", "snp2"])
    assert row_names(ax) == ["snp7", "snp2"]
    close(dots(ax).get_xdata(), table["mean"])
    assert ax.get_ylabel() == "Feature"


def test_a_trait_can_be_chosen():
    idata = random_fit(traits=["height", "weight"])
    ax = plot_effects(idata, trait="weight", sort_by="pip")
    means = blr.effect_table(idata)["mean"].sel(trait="weight")
    close(dots(ax).get_xdata(), means.sel(feature=row_names(ax)))
    pips = blr.pip(idata).sel(trait="weight", feature=row_names(ax)).values
    assert np.all(np.diff(pips) <= 0)
    axes = plot_effects(idata)
    assert [one.get_title() for one in axes] == ["height", "weight"]


def test_a_label_for_all_traits_is_shown_with_each():
    idata = random_fit(traits=["height", "weight"])
    label = idata["posterior"]["delta"].any("trait").astype(int)
    posterior = idata["posterior"].to_dataset().drop_vars("delta").assign(label=label)
    idata = xr.DataTree.from_dict({"posterior": posterior})
    for ax in plot_effects(idata):
        shown = [text.get_text() for text in ax.texts][1:]
        order = blr.effect_table(idata, sort_by="abs_mean")["feature"]
        assert shown == [f"{v:.2f}" for v in blr.pip(idata).sel(feature=order).values]
    one = plot_effects(idata, trait="weight")
    assert [text.get_text() for text in one.texts][1:] == [
        f"{v:.2f}" for v in blr.pip(idata).sel(feature=row_names(one)).values
    ]


def test_without_indicators_there_are_no_pips():
    assert not plot_effects(random_fit(drop=["delta"])).texts
    assert not plot_effects(random_fit(), pips=False).texts


@pytest.mark.parametrize("figsize", [(3, 1.5), (6, 3), (6, 10)])
def test_names_do_not_overlap(figsize):
    _, ax = plt.subplots(figsize=figsize)
    plot_effects(random_fit(60), ax=ax, top=60)
    ax.figure.canvas.draw()
    assert apart(ax.get_yticklabels())
    assert apart(ax.texts)
    ticks = ax.get_yticks().astype(int)
    order = blr.effect_table(random_fit(60), sort_by="abs_mean")["feature"].values
    assert row_names(ax) == order[ticks].tolist()


def test_names_of_a_new_figure_are_within_it_and_all_there():
    ax = plot_effects(
        random_fit(40, coords={"feature": [f"a_rather_long_name_of_{j}" for j in range(40)]}),
        top=40,
    )
    ax.figure.canvas.draw()
    assert len(row_names(ax)) == 40
    assert apart(ax.get_yticklabels())
    assert min(label.get_window_extent().x0 for label in ax.get_yticklabels()) >= 0
    width = ax.figure.bbox.width
    assert max(text.get_window_extent().x1 for text in ax.texts) <= width


def test_style_of_the_points():
    ax = plot_effects(random_fit(), c="k", ms=9, alpha=0.5)
    assert dots(ax).get_color() == "k"
    assert dots(ax).get_markersize() == 9


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"top": 0}, ValueError, "top must be an int from 1 .*got 0"),
        ({"top": 1.5}, TypeError, "top must be an int"),
        ({"top": 3, "features": ["snp1"]}, ValueError, "top must be left out with features"),
        ({"sort_by": "sd"}, ValueError, "sort_by must be .*'sd'"),
        ({"ci_prob": 1.0}, ValueError, "ci_prob must be a number above 0 and below 1"),
        ({"features": "snp1"}, TypeError, "features must be a list"),
        ({"features": ["snp1", "x"]}, ValueError, r"features must be labels.*\['x'\]"),
        ({"features": []}, ValueError, "features must be labels.*none"),
        ({"trait": "height"}, ValueError, "trait must be left out"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plot_effects(random_fit(), **arguments)
    assert not plt.get_fignums()


def test_without_effects_or_indicators():
    posterior = xr.Dataset({"sigma2": (("chain", "draw"), np.ones((1, 5)))})
    idata = xr.DataTree.from_dict({"posterior": posterior})
    for plot in (plot_effects, plot_shrinkage):
        with pytest.raises(ValueError, match="'beta'"):
            plot(idata)
    with pytest.raises(ValueError, match="must have indicators"):
        plot_effects(random_fit(drop=["delta"]), sort_by="pip")
    assert not plt.get_fignums()


# ---- shrinkage ----


def with_data(n=40, p=5, y=None, seed=2, **more):
    """Effects with the data of the fit."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=(n, 1))
    y = X @ rng.normal(size=p) + rng.normal(size=n) if y is None else y
    return random_fit(p, X=X, data=more, groups={"observed_data": {"y": y}}), X, y


def scattered(ax):
    """(x, y, colour) of the points, by x."""
    (points,) = [c for c in ax.collections if len(c.get_offsets())]
    xy, color = np.asarray(points.get_offsets()), points.get_array()
    order = np.argsort(xy[:, 0])
    return xy[order, 0], xy[order, 1], None if color is None else np.asarray(color)[order]


def assert_points(ax, x, idata, trait=None):
    """The points are at (x, posterior mean), in the colours of the PIPs."""
    mean, pips = idata["posterior"]["beta"].mean(("chain", "draw")), blr.pip(idata)
    if trait is not None:
        mean, pips = mean.sel(trait=trait), pips.sel(trait=trait)
    order = np.argsort(x)
    found = scattered(ax)
    np.testing.assert_allclose(found[0], np.asarray(x)[order], rtol=1e-7)
    np.testing.assert_allclose(found[1], mean.values[order], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found[2], pips.values[order], rtol=1e-12)


def test_points_are_means_against_the_estimates_given():
    idata, X, y = with_data()
    names = idata["posterior"]["feature"].values
    estimates = pd.Series(np.linspace(-1, 2, 5), names)
    ax = plot_shrinkage(idata, estimates[::-1])  # joined by label
    assert_points(ax, estimates.values, idata)
    assert ax.get_xlabel() == "Least-squares effect\n(units of y per unit of x)"
    assert ax.figure.axes[-1].get_ylabel() == "Posterior inclusion probability (PIP)"
    table = blr.ols(pd.DataFrame(X, columns=names), y)
    assert_points(plot_shrinkage(idata, table), table["beta"].values, idata)
    assert_points(plot_shrinkage(idata, table["beta"].values), table["beta"].values, idata)


def test_the_line_is_y_equals_x():
    idata, *_ = with_data()
    (line,) = [line for line in plot_shrinkage(idata).get_lines() if line.get_linestyle() == "--"]
    assert line.get_xy1() == (0, 0)
    assert line.get_slope() == 1


def test_joint_estimates_are_those_of_ols():
    rng = np.random.default_rng(3)
    W, weights = rng.normal(size=(40, 2)), rng.uniform(0.5, 2.0, size=40)
    idata, X, y = with_data(W=W)
    expected = blr.ols(X, y, covariates=W)["beta"].values
    assert_points(plot_shrinkage(idata), expected, idata)
    assert plot_shrinkage(idata).get_xlabel().startswith("Least-squares effect, all")
    idata, X, y = with_data(W=W, weights=weights)
    Z = np.column_stack([np.ones(40), W, X])
    expected = np.linalg.solve(Z.T @ (weights[:, None] * Z), Z.T @ (weights * y))[3:]
    assert_points(plot_shrinkage(idata, "joint"), expected, idata)


def test_marginal_estimates_are_those_of_ols_of_one_feature():
    W = np.random.default_rng(3).normal(size=(8, 1))
    idata, X, y = with_data(8, 10, W=W)
    expected = [blr.ols(X[:, [j]], y, covariates=W)["beta"].item() for j in range(10)]
    ax = plot_shrinkage(idata)
    assert_points(ax, expected, idata)
    assert ax.get_xlabel().startswith("Least-squares effect, one feature at a time")
    with pytest.raises(ValueError, match=r"'joint' must have more observations.*8 .* 10 features"):
        plot_shrinkage(idata, "joint")


def test_copies_have_marginal_estimates_only_and_constants_none():
    idata, X, y = with_data()
    X[:, 1], X[:, 2] = X[:, 0], 7.0
    idata["constant_data"]["X"].values[:] = X
    x, *_ = scattered(plot_shrinkage(idata))
    expected = [blr.ols(X[:, [j]], y)["beta"].item() for j in (0, 1, 3, 4)]
    np.testing.assert_allclose(x[np.isfinite(x)], np.sort(expected), rtol=1e-9)
    with pytest.raises(ValueError, match="linearly independent columns"):
        plot_shrinkage(idata, "joint")


def test_traits_with_missing_values():
    rng = np.random.default_rng(4)
    X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    Y[:20, 0] = np.nan
    given = {"X": X, "groups": {"observed_data": {"y": Y}}}
    idata = random_fit(4, ["height", "weight"], **given)
    observed = xr.Dataset({"y": (("obs", "trait"), Y)}, coords={"trait": ["height", "weight"]})
    idata["observed_data"] = xr.DataTree(observed)
    axes = plot_shrinkage(idata)
    expected = {
        "height": blr.ols(X[20:], Y[20:, 0])["beta"].values,
        "weight": blr.ols(X, Y[:, 1])["beta"].values,
    }
    for ax, (trait, x) in zip(axes, expected.items(), strict=True):
        assert ax.get_title() == trait
        assert_points(ax, x, idata, trait)
    assert_points(plot_shrinkage(idata, trait="height"), expected["height"], idata, "height")
    table = pd.DataFrame(expected, index=idata["posterior"]["feature"].values)
    for ax, trait in zip(plot_shrinkage(idata, table[["weight", "height"]]), expected, strict=True):
        assert_points(ax, expected[trait], idata, trait)
    one = plot_shrinkage(idata, table, trait="weight")
    assert_points(one, expected["weight"], idata, "weight")
    one = plot_shrinkage(idata, table["weight"], trait="weight")
    assert_points(one, expected["weight"], idata, "weight")
    with pytest.raises(ValueError, match=r"least_squares must be \(feature, trait\)"):
        plot_shrinkage(idata, table["weight"])
    with pytest.raises(ValueError, match=r"must have every trait, got none of .'height'"):
        plot_shrinkage(idata, table[["weight"]])


def test_ten_thousand_features_by_marginal_regression():
    rng = np.random.default_rng(5)
    X, y = rng.integers(0, 3, size=(20, 10_000)).astype(np.int8), rng.normal(size=20)
    given = {"X": X, "groups": {"observed_data": {"y": y}}}
    idata = random_fit(10_000, **given, draws=5)
    x, *_ = scattered(plot_shrinkage(idata))
    Xc, yc = X - X.mean(axis=0), y - y.mean()
    with np.errstate(invalid="ignore"):
        expected = Xc.T @ yc / (Xc**2).sum(axis=0)
    np.testing.assert_allclose(
        np.sort(x[np.isfinite(x)]), np.sort(expected[np.isfinite(expected)]), atol=1e-9
    )


def test_the_largest_are_named_and_names_do_not_overlap():
    idata, *_ = with_data()
    ax = plot_shrinkage(idata, top=2)
    mean = abs(idata["posterior"]["beta"].mean(("chain", "draw")))
    top = mean["feature"].values[np.argsort(-mean.values)[:2]]
    assert {text.get_text() for text in ax.texts} <= set(top)
    assert ax.texts
    assert not plot_shrinkage(idata, top=0).texts


def test_without_indicators_there_is_one_colour():
    given = {"X": np.eye(9)[:, :3], "groups": {"observed_data": {"y": np.arange(9.0)}}}
    ax = plot_shrinkage(random_fit(3, drop=["delta"], **given))
    assert scattered(ax)[2] is None
    assert len(ax.figure.axes) == 1  # no colour bar


@pytest.mark.parametrize(
    ("estimates", "message"),
    [
        ("ridge", "least_squares must be estimates.*'ridge'"),
        ([1.0, 2.0], "least_squares must have one value for each of the 5 features"),
        (xr.Dataset({"b": ("feature", np.ones(5))}), "'beta'.*'b'"),
        (pd.Series(np.ones(5), list("abcde")), "least_squares must have all features"),
    ],
)
def test_bad_estimates_are_refused(estimates, message):
    with pytest.raises(ValueError, match=message):
        plot_shrinkage(with_data()[0], estimates)
    assert not plt.get_fignums()


def test_without_data_to_compute_estimates_from():
    with pytest.raises(ValueError, match="constant_data has no 'X'"):
        plot_shrinkage(random_fit(3))
    with pytest.raises(ValueError, match=r"observed_data must have the response 'y'.*\[\]"):
        plot_shrinkage(random_fit(3, X=np.eye(3)))
