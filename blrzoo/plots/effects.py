"""Forest of effects: posterior means and credible intervals, with names."""

from collections.abc import Hashable, Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import Choice, Flag, Integer
from blrzoo.plots._axes import (
    SomeAxes,
    columns_of,
    draw_intervals,
    find_labels,
    give_back,
    of_trait,
    panels,
)
from blrzoo.plots._names import height_for_names, name_rows, row_font, shorten
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    draws_of,
    feature_blocks,
    indicator_name,
    indicators,
)
from blrzoo.summaries.effects import summary_of_effects
from blrzoo.summaries.inclusion import pip, probability_included
from blrzoo.summaries.table import check_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_effects"]

_DEFAULT_TOP = 30
_INCHES = 0.22  # the height of a row


def plot_effects(
    idata: xr.DataTree,
    *,
    ax: SomeAxes = None,
    features: Iterable[Hashable] | None = None,
    top: int | None = None,
    sort_by: Literal["abs_mean", "pip"] | None = "abs_mean",
    trait: Hashable | None = None,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    pips: bool = True,
    **kwargs: Any,
) -> Any:
    """Plot the posterior mean and the credible interval of effects, a row for each feature.

    Means and intervals are those of `blrzoo.effect_table`: over all draws, including those in which
    a feature is excluded and its effect is 0. The interval of a feature that most draws exclude is
    the single point 0.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` (chain, draw, feature[, trait]) in its posterior.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to plot; one for each trait. Default: a new figure, tall enough for the names.
    features : sequence of labels, optional
        The features to show, the first on top. Default: the first `top` by `sort_by`.
    top : int, optional
        How many features to show. Default: 30, or all if there are fewer.
    sort_by : {"abs_mean", "pip"} or None, default "abs_mean"
        Show the features with the largest absolute posterior mean, or the largest PIP, in that
        order; with several traits, the largest over the traits. None: those with the largest
        absolute mean, in the order of the data.
    trait : label, optional
        Label of the trait to show. Default: all.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.
    pips : bool, default True
        Write the PIPs on the right, if the model has indicators and there is room.
    **kwargs
        Style of the points, passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        In units of y per unit of x; one for each trait, in an array if there are several.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If the posterior lacks ``beta``, a feature or the trait is unknown, `top` is passed with
        `features`, `ax` has another number of axes, or an argument is not one of those above; with
        ``sort_by="pip"``, if there are no indicators.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.plots import plot_effects
    >>> draws = np.random.default_rng(1).normal([0.2, -1.0, 0.5], 0.1, size=(4, 500, 3))
    >>> idata = az.from_dict(
    ...     {"posterior": {"beta": draws}},
    ...     dims={"beta": ["feature"]},
    ...     coords={"feature": ["age", "bmi", "bp"]},
    ... )
    >>> ax = plot_effects(idata)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['bmi', 'bp', 'age']
    """
    _check(top, features, sort_by)
    Flag(default=True).check("pips", pips)
    ci_prob = check_interval(ci_prob, ci_kind)
    beta = of_trait(draws_of(idata, "beta"), trait)
    chosen = _choose(idata, beta, features, top, sort_by, trait)
    table = summary_of_effects(beta.isel(feature=chosen), ci_prob, ci_kind)
    if pips and indicator_name(idata) is not None:
        included = indicators(idata)
        included = of_trait(included, trait) if "trait" in included.dims else included
        places = _same(chosen, beta, included)
        table["pip"] = probability_included(included.isel(feature=places))
    columns = list(columns_of(table))
    names = [shorten(name) for name in table["feature"].values]
    axes = _axes(ax, columns, len(names))
    for k, (one, (label, column)) in enumerate(zip(axes, columns, strict=True)):
        draw_intervals(one, np.arange(len(names)), column, kwargs)
        _decorate(one, column, ci_prob)
        if len(columns) > 1:
            one.set_title(label)
        if k == 0 or not _shared(axes[0], one):
            name_rows(one, names)
            one.set_ylabel(_what(len(names), beta.sizes["feature"], features, sort_by))
    return give_back(axes)


# ---- input ----


def _check(top: int | None, features: object, sort_by: str | None) -> None:
    if top is not None:
        Integer(1, default=_DEFAULT_TOP).check("top", top)
    if top is not None and features is not None:
        raise ValueError(
            f"top must be left out with features, which says what to show, got top={top}."
        )
    if sort_by is not None:
        Choice(("abs_mean", "pip"), default="abs_mean").check("sort_by", sort_by)


def _choose(
    idata: xr.DataTree,
    beta: xr.DataArray,
    features: Iterable[Hashable] | None,
    top: int | None,
    sort_by: str | None,
    trait: Hashable | None,
) -> np.ndarray:
    """Positions of the features to show, the first on top."""
    if features is not None:
        return find_labels("features", features, beta.get_index("feature"))
    if sort_by == "pip":
        key = of_trait(pip(idata), trait)
    else:
        blocks = (abs(block.astype(float).mean(SAMPLE_DIMS)) for block in feature_blocks(beta))
        key = xr.concat(list(blocks), "feature")
    largest = key.max([dim for dim in key.dims if dim != "feature"]).values
    order = np.argsort(-largest, kind="stable")[: _DEFAULT_TOP if top is None else top]
    return np.sort(order) if sort_by is None else order


def _same(chosen: np.ndarray, beta: xr.DataArray, draws: xr.DataArray) -> np.ndarray:
    """Positions of the same features in the indicators, which usually have the order of beta."""
    mine: pd.Index = beta.get_index("feature")
    others: pd.Index = draws.get_index("feature")
    return chosen if mine.equals(others) else others.get_indexer(mine[chosen])


def _axes(
    ax: SomeAxes,
    columns: list[tuple[str, xr.Dataset]],
    rows: int,
) -> "list[Axes]":
    n, names = len(columns), [str(name) for name, _ in columns]
    height = max(2.0, 1.0 + _INCHES * rows)
    return panels(ax, names, 6.4 if n == 1 else 2.0 + 2.8 * n, height, columns=n, sharey=True)


def _shared(first: "Axes", other: "Axes") -> bool:
    return bool(first.get_shared_y_axes().joined(first, other))


# ---- drawing ----


def _decorate(ax: "Axes", column: xr.Dataset, ci_prob: float) -> None:
    rows = column.sizes["feature"]
    ax.axvline(0, color="0.5", linewidth=1, zorder=1)
    ax.set_ylim(rows - 0.4, -0.6)  # the first row on top
    ax.set_xlabel(f"Effect (units of y per unit of x)\nmean and {100 * ci_prob:g} % interval")
    if "pip" not in column:
        return
    font, right = row_font(ax, rows), ax.get_yaxis_transform()
    if font * rows > height_for_names(ax) + 1e-6:
        return  # no room
    ax.text(1.02, 1.0, "PIP", transform=ax.transAxes, fontsize=font, va="bottom")
    for row, value in enumerate(column["pip"].values):
        ax.text(1.02, row, f"{value:.2f}", transform=right, fontsize=font, va="center")


def _what(shown: int, size: int, features: object, sort_by: str | None) -> str:
    """Say which of the features are shown."""
    if shown == size or features is not None:
        return "Feature"
    return f"{shown} of {size:,} features,\nlargest {'PIP' if sort_by == 'pip' else '|mean|'}"
