"""`compare`: predictive accuracy by leave-one-out cross-validation."""

from collections.abc import Mapping
from typing import Any

import arviz_stats
import pandas as pd
import pymc as pm
import xarray as xr

from blrzoo.checks import Instance
from blrzoo.evaluate import ONCE
from blrzoo.evidence.observed import check_same, observed_y
from blrzoo.posterior.finite import broken_draws, not_finite
from blrzoo.posterior.kept import kept_names, refuse_kept
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    numbered,
    posterior,
    refuse_broken,
)

__all__ = ["compare"]


def compare(
    fits: Mapping[str, xr.DataTree | tuple[pm.Model, xr.DataTree]], **kwargs: Any
) -> pd.DataFrame:
    r"""Compare fits to the same data by how well they would predict each row from the others.

    The measure is ``elpd``, the expected log predictive density

    .. math:: \sum_i \log p(y_i | y_{-i}),

    by Pareto-smoothed importance sampling from the posterior draws [1]_. With several traits a row
    is one unit, all its measured traits together.

    Parameters
    ----------
    fits : mapping of str to xarray.DataTree or (pm.Model, xarray.DataTree)
        InferenceData by name of the model, with the group ``log_likelihood``; or pairs of a model
        and its InferenceData, for which it is computed if it is missing (the InferenceData that you
        pass is not changed).
    **kwargs
        Passed to `arviz_stats.compare`: ``method`` of the weights, ``reference``, ``round_to``.

    Returns
    -------
    pandas.DataFrame
        A row for each model, the best first, as `arviz_stats.compare` makes it: ``elpd_diff`` to
        the best and its standard error ``dse``, ``elpd``, ``p`` (effective number of parameters),
        ``weight``, and ``diag_elpd``, which counts rows whose estimate is unreliable.

    Raises
    ------
    TypeError
        If `fits` is not a mapping of InferenceData, or of such pairs.
    ValueError
        For fewer than two fits; for fits of different y (rows are joined by label, in any order) or
        of sufficient statistics; if ``observed_data``, or ``log_likelihood`` without a model, is
        missing; or if draws are not finite.

    See Also
    --------
    blrzoo.evidence.bayes_factors : Comparison by marginal likelihoods, which depend on the priors.

    References
    ----------
    .. [1] Vehtari, Gelman & Gabry (2017). Practical Bayesian model evaluation using leave-one-out
       cross-validation and WAIC. Statistics and Computing 27:1413-1432.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.evidence.loo import compare
    >>> data = blr.simulate(n=100, p=5, n_causal=1, h2=0.7, random_seed=1)
    >>> models = {
    ...     "all": blr.single_component(data.X, data.y),
    ...     "few": blr.spike_slab(data.X, data.y),
    ... }
    >>> settings = dict(draws=400, tune=100, chains=2, random_seed=1, quiet=True)
    >>> table = compare({name: (m, blr.sample(m, **settings)) for name, m in models.items()})
    >>> sorted(table.index)
    ['all', 'few']
    """
    pairs = _read(fits)
    responses = {name: observed_y(idata, name) for name, (_, idata) in pairs.items()}
    check_same(responses)
    rows = next(iter(responses.values())).get_index("obs")
    ready = {name: _prepare(name, *pair, rows) for name, pair in pairs.items()}
    return arviz_stats.compare(ready, **{"var_name": "y", **kwargs})


def _read(
    fits: Mapping[str, xr.DataTree | tuple[pm.Model, xr.DataTree]],
) -> dict[str, tuple[pm.Model | None, xr.DataTree]]:
    remedy = "Pass {'name': idata, ...} or {'name': (model, idata), ...}."
    Instance(Mapping, "a mapping of names to fits", advice=remedy).check("fits", fits)
    if len(fits) < 2:
        raise ValueError(f"fits must be two or more, got {len(fits)}. {remedy}")
    pairs = {}
    for name, fit in fits.items():
        pair = fit if isinstance(fit, tuple) else (None, fit)
        kinds = pm.Model | None, xr.DataTree
        if len(pair) != 2 or not all(map(isinstance, pair, kinds)):
            got = ", ".join(type(part).__name__ for part in pair)
            raise TypeError(
                f"fits must be InferenceData, or pairs of a model and its InferenceData; got "
                f"({got}) for {name!r}. {remedy}"
            )
        refuse_broken(pair[1])
        pairs[str(name)] = pair
    return pairs


def _prepare(name: str, model: pm.Model | None, idata: xr.DataTree, rows: pd.Index) -> xr.DataTree:
    """Posterior and log likelihood of a fit, its rows in the order of the first fit."""
    log_likelihood = _log_likelihood(name, model, idata).transpose(*SAMPLE_DIMS, ...)
    if (broken := broken_draws([log_likelihood])).any():
        raise not_finite(f"'y' in the group 'log_likelihood' of {name!r}", broken)
    if rows.is_unique:
        log_likelihood = log_likelihood.sel(obs=rows)
    return xr.DataTree.from_dict(
        {
            "posterior": posterior(idata),
            "log_likelihood": numbered(log_likelihood.to_dataset(name="y")),
        }
    )


def _log_likelihood(name: str, model: pm.Model | None, idata: xr.DataTree) -> xr.DataArray:
    if "log_likelihood" in idata.children and "y" in idata["log_likelihood"].data_vars:
        return idata["log_likelihood"].to_dataset()["y"]
    refuse_kept(idata, *kept_names(idata))
    if model is None:
        raise ValueError(
            f"fits must have 'y' in their group 'log_likelihood', got none in {name!r}. Pass "
            f"{{{name!r}: (model, idata)}}, or compute it before: "
            "pm.compute_log_likelihood(idata, model=model)."
        )
    lacking = {rv.name for rv in model.free_RVs} - set(posterior(idata).data_vars)
    if lacking:
        raise ValueError(
            f"fits must have all variables of their model for log_likelihood, got no "
            f"{', '.join(sorted(map(str, lacking)))} in the posterior of {name!r}. Pass its own "
            "model, and sample without var_names."
        )
    found = pm.compute_log_likelihood(
        idata,
        model=model,
        var_names=["y"],
        extend_inferencedata=False,
        progressbar=False,
        compile_kwargs={"mode": ONCE},
    )
    return found["y"]
