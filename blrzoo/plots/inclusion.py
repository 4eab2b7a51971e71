"""Plot of PIPs: of few features with their names, of many as a Manhattan plot."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Flag, Integer, NoneOr, Number
from blrzoo.plots._axes import (
    SomeAxes,
    columns_of,
    give_back,
    legend_outside,
    of_trait,
    panels,
    styled,
)
from blrzoo.plots._manhattan import Arrangement, arrange, read_sets
from blrzoo.plots._names import SMALLEST_FONT, column_font, name_places, name_points, shorten
from blrzoo.plots._points import draw_pips, marker_size, outline_of
from blrzoo.summaries.inclusion import inclusion_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

__all__ = ["plot_pip"]

_MOST_LABELS = 70  # features that the axis names
_INCHES = 0.17  # the width of a named feature
_DEFAULT_TOP = 10
_MOST_SETS = 10  # credible sets that the legend lists
_TONES = ("0.45", "0.72")  # of groups, behind credible sets
#: Of credible sets: matplotlib's ten without the gray.
_COLORS = ("C1", "C0", "C2", "C3", "C4", "C5", "C6", "C8", "C9")


@dataclass(frozen=True, eq=False)
class _Panel:
    """Contents of one pair of axes: the PIPs of one trait, or of several in one color each."""

    columns: list[tuple[str, xr.Dataset]]
    xs: np.ndarray
    sets: np.ndarray
    arrangement: Arrangement
    names: list[str]
    with_sets: bool

    @property
    def size(self) -> int:
        return len(self.names)


def plot_pip(
    idata: xr.DataTree,
    *,
    ax: SomeAxes = None,
    groups: ArrayLike | None = None,
    positions: ArrayLike | None = None,
    credible_sets: xr.Dataset | Mapping[Any, xr.Dataset] | None = None,
    trait: Hashable | None = None,
    threshold: float | None = 0.5,
    top: int | None = None,
    error_bars: bool = True,
    labels: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the posterior inclusion probability (PIP) of each feature.

    `groups` (chromosomes, for instance) and `positions` make it a Manhattan plot.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to plot; several axes are one for each trait. Default: a new figure, wide enough for
        the labels.
    groups : array-like (feature,) or True, optional
        Label of each feature's group. The features of a group are placed side by side, in one of
        two alternating tones. A Series or a DataArray is joined by the features' labels, anything
        else by position. True: the groups of the model.
    positions : array-like (feature,), optional
        Position of each feature, in base pairs for instance; with `groups`, its position within the
        group. Joined as `groups` are. The attribute ``units`` of a DataArray is shown. Default:
        the order of the data.
    credible_sets : xarray.Dataset or mapping of them, optional
        What `blrzoo.credible_sets` returns: the features of a set have its color. With several
        traits, a mapping from the label of a trait to its sets.
    trait : label, optional
        Label of the trait to show. Default: all.
    threshold : float or None, default 0.5
        PIP at which a dashed line is drawn, 0 to 1; the features above 0.5 are the median
        probability model [1]_. None: no line.
    top : int, optional
        How many of the features with the largest PIP to name beside their points; names that would
        overlap others are left out. Default: 0 if the axis names the features; else the feature
        with the largest PIP of each credible set, or 10 features if there are no sets.
    error_bars : bool, default True
        Show plus and minus two Monte Carlo standard errors, cut off at 0 and 1, where these are
        large enough to be seen (0.02); with more than 140 features, only of PIPs above 0.1.
    labels : bool, optional
        Name each feature on the axis. Default: True for 70 features or fewer if there is room and
        no `positions`.
    **kwargs
        Style of the points, passed to `matplotlib.axes.Axes.plot`; ``color`` is for one trait.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        One for all traits, which then have one color each. With `groups`, `positions`,
        `credible_sets` or several axes: one for each trait, in an array if there are several.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If there are no indicators, an argument is out of range, `labels` is True with
        `positions`, or `groups`, `positions` or `credible_sets` do not fit the features.

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

    Two chromosomes of 500 features:

    >>> pips = np.r_[0.95, np.zeros(499), 0.6, np.zeros(499)]
    >>> draws = np.random.default_rng(1).random((4, 100, 1000)) < pips
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature"]})
    >>> ax = blr.plot_pip(idata, groups=np.repeat(["chr1", "chr2"], 500), top=2)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['chr1', 'chr2']
    """
    _check(threshold, top, labels, positions)
    Flag(default=True).check("error_bars", error_bars)
    table = of_trait(inclusion_table(idata), trait)
    arrangement = arrange(idata, groups, positions)
    columns = list(columns_of(table))
    sets = read_sets(credible_sets, idata, [name for name, _ in columns])
    apart = any(a is not None for a in (groups, positions, credible_sets)) or _several(ax)
    parts = [[column] for column in columns] if apart else [columns]
    named_size = 0 if labels is False or positions is not None else table.sizes["feature"]
    axes = _axes(ax, columns if apart else columns[:1], named_size, credible_sets is not None)
    named = _has_room(axes[0], named_size) if labels is None else labels
    names = [shorten(name) for name in table["feature"].values]
    for k, (one, part) in enumerate(zip(axes, parts, strict=True)):
        xs = arrangement.x + _shifts(len(part)) * named
        with_sets = credible_sets is not None
        panel = _Panel(part, xs, sets[k], arrangement, names, with_sets)
        _draw_panel(one, panel, error_bars, kwargs)
        _decorate(one, panel, threshold)
        if len(parts) > 1:
            one.set_title(columns[k][0])
        _name_axis(one, panel, named, first=k == 0, last=k == len(parts) - 1)
        _name_points(one, panel, top, named)
    return give_back(axes)


