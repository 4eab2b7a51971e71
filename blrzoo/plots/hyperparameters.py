"""Plot of prior and posterior densities of the hyperparameters."""

from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

from blrzoo.checks import Names
from blrzoo.diagnostics.elements import by_element, hyperparameters
from blrzoo.plots._axes import SomeAxes, give_back, legend_outside, panels, styled
from blrzoo.plots._names import shorten
from blrzoo.posterior.inputs import prior_draws
from blrzoo.posterior.reader import SAMPLE_DIMS, refuse_broken

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_prior_posterior"]

_MOST = 12  # panels
_COLUMNS = 4
_LEFT_OUT = ("mu", "gamma")  # by default: their priors are wide, and say nothing
_FEWEST = 30  # draws on the axis; a density of fewer would be noise
_LONGEST = 32  # characters of a panel's name
_UNITS = {
    "pi": "probability",
    "sigma2": "squared units of y",
    "tau2": "squared units of effects",
    "Sigma_e": "products of units of y",
    "Sigma_b": "products of units of effects",
    "mu": "units of y",
}


def plot_prior_posterior(
    idata: xr.DataTree,
    prior: xr.DataTree | xr.Dataset | None = None,
    *,
    ax: SomeAxes = None,
    var_names: str | list[str] | None = None,
    **kwargs: Any,
) -> Any:
    """Plot the prior and the posterior density of hyperparameters.

    Where the posterior resembles the prior, the data say little about the parameter, and
    conclusions that depend on it depend on its prior.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData.
    prior : xarray.DataTree or xarray.Dataset, optional
        Draws of the prior: what ``pm.sample_prior_predictive(1000, model=model)`` returns, or its
        group ``prior``. Default: the group ``prior`` of `idata`.
    ax : matplotlib.axes.Axes or sequence of them, optional
        Where to plot, one for each element. Default: a new figure.
    var_names : str or list of str, optional
        Variables, or elements such as ``"tau2[chr1]"`` (named as in ``az.summary``). Default:
        hyperparameters with draws of the prior, without mu and gamma; 12 elements at most, taken
        in turns from the variables.
    **kwargs
        Style of the line of the posterior, passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib.axes.Axes, or ndarray of them
        One for each element, in an array if there are several.

    Raises
    ------
    TypeError
        If an argument is not of the type above.
    ValueError
        If there are no draws of the prior, or none of a variable in `var_names`; if no element
        varies; if draws of the posterior are not finite; or if `ax` has another number of axes.

    See Also
    --------
    arviz.plot_prior_posterior : Plots whole variables over the whole range of their priors, and
        returns a ``PlotCollection``.

    Notes
    -----
    Elements of prior and posterior are joined by name. Left out are those that are the same in all
    draws (fixed, or the variance of a null component), and the lower triangle of covariance
    matrices.

    The axis spans the 0.5 % to the 99.5 % quantile of the posterior. On either side it is extended
    to the 10 % or 90 % quantile of the prior, by at least 0.3 and at most 2 times that length, but
    not beyond the draws: priors have heavy tails, and most are much wider than their posteriors.
    The densities are ArviZ's kernel estimates of the draws within the axis, times their share of
    all draws; with fewer than 30 such draws, the average density on the axis.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> from blrzoo.plots import plot_prior_posterior
    >>> rng = np.random.default_rng(1)
    >>> idata = az.from_dict(
    ...     {
    ...         "posterior": {"pi": rng.beta(5, 95, size=(4, 500))},
    ...         "prior": {"pi": rng.beta(1, 1, size=(1, 1000))},
    ...     }
    ... )
    >>> ax = plot_prior_posterior(idata)
    >>> ax.get_xlim()[1] < 0.5, [line.get_label() for line in ax.get_lines()]
    (np.True_, ['prior', 'posterior'])
    """
    refuse_broken(idata)
    known = _prior_of(idata, prior)
    chosen = _choose(hyperparameters(idata), known, var_names)
    pairs = {name: (before, after) for name, before, after in chosen}
    columns = min(_COLUMNS, len(pairs))
    rows = -(-len(pairs) // columns)
    axes = panels(ax, list(pairs), 1.2 + 2.5 * columns, 0.3 + 2.2 * rows, columns=columns)
    for k, (one, (name, draws)) in enumerate(zip(axes, pairs.items(), strict=True)):
        _draw(one, *draws, kwargs)
        _decorate(one, name, first=k == 0)
    legend_outside(axes[columns - 1])
    return give_back(axes)


# ---- input ----


def _prior_of(idata: xr.DataTree, prior: object) -> xr.Dataset:
    """Draws of the prior."""
    given = idata if prior is None else prior
    if isinstance(given, xr.Dataset):
        return given
    if not isinstance(given, xr.DataTree):
        raise TypeError(
            "prior must be what pm.sample_prior_predictive(model=model) returns, or a Dataset of "
            f"draws, got {type(prior).__name__}."
        )
    if "prior" not in given.children:
        where = "idata" if prior is None else "prior"
        raise ValueError(
            f"{where} must have a group 'prior'; it has {list(given.children)}. Draw it: "
            f"prior={prior_draws(idata, 1000, list(hyperparameters(idata)))}."
        )
    return given["prior"].to_dataset()


def _choose(
    posterior: dict[str, xr.DataArray], prior: xr.Dataset, var_names: str | list[str] | None
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Name, prior draws and posterior draws of the elements to show."""
    if var_names is not None:
        wanted = Names(advice="Leave it out for the default.").check("var_names", var_names)
        return list(chain(*(_named(name, posterior, prior) for name in wanted)))
    variables = [name for name in posterior if name not in _LEFT_OUT and name in prior]
    variables = [name for name in variables if "obs_missing" not in posterior[name].dims]
    pairs = [_pairs(name, posterior[name], prior) for name in variables]
    turns = chain(*zip_longest(*pairs))  # the first of each variable, the second of each, ...
    first = {pair[0] for pair in [pair for pair in turns if pair is not None][:_MOST]}
    chosen = [pair for pair in chain(*pairs) if pair[0] in first]
    if not chosen:
        raise ValueError(
            "idata.posterior and the prior must have a hyperparameter in common that varies; the "
            f"posterior has {list(posterior)}, the prior {list(prior.data_vars)}."
        )
    return chosen


def _named(
    name: str, posterior: dict[str, xr.DataArray], prior: xr.Dataset
) -> Iterable[tuple[str, np.ndarray, np.ndarray]]:
    """Elements of the variable, or the single element, of this name."""
    variable = name.split("[")[0]
    for where, there in (("idata.posterior", posterior), ("the prior", prior)):
        if variable not in there:
            raise ValueError(
                f"var_names must be hyperparameters, got {name!r}; {where} has {list(there)}."
            )
    pairs = _pairs(variable, posterior[variable], prior)
    found = [pair for pair in pairs if name in (variable, pair[0])]
    if not found:
        raise ValueError(
            f"var_names must name elements that vary and have a prior, got {name!r}; there are "
            f"{[pair[0] for pair in pairs][:10]}."
        )
    return found


def _pairs(
    name: str, posterior: xr.DataArray, prior: xr.Dataset
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Prior and posterior draws of the elements of a variable, joined by name."""
    draws = prior[name]
    draws = draws.expand_dims([dim for dim in SAMPLE_DIMS if dim not in draws.dims])
    before = by_element(name, draws.transpose(*SAMPLE_DIMS, ...))
    return [
        (element, before[element].ravel(), values.ravel())
        for element, values in by_element(name, posterior).items()
        if element in before and np.ptp(values) > 0 and np.isfinite(before[element]).all()
    ]


# ---- drawing ----


def _draw(ax: "Axes", prior: np.ndarray, posterior: np.ndarray, given: dict[str, Any]) -> None:
    low, high = _limits(prior, posterior)
    looks = [
        (prior, styled({"color": "0.5", "label": "prior"}, {})),
        (posterior, styled({"color": "C0", "label": "posterior"}, given)),
    ]
    for draws, look in looks:
        x, y = _density(draws, low, high)
        (line,) = ax.plot(x, y, **look)
        ax.fill_between(x, 0, y, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set_xlim(low, high)
    ax.set_ylim(bottom=0)


def _limits(prior: np.ndarray, posterior: np.ndarray) -> tuple[float, float]:
    """Ends of the axis: the range of the posterior, extended towards the middle of the prior."""
    low, high = np.quantile(posterior, [0.005, 0.995])
    width = high - low or np.ptp(posterior)
    near_low, near_high = np.quantile(prior, [0.1, 0.9])
    left = min(low - 0.3 * width, max(near_low, low - 2 * width))
    right = max(high + 0.3 * width, min(near_high, high + 2 * width))
    return (
        float(max(left, min(prior.min(), posterior.min()))),
        float(min(right, max(prior.max(), posterior.max()))),
    )


def _density(draws: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Density of the draws on an interval; its integral is their share within it."""
    inside = draws[(draws >= low) & (draws <= high)]
    share = inside.size / draws.size
    if inside.size < _FEWEST or np.ptp(inside) == 0:
        return np.array([low, high]), np.full(2, share / (high - low))
    x, y, _ = array_stats.kde(inside, custom_lims=(low, high))
    return x, share * y


def _decorate(ax: "Axes", name: str, *, first: bool) -> None:
    unit = _UNITS.get(name.split("[")[0])
    ax.set_xlabel(shorten(name, _LONGEST) + (f"\n({unit})" if unit else ""))
    ax.set_yticks([])
    ax.locator_params(axis="x", nbins=3)
    if first:
        ax.set_ylabel("Density")
