"""The table of indicators and quantities: Monte Carlo errors, R-hat and ESS."""

import arviz_stats as azs
import numpy as np
import xarray as xr

from blrzoo.diagnostics.elements import by_element
from blrzoo.posterior.reader import (
    genetic_variance,
    included_count,
    indicator_name,
    posterior,
)
from blrzoo.summaries.inclusion import inclusion_table

__all__ = ["indicator_table", "quantities", "statistics"]

_TAILS = (0.05, 0.95)
_LONG_NAMES = {
    "mean": "posterior mean",
    "sd": "posterior standard deviation",
    "r_hat": "rank-normalized split R-hat",
    "ess_bulk": "bulk effective sample size",
    "ess_tail": "tail effective sample size",
    "mcse_mean": "Monte Carlo standard error of the mean",
}


def indicator_table(idata: xr.DataTree) -> xr.Dataset:
    r"""Compute errors of the PIPs, and R-hat and ESS of the model size and genetic variance.

    For an indicator that never changes, ArviZ gives R-hat NaN, as many effective draws as there
    are draws, and a standard error of 0: a stuck chain looks perfect. Here no error is 0.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData. For a model without indicators, there is only the genetic variance.

    Returns
    -------
    xarray.Dataset
        For each indicator, dims (feature[, trait]):

        - ``pip``: posterior inclusion probability
        - ``mcse_pip``: its Monte Carlo standard error
        - ``error_bound``: a bound that the error of the PIP exceeds with a probability of about
          5 % (up to 10 % with one or two chains, or if a chain has fewer than five effective
          draws of the quantity that mixes most slowly)
        - ``pip_spread``: range of the PIP across chains; NaN for a single chain
        - ``changes``: how often the indicator changed from one draw to the next, over all chains

        For each ``quantity``, ``model_size`` (included features of a draw) and
        ``genetic_variance`` (of :math:`X\beta` over the observations, in squared units of y;
        ``genetic_variance[trait]`` with several traits), dims (quantity): ``mean``, ``sd``,
        ``r_hat``, ``ess_bulk``, ``ess_tail`` (of the 5 % and 95 % quantiles) and ``mcse_mean``,
        by ArviZ; NaN for one that never changes.

        ``.drop_dims("quantity")`` and ``.drop_dims("feature")`` are the two tables.

        The genetic variance is left out if the sampler did not record it and it cannot be
        computed from ``X`` in the constant data and ``beta``.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree.
    ValueError
        If the posterior has no indicators and there is no genetic variance either, or if draws are
        not finite.

    Notes
    -----
    With :math:`n_j` effective draws, the standard error is
    :math:`\sqrt{PIP_j (1 - PIP_j) / n_j}`. :math:`n_j` is ArviZ's ESS for the mean of the
    indicator, which compares chains too [1]_, but:

    - Where a quantity k with only :math:`n_k` effective draws explains a share
      :math:`r_{jk}^2` of the variance of the indicator, :math:`n_j \le n_k / r_{jk}^2`. The
      number of the other included features and the 50 indicators with the largest errors are
      tried, and correlations of less than three standard errors are taken for chance. If such a
      part is small, ArviZ does not see it in the autocorrelations: a feature that is included a
      little more often while another one is, or all features while pi is high.
    - An indicator that changed fewer than 20 times does not show how long its visits last: its
      :math:`n_j` is not more than :math:`n_0`, the bulk ESS of the model size, or, if these are
      fewer, the effective draws of the indicators on average (the sum of their variances over
      that of the squared errors of their PIPs). If nothing ever changes, it is the number of
      chains.

    ``error_bound`` is the distance from :math:`PIP_j` to the farther end of the 95 %
    Clopper-Pearson interval [2]_ for :math:`m_j PIP_j` successes in :math:`m_j` trials. Here
    :math:`m_j = n_j (1.96 / t)^2`, with t the quantile of Student's t for 8 batches of each
    chain [3]_, and :math:`n_j` is not more than these batches say. It is widened by
    :math:`1 / (n_0 + 1) - 1 / (m_j + 1)`, if above 0, for a part of the posterior that no chain has
    visited yet. For draws that are independent it is about a tenth wider than the binomial's.

    For an indicator that is the same in all draws of all chains, ``error_bound`` is then
    :math:`1 - 0.025^{1/m_j} \approx 3.7 / m_j`, a two-sided rule of three [4]_, and ``mcse_pip``
    is the standard deviation of Beta(1, :math:`n_j + 1`), about :math:`1 / n_j`: that of the PIP
    after :math:`n_j` draws alike, under a flat prior.

    In simulations of four chains of 1000 draws with slow swaps, and with slow drifts that all
    features share, 94 to 100 % of the bounds hold if a chain has six or more effective draws of the
    slow quantity; with three of them, or with two chains, 90 % or more. A move that no chain ever
    makes, such as a swap of two features, shows only in other chains: look at ``pip_spread`` of
    several chains with different starts.

    For a fit with ``keep="summary"`` (see `blrzoo.sample`) :math:`n_j` is
    :math:`PIP_j (1 - PIP_j)` over the squared error of the PIP by 8 batches of each chain, or by
    the chains where that is larger, and not more than the number of draws; indicators that changed
    fewer than 20 times are treated as above. The shares of variance that slow quantities explain
    need draws, and are not used: the bounds hold if each chain has several effective draws of these
    quantities per batch.

    References
    ----------
    .. [1] Vehtari et al. (2021). Rank-normalization, folding, and localization: an improved R-hat
       for assessing convergence of MCMC. Bayesian Analysis 16:667-718.
    .. [2] Clopper & Pearson (1934). The use of confidence or fiducial limits illustrated in the
       case of the binomial. Biometrika 26:404-413.
    .. [3] Korn & Graubard (1998). Confidence intervals for proportions with small expected number
       of positive counts estimated from survey data. Survey Methodology 24:193-201.
    .. [4] Hanley & Lippman-Hand (1983). If nothing goes wrong, is everything all right? JAMA
       249:1743-1745.

    Examples
    --------
    >>> import arviz as az
    >>> import blrzoo as blr
    >>> import numpy as np
    >>> draws = np.random.default_rng(1).random((4, 500, 3)) < [0.5, 0.1, 0.0]
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws.astype(int)}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["age", "bmi", "bp"]},
    ... )
    >>> diagnostics = blr.indicator_table(idata)
    >>> diagnostics[["pip", "error_bound", "changes"]].to_dataframe().round(3)
               pip  error_bound  changes
    feature
    age      0.512        0.022     1024
    bmi      0.100        0.017      346
    bp       0.000        0.002        0
    >>> diagnostics[["mean", "r_hat"]].to_dataframe().round(2)
                mean  r_hat
    quantity
    model_size  0.61    1.0
    """
    found = quantities(idata)
    has_indicators = indicator_name(idata) is not None
    if not found and not has_indicators:
        raise ValueError(
            "idata must have indicators ('delta' or 'label') in its posterior, or a genetic "
            "variance: 'genetic_variance' in sample_stats, or 'beta' in the posterior and 'X' "
            "(obs, feature) of the same features in constant_data; the posterior has "
            f"{list(posterior(idata).data_vars)}."
        )
    result = inclusion_table(idata) if has_indicators else xr.Dataset()
    return result.assign(_quantity_table(found).data_vars)


