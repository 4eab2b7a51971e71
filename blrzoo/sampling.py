"""`pm.sample` with the defaults that wide models need."""

import logging
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from arviz_stats import ess, rhat

from blrzoo.gibbs.spec import find_model, spec_of

__all__ = ["sample"]

_log = logging.getLogger(__name__)

#: Variables with more elements than this are screened first (ArviZ takes ms an element).
_WIDE = 200


def sample(
    model: pm.Model | None = None,
    *,
    chains: int = 4,
    var_names: list[str] | None = None,
    compute_convergence_checks: bool = True,
    quiet: bool = False,
    **kwargs: Any,
) -> xr.DataTree:
    """Draw from the posterior: ``pm.sample`` with defaults for models with many features.

    It keeps ``beta``, the indicators and the hyperparameters. ``alpha`` is not recorded: its
    excluded elements mean nothing. In the result it is ``beta`` itself (the same memory), so
    that what PyMC computes from draws of all variables, as the posterior predictive, is right.

    Each chain starts at effects drawn from their prior, so that R-hat compares chains from
    different places. Convergence is checked in seconds where ``pm.sample`` takes minutes: wide
    variables are screened with the classic split R-hat [1]_, and ArviZ's rank-normalised R-hat
    [2]_ is computed for the worst elements only.

    Parameters
    ----------
    model : pm.Model, optional
        Default: the model on the context.
    chains : int, default 4
        Number of chains.
    var_names : list of str, optional
        Variables to keep. Default: all, ``alpha`` as said above.
    compute_convergence_checks : bool, default True
        Whether to check R-hat and ESS, and log what is wrong.
    quiet : bool, default False
        No progress bar and no log.
    **kwargs
        Any other argument of ``pm.sample`` (draws, tune, cores, random_seed, step, ...).

    Returns
    -------
    xarray.DataTree
        The InferenceData: posterior, sample_stats, observed_data, constant_data.

    Raises
    ------
    TypeError
        Where `model` is not a model, or there is none, and for chains that are not an int.
    ValueError
        For fewer than one chain, and names that the model does not have.

    References
    ----------
    .. [1] Gelman & Rubin (1992). Statistical Science 7:457-472.
    .. [2] Vehtari et al. (2021). Rank-normalization, folding, and localization: an improved
       R-hat. Bayesian Analysis 16:667-718.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.spike_slab(data.X, data.y)
    >>> idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> sorted(idata.posterior.data_vars)
    ['alpha', 'beta', 'delta', 'mu', 'pi', 'sigma2', 'tau2']
    """
    model = find_model(model)
    _check_arguments(model, chains, var_names)
    alias = var_names is None and kwargs.get("trace") is None and "alpha" in model.named_vars
    if alias:
        var_names = [rv.name for rv in model.unobserved_RVs if rv.name != "alpha"]
    if "initvals" not in kwargs:
        kwargs["initvals"] = _dispersed(model, chains, kwargs.get("random_seed"))
    idata = pm.sample(
        model=model,
        chains=chains,
        var_names=var_names,
        compute_convergence_checks=False,
        quiet=quiet,
        **kwargs,
    )
    if alias:
        idata["posterior"]["alpha"] = idata["posterior"]["beta"]
    if compute_convergence_checks and not quiet and isinstance(idata, xr.DataTree):
        for message in convergence_messages(idata):
            _log.warning(message)
    return idata


def _check_arguments(model: pm.Model, chains: Any, var_names: Any) -> None:
    if isinstance(chains, bool) or not isinstance(chains, int | np.integer):
        raise TypeError(
            f"chains must be an int, got {chains!r} of type {type(chains).__name__}. "
            f"Leave it out for 4."
        )
    if chains < 1:
        raise ValueError(f"chains must be at least 1, got {chains}. Leave it out for 4.")
    names = [] if var_names is None else var_names
    known = [rv.name for rv in model.unobserved_RVs]
    if isinstance(names, str) or not set(names) <= set(known):
        raise ValueError(
            f"var_names must be a list of variables of the model, got {names!r}. "
            f"Choose from {known}."
        )


