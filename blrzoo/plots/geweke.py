"""Plot of Geweke's z-scores: the start of each chain against its end."""

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from blrzoo.diagnostics.elements import labels_of, name_of
from blrzoo.diagnostics.geweke_scores import geweke
from blrzoo.plots._axes import legend_outside, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_geweke"]

_MOST_NAMES = 40  # rows; with more, only those with the largest scores are named
_INCHES = 0.24  # the height of a named row
_LEAST_GAP = 0.03  # of the height, between two names where not all rows are named
_BAND = 2.0
_FEWEST_SCORES = 3.5  # the axis reaches at least this far


def plot_geweke(
    idata: xr.DataTree,
    *,
    ax: "Axes | None" = None,
    var_names: str | list[str] | None = None,
    first: float = 0.1,
    last: float = 0.5,
    **kwargs: Any,
) -> "Axes":
    """Plot Geweke's z-scores: a row for each element of a variable, a color for each chain.

    A z-score compares the mean of the start of a chain with that of its end (see `blrzoo.geweke`).
    The gray band from -2 to 2 holds about 95 % of the scores of chains that have converged: look
    for many points outside, or for points far outside.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData.
    ax : matplotlib.axes.Axes, optional
        Where to plot. Default: the axes of a new figure, tall enough for the names.
    var_names : str or list of str, optional
        Variables of the posterior, ``"model_size"`` (number of included features) or
        ``"genetic_variance"`` (of X beta). Default: these two, and all variables without the dim
        ``feature``.
    first, last : float, default 0.1 and 0.5
        Shares of the draws that are compared, from the start and from the end of each chain.
    **kwargs
        Style of the points, passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes
        Elements without a score (NaN) are left out. With more than 40 rows, or too little height,
        at most 10 rows are named: those with the largest scores outside the band.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, `ax` is not axes, or an argument has the wrong type.
    ValueError
        If a variable is missing, the shares overlap, a share is less than 10 draws, or no element
        has a score.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.plots import plot_geweke
    >>> draws = np.random.default_rng(1).normal(size=(2, 1000, 3))
    >>> idata = az.from_dict({"posterior": {"tau2": draws}}, dims={"tau2": ["group"]})
    >>> ax = plot_geweke(idata)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['tau2[0]', 'tau2[1]', 'tau2[2]']
    """
    scores = geweke(idata, var_names=var_names, first=first, last=last)
    names, z = _rows(scores)
    if not names:
        raise ValueError(
            f"none of {list(scores.data_vars)} has a Geweke score: in each, the start or the end "
            "of the chains does not vary. Choose other var_names."
        )
    height = 1.2 + _INCHES * len(names) if len(names) <= _MOST_NAMES else 6.0
    (ax,) = panels(ax, ["all"], 6.4, max(2.0, height))
    _draw(ax, z, [str(chain) for chain in scores["chain"].values], kwargs)
    _decorate(ax, z)
    _name_rows(ax, names, z)
    return ax


def _rows(scores: xr.Dataset) -> tuple[list[str], np.ndarray]:
    """Names of the elements, and their scores (element, chain)."""
    names: list[str] = []
    columns = [np.empty((0, scores.sizes["chain"]))]
    for name, score in scores.items():
        flat = score.transpose(..., "chain").values.reshape(-1, scores.sizes["chain"])
        first = score.isel(chain=0)
        label = labels_of(first)
        known = np.isfinite(flat).any(axis=1)
        indices = [index for index, k in zip(np.ndindex(first.shape), known, strict=True) if k]
        names += [name_of(str(name), label(index)) for index in indices]
        columns.append(flat[known])
    return names, np.concatenate(columns)


def _draw(ax: "Axes", z: np.ndarray, chains: list[str], style: dict[str, Any]) -> None:
    size = float(np.clip(6 * (_MOST_NAMES / len(z)) ** 0.25, 2, 6))
    defaults: dict[str, Any] = {"marker": "o", "linestyle": "none", "markersize": size, "zorder": 3}
    shift = (np.arange(len(chains)) - (len(chains) - 1) / 2) * 0.4 / len(chains)
    for i, chain in enumerate(chains):
        rows = np.arange(len(z)) + shift[i]
        ax.plot(z[:, i], rows, **styled({"label": f"chain {chain}"} | defaults, style))


def _decorate(ax: "Axes", z: np.ndarray) -> None:
    ax.axvspan(-_BAND, _BAND, color="0.5", alpha=0.15, linewidth=0, zorder=0)
    ax.axvline(0, color="0.5", linewidth=1, zorder=1)
    reach = max(_FEWEST_SCORES, 1.08 * float(np.nanmax(abs(z))))
    ax.set_xlim(-reach, reach)
    margin = max(0.6, 0.02 * len(z))
    ax.set_ylim(len(z) - 1 + margin, -margin)  # the first row on top
    ax.set_xlabel("Geweke's z: start against end of the chain")
    if z.shape[1] > 1:
        legend_outside(ax)


def _name_rows(ax: "Axes", names: list[str], z: np.ndarray) -> None:
    """Name all rows if there is room, else those with the largest scores that do not overlap."""
    room = 0.85 * 72 * ax.get_window_extent().height / ax.figure.dpi / len(names)
    if len(names) <= _MOST_NAMES and room >= 5:
        ax.set_yticks(range(len(names)), names, fontsize=float(min(room, 10)))
        return
    largest = np.nanmax(abs(z), axis=1)
    chosen: list[int] = []
    for row in np.argsort(-largest, kind="stable"):
        far = all(abs(row - other) > _LEAST_GAP * len(names) for other in chosen)
        if largest[row] > _BAND and far and len(chosen) < 10:
            chosen.append(int(row))
    ax.set_yticks(chosen, [names[row] for row in chosen], fontsize=8)
    ax.set_ylabel(f"{len(names)} elements, in the order of the data")