def quantities(idata: xr.DataTree) -> dict[str, xr.DataArray]:
    """Model size and genetic variance, draw by draw, those that there are."""
    found = {
        "model_size": included_count(idata),
        "genetic_variance": genetic_variance(idata),
    }
    return {name: draws for name, draws in found.items() if draws is not None}


def _quantity_table(found: dict[str, xr.DataArray]) -> xr.Dataset:
    columns = {
        label: column
        for name, draws in found.items()
        for label, column in by_element(name, draws).items()
    }
    rows = [statistics(column) for column in columns.values()]
    return xr.Dataset(
        {
            name: ("quantity", [row[name] for row in rows], {"long_name": long_name})
            for name, long_name in _LONG_NAMES.items()
        },
        coords={"quantity": list(columns)},
    )


def statistics(draws: np.ndarray) -> dict[str, float]:
    """ArviZ's diagnostics of one quantity; NaN for one that never changes."""
    draws = draws.astype(float)
    out = dict.fromkeys(_LONG_NAMES, np.nan)
    out |= {"mean": draws.mean(), "sd": draws.std(ddof=1)}
    if np.ptp(draws) == 0:
        return out
    with np.errstate(divide="ignore", invalid="ignore"):  # each chain constant: R-hat is inf
        out["r_hat"] = float(azs.rhat(draws))
    out["ess_bulk"] = float(azs.ess(draws, method="bulk"))
    out["mcse_mean"] = float(azs.mcse(draws))
    tails = [draws <= quantile for quantile in np.quantile(draws, _TAILS)]
    if not all(tail.all() for tail in tails):
        out["ess_tail"] = float(azs.ess(draws, method="tail", prob=_TAILS))
    return out
