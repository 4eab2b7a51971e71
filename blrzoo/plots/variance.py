"""Plot of the variance that each group of features explains."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Choice, Flag, Integer
from blrzoo.plots._axes import (
    columns_of,
    draw_intervals,
    legend_outside,
    of_trait,
    panels,
)
from blrzoo.plots._names import name_rows, shorten
from blrzoo.posterior.inputs import groups_of
from blrzoo.summaries.variance import enrichment_table, variance_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_variance"]

Quantity = Literal["share", "apportioned", "variance", "enrichment"]

_DEFAULT_TOP = 40
_INCHES = 0.26  # the height of a row
_LABELS = {
    "share": "Share of the variance explained\nvar(X_g β_g) / var(Xβ)",
    "apportioned": "Share of the variance explained\ncov(X_g β_g, Xβ) / var(Xβ)",
    "variance": "Variance explained\nvar(X_g β_g), squared units of y",
    "enrichment": "Enrichment\nshare of variance / share of features",
}


def plot_variance(
    idata: xr.DataTree | xr.Dataset,
    X: Any = None,
    groups: ArrayLike | None = None,
    *,
    ax: "Axes | None" = None,
    quantity: Quantity = "share",
    reference: bool = True,
    top: int | None = None,
    trait: Hashable | None = None,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    progressbar: bool = True,
    **kwargs: Any,
) -> "Axes":
    r"""Plot the variance that each group of features explains, with credible intervals.

    For the features g of a group, in each draw and over the rows of X:

    .. math::

       variance_g &= var(X_g\beta_g), \qquad share_g = \frac{var(X_g\beta_g)}{var(X\beta)}

       apportioned_g &= \frac{cov(X_g\beta_g, X\beta)}{var(X\beta)}, \qquad
       enrichment_g = \frac{share_g}{p_g / p}

    with :math:`p_g` of the p features in group g.

    Parameters
    ----------
    idata : xarray.DataTree or xarray.Dataset
        An InferenceData with ``beta`` in its posterior, or a table of it from
        `blrzoo.variance_table` or `blrzoo.enrichment_table`, which is then not computed again.
    X : array-like (obs, feature), optional
        Features of the individuals over which variances are taken, on the scale of the model's X. A
        DataFrame or a DataArray is joined by the features' labels, an array by position. Default:
        the X of the model, from the constant data. Not used with a table.
    groups : array-like (feature,), optional
        Label of each feature's group. A Series or a DataArray is joined by the features' labels,
        anything else by position. Default: the groups of the model. With a table, they only serve
        to mark the reference.
    ax : matplotlib.axes.Axes, optional
        Where to plot. Default: the axes of a new figure, tall enough for the names.
    quantity : {"share", "apportioned", "variance", "enrichment"}, default "share"
        What to plot, by the formulas above. Shares of correlated groups need not sum to 1;
        "apportioned" does, and can be negative. Not used with a table of enrichments.
    reference : bool, default True
        Mark the value of an average group: its share of the features, or enrichment 1.
    top : int, optional
        How many groups to show: if there are more, those with the largest mean, the largest on
        top. Default: 40.
    trait : label, optional
        Label of the trait to show. Default: all, in one color each.
    ci_prob : float, default 0.95
        Probability of the credible intervals, in (0, 1), whatever the ``rcParams`` of ArviZ say. A
        table has its own.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) intervals. A table has its own.
    progressbar : bool, default True
        Show a progress bar when it takes more than two seconds.
    **kwargs
        Style of the points, passed to `matplotlib.axes.Axes.plot`; ``color`` is for one trait.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `idata` is neither a DataTree nor a Dataset, or an argument has the wrong type.
    ValueError
        If ``beta``, X or groups are missing or do not fit each other, or a table lacks a variable.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> from blrzoo.plots import plot_variance
    >>> X = np.random.default_rng(1).normal(size=(100, 3))
    >>> beta = np.random.default_rng(2).normal([1.0, 0.0, 2.0], 0.1, size=(4, 250, 3))
    >>> idata = az.from_dict({"posterior": {"beta": beta}}, dims={"beta": ["feature"]})
    >>> ax = plot_variance(idata, X, ["chr1", "chr1", "chr2"])
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['chr1', 'chr2']
    >>> ax.get_legend().get_texts()[0].get_text()
    'share of features'
    """
    if top is not None:
        Integer(1, default=_DEFAULT_TOP).check("top", top)
    Choice(tuple(_LABELS), default="share").check("quantity", quantity)
    Flag(default=True).check("reference", reference)
    if isinstance(idata, xr.Dataset):
        quantity, table = _read(idata, quantity)
        marks = _marks_of_labels(table, groups, quantity) if reference else None
    else:
        table = _compute(idata, X, groups, quantity, ci_prob, ci_kind, progressbar)
        marks = _marks(idata, table, groups, quantity) if reference else None
    table = of_trait(table[["mean", "lower", "upper"]].assign_attrs(table.attrs), trait)
    rows, cut = _rows(table, _DEFAULT_TOP if top is None else top)
    columns = list(columns_of(table.isel(group=rows), along="group"))
    row = _INCHES * max(1.0, 0.5 * len(columns))
    (ax,) = panels(ax, ["all"], 7.2, float(np.clip(1.0 + row * len(rows), 2.0, 14.0)))
    _draw(ax, columns, None if marks is None else marks[rows], quantity, kwargs)
    _decorate(ax, table.isel(group=rows), quantity, cut)
    return ax


# ---- input ----


def _compute(
    idata: xr.DataTree,
    X: Any,
    groups: ArrayLike | None,
    quantity: Quantity,
    ci_prob: float,
    ci_kind: Literal["eti", "hdi"],
    progressbar: bool,
) -> xr.Dataset:
    if quantity == "enrichment":
        return enrichment_table(
            idata, X, groups, ci_prob=ci_prob, ci_kind=ci_kind, progressbar=progressbar
        )
    table = variance_table(
        idata, X, groups, ci_prob=ci_prob, ci_kind=ci_kind, progressbar=progressbar
    )
    return table.sel(quantity=quantity, drop=True)


def _read(table: xr.Dataset, quantity: Quantity) -> tuple[Quantity, xr.Dataset]:
    """Quantity to plot, and the part of the table that holds it."""
    missing = [name for name in ("mean", "lower", "upper") if name not in table]
    if missing or "group" not in table.dims:
        raise ValueError(
            "idata must be an InferenceData, or a table of blrzoo.variance_table or "
            f"blrzoo.enrichment_table, with mean, lower and upper (group); it lacks "
            f"{missing or 'the dim group'}."
        )
    if "quantity" not in table.dims:
        return "enrichment" if "features" in table else quantity, table
    if quantity not in table["quantity"].values:
        raise ValueError(
            f"quantity must be one of those in the table, {table['quantity'].values.tolist()}, "
            f"got {quantity!r}. Pass the table of blrzoo.enrichment_table for enrichments."
        )
    return quantity, table.sel(quantity=quantity, drop=True)


def _marks(
    idata: xr.DataTree, table: xr.Dataset, groups: ArrayLike | None, quantity: Quantity
) -> np.ndarray | None:
    """Each group's share of the features, in the order of the table."""
    if quantity not in ("share", "apportioned"):
        return None
    index, names = groups_of(idata, groups)
    counts = pd.Series(np.bincount(index, minlength=len(names)), index=names)
    return (counts.reindex(table.get_index("group")) / index.size).to_numpy()


