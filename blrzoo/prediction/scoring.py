"""Scores of predictions: of their means, their intervals and their distribution."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import Flag, Instance
from blrzoo.prediction._linear import row_blocks
from blrzoo.prediction.new_rows import interval_summary
from blrzoo.prediction.rows import read_response
from blrzoo.summaries.table import check_interval

__all__ = ["score", "score_of_rows"]

_LONG_NAMES = {
    "n": "number of scored values",
    "r2": "1 - SSE / SST, SST about the mean of the scored values",
    "correlation": "correlation of predictive means and true values",
    "rmse": "root mean squared error of the predictive means",
    "mae": "mean absolute error of the predictive means",
    "coverage": "share of the true values within their predictive intervals",
    "width": "mean width of the predictive intervals",
    "crps": "mean continuous ranked probability score; smaller is better",
    "log_score": "mean log predictive density; larger is better",
}


def score(
    y_true: Any, predictions: xr.DataArray, *, ci_prob: float = 0.95, pointwise: bool = False
) -> xr.Dataset:
    r"""Score predictive draws against the observed responses.

    Parameters
    ----------
    y_true : array-like (obs[, trait])
        True values; NaN (not measured) is skipped. Joined to the predictions by label if both have
        labels, else by position.
    predictions : xarray.DataArray (chain, draw, obs[, trait])
        Predictive draws: ``blr.predict(idata, X_new, summary=False)``, or ``y`` of a group
        ``posterior_predictive`` or ``predictions`` of PyMC. All dims but obs and trait count as
        draws.
    ci_prob : float, default 0.95
        Probability of the equal-tailed intervals of ``coverage`` and ``width``, in (0, 1).
    pointwise : bool, default False
        Return the scores of single values instead of their averages.

    Returns
    -------
    xarray.Dataset
        Dims ([trait]). With e = true value - mean of the draws:

        - ``n``: number of scored values
        - ``r2``: :math:`1 - \sum e^2 / \sum (y - \bar y)^2`, where :math:`\bar y` is the mean of
          the scored true values. 0 is as good as predicting that mean, which no forecast knows,
          and below 0 is worse; NaN if they do not vary
        - ``correlation``: of true values and means of draws; it ignores bias and scale
        - ``rmse``, ``mae``: root mean squared and mean absolute e, in units of y
        - ``coverage``: share of the true values within their intervals, ends included; should be
          `ci_prob`
        - ``width``: mean width of the intervals, in units of y
        - ``crps``: mean continuous ranked probability score, in units of y; smaller is better. For
          a forecast without spread it is the absolute error

        With `pointwise`, dims (obs[, trait]): ``y``, ``mean``, ``sd``, ``lower``, ``upper``,
        ``crps``.

    Raises
    ------
    TypeError
        If `predictions` is not a DataArray, `y_true` is not numeric, `ci_prob` is not a number, or
        `pointwise` is not a bool.
    ValueError
        If `predictions` has no dim obs or no draws, or is not finite where `y_true` is known; if
        the rows or traits differ; if `y_true` has no known value; or if `ci_prob` is out of range.

    Notes
    -----
    The CRPS [1]_, :math:`E|X - y| - E|X - X'| / 2`, is estimated from the m draws of a value by the
    fair estimator [2]_, which is unbiased for independent draws (the other common one divides by
    :math:`m^2` in the place of :math:`m (m - 1)`),

    .. math:: \frac{1}{m} \sum_i |x_i - y| - \frac{1}{2 m (m - 1)} \sum_{i, k} |x_i - x_k|,

    where the double sum is :math:`2 \sum_i (2i - m - 1) x_{(i)}` over the sorted draws. A single
    draw scores its absolute error.

    ArviZ has related functions for the rows of the fit: `arviz.metrics` (RMSE, MAE),
    `arviz.residual_r2` (a posterior of :math:`R^2`) and `arviz.loo_score` (leave-one-out CRPS,
    with the opposite sign). This function takes any predictive draws, such as those of new rows.

    References
    ----------
    .. [1] Gneiting & Raftery (2007). Strictly proper scoring rules, prediction, and estimation.
       Journal of the American Statistical Association 102:359-378.
    .. [2] Ferro (2014). Fair scores for ensemble forecasts. Quarterly Journal of the Royal
       Meteorological Society 140:1917-1923.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from blrzoo.prediction import score
    >>> rng = np.random.default_rng(1)
    >>> draws = xr.DataArray(rng.normal(size=(2, 1000, 3)), dims=("chain", "draw", "obs"))
    >>> result = score([0.0, 0.0, 3.0], draws)
    >>> round(float(result.coverage), 2), round(float(result.rmse), 1)
    (0.67, 1.8)
    """
    ci_prob = check_interval(ci_prob)
    pointwise = Flag(default=False).check("pointwise", pointwise)
    _check_predictions(predictions)
    traits = predictions.get_index("trait") if "trait" in predictions.dims else None
    y = _known(y_true, predictions, traits)
    dims = ["obs"] if traits is None else ["obs", "trait"]
    samples = [dim for dim in predictions.dims if dim not in dims]
    draws = predictions.transpose("obs", *samples, *dims[1:])
    columns = _by_blocks(y, draws, ci_prob)
    coords = {dim: predictions.get_index(dim) for dim in dims if dim in predictions.indexes}
    table = xr.Dataset(
        {
            name: (dims, values if traits is not None else values[:, 0])
            for name, values in columns.items()
        },
        coords,
    ).assign_attrs(ci_kind="eti", ci_prob=ci_prob)
    return table if pointwise else score_of_rows(table)


def score_of_rows(table: xr.Dataset) -> xr.Dataset:
    """Average scores of single values, ``log_score`` among them if there; NaN if none is known."""
    traits = [dim for dim in table["y"].dims if dim != "obs"]
    arrays = {str(name): table[name].transpose("obs", *traits).values for name in table.data_vars}
    columns = {name: values.reshape(len(values), -1) for name, values in arrays.items()}
    rows = [
        _score_column({name: values[:, t] for name, values in columns.items()})
        for t in range(columns["y"].shape[1])
    ]
    result = xr.Dataset(coords={dim: table[dim] for dim in traits if dim in table.coords})
    for name in rows[0]:
        values = np.array([row[name] for row in rows])
        attrs = {"long_name": _LONG_NAMES[name]}
        result[name] = (traits, values if traits else values[0], attrs)
    return result.assign_attrs(table.attrs)


def _score_column(column: dict[str, np.ndarray]) -> dict[str, float]:
    """Scores of one trait over its known values."""
    known = ~np.isnan(column["y"])
    if not known.any():
        names = [name for name in _LONG_NAMES if name != "log_score" or name in column]
        return dict.fromkeys(names, np.nan) | {"n": 0}
    part = {name: values[known] for name, values in column.items()}
    y, mean = part["y"], part["mean"]
    error, deviation = y - mean, y - y.mean()
    total = float(deviation @ deviation)
    covered = (part["lower"] <= y) & (y <= part["upper"])
    return {
        "n": y.size,
        "r2": 1 - float(error @ error) / total if total > 0 else np.nan,
        "correlation": _correlation(deviation, mean - mean.mean()),
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(abs(error))),
        "coverage": float(covered.mean()),
        "width": float(np.mean(part["upper"] - part["lower"])),
    } | {name: float(np.mean(part[name])) for name in ("crps", "log_score") if name in part}


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Correlation of two centered vectors, NaN if one is constant."""
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else np.nan


