"""`pm.sample` with the defaults that wide models need."""

import logging
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.diagnostics.convergence import convergence_messages
from blrzoo.gibbs.spec import find_model, spec_of

__all__ = ["sample"]

_log = logging.getLogger(__name__)


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
        Whether to check R-hat, ESS, divergences and whether the chains agree on what is
        included, and log what is wrong. `blrzoo.diagnose` checks more, and says what is right.
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
    if isinstance(idata, xr.DataTree):
        _name_traits(idata, model)
    if compute_convergence_checks and not quiet and isinstance(idata, xr.DataTree):
        for message in convergence_messages(idata):
            _log.warning(message)
    return idata


def _name_traits(idata: xr.DataTree, model: pm.Model) -> None:
    """Name the dim of the genetic variance of several traits, which PyMC only numbers."""
    numbered = "genetic_variance_dim_0"
    if "sample_stats" in idata.children and numbered in idata["sample_stats"].dims:
        stats = idata["sample_stats"].to_dataset().drop_vars(numbered, errors="ignore")
        named = stats.rename_dims({numbered: "trait"}).assign_coords(
            trait=list(model.coords["trait"])
        )
        idata["sample_stats"] = xr.DataTree(named)


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