# ---- input ----


def _several(ax: object) -> bool:
    """Whether more than one pair of axes is given."""
    return isinstance(ax, list | tuple | np.ndarray) and np.size(np.asarray(ax, dtype=object)) > 1


def _check(
    threshold: float | None, top: int | None, labels: bool | None, positions: ArrayLike | None
) -> None:
    if labels is not None:
        Flag(advice="Leave it out to name features where there is room.").check("labels", labels)
    NoneOr(Number(least=0, most=1, default=0.5)).check("threshold", threshold)
    if top is not None:
        Integer(0, default=_DEFAULT_TOP).check("top", top)
    if labels and positions is not None:
        raise ValueError(
            "labels must be left out with positions, whose axis shows positions, got labels=True. "
            "Pass top= to name some features beside their points."
        )


def _axes(
    ax: SomeAxes,
    columns: list[tuple[str, xr.Dataset]],
    named: int,
    sets: bool,
) -> "list[Axes]":
    fits = 0 < named <= _MOST_LABELS
    width = max(6.4, _INCHES * named) if fits else 8.0
    height = 4.0 if len(columns) == 1 else 0.6 + 2.6 * len(columns)
    names = [str(name) for name, _ in columns]
    return panels(ax, names, width + 1.2 * sets, height, sharex=True)


def _has_room(ax: "Axes", size: int) -> bool:
    return 0 < size <= _MOST_LABELS and column_font(ax, size) >= SMALLEST_FONT


def _shifts(n_columns: int) -> np.ndarray:
    """Horizontal shifts that put several traits side by side, (n_columns, 1)."""
    return ((np.arange(n_columns) - (n_columns - 1) / 2) * 0.5 / n_columns)[:, None]


# ---- the points ----


def _draw_panel(ax: "Axes", panel: _Panel, error_bars: bool, given: dict[str, Any]) -> None:
    """Draw the features in layers: by trait, or by tone of the group and by credible set."""
    from matplotlib.colors import to_rgb

    several = len(panel.columns) > 1
    for x, (label, column) in zip(panel.xs, panel.columns, strict=True):
        style = styled({"label": label} if several else {}, given)
        if panel.arrangement.group is None and not panel.with_sets:
            draw_pips(ax, x, column, error_bars, style)
            continue
        rest = panel.sets == 0
        tones = _tones(ax, style, dim=panel.with_sets)
        for parity, tone in enumerate(tones):
            chosen = rest & (_parity(panel) == parity)
            draw_pips(ax, x, column, error_bars, style | {"color": to_rgb(tone)}, chosen)
        _draw_sets(ax, x, column, panel, error_bars, style)
    if several:
        legend_outside(ax)


def _parity(panel: _Panel) -> np.ndarray:
    group = panel.arrangement.group
    return np.zeros(panel.size, dtype=int) if group is None else group % 2


def _tones(ax: "Axes", style: dict[str, Any], *, dim: bool) -> "tuple[ColorType, ColorType]":
    """Colors of even and odd groups: grays behind credible sets, else two tones of one color."""
    from matplotlib.colors import to_rgb

    if dim and "color" not in style:
        return _TONES
    (probe,) = ax.plot([], [])  # takes the next colour of the cycle
    color = np.array(to_rgb(style.get("color", probe.get_color())))
    probe.remove()
    return tuple(color), tuple(color + 0.55 * (1 - color))


