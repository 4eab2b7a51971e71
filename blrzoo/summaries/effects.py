"""The table of effects: one row a feature."""

from typing import Literal

import arviz_stats as azs
import numpy as np
import xarray as xr

from blrzoo.summaries._posterior import (
    SAMPLE_DIMS,
    draws_of,
    feature_blocks,
    indicator_name,
    join_features,
)
from blrzoo.summaries.inclusion import indicator_table

__all__ = ["effect_summary"]

_LONG_NAMES = {
    "mean": "posterior mean of the effect",
    "sd": "posterior standard deviation of the effect",
    "lower": "lower end of the credible interval",
    "upper": "upper end of the credible interval",
    "mcse_mean": "Monte Carlo standard error of the mean",
}


def effect_summary(
    idata: xr.DataTree,
    *,
    prob: float = 0.95,
    kind: Literal["eti", "hdi"] = "eti",
    sort_by: str | None = None,
) -> xr.Dataset:
    r"""Summarise the posterior of each effect.

    Effects are in units of y per unit of x, x as given. The summary is of the whole posterior,
    draws in which the feature is excluded (effect 0) included; the mean of the effect given that
    the feature is included is ``mean / pip``.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` (chain, draw, feature[, trait]) in its posterior.
    prob : float, default 0.95
        Probability of the credible interval, between 0 and 1.
    kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.
    sort_by : str, optional
        ``"abs_mean"``, or a variable of the result such as ``"pip"``: features with the largest
        value come first, ties and missing values in the order of the data. With several traits, a
        feature counts with the largest of its traits. Default: the order of the data.

    Returns
    -------
    xarray.Dataset
        Dims (feature[, trait]); ``.to_dataframe()`` makes a table of it:

        - ``mean``, ``sd``: posterior mean and standard deviation
        - ``lower``, ``upper``: the credible interval
        - ``mcse_mean``: Monte Carlo standard error of the mean, ArviZ's ``sd / sqrt(ESS)``; NaN
          for an effect that is the same in all draws, whose error cannot be told
        - ``pip``, ``mcse_pip`` (models with indicators): posterior inclusion probability and its
          Monte Carlo standard error, see `blrzoo.indicator_diagnostics`

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `prob` is not a number.
    ValueError
        If the posterior lacks ``beta`` or one of its dims, or an argument is not one of those
        above.

    Examples
    --------
    >>> import arviz as az
    >>> import blrzoo as blr
    >>> import numpy as np
    >>> draws = np.random.default_rng(1).normal([0.2, -1.0, 0.5], 0.1, size=(4, 500, 3))
    >>> idata = az.from_dict(
    ...     {"posterior": {"beta": draws}},
    ...     dims={"beta": ["feature"]},
    ...     coords={"feature": ["age", "bmi", "bp"]},
    ... )
    >>> table = blr.effect_summary(idata, sort_by="abs_mean").to_dataframe()
    >>> table[["mean", "sd", "lower", "upper"]].round(1)
             mean   sd  lower  upper
    feature
    bmi      -1.0  0.1   -1.2   -0.8
    bp        0.5  0.1    0.3    0.7
    age       0.2  0.1    0.0    0.4
    """
    _check(prob, kind)
    beta = draws_of(idata, "beta")
    table = join_features(_block_table(block, prob, kind) for block in feature_blocks(beta))
    for name, long_name in _LONG_NAMES.items():
        table[name].attrs = {"long_name": long_name}
    table.attrs = {"ci_kind": kind, "ci_prob": prob, "unit": "units of y per unit of x"}
    if indicator_name(idata) is not None:
        table = table.assign(indicator_table(idata)[["pip", "mcse_pip"]].data_vars)
    return table if sort_by is None else _sort(table, sort_by)


def _check(prob: float, kind: str) -> None:
    if isinstance(prob, bool) or not isinstance(prob, int | float | np.number):
        raise TypeError(f"prob must be a number between 0 and 1, got {type(prob).__name__}")
    if not 0 < prob < 1:
        raise ValueError(f"prob must be between 0 and 1, both excluded, got {prob}; try 0.95")
    if kind not in ("eti", "hdi"):
        raise ValueError(f"kind must be 'eti' (equal-tailed) or 'hdi', got {kind!r}")


def _block_table(beta: xr.DataArray, prob: float, kind: str) -> xr.Dataset:
    beta = beta.astype(float)  # float32 draws lose digits in sums
    interval = (azs.eti if kind == "eti" else azs.hdi)(beta, prob=prob, dim=list(SAMPLE_DIMS))
    table = xr.Dataset(
        {
            "mean": beta.mean(SAMPLE_DIMS),
            "sd": beta.std(SAMPLE_DIMS, ddof=1),
            "lower": interval.sel(ci_bound="lower", drop=True),
            "upper": interval.sel(ci_bound="upper", drop=True),
        }
    )
    return table.assign(mcse_mean=table["mean"].copy(data=_mcse(beta.values)))


def _mcse(draws: np.ndarray) -> np.ndarray:
    """ArviZ's standard error of the mean of draws (chain, draw, ...), NaN for a constant."""
    draws = np.moveaxis(draws, (0, 1), (-2, -1))
    varies = draws.min(axis=(-2, -1)) < draws.max(axis=(-2, -1))
    out = np.full(varies.shape, np.nan)
    if varies.any():
        out[varies] = azs.mcse(draws[varies], method="mean", chain_axis=-2, draw_axis=-1)
    return out


def _sort(table: xr.Dataset, by: str) -> xr.Dataset:
    if by != "abs_mean" and by not in table.data_vars:
        raise ValueError(
            f"sort_by must be 'abs_mean' or one of {list(table.data_vars)}, got {by!r}"
            + ("; this model has no indicators, so no PIP" if by == "pip" else "")
        )
    key = abs(table["mean"]) if by == "abs_mean" else table[by]
    order = np.argsort(-key.max([d for d in key.dims if d != "feature"]).values, kind="stable")
    return table.isel(feature=order)
