"""Predictions of new rows from a posterior, and the log predictive density of their responses."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from blrzoo.checks import Choice, Flag, Seed
from blrzoo.posterior.reader import SAMPLE_DIMS
from blrzoo.prediction._linear import (
    Fit,
    add_residuals,
    mean_blocks,
    residual_factor,
)
from blrzoo.prediction.rows import Rows, read_response, read_rows
from blrzoo.summaries.table import check_interval

__all__ = ["interval_summary", "log_score", "predict"]

_LONG_NAMES = {
    "mean": "mean of the predictive draws",
    "sd": "standard deviation of the predictive draws",
    "lower": "lower end of the equal-tailed predictive interval",
    "upper": "upper end of the equal-tailed predictive interval",
}
_LEFT_OUT = "left out: it needs draws of the effects, and the fit has keep='summary'"


def predict(
    idata: xr.DataTree,
    X_new: Any,
    *,
    covariates: Any = None,
    weights: Any = None,
    quantity: Literal["response", "mean"] = "response",
    summary: bool = True,
    ci_prob: float = 0.95,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
) -> xr.Dataset | xr.DataArray:
    r"""Predict new rows from a posterior; the model itself is not needed.

    .. math:: y = \mu + (w - \bar w)'\gamma + (x - \bar x)'\beta + e, \quad
       e \sim N(0, \sigma^2 / \text{weight}) \text{ or } N_T(0, \Sigma_e / \text{weight})

    for each draw of the parameters. The centers are those of the fit, not of the new rows.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData, sampled or loaded from disk, with ``mu``, ``beta``, with covariates
        ``gamma``, and ``sigma2`` or ``Sigma_e`` in the posterior, and ``X_center`` (``W_center``)
        in the constant data.
    X_new : array-like (obs, feature)
        Features on the scale of the fit: NumPy, pandas, xarray or a SciPy sparse matrix, one row or
        more. Columns with names are matched by name to the features of the fit, in any order;
        arrays without names by position. Missing values are allowed for genotype codes only (NaN,
        or -1 in int8), if X of the fit held such codes: the column means of the fit replace them.
    covariates : array-like (obs, covariate), optional
        Covariates of the new rows, matched in the same way; needed if the fit has covariates.
    weights : array-like (obs,), optional
        Relative precisions of the new responses, on the scale of the weights of the fit. Default:
        1. They affect ``quantity="response"`` only.
    quantity : {"response", "mean"}, default "response"
        "response": new responses, with residuals. "mean": their expectation, without residuals.
    summary : bool, default True
        Return summaries of the draws; if False, the draws.
    ci_prob : float, default 0.95
        Probability of the equal-tailed intervals, in (0, 1).
    random_seed : int, list of int, numpy.random.Generator or None, optional
        Seed of the residuals. Default: a new one at each call. With ``quantity="mean"`` nothing is
        random.

    Returns
    -------
    xarray.Dataset or xarray.DataArray
        In units of y. The summaries ``mean``, ``sd``, ``lower`` and ``upper``, dims (obs[,
        trait]); or the draws, named ``y``, dims (chain, draw, obs[, trait]).

        For a fit with ``keep="summary"`` (see `sample`) there is only ``mean``, the prediction at
        the posterior means, the same for both quantities. SD and interval need joint draws of the
        effects; the attributes ``sd``, ``lower`` and ``upper`` say so.

    Raises
    ------
    TypeError
        If `idata` is not an InferenceData, or an argument has the wrong type.
    ValueError
        If `idata` lacks one of the variables above, or its draws are not finite; if columns of
        `X_new` or `covariates` are missing, unknown or have missing values; if the rows of the
        arguments differ; if an argument is out of range; or for ``summary=False`` with a fit that
        has no draws of the effects.

    Notes
    -----
    The distribution is that of ``pm.sample_posterior_predictive`` in a model of the new rows.
    Besides `X_new` as float64 and the result, a few hundred MB of memory are enough for any number
    of rows; effects that are on disk are read by blocks.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.prediction import predict
    >>> data = blr.simulate(n=120, p=10, n_causal=3, h2=0.8, random_seed=1)
    >>> old, new = data.isel(obs=slice(0, 100)), data.isel(obs=slice(100, None))
    >>> model = blr.spike_slab(old.X, old.y)
    >>> idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    >>> table = predict(idata, new.X, random_seed=1)
    >>> list(table.data_vars), dict(table.sizes)
    (['mean', 'sd', 'lower', 'upper'], {'obs': 20})
    >>> predict(idata, new.X, summary=False, random_seed=1).dims
    ('chain', 'draw', 'obs')
    """
    ci_prob = check_interval(ci_prob)
    Choice(("response", "mean"), default="response").check("quantity", quantity)
    summary = Flag(default=True).check("summary", summary)
    Seed().check("random_seed", random_seed)
    means = Fit.at_means(idata) if summary else None
    fit = Fit.of(idata) if means is None else means
    rows = read_rows(
        X_new,
        covariates,
        weights,
        features=fit.features,
        names=fit.covariates,
        genotypes=fit.X_fill is not None,
    )
    if means is not None:
        return _at_means(fit, rows).assign_attrs(quantity=quantity)
    factor = residual_factor(fit) if quantity == "response" else None
    rng = np.random.default_rng(random_seed)
    shape = (len(rows.obs), *fit.mu.shape)
    draws = None if summary else np.empty(shape)
    parts = []
    for block, values in mean_blocks(fit, rows):
        if factor is not None:
            weight = None if rows.weights is None else rows.weights[block]
            add_residuals(values, factor, weight, rng)
        if draws is None:
            parts.append(interval_summary(values, ci_prob))
        else:
            draws[block] = values
    if draws is not None:
        return _as_draws(draws, fit, rows).assign_attrs(quantity=quantity)
    joined = {name: np.concatenate([part[name] for part in parts]) for name in _LONG_NAMES}
    return _as_table(joined, fit, rows).assign_attrs(
        quantity=quantity, ci_kind="eti", ci_prob=ci_prob
    )


def _at_means(fit: Fit, rows: Rows) -> xr.Dataset:
    """Table of predictions at the posterior means."""
    values = np.concatenate([means[:, 0] for _, means in mean_blocks(fit, rows)])
    return _as_table({"mean": values}, fit, rows).assign_attrs(
        dict.fromkeys(("sd", "lower", "upper"), _LEFT_OUT)
    )


def log_score(
    idata: xr.DataTree,
    X_new: Any,
    y_true: Any,
    *,
    covariates: Any = None,
    weights: Any = None,
) -> xr.DataArray:
    r"""Compute the log predictive density of responses that were not in the fit.

    .. math:: \log p(y_i | \text{data}) \approx \log \frac{1}{S} \sum_{s=1}^S
       N(y_i; m_i^{(s)}, \sigma^{2(s)} / \text{weight}_i), \quad
       m_i = \mu + (w_i - \bar w)'\gamma + (x_i - \bar x)'\beta

    over the S draws. Larger is better [1]_. The sum over rows estimates the expected log predictive
    density, which `arviz.loo` estimates without new data. With several traits it is the marginal
    density of each trait, with its variance in :math:`\Sigma_e`.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData, sampled or loaded from disk, with ``mu``, ``beta``, with covariates
        ``gamma``, and ``sigma2`` or ``Sigma_e`` in the posterior, and ``X_center`` (``W_center``)
        in the constant data.
    X_new : array-like (obs, feature)
        Features on the scale of the fit: NumPy, pandas, xarray or a SciPy sparse matrix, one row or
        more. Columns with names are matched by name to the features of the fit, in any order;
        arrays without names by position. Missing values are allowed for genotype codes only (NaN,
        or -1 in int8), if X of the fit held such codes: the column means of the fit replace them.
    y_true : array-like (obs[, trait])
        Observed responses; joined to `X_new` by label if both have labels. NaN where not measured.
    covariates : array-like (obs, covariate), optional
        Covariates of the new rows, matched in the same way; needed if the fit has covariates.
    weights : array-like (obs,), optional
        Relative precisions of the responses, on the scale of the weights of the fit. Default: 1.

    Returns
    -------
    xarray.DataArray
        Named ``log_score``, dims (obs[, trait]), natural logarithm of a density per unit of y;
        NaN where y_true is.

    Raises
    ------
    TypeError
        If `idata` is not an InferenceData, or an argument has the wrong type.
    ValueError
        If `idata` lacks one of the variables above, has ``keep="summary"``, or its draws are not
        finite; if columns of `X_new` or `covariates` are missing, unknown or have missing values;
        or if the rows of the arguments, or the traits of `y_true`, differ.

    References
    ----------
    .. [1] Gneiting & Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
       Journal of the American Statistical Association 102:359-378.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.prediction import log_score
    >>> data = blr.simulate(n=120, p=10, n_causal=3, h2=0.8, random_seed=1)
    >>> old, new = data.isel(obs=slice(0, 100)), data.isel(obs=slice(100, None))
    >>> model = blr.spike_slab(old.X, old.y)
    >>> idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    >>> log_score(idata, new.X, new.y).sizes
    Frozen({'obs': 20})
    """
    fit = Fit.of(idata)
    rows = read_rows(
        X_new,
        covariates,
        weights,
        features=fit.features,
        names=fit.covariates,
        genotypes=fit.X_fill is not None,
    )
    y = read_response(y_true, len(rows.obs), rows.obs, fit.traits)
    variance = np.sum(residual_factor(fit) ** 2, axis=2)  # (sample, trait)
    parts = []
    for block, values in mean_blocks(fit, rows):
        weight = 1.0 if rows.weights is None else rows.weights[block][:, None, None]
        values -= y[block][:, None]
        logp = -0.5 * (values**2 * weight / variance + np.log(2 * np.pi * variance / weight))
        parts.append(logsumexp(logp, axis=1) - np.log(logp.shape[1]))
    return _as_table({"log_score": np.concatenate(parts)}, fit, rows)["log_score"]


def interval_summary(draws: np.ndarray, ci_prob: float) -> dict[str, np.ndarray]:
    """Mean, SD and equal-tailed interval (row, trait) of draws (row, sample, trait)."""
    tail = (1 - ci_prob) / 2
    mean = draws.mean(axis=1)
    several = draws.shape[1] > 1
    sd = draws.std(axis=1, ddof=1) if several else np.full_like(mean, np.nan)
    lower, upper = np.quantile(draws, [tail, 1 - tail], axis=1)
    return {"mean": mean, "sd": sd, "lower": lower, "upper": upper}


def _as_draws(values: np.ndarray, fit: Fit, rows: Rows) -> xr.DataArray:
    """Draws (row, sample, trait) with their labels."""
    chains = [fit.beta.sizes[dim] for dim in SAMPLE_DIMS]
    values = values.reshape(len(rows.obs), *chains, -1)
    coords = {dim: fit.beta.get_index(dim) for dim in SAMPLE_DIMS} | {"obs": rows.obs}
    if fit.traits is None:
        array = xr.DataArray(values[..., 0], coords, ("obs", *SAMPLE_DIMS), name="y")
    else:
        coords["trait"] = fit.traits
        array = xr.DataArray(values, coords, ("obs", *SAMPLE_DIMS, "trait"), name="y")
    return array.transpose(*SAMPLE_DIMS, "obs", ...)


def _as_table(columns: dict[str, np.ndarray], fit: Fit, rows: Rows) -> xr.Dataset:
    """Arrays (row, trait) with their labels."""
    if fit.traits is None:
        arrays = {name: ("obs", values[:, 0]) for name, values in columns.items()}
        table = xr.Dataset(arrays, {"obs": rows.obs})
    else:
        both = {name: (("obs", "trait"), values) for name, values in columns.items()}
        table = xr.Dataset(both, {"obs": rows.obs, "trait": fit.traits})
    for name in set(columns) & set(_LONG_NAMES):
        table[name].attrs = {"long_name": _LONG_NAMES[name]}
    return table
