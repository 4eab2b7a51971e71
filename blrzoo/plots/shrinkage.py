"""Plot of posterior means of effects against least squares: what the prior shrinks."""

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Integer
from blrzoo.plots._axes import SomeAxes, columns_of, give_back, of_trait, panels
from blrzoo.plots._estimates import Method, least_squares_effects, read_effects
from blrzoo.plots._names import name_points, shorten
from blrzoo.posterior.reader import SAMPLE_DIMS, draws_of, feature_blocks, indicator_name
from blrzoo.summaries.inclusion import pip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

__all__ = ["plot_shrinkage"]

_DEFAULT_TOP = 5
_LABELS = {
    None: "Least-squares effect",
    "joint": "Least-squares effect, all features at once",
    "marginal": "Least-squares effect, one feature at a time",
}


def plot_shrinkage(
    idata: xr.DataTree,
    least_squares: ArrayLike | xr.Dataset | None = None,
    *,
    ax: SomeAxes = None,
    top: int | None = None,
    trait: Hashable | None = None,
    **kwargs: Any,
) -> Any:
    r"""Plot posterior means of effects against least-squares estimates, colored by PIP.

    On the dashed line, y = x, the posterior mean equals the least-squares estimate; on the
    horizontal line it is shrunk to zero.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` (chain, draw, feature[, trait]) in its posterior.
    least_squares : table, array-like (feature[, trait]), "joint", "marginal" or None
        Estimates: what `blrzoo.ols` returns, a Series, a DataArray or, for several traits, a
        DataFrame, which are joined by the features' labels; or an array, by position. "joint" and
        "marginal" compute them from the data of the fit (see Notes). Default: "joint" if these
        estimates exist and there are at most 1000 features, else "marginal".
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to plot; one for each trait. Default: a new figure.
    top : int, optional
        How many of the features with the largest absolute posterior mean to name; names that
        would overlap others are left out. Default: 5.
    trait : label, optional
        Label of the trait to show. Default: all.
    **kwargs
        Style of the points, passed to `matplotlib.axes.Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        In units of y per unit of x; one for each trait, in an array if there are several. A
        feature without an estimate (NaN) is left out.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If ``beta`` is missing, or ``y`` or ``X`` where the estimates are computed; if estimates do
        not fit the features; or if the estimates of "joint" do not exist.

    Notes
    -----
    "joint" estimates are those of `blrzoo.ols`, :math:`(X'X)^{-1}X'y`: they need more observations
    than columns, and linearly independent columns. "marginal" estimates,
    :math:`x_j'y / x_j'x_j`, are of one feature at a time. Both are adjusted for an intercept and
    the covariates, and use the weights of the fit. For each trait, the rows in which it was
    observed are used.

    The marginal estimate of a feature contains the effects of features that are correlated with it.
    So a feature with a large marginal estimate and a posterior mean of zero may be explained by
    another one, rather than shrunk.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.plots import plot_shrinkage
    >>> data = blr.simulate(n=60, p=5, n_causal=2, random_seed=1)
    >>> model = blr.single_component(data.X, data.y)
    >>> idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> ax = plot_shrinkage(idata, blr.ols(data.X, data.y))
    >>> ax.get_xlabel().split("\n")[0]
    'Least-squares effect'
    """
    if top is not None:
        Integer(0, default=_DEFAULT_TOP).check("top", top)
    if isinstance(least_squares, str) and least_squares not in get_args(Method):
        raise ValueError(
            "least_squares must be estimates, 'joint', 'marginal' or None, got "
            f"{least_squares!r}. Pass blrzoo.ols(X, y), for instance."
        )
    table = _table(idata, trait)
    columns = list(columns_of(table))
    estimates, method = _estimates(idata, least_squares, table, trait)
    axes = _axes(ax, columns)
    for one, (label, column), x in zip(axes, columns, estimates, strict=True):
        points = _draw(one, x, column, kwargs)
        _decorate(one, x, column["mean"].values, method)
        if len(columns) > 1:
            one.set_title(label)
        _name(one, x, column, _DEFAULT_TOP if top is None else top)
    if "pip" in table and not {"c", "color"} & set(kwargs):
        _colorbar(axes, points)
    return give_back(axes)


