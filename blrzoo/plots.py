"""Plots of an InferenceData, on matplotlib axes that can be restyled."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from blrzoo.summaries.inclusion import indicator_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_pip"]

Array = NDArray[Any]

_MOST_LABELS = 70  # features; more are told by their position
_VISIBLE = 0.01  # an error bar shorter than this is hidden by its marker
_LONGEST_LABEL = 24  # characters
_INCHES = 0.17  # the width of a feature that is named
_OFFSETS = ((0, 5), (6, 0), (-6, 0), (6, 6), (-6, 6), (6, -8), (-6, -8), (0, -6))  # points
_DEFAULT_TOP = 10


def plot_pip(
    idata: xr.DataTree,
    *,
    ax: "Axes | None" = None,
    threshold: float | None = 0.5,
    top: int | None = None,
    error_bars: bool = True,
    labels: bool | None = None,
    **kwargs: Any,
) -> "Axes":
    """Plot the posterior inclusion probability (PIP) of each feature, in the order of the data.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    ax : matplotlib.axes.Axes, optional
        Where to plot. Default: the axes of a new figure, wide enough for the labels.
    threshold : float or None, default 0.5
        PIP of a dashed line, 0 to 1; 0.5 is the median probability model [1]_. None: no line.
    top : int, optional
        How many of the features with the largest PIP to name beside their points; labels that
        would overlap others are left out. Default: 10 if the axis does not name them, else 0.
    error_bars : bool, default True
        Show plus and minus two Monte Carlo standard errors where they are large enough to be
        seen (0.01), cut off at 0 and 1.
    labels : bool, optional
        Name each feature on the axis. Default: if there are 70 of them or fewer.
    **kwargs
        For the points, see `matplotlib.axes.Axes.plot`; ``color`` only for a single trait.

    Returns
    -------
    matplotlib.axes.Axes
        With one colour a trait.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `top` is not an integer.
    ValueError
        If there are no indicators, or `threshold` or `top` is out of range.

    References
    ----------
    .. [1] Barbieri & Berger (2004). Optimal predictive model selection. Annals of Statistics
       32:870-897.

    Examples
    --------
    >>> import arviz as az
    >>> import blrzoo as blr
    >>> import numpy as np
    >>> draws = np.random.default_rng(1).random((4, 500, 3)) < [0.9, 0.2, 0.0]
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature"]})
    >>> ax = blr.plot_pip(idata, threshold=0.8)
    >>> ax.set_title("PIP").get_text()
    'PIP'
    """
    _check(threshold, top)
    table = indicator_table(idata)
    size = table.sizes["feature"]
    named = size <= _MOST_LABELS if labels is None else labels
    if ax is None:
        ax = _new_axes(size if named else 0)
    columns = list(_columns(table))
    for i, (label, column) in enumerate(columns):
        shift = (i - (len(columns) - 1) / 2) * 0.5 / len(columns) if named else 0.0
        _draw(ax, np.arange(size) + shift, column, error_bars, {"label": label} | kwargs)
    _decorate(ax, size, threshold)
    if len(columns) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    names = [_shorten(str(name)) for name in table["feature"].values]
    _name_ticks(ax, names if named else [])
    _name_points(ax, table["pip"], names, (0 if named else _DEFAULT_TOP) if top is None else top)
    return ax


def _check(threshold: float | None, top: int | None) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be a PIP, 0 to 1, or None for no line, got {threshold}")
    if top is None:
        return
    if isinstance(top, bool) or not isinstance(top, int | np.integer):
        raise TypeError(f"top must be an integer (features to name), got {type(top).__name__}")
    if top < 0:
        raise ValueError(f"top must be 0 (no names) or more, got {top}")


def _new_axes(n_labels: int) -> "Axes":
    import matplotlib.pyplot as plt  # not at import: choosing a backend is up to the user

    width = min(max(6.4, _INCHES * n_labels), 16.0)
    return plt.figure(figsize=(width, 4.0), layout="constrained").add_subplot()


def _columns(table: xr.Dataset) -> Iterator[tuple[str | None, xr.Dataset]]:
    """Yield the PIPs of each trait, with its name; of a single trait, without."""
    others = [dim for dim in table["pip"].dims if dim != "feature"]
    for index in np.ndindex(*(table.sizes[dim] for dim in others)):
        column = table.isel(dict(zip(others, index, strict=True)))
        yield ", ".join(str(column[dim].item()) for dim in others) or None, column


def _draw(
    ax: "Axes", x: Array, column: xr.Dataset, error_bars: bool, style: dict[str, Any]
) -> None:
    """Draw points; stems while they can be told apart; error bars that can be seen."""
    from matplotlib import cbook, lines

    pips, error = column["pip"].values, 2 * column["mcse_pip"].values
    defaults = {"marker": "o", "linestyle": "none", "markersize": _marker_size(x.size), "zorder": 3}
    (points,) = ax.plot(x, pips, **(defaults | cbook.normalize_kwargs(style, lines.Line2D)))
    color, alpha = points.get_color(), points.get_alpha()
    if x.size <= 2 * _MOST_LABELS:
        ax.vlines(x, 0, pips, color=color, alpha=alpha, linewidth=0.8, zorder=2)
    seen = error >= _VISIBLE
    if error_bars and seen.any():
        bars = [np.minimum(error, pips)[seen], np.minimum(error, 1 - pips)[seen]]
        ax.errorbar(
            x[seen], pips[seen], bars, fmt="none", ecolor=color, alpha=alpha, capsize=2, zorder=2.5
        )


def _marker_size(size: int) -> float:
    """Points across: 5 for some features, 2 for thousands."""
    return float(np.clip(5 * (_MOST_LABELS / size) ** 0.25, 2, 5))


def _decorate(ax: "Axes", size: int, threshold: float | None) -> None:
    ax.set(ylabel="Posterior inclusion probability (PIP)", xlabel="Feature")
    ax.set_ylim(-0.02, 1.04)  # 0 to 1, and room for the points at either end
    ax.set_yticks(np.linspace(0, 1, 6))
    margin = max(0.6, 0.02 * size)
    ax.set_xlim(-margin, size - 1 + margin)
    if threshold is not None:
        ax.axhline(threshold, linestyle="--", color="0.5", linewidth=1, zorder=1)


def _shorten(name: str) -> str:
    """Cut the middle out of a long name: what tells it from others is at the ends."""
    half = (_LONGEST_LABEL - 1) // 2
    return name if len(name) <= _LONGEST_LABEL else f"{name[:half]}…{name[-half:]}"


def _name_ticks(ax: "Axes", names: list[str]) -> None:
    """Name each feature below the axis; without names, say how many there are."""
    ax.set_xticks(range(len(names)))
    if not names:
        ax.set_xlabel("Feature, in the order of the data")
        return
    points = 72 * ax.get_window_extent().width / ax.figure.dpi / (len(names) + 0.2)
    size = float(np.clip(0.85 * points, 5, 10))
    level = max(map(len, names)) * 0.65 * size < points
    style = {"rotation": 0} if level else {"rotation": 90}
    ax.set_xticklabels(names, fontsize=size, **style)


def _name_points(ax: "Axes", pips: xr.DataArray, names: list[str], top: int) -> None:
    """Write the names of the largest PIPs beside their points, where there is room."""
    others = [dim for dim in pips.dims if dim != "feature"]
    largest = pips.max(others).values
    chosen = [j for j in np.argsort(-largest, kind="stable")[:top] if largest[j] > 0]
    if not chosen:
        return
    ax.figure.canvas.figure.draw_without_rendering()  # the layout moves the axes only now
    data = np.column_stack(
        [
            np.tile(np.arange(largest.size), pips.size // largest.size),
            pips.transpose(..., "feature").values.ravel(),
        ]
    )
    taken: list[Any] = []
    for j in chosen:
        taken += _place(ax, (j, largest[j]), names[j], taken, ax.transData.transform(data))


def _place(
    ax: "Axes", point: tuple[int, float], name: str, taken: list[Any], points: Array
) -> list[Any]:
    """Write a name at the first free place around its point; return the box it takes, if any."""
    text = ax.annotate(name, point, (0, 0), textcoords="offset points", fontsize=8, zorder=4)
    frame = ax.get_window_extent()
    for dx, dy in _OFFSETS:
        text.set_position((dx, dy))
        text.set_ha("left" if dx > 0 else "right" if dx < 0 else "center")
        text.set_va("bottom" if dy > 0 else "top" if dy < 0 else "center")
        box = text.get_window_extent()
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0
        if inside and not box.count_overlaps(taken) and not box.count_contains(points):
            return [box]
    text.remove()
    return []
