"""Shared by all plots: axes, traits of a table, intervals, legends, and labels of features."""

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandas.api.types import is_hashable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "SomeAxes",
    "columns_of",
    "draw_intervals",
    "find_labels",
    "give_back",
    "legend_outside",
    "of_trait",
    "panels",
    "styled",
]

#: Axes that a user gives: one, several, or None for a new figure.
type SomeAxes = Axes | Sequence[Axes] | np.ndarray | None


def panels(
    ax: SomeAxes,
    names: list[str],
    width: float,
    height: float,
    *,
    columns: int = 1,
    **kwargs: Any,
) -> "list[Axes]":
    """Return the caller's axes, one for each panel, or those of a new figure."""
    if ax is not None:
        return _check_panels(ax, names)
    import matplotlib.pyplot as plt  # not at import: choosing a backend is up to the user

    figure = plt.figure(figsize=(width, height), layout="constrained")
    rows = -(-len(names) // columns)
    axes = figure.subplots(rows, columns, squeeze=False, **kwargs).ravel()
    for spare in axes[len(names) :]:
        spare.remove()
    return list(axes[: len(names)])


def _check_panels(ax: Any, names: list[str]) -> "list[Axes]":
    from matplotlib.axes import Axes

    several = isinstance(ax, list | tuple | np.ndarray)
    axes = list(np.ravel(np.asarray(ax, dtype=object))) if several else [ax]
    if wrong := [one for one in axes if not isinstance(one, Axes)]:
        raise TypeError(
            f"ax must be matplotlib axes, or a list or array of them, got {type(wrong[0]).__name__}"
            ". Pass what plt.subplots() returns second."
        )
    if len(axes) != len(names):
        what = f", one for each of {names[:5]}" if len(names) > 1 else ""
        raise ValueError(
            f"ax must be {len(names)} axes{what}, got {len(axes)}. Pass as many, "
            f"plt.subplots({len(names)})[1], or leave ax out for a new figure; trait= chooses one "
            "of several traits."
        )
    return axes


def give_back(axes: "list[Axes]") -> Any:
    """Return axes as `matplotlib.pyplot.subplots` does."""
    return axes[0] if len(axes) == 1 else np.array(axes, dtype=object)


def of_trait[T: (xr.DataArray, xr.Dataset)](array: T, trait: Hashable | None) -> T:
    """Select one trait of a table or of draws."""
    if trait is None:
        return array
    if "trait" not in array.dims:
        raise ValueError(f"trait must be left out where there are no traits, got {trait!r}.")
    labels = array.get_index("trait")
    if not is_hashable(trait) or trait not in labels:
        raise ValueError(f"trait must be one of {list(labels)}, got {trait!r}.")
    return array.isel(trait=labels.get_loc(trait), drop=True)


def columns_of(table: xr.Dataset, along: str = "feature") -> Iterator[tuple[str, xr.Dataset]]:
    """Split a table into its columns, one for each trait."""
    others = [dim for dim in table.dims if dim != along]
    for index in np.ndindex(*(table.sizes[dim] for dim in others)):
        column = table.isel(dict(zip(others, index, strict=True)))
        yield ", ".join(str(column[dim].item()) for dim in others), column


def styled(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Merge default style with the caller's, which wins, also by an alias (``ms``, ``c``)."""
    from matplotlib import cbook, lines

    return defaults | cbook.normalize_kwargs(given, lines.Line2D)


def draw_intervals(ax: "Axes", rows: np.ndarray, column: xr.Dataset, given: dict[str, Any]) -> None:
    """Draw each mean as a point and its interval as a line, one to a row."""
    defaults = {"marker": "o", "linestyle": "none", "markersize": 5, "zorder": 3}
    (points,) = ax.plot(column["mean"].values, rows, **styled(defaults, given))
    ax.hlines(
        rows,
        column["lower"].values,
        column["upper"].values,
        color=points.get_color(),
        alpha=points.get_alpha(),
        linewidth=1.5,
        zorder=2,
    )


def legend_outside(ax: "Axes", **kwargs: Any) -> None:
    """Add a legend to the right of the axes, where it covers nothing."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, **kwargs)


def find_labels(name: str, labels: object, index: pd.Index) -> NDArray[np.intp]:
    """Positions of the features that the caller names."""
    if isinstance(labels, str) or not np.iterable(labels):
        raise TypeError(f"{name} must be a list of labels, got {labels!r}. Put one into a list.")
    wanted = pd.Index(list(labels), dtype=object)
    places = index.astype(object).get_indexer(wanted) if index.is_unique else None
    if places is None:
        raise ValueError(f"{name} must be left out where labels of features are not unique.")
    if not places.size or (places < 0).any():
        raise ValueError(
            f"{name} must be labels of features of idata, such as {list(index[:3])}, got "
            f"{list(wanted[places < 0][:5]) or 'none'}."
        )
    return places
