"""Points of PIPs, with stems and error bars where these can be seen."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_pips", "marker_size", "outline_of"]

_VISIBLE = 0.02  # an error bar shorter than this is hidden by its marker
_NOISE = 0.1  # with more than _MOST_STEMS features, bars of smaller PIPs hide one another
_MOST_STEMS = 140  # features
_LARGE = 70  # features; with more, markers are smaller


def draw_pips(
    ax: "Axes",
    x: np.ndarray,
    column: xr.Dataset,
    error_bars: bool,
    style: dict[str, Any],
    chosen: np.ndarray | None = None,
) -> None:
    """Draw points, stems of few features, and error bars that can be seen."""
    size = x.size
    chosen = np.ones(size, dtype=bool) if chosen is None else chosen
    pips, error = column["pip"].values, 2 * column["mcse_pip"].values
    defaults: dict[str, Any] = {
        "marker": "o",
        "linestyle": "none",
        "markersize": marker_size(size),
        "zorder": 3,
    }
    (points,) = ax.plot(x[chosen], pips[chosen], **(defaults | style))
    color, alpha = points.get_color(), points.get_alpha()
    if size <= _MOST_STEMS:
        ax.vlines(x[chosen], 0, pips[chosen], color=color, alpha=alpha, linewidth=0.8, zorder=2)
    seen = _seen(column) & chosen
    if error_bars and seen.any():
        bars = [np.minimum(error, pips)[seen], np.minimum(error, 1 - pips)[seen]]
        ax.errorbar(
            x[seen], pips[seen], bars, fmt="none", ecolor=color, alpha=alpha, capsize=2, zorder=2.5
        )


def _seen(column: xr.Dataset) -> np.ndarray:
    """Mask of the features whose error bars are shown."""
    seen = 2 * column["mcse_pip"] >= _VISIBLE
    wide = column.sizes["feature"] > _MOST_STEMS
    return (seen & (column["pip"] > _NOISE) if wide else seen).values


def marker_size(size: int) -> float:
    """Choose the size of markers: 5 points across for some features, 2 for thousands."""
    return float(np.clip(5 * (_LARGE / size) ** 0.25, 2, 5))


def outline_of(x: np.ndarray, column: xr.Dataset) -> np.ndarray:
    """Points that names must not cover: markers, and a few along each error bar."""
    reach = np.where(_seen(column), 2 * column["mcse_pip"], 0)
    ys = [np.clip(column["pip"] + share * reach, 0, 1) for share in np.linspace(-1, 1, 9)]
    return np.column_stack([np.tile(x, len(ys)), np.concatenate(ys)])
