"""Plot of which traits the features affect together."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import xarray as xr

from blrzoo.checks import Choice, Flag, Integer
from blrzoo.plots._axes import panels
from blrzoo.plots._names import SMALLEST_FONT, height_for_names, shorten
from blrzoo.posterior.inputs import feature_index
from blrzoo.posterior.reader import SAMPLE_DIMS, included_blocks
from blrzoo.summaries.covariance import genetic_correlation
from blrzoo.summaries.inclusion import pip
from blrzoo.summaries.pleiotropy import pleiotropy_table
from blrzoo.summaries.table import check_interval, summary_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

__all__ = ["plot_patterns"]

Show = Literal["patterns", "pairs", "correlation"]

_DEFAULT_TOP = 15
_ROW = 0.12  # height of a trait's row of dots, as a share of the highest bar
_MOST_NUMBERS = 12  # traits; in a larger matrix, numbers could not be read
_LABELS = {"pairs": "Expected number of shared features", "correlation": "Genetic correlation"}


def plot_patterns(
    idata: xr.DataTree,
    *,
    show: Show = "patterns",
    ax: "Axes | None" = None,
    top: int | None = None,
    X: Any = None,
    ci_prob: float = 0.95,
    progressbar: bool = True,
    **kwargs: Any,
) -> "Axes":
    """Plot which traits the features affect together.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData of several traits, with ``delta`` (chain, draw, feature, trait) in its
        posterior; for ``show="correlation"`` with ``beta`` instead.
    show : {"patterns", "pairs", "correlation"}, default "patterns"
        - "patterns": a bar for each pattern of traits. Its height is the posterior mean of the
          number of features that affect exactly these traits, with a credible interval (as in
          `blrzoo.pleiotropy_table`); the dots below it mark the traits.
        - "pairs": a matrix, trait by trait, of the posterior mean of the number of features that
          affect both traits; on the diagonal, of those that affect the trait.
        - "correlation": a matrix of genetic correlations, those of the columns of X beta over the
          observations (``rg_fit`` of `blrzoo.genetic_correlation`); also for models that do not
          select.
    ax : matplotlib.axes.Axes, optional
        Where to plot. Default: the axes of a new figure.
    top : int, optional
        How many patterns to show: those with the most features, apart from the pattern of no
        traits. All others are counted together. Default: 15.
    X : array-like (obs, feature), optional
        For ``show="correlation"``: features of the individuals over which the correlation is taken,
        on the scale of the model's X. A DataFrame or a DataArray is joined by the features'
        labels, an array by position. Default: the X of the model, from the constant data.
    ci_prob : float, default 0.95
        Probability of the credible intervals, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    progressbar : bool, default True
        Show a progress bar when it takes more than two seconds.
    **kwargs
        Style, passed to `matplotlib.axes.Axes.bar`, or for a matrix to
        `matplotlib.axes.Axes.imshow`.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If there are no indicators by trait, or none is ever 1; for ``show="correlation"``, if
        ``beta`` or X is missing; or if an argument is not one of those above.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> from blrzoo.plots import plot_patterns
    >>> draws = np.random.default_rng(1).random((4, 100, 50, 2)) < [0.1, 0.2]
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws.astype(int)}},
    ...     dims={"delta": ["feature", "trait"]},
    ...     coords={"trait": ["height", "weight"]},
    ... )
    >>> ax = plot_patterns(idata)
    >>> [label.get_text() for label in ax.get_yticklabels()][-2:]
    ['height', 'weight']
    >>> ax = plot_patterns(idata, show="pairs")
    """
    Choice(get_args(Show), default="patterns").check("show", show)
    if top is not None:
        Integer(1, default=_DEFAULT_TOP).check("top", top)
    ci_prob = check_interval(ci_prob, "eti")
    progressbar = Flag(default=True).check("progressbar", progressbar)
    if show == "patterns":
        bars, none = _patterns(idata, _DEFAULT_TOP if top is None else top, ci_prob)
        return _plot_bars(bars, none, feature_index(idata).size, ax, ci_prob, kwargs)
    draws = _shared(idata) if show == "pairs" else _correlation(idata, X, progressbar)
    return _plot_matrix(summary_table(draws, ci_prob=ci_prob), show, ax, ci_prob, kwargs)


def _shared(idata: xr.DataTree) -> xr.DataArray:
    """Number of features that affect both of two traits, draw by draw."""
    total: Any = 0
    for block in included_blocks(idata):
        if "trait" not in block.dims:
            raise ValueError(
                "idata.posterior must have indicators for each trait, 'delta' (chain, draw, "
                f"feature, trait); those that it has are {block.dims}. Fit several traits with a "
                "model that selects features, such as blrzoo.multivariate_spike_slab."
            )
        on = block.transpose(*SAMPLE_DIMS, "trait", "feature").values.astype(np.float32)
        total = total + on @ np.swapaxes(on, -1, -2)
    names = block.get_index("trait")
    dims = (*SAMPLE_DIMS, "trait", "trait_bis")
    return xr.DataArray(total.astype(float), {"trait": names, "trait_bis": names.values}, dims)


def _correlation(idata: xr.DataTree, X: Any, progressbar: bool) -> xr.DataArray:
    correlation = genetic_correlation(idata, X, definition="fit", progressbar=progressbar)["rg_fit"]
    return correlation.transpose(*SAMPLE_DIMS, "trait", "trait_bis")


# ---- bars ----


def _patterns(idata: xr.DataTree, top: int, ci_prob: float) -> tuple[xr.Dataset, float]:
    """Table of the patterns to show, and the mean number of features that affect no trait."""
    table = pleiotropy_table(idata, most=top + 1, ci_prob=ci_prob)
    affected = table["affected"].transpose("pattern", "trait").values
    null, other = (affected == 0).all(axis=1), np.isnan(affected).any(axis=1)
    shown = np.flatnonzero(~null & ~other)[:top]
    size = table.sizes["feature"]
    none = size - float(pip(idata, any="trait").sum())
    kept = table[["mean", "lower", "upper", "affected"]]
    rest = size - none - float(kept["mean"].values[shown].sum())
    if len(shown) + null.sum() == len(null):
        return kept.isel(pattern=shown), none
    last = kept.isel(pattern=[-1]).copy(deep=True)
    if not (null.any() and other.any()):  # the table counted others together
        last["lower"][:], last["upper"][:] = np.nan, np.nan
    last["mean"][:], last["affected"][:] = rest, np.nan
    return xr.concat([kept.isel(pattern=shown), last], "pattern"), none


def _plot_bars(
    bars: xr.Dataset,
    none: float,
    size: int,
    ax: "Axes | None",
    ci_prob: float,
    given: dict[str, Any],
) -> "Axes":
    names = [shorten(name) for name in bars["trait"].values]
    if not bars.sizes["pattern"]:
        raise ValueError(
            "idata.posterior must include some feature in some draw to have patterns: 'delta' is "
            "0 everywhere."
        )
    width = float(np.clip(2.0 + 0.5 * bars.sizes["pattern"], 5.0, 10.0))
    (ax,) = panels(ax, ["patterns"], width, 3.2 + 0.26 * len(names))
    _draw_bars(ax, bars, given)
    _draw_dots(ax, bars, bars["affected"].transpose("pattern", "trait").values, names)
    _decorate(ax, none, size, ci_prob)
    return ax


def _draw_bars(ax: "Axes", bars: xr.Dataset, given: dict[str, Any]) -> None:
    x = np.arange(bars.sizes["pattern"])
    ax.bar(x, bars["mean"].values, **({"width": 0.7, "zorder": 2} | given))
    low, high = bars["lower"].values, bars["upper"].values
    known = np.isfinite(low)
    ax.vlines(x[known], low[known], high[known], color="k", linewidth=1.2, zorder=3)


def _draw_dots(ax: "Axes", bars: xr.Dataset, affected: np.ndarray, names: list[str]) -> None:
    """Draw a row of dots for each trait below the bars, dark where the pattern affects it."""
    highest = float(max(bars["upper"].max(), bars["mean"].max()))
    rows = -_ROW * highest * np.arange(1, len(names) + 1)
    counts = [tick for tick in _count_ticks(highest) if tick >= 0]
    ax.set_yticks([*counts, *rows], [*(f"{tick:g}" for tick in counts), *names])
    ax.set_ylim(rows[-1] + 0.6 * rows[0], 1.05 * highest)
    room = height_for_names(ax) * _ROW * highest
    font = float(np.clip(room / np.ptp(ax.get_ylim()), SMALLEST_FONT, 10))
    for label in ax.get_yticklabels()[len(counts) :]:
        label.set_fontsize(font)
    ax.set_xlim(-0.7, len(affected) - 0.3)
    for row in rows[::2]:
        ax.axhspan(row + 0.5 * rows[0], row - 0.5 * rows[0], color="0.95", linewidth=0, zorder=0)
    ax.axhline(0, color="k", linewidth=0.8, zorder=3)
    style: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 6, "zorder": 4}
    for x, pattern in enumerate(affected):
        on = pattern == 1
        if np.isnan(pattern).any():
            ax.text(
                x, float(rows.mean()), "other", rotation=90, ha="center", va="center", fontsize=8
            )
            continue
        ax.plot(np.full((~on).sum(), x), rows[~on], color="0.82", **style)
        ax.plot(np.full(on.sum(), x), rows[on], color="0.15", **style)
        ax.vlines(x, rows[on].min(), rows[on].max(), color="0.15", linewidth=1.5, zorder=4)


def _count_ticks(highest: float) -> Iterable[float]:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(0, highest)[:-1]


def _decorate(ax: "Axes", none: float, size: int, ci_prob: float) -> None:
    ax.set_ylabel("Expected number of features", loc="top")
    ax.set_xticks([])
    ax.set_xlabel(
        f"Pattern of traits, with {100 * ci_prob:g} % intervals\n"
        f"(affecting none: {none:.1f} of {size:,} features)"
    )


# ---- matrices ----


def _plot_matrix(
    table: xr.Dataset, show: Show, ax: "Axes | None", ci_prob: float, given: dict[str, Any]
) -> "Axes":
    size = table.sizes["trait"]
    side = float(np.clip(1.5 + 0.9 * size, 3.6, 10.0))
    (ax,) = panels(ax, ["matrix"], side + 1.2, side)
    mean = table["mean"].transpose("trait", "trait_bis").values
    shown = np.ma.masked_where(~np.tri(size, dtype=bool) | np.isnan(mean), mean)
    look: dict[str, Any] = {"cmap": "viridis", "vmin": 0, "aspect": "auto"}
    if show == "correlation":
        look |= {"cmap": "RdBu_r", "vmin": -1, "vmax": 1}
    image = ax.imshow(shown, **(look | given))
    names = [shorten(name) for name in table["trait"].values]
    ax.set_xticks(range(size), names, rotation=0 if max(map(len, names)) <= 8 else 90)
    ax.set_yticks(range(size), names)
    ax.set(xlabel="Trait", ylabel="Trait")
    ax.spines[["top", "right"]].set_visible(False)
    interval = f"\nmean and {100 * ci_prob:g} % interval" if size <= _MOST_NUMBERS else ""
    bar = ax.figure.colorbar(image, ax=ax, label=_LABELS[show] + interval)
    if size > _MOST_NUMBERS or not _write_numbers(ax, image, table, 1 if show == "pairs" else 2):
        bar.set_label(_LABELS[show])
    return ax


def _write_numbers(ax: "Axes", image: "AxesImage", table: xr.Dataset, digits: int) -> bool:
    """Write means into the cells, with intervals if there is room; whether these are written."""
    ordered = table.transpose("trait", "trait_bis")
    mean, low, high = (ordered[name].values for name in ("mean", "lower", "upper"))
    size = len(mean)
    cells = [(i, j) for i in range(size) for j in range(i + 1) if np.isfinite(mean[i, j])]
    means = [f"{mean[cell]:.{digits}f}" for cell in cells]
    with_intervals = [
        f"{text}\n[{low[cell]:.{digits}f}, {high[cell]:.{digits}f}]"
        if low[cell] < high[cell]
        else text
        for text, cell in zip(means, cells, strict=True)
    ]
    ax.figure.canvas.figure.draw_without_rendering()  # the layout moves the axes only now
    for texts in (with_intervals, means):
        font = _font_of_cells(ax, texts, size)
        if font >= SMALLEST_FONT:
            break
    else:
        return False
    for text, (i, j) in zip(texts, cells, strict=True):
        ink = _ink(image, mean[i, j])
        ax.text(j, i, text, ha="center", va="center", fontsize=font, color=ink)
    return texts is with_intervals


def _font_of_cells(ax: "Axes", texts: list[str], size: int) -> float:
    """The largest font, up to 10 points, in which all texts fit into their cells."""
    width, height = (72 * float(x) / ax.figure.dpi / size for x in ax.get_window_extent().size)
    lines = [line for text in texts for line in text.split("\n")]
    return min(10.0, width / (0.66 * max(map(len, lines))), height / 2.8)


def _ink(image: Any, value: float) -> str:
    """Black or white, whichever can be read on the color of a value."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "w" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.5 else "k"