def _table(idata: xr.DataTree, trait: Hashable | None) -> xr.Dataset:
    """Posterior means and, if there are any, PIPs, dims (feature[, trait])."""
    beta = of_trait(draws_of(idata, "beta"), trait)
    means = [block.astype(float).mean(SAMPLE_DIMS) for block in feature_blocks(beta)]
    table = xr.concat(means, "feature").to_dataset(name="mean")
    if indicator_name(idata) is not None:
        pips = pip(idata)
        pips = of_trait(pips, trait) if "trait" in pips.dims else pips
        if not pips.get_index("feature").equals(table.get_index("feature")):
            pips = pips.sel(feature=table["feature"])
        table["pip"] = pips.broadcast_like(table["mean"]).drop_attrs()
    return table


def _estimates(
    idata: xr.DataTree,
    given: ArrayLike | xr.Dataset | None,
    table: xr.Dataset,
    trait: Hashable | None,
) -> tuple[list[np.ndarray], Method | None]:
    traits = table["trait"].values.tolist() if "trait" in table.dims else None
    if given is None or isinstance(given, str):
        method = cast("Method | None", given)
        return least_squares_effects(idata, method, traits if trait is None else [trait])
    if trait is not None and _has_traits(given):
        traits = [trait]
    return read_effects(given, idata, traits), None


def _has_traits(given: ArrayLike | xr.Dataset) -> bool:
    value = given.get("beta", given) if isinstance(given, xr.Dataset) else given
    return np.ndim(value) == 2 if not isinstance(value, xr.Dataset) else False


def _axes(ax: SomeAxes, columns: list[tuple[str, xr.Dataset]]) -> "list[Axes]":
    names, side = [str(name) for name, _ in columns], min(len(columns), 3)
    rows = -(-len(names) // side)
    size = (5.6, 4.4) if len(names) == 1 else (1.0 + 3.6 * side, 3.6 * rows)
    return panels(ax, names, *size, columns=side)


def _draw(ax: "Axes", x: np.ndarray, column: xr.Dataset, given: dict[str, Any]) -> "PathCollection":
    """Draw the points, those with a high PIP on top."""
    look: dict[str, Any] = {"s": float(np.clip(6000 / x.size, 6, 30)), "zorder": 3}
    order = np.arange(x.size)
    if "pip" in column and not {"c", "color"} & set(given):
        order = np.argsort(column["pip"].values, kind="stable")
        look |= {"c": column["pip"].values[order], "cmap": "viridis_r", "vmin": 0, "vmax": 1}
    return ax.scatter(x[order], column["mean"].values[order], **(look | given))


def _decorate(ax: "Axes", x: np.ndarray, y: np.ndarray, method: Method | None) -> None:
    known = np.isfinite(x)
    for values, set_limits in ((x[known], ax.set_xlim), (y, ax.set_ylim)):
        low, high = min(values.min(initial=0), 0), max(values.max(initial=0), 0)
        margin = 0.06 * (high - low) or 1.0
        set_limits(low - margin, high + margin)
    ax.axline(
        (0, 0), slope=1, color="0.4", linestyle="--", linewidth=1, label="no shrinkage: y = x"
    )
    ax.axhline(0, color="0.4", linewidth=1, zorder=1, label="shrunk to zero")
    ax.set_xlabel(f"{_LABELS[method]}\n(units of y per unit of x)")
    ax.set_ylabel("Posterior mean of the effect")
    ax.legend(loc="upper left", fontsize=8, framealpha=0.8)


def _name(ax: "Axes", x: np.ndarray, column: xr.Dataset, top: int) -> None:
    y = column["mean"].values
    largest = np.argsort(-np.where(np.isfinite(x), abs(y), -1), kind="stable")[:top]
    chosen = largest[np.isfinite(x[largest]) & (y[largest] != 0)]
    names = [shorten(name) for name in column["feature"].values[chosen]]
    known = np.isfinite(x)
    name_points(ax, np.column_stack([x, y])[chosen], names, np.column_stack([x, y])[known])


def _colorbar(axes: "list[Axes]", points: "PathCollection") -> None:
    axes[0].figure.colorbar(points, ax=axes, label="Posterior inclusion probability (PIP)")