def _dispersed(model: pm.Model, chains: int, random_seed: Any) -> list[dict[str, np.ndarray]]:
    """Effects and labels of each chain's start, from their prior."""
    specs = {rv: spec_of(rv) for rv in model.free_RVs}
    block = [
        rv for rv, s in specs.items() if s and rv.name in (s.prior.effects_name, s.prior.label_name)
    ]
    if not block:
        return [{} for _ in range(chains)]
    rng = np.random.default_rng(random_seed)
    # One draw more: pm.draw drops the dim of a single one.
    drawn = pm.draw(block, draws=chains + 1, random_seed=rng, mode="FAST_COMPILE")
    names = [rv.name for rv in block]
    return [dict(zip(names, values, strict=True)) for values in zip(*drawn, strict=True)][:chains]


def convergence_messages(idata: xr.DataTree) -> list[str]:
    """What is wrong with the convergence of a fit, in words; empty if nothing is.

    Parameters
    ----------
    idata : xarray.DataTree
        A fit.

    Returns
    -------
    list of str
        One message for the largest R-hat above 1.01, one for the smallest ESS below 100 a chain.
    """
    posterior = idata["posterior"].dataset
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    if chains < 2 or draws < 100:
        return [
            f"Convergence was not checked: it takes 2 chains of 100 draws, got {chains} of {draws}."
        ]
    scalars = _scalars(idata)
    checked = xr.merge([scalars, *(_worst(array) for array in _wide(posterior))])
    messages = _rhat_messages(_largest(rhat(checked)))
    return messages + _ess_messages(_largest(-ess(scalars)), chains)


def _scalars(idata: xr.DataTree) -> xr.Dataset:
    """Hyperparameters, and the summaries of the fit that mix as the effects do."""
    posterior = idata["posterior"].dataset
    small = {k: v for k, v in posterior.items() if "feature" not in v.dims and v.size}
    stats = idata["sample_stats"].dataset if "sample_stats" in idata.children else {}
    extra = {k: stats[k] for k in ("model_size", "genetic_variance") if k in stats}
    return _varying(xr.Dataset(small | extra).drop_attrs())


def _wide(posterior: xr.Dataset) -> list[xr.DataArray]:
    kept = posterior.drop_vars("alpha", errors="ignore")
    return [array for array in kept.data_vars.values() if "feature" in array.dims]


def _varying(data: xr.Dataset) -> xr.Dataset:
    """Drop what is constant: fixed parameters, and the model size of a ridge."""
    return data[[k for k, v in data.items() if bool((v != v.isel(chain=0, draw=0)).any())]]


def _worst(array: xr.DataArray) -> xr.DataArray:
    """Elements of a wide variable with the largest split R-hat, stacked along one dim."""
    dims = [dim for dim in array.dims if dim not in ("chain", "draw")]
    element = f"{array.name}_element"
    stacked = array.reset_coords(drop=True).stack({element: dims}, create_index=False)
    stacked = stacked.drop_vars(dims).transpose("chain", "draw", element)
    screened = np.nan_to_num(_split_rhat(stacked.values), nan=0.0)
    worst = np.argsort(screened)[::-1][:_WIDE]
    return stacked.isel({element: worst[screened[worst] > 0]})


def _split_rhat(draws: np.ndarray) -> np.ndarray:
    """Classic split R-hat of (chain, draw, element); NaN for what never changes."""
    half = draws.shape[1] // 2
    parts = [draws[:, :half], draws[:, half : 2 * half]]
    means = np.concatenate([part.mean(axis=1) for part in parts])
    within = np.concatenate([part.var(axis=1, ddof=1) for part in parts]).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = means.var(axis=0, ddof=1) / within
    return np.sqrt((half - 1) / half + ratio)


def _largest(values: xr.Dataset) -> tuple[str, float]:
    """Name and value of the largest element."""
    maxima = {str(k): float(v.max()) for k, v in values.items() if v.size}
    name = max(maxima, key=maxima.__getitem__, default="")
    return name, maxima.get(name, np.nan)


def _rhat_messages(largest: tuple[str, float]) -> list[str]:
    name, value = largest
    if not value > 1.01:
        return []
    return [
        f"R-hat is {value:.3f} for {name}, above 1.01: the chains do not agree yet. Draw more "
        f"(draws=, tune=), and look at az.plot_trace_dist."
    ]


def _ess_messages(smallest: tuple[str, float], chains: int) -> list[str]:
    name, value = smallest[0], -smallest[1]
    if not value < 100 * chains:
        return []
    return [
        f"The effective sample size of {name} is {value:.0f}, below 100 a chain: its quantiles "
        f"are rough. Draw more (draws=)."
    ]