def _draw_sets(
    ax: "Axes", x: np.ndarray, column: xr.Dataset, panel: _Panel, bars: bool, style: dict[str, Any]
) -> None:
    """Draw the members of credible sets; neighboring sets have different colors."""
    numbers = np.unique(panel.sets[panel.sets > 0])
    places = [x[panel.sets == number].mean() for number in numbers]
    rank = dict(zip(numbers[np.argsort(places)], range(len(numbers)), strict=True))
    for number in numbers:
        chosen = panel.sets == number
        look = {
            "color": _COLORS[rank[number] % len(_COLORS)],
            "markersize": style.get("markersize", marker_size(panel.size)) + 2.5,
            "markeredgecolor": "k",
            "markeredgewidth": 0.5,
            "label": _set_label(number, int(chosen.sum()), len(numbers)),
        }
        draw_pips(ax, x, column, bars, style | look, chosen)
    if len(numbers) > _MOST_SETS:
        legend_outside(ax, title=f"{len(numbers)} credible\nsets, colored", handles=[])
    elif len(numbers):
        legend_outside(ax, title="credible set")


def _set_label(number: int, size: int, n_sets: int) -> str | None:
    if n_sets > _MOST_SETS:
        return None
    return f"{number}: {size} feature{'s' if size > 1 else ''}"


# ---- the axes ----


def _decorate(ax: "Axes", panel: _Panel, threshold: float | None) -> None:
    ax.set(ylabel="Posterior inclusion\nprobability (PIP)", xlabel=panel.arrangement.what)
    ax.set_ylim(-0.02, 1.04)  # 0 to 1, and room for the points at either end
    ax.set_yticks(np.linspace(0, 1, 6))
    low, high = float(panel.arrangement.x.min()), float(panel.arrangement.x.max())
    margin = 0.02 * (high - low) or 0.6
    if not panel.arrangement.is_position:
        margin = max(0.6, 0.02 * panel.size)
    ax.set_xlim(low - margin, high + margin)
    if threshold is not None:
        ax.axhline(threshold, linestyle="--", color="0.5", linewidth=1, zorder=1)


def _name_axis(ax: "Axes", panel: _Panel, named: bool, *, first: bool, last: bool) -> None:
    """Name features or groups below the axis, or show positions there."""
    arrangement = panel.arrangement
    if not last:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)
    if named:
        _name_ticks(ax, panel, with_groups=first)
    elif arrangement.group is not None:
        if last:
            name_places(ax, arrangement.middles, arrangement.names, arrangement.widths)
    elif arrangement.is_position:
        _show_positions(ax)
    else:
        ax.set_xticks([])
        if last:
            ax.set_xlabel("Feature, in the order of the data")


def _show_positions(ax: "Axes") -> None:
    from matplotlib.ticker import EngFormatter

    ax.xaxis.set_major_formatter(EngFormatter())


def _name_ticks(ax: "Axes", panel: _Panel, *, with_groups: bool) -> None:
    """Name each feature below the axis, and its group above."""
    order = np.argsort(panel.arrangement.x)
    names = [panel.names[j] for j in order]
    room = column_font(ax, len(names))
    size = float(np.clip(room, SMALLEST_FONT, 10))
    level = max(map(len, names)) * 0.65 * size < room
    ax.set_xticks(range(len(names)), names, fontsize=size, rotation=0 if level else 90)
    if with_groups and panel.arrangement.group is not None:
        above = ax.secondary_xaxis("top")
        groups = [shorten(name) for name in panel.arrangement.names]
        above.set_xticks(panel.arrangement.middles, groups)
        above.tick_params(length=0)


def _name_points(ax: "Axes", panel: _Panel, top: int | None, named: bool) -> None:
    """Write the names of the largest PIPs beside their points, where there is room."""
    pips = np.stack([column["pip"].values for _, column in panel.columns])
    trait, largest = pips.argmax(axis=0), pips.max(axis=0)
    ordered = np.argsort(-largest, kind="stable")
    if top is None and not named and panel.sets.any():
        ordered = _leads(ordered, panel.sets)
    elif top is None:
        top = 0 if named else _DEFAULT_TOP
    chosen = [j for j in ordered[:top] if largest[j] > 0]
    outlines = [outline_of(x, c) for x, (_, c) in zip(panel.xs, panel.columns, strict=True)]
    points = np.column_stack([panel.xs[trait[chosen], chosen], largest[chosen]])
    name_points(ax, points, [panel.names[j] for j in chosen], np.vstack(outlines))


def _leads(ordered: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """The feature with the largest PIP of each credible set."""
    inside = ordered[sets[ordered] > 0]
    _, first = np.unique(sets[inside], return_index=True)
    return inside[np.sort(first)]