def _by_blocks(y: np.ndarray, draws: xr.DataArray, ci_prob: float) -> dict[str, np.ndarray]:
    """Pointwise scores (row, trait) of draws (obs, ..., [trait])."""
    traits = y.shape[1]
    samples = draws.size // max(1, y.size)
    parts = []
    for block in row_blocks(len(y), 8 * samples * traits):
        values = draws[block].values.astype(float, copy=False)
        values = values.reshape(-1, samples, traits)
        _check_finite(values, y[block])
        crps = _crps(values, y[block])
        parts.append({"y": y[block]} | interval_summary(values, ci_prob) | {"crps": crps})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _check_finite(values: np.ndarray, y: np.ndarray) -> None:
    """Refuse draws (row, sample, trait) that are not finite where y (row, trait) is known."""
    broken = ~np.isfinite(values).all(axis=1) & ~np.isnan(y)
    if broken.any():
        raise ValueError(
            f"predictions must be finite where y_true is known; got NaN or infinity for "
            f"{broken.sum()} of {y.size} values. Predict from a fit that diagnose() accepts, and "
            f"leave out rows that were not predicted."
        )


def _crps(draws: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fair estimate of the CRPS of draws (row, sample, trait) at y (row, trait)."""
    z = draws - y[:, None]
    m = z.shape[1]
    error = abs(z).mean(axis=1)
    if m == 1:
        return error
    z.sort(axis=1)
    rank = (2 * np.arange(1, m + 1) - m - 1) / (m * (m - 1))
    return error - np.einsum("s,nst->nt", rank, z)


def _check_predictions(predictions: xr.DataArray) -> None:
    what = "a DataArray of draws (chain, draw, obs[, trait])"
    rule = f"predictions must be {what}"
    remedy = "Pass blr.predict(..., summary=False), or idata.posterior_predictive['y']."
    Instance(xr.DataArray, what, advice=remedy).check("predictions", predictions)
    if "obs" not in predictions.dims or not set(predictions.dims) - {"obs", "trait"}:
        raise ValueError(
            f"{rule}; got dims {predictions.dims}. Pass the draws, not their mean, and name the "
            f"dim of the rows 'obs'."
        )
    if predictions.size == 0:
        raise ValueError(f"{rule}, at least one; got shape {predictions.shape}. Pass some.")


def _known(y_true: Any, predictions: xr.DataArray, traits: pd.Index | None) -> np.ndarray:
    obs = predictions.get_index("obs") if "obs" in predictions.coords else None
    y = read_response(y_true, predictions.sizes["obs"], obs, traits)
    if np.isnan(y).all():
        raise ValueError(
            f"y_true must have known values to score; got {y.size} that are missing. Pass rows "
            f"whose response was measured."
        )
    return y