def _marks_of_labels(
    table: xr.Dataset, groups: ArrayLike | None, quantity: Quantity
) -> np.ndarray | None:
    if groups is None or quantity not in ("share", "apportioned"):
        return None
    shares = pd.Series(np.asarray(groups)).value_counts(normalize=True)
    marks = shares.reindex(table.get_index("group"))
    if marks.isna().any():
        raise ValueError(
            "groups must be the labels that the table was made with, got none for "
            f"{list(marks.index[marks.isna()][:5])}."
        )
    return marks.to_numpy()


def _rows(table: xr.Dataset, top: int) -> tuple[np.ndarray, int]:
    """Positions of the groups to show, and the number they are chosen from (0: all are shown)."""
    size = table.sizes["group"]
    if size <= top:
        return np.arange(size), 0
    largest = table["mean"].max([dim for dim in table["mean"].dims if dim != "group"]).values
    return np.argsort(-largest, kind="stable")[:top], size


# ---- drawing ----


def _draw(
    ax: "Axes",
    columns: list[tuple[str, xr.Dataset]],
    marks: np.ndarray | None,
    quantity: Quantity,
    given: dict[str, Any],
) -> None:
    """Draw points and intervals, traits side by side, and the reference."""
    shifts = (np.arange(len(columns)) - (len(columns) - 1) / 2) * 0.6 / len(columns)
    for shift, (label, column) in zip(shifts, columns, strict=True):
        named = {"label": label} if len(columns) > 1 else {}
        draw_intervals(ax, np.arange(column.sizes["group"]) + shift, column, named | given)
    if marks is not None:
        y = np.arange(len(marks))
        ends = (y - 0.38, y + 0.38)
        ax.vlines(marks, *ends, color="0.65", linewidth=3, zorder=1, label="share of features")
    if quantity == "enrichment":
        ax.axvline(1, color="0.5", linestyle="--", linewidth=1, zorder=1)
    if ax.get_legend_handles_labels()[0]:
        legend_outside(ax)


def _decorate(ax: "Axes", table: xr.Dataset, quantity: Quantity, cut: int) -> None:
    rows = table.sizes["group"]
    names = [shorten(name) for name in table["group"].values]
    ax.set_ylim(rows - 0.4, -0.6)  # the first row on top
    if bool((table["lower"].fillna(0) >= 0).all()):
        ax.set_xlim(left=0)
    else:
        ax.axvline(0, color="0.5", linewidth=1, zorder=1)
    name_rows(ax, names)
    ci_prob = table.attrs.get("ci_prob")
    interval = f"; mean and {100 * ci_prob:g} % interval" if ci_prob is not None else ""
    ax.set_xlabel(_LABELS[quantity] + interval)
    ax.set_ylabel(f"{rows} of {cut:,} groups,\nthe largest" if cut else "Group")
