"""The table of effects: one row per feature."""

from typing import Literal

import numpy as np
import xarray as xr

from blrzoo.checks import Choice
from blrzoo.posterior.kept import kept_moments, pooled, pooled_sd, squared_error
from blrzoo.posterior.reader import (
    draws_of,
    feature_blocks,
    indicator_name,
    join_features,
    refuse_broken,
)
from blrzoo.summaries.inclusion import inclusion_table
from blrzoo.summaries.table import check_interval, summary_table

__all__ = ["effect_table", "summary_of_effects"]

_LONG_NAMES = {
    "mean": "posterior mean of the effect",
    "sd": "posterior standard deviation of the effect",
    "lower": "lower end of the credible interval",
    "upper": "upper end of the credible interval",
    "mcse_mean": "Monte Carlo standard error of the mean",
}
_LEFT_OUT = "left out: a quantile needs draws, and the fit has keep='summary'"


def effect_table(
    idata: xr.DataTree,
    *,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    sort_by: str | None = None,
) -> xr.Dataset:
    r"""Summarize the posterior of each effect.

    Effects are in units of y per unit of x, x as given. The whole posterior is summarized, with
    the draws in which the feature is excluded (effect 0); the mean effect given that the feature is
    included is ``mean / pip``.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` (chain, draw, feature[, trait]) in its posterior, or a fit
        with ``keep="summary"``.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
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
          for an effect that is the same in all draws, whose error is unknown
        - ``pip``, ``mcse_pip`` (models with indicators): posterior inclusion probability, and its
          Monte Carlo standard error :math:`\sqrt{PIP (1 - PIP) / n_{eff}}`, which is above 0 even
          if no draw differs; `blrzoo.indicator_table` defines :math:`n_{eff}`

        A fit with ``keep="summary"`` has no ``lower`` and ``upper``, which are quantiles of draws;
        the attributes of these names say so. Its ``mcse_mean`` is by batch means.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `ci_prob` is not a number.
    ValueError
        If the posterior lacks ``beta`` or one of its dims, or an argument is not one of those
        above.

    Notes
    -----
    With ``keep="summary"`` the Monte Carlo standard error of a mean is that of batch means [1]_:
    with B batches, 8 per chain, of :math:`n_b` of the N draws with mean :math:`\bar\theta_b`,

    .. math:: \text{mcse}^2 = \frac{1}{N (B - 1)} \sum_b n_b (\bar\theta_b - \bar\theta)^2

    This assumes that batches are independent. They are not if a chain stays in one place for
    longer than a batch, so the same is computed from the means of the chains, and the larger of
    the two is returned.

    References
    ----------
    .. [1] Flegal, Haran & Jones (2008). Markov chain Monte Carlo: can we trust the third
       significant figure? Statistical Science 23:250-260.

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
    >>> table = blr.effect_table(idata, sort_by="abs_mean").to_dataframe()
    >>> table[["mean", "sd", "lower", "upper"]].round(1)
             mean   sd  lower  upper
    feature
    bmi      -1.0  0.1   -1.2   -0.8
    bp        0.5  0.1    0.3    0.7
    age       0.2  0.1    0.0    0.4
    """
    ci_prob = check_interval(ci_prob, ci_kind)
    kept = kept_moments(idata, "beta")
    if kept is None:
        table = summary_of_effects(draws_of(idata, "beta"), ci_prob, ci_kind)
    else:
        table = _of_sums(idata, kept)
    for name in _LONG_NAMES.keys() & table.keys():
        table[name].attrs = {"long_name": _LONG_NAMES[str(name)]}
    table.attrs["unit"] = "units of y per unit of x"
    if indicator_name(idata) is not None:
        table = table.assign(inclusion_table(idata)[["pip", "mcse_pip"]].data_vars)
    return table if sort_by is None else _sort(table, sort_by)


def summary_of_effects(
    beta: xr.DataArray, ci_prob: float, ci_kind: Literal["eti", "hdi"]
) -> xr.Dataset:
    """Summarize draws of effects (chain, draw, feature[, trait]), by blocks of features."""
    blocks = feature_blocks(beta, progressbar=True)
    table = join_features(
        summary_table(block, ci_prob=ci_prob, ci_kind=ci_kind) for block in blocks
    )
    return table.drop_attrs(deep=False).assign_attrs(ci_kind=ci_kind, ci_prob=ci_prob)


def _of_sums(idata: xr.DataTree, kept: xr.Dataset) -> xr.Dataset:
    """Make the columns of a fit with ``keep="summary"``."""
    refuse_broken(idata)
    sd, error = pooled_sd(kept), squared_error(kept, "batch_mean") ** 0.5
    columns = {"mean": pooled(kept, "mean"), "sd": sd, "mcse_mean": error.where(sd > 0)}
    return xr.Dataset(columns, attrs=dict.fromkeys(("lower", "upper"), _LEFT_OUT))


def _sort(table: xr.Dataset, by: str) -> xr.Dataset:
    words = ("abs_mean", *map(str, table.data_vars))
    wanted = isinstance(by, str) and by == "pip"
    remedy = "This model has no indicators, so no PIP." if wanted else ""
    Choice(words, default="abs_mean", advice=remedy).check("sort_by", by)
    key = abs(table["mean"]) if by == "abs_mean" else table[by]
    order = np.argsort(-key.max([d for d in key.dims if d != "feature"]).values, kind="stable")
    return table.isel(feature=order)
