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
_SMALLEST_FONT = 5.0  # points
_VISIBLE = 0.02  # an error bar shorter than this is hidden by its marker
_NOISE = 0.1  # among thousands of features, the bars of smaller PIPs hide one another
_MOST_STEMS = 140  # features
_LONGEST_LABEL = 24  # characters
_INCHES = 0.17  # the width of a feature that is named
_OFFSETS = ((5, 0), (-5, 0), (5, 5), (-5, 5), (5, -5), (-5, -5), (0, 5), (0, -5))  # points
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
        Show plus and minus two Monte Carlo standard errors, cut off at 0 and 1, where they are
        large enough to be seen (0.02); among more than 140 features only of PIPs above 0.1.
    labels : bool, optional
        Name each feature on the axis. Default: if there are 70 of them or fewer, and room.
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
    if ax is None:
        ax = _new_axes(0 if labels is False else size)
    named = _has_room(ax, size) if labels is None else labels
    columns = list(_columns(table))
    xs = _positions(len(columns), size, side_by_side=named)
    for x, (label, column) in zip(xs, columns, strict=True):
        _draw(ax, x, column, error_bars, {"label": label} | kwargs)
    _decorate(ax, size, threshold)
    if len(columns) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    names = [_shorten(str(name)) for name in table["feature"].values]
    _name_ticks(ax, names if named else [])
    if top is None:
        top = 0 if named else _DEFAULT_TOP
    _name_points(ax, xs, [column for _, column in columns], names, top)
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

    width = max(6.4, _INCHES * n_labels) if n_labels <= _MOST_LABELS else 8.0
    return plt.figure(figsize=(width, 4.0), layout="constrained").add_subplot()


def _has_room(ax: "Axes", size: int) -> bool:
    return size <= _MOST_LABELS and _font_size(ax, size) >= _SMALLEST_FONT


def _font_size(ax: "Axes", size: int) -> float:
    """Points of height that each of the names has when they are written side by side."""
    return 0.85 * 72 * ax.get_window_extent().width / ax.figure.dpi / (size + 0.2)


def _columns(table: xr.Dataset) -> Iterator[tuple[str | None, xr.Dataset]]:
    """Yield the PIPs of each trait, with its name; of a single trait, without."""
    others = [dim for dim in table["pip"].dims if dim != "feature"]
    for index in np.ndindex(*(table.sizes[dim] for dim in others)):
        column = table.isel(dict(zip(others, index, strict=True)))
        yield ", ".join(str(column[dim].item()) for dim in others) or None, column


def _positions(n_columns: int, size: int, *, side_by_side: bool) -> Array:
    """Positions of the points on the axis, (n_columns, size)."""
    shift = (np.arange(n_columns) - (n_columns - 1) / 2) * 0.5 / n_columns
    return np.arange(size) + shift[:, None] * side_by_side


def _draw(
    ax: "Axes", x: Array, column: xr.Dataset, error_bars: bool, style: dict[str, Any]
) -> None:
    """Draw points; stems while they can be told apart; error bars that can be seen."""
    from matplotlib import cbook, lines

    pips, error = column["pip"].values, 2 * column["mcse_pip"].values
    defaults: dict[str, Any] = {
        "marker": "o",
        "linestyle": "none",
        "markersize": _marker_size(x.size),
        "zorder": 3,
    }
    (points,) = ax.plot(x, pips, **(defaults | cbook.normalize_kwargs(style, lines.Line2D)))
    color, alpha = points.get_color(), points.get_alpha()
    if x.size <= _MOST_STEMS:
        ax.vlines(x, 0, pips, color=color, alpha=alpha, linewidth=0.8, zorder=2)
    seen = _seen(column)
    if error_bars and seen.any():
        bars = [np.minimum(error, pips)[seen], np.minimum(error, 1 - pips)[seen]]
        ax.errorbar(
            x[seen], pips[seen], bars, fmt="none", ecolor=color, alpha=alpha, capsize=2, zorder=2.5
        )


def _seen(column: xr.Dataset) -> Array:
    """Which error bars are shown."""
    seen = 2 * column["mcse_pip"] >= _VISIBLE
    wide = column.sizes["feature"] > _MOST_STEMS
    return (seen & (column["pip"] > _NOISE) if wide else seen).values


def _marker_size(size: int) -> float:
    """Points across: 5 for some features, 2 for thousands."""
    return float(np.clip(5 * (_MOST_LABELS / size) ** 0.25, 2, 5))


def _decorate(ax: "Axes", size: int, threshold: float | None) -> None:
    ax.set(ylabel="Posterior inclusion\nprobability (PIP)", xlabel="Feature")
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
    room = _font_size(ax, len(names))
    size = float(np.clip(room, _SMALLEST_FONT, 10))
    level = max(map(len, names)) * 0.65 * size < room
    ax.set_xticklabels(names, fontsize=size, rotation=0 if level else 90)


def _name_points(
    ax: "Axes", xs: Array, columns: list[xr.Dataset], names: list[str], top: int
) -> None:
    """Write the names of the largest PIPs beside their points, where there is room."""
    pips = np.stack([column["pip"].values for column in columns])
    trait, largest = pips.argmax(axis=0), pips.max(axis=0)
    chosen = [j for j in np.argsort(-largest, kind="stable")[:top] if largest[j] > 0]
    if not chosen:
        return
    ax.figure.canvas.figure.draw_without_rendering()  # the layout moves the axes only now
    outlines = np.vstack([_outline(x, column) for x, column in zip(xs, columns, strict=True)])
    obstacles, taken = ax.transData.transform(outlines), list[Any]()
    for j in chosen:
        taken += _place(ax, (xs[trait[j], j], largest[j]), names[j], taken, obstacles)


def _outline(x: Array, column: xr.Dataset) -> Array:
    """Points that a name should not cover: the markers, and some along the error bars."""
    reach = np.where(_seen(column), 2 * column["mcse_pip"], 0)
    ys = [np.clip(column["pip"] + share * reach, 0, 1) for share in np.linspace(-1, 1, 9)]
    return np.column_stack([np.tile(x, len(ys)), np.concatenate(ys)])


def _place(
    ax: "Axes", point: tuple[float, float], name: str, taken: list[Any], points: Array
) -> list[Any]:
    """Write a name at the first free place around its point; return the box it takes, if any."""
    from matplotlib.patheffects import withStroke

    text = ax.annotate(name, point, (0, 0), textcoords="offset points", fontsize=8, zorder=4)
    text.set_path_effects([withStroke(linewidth=2, foreground=ax.get_facecolor())])
    frame = ax.get_window_extent()
    for dx, dy in _OFFSETS:
        text.set_position((dx, dy))
        text.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
        text.set_verticalalignment("bottom" if dy > 0 else "top" if dy < 0 else "center")
        box = text.get_window_extent()
        inside = np.all(frame.min <= box.min) and np.all(box.max <= frame.max)
        if inside and not box.count_overlaps(taken) and not box.count_contains(points):
            return [box]
    text.remove()
    return []
