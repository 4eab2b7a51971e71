"""The table of any draws: mean, SD, credible interval and Monte Carlo error."""

import warnings
from typing import Literal

import arviz_stats as azs
import numpy as np
import xarray as xr

from blrzoo.checks import Choice, Instance, Number
from blrzoo.posterior.reader import SAMPLE_DIMS

__all__ = ["check_interval", "mcse_of_mean", "summary_table"]

_LONG_NAMES = {
    "mean": "posterior mean",
    "sd": "posterior standard deviation",
    "lower": "lower end of the credible interval",
    "upper": "upper end of the credible interval",
    "mcse_mean": "Monte Carlo standard error of the mean",
}


def summary_table(
    draws: xr.DataArray | xr.Dataset,
    *,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
) -> xr.Dataset:
    """Summarize draws: the mean, standard deviation and credible interval of each quantity.

    Parameters
    ----------
    draws : xarray.DataArray or xarray.Dataset
        Dims (chain, draw, ...), as `heritability`, `variance_explained` or `genetic_correlation`
        return. Missing draws (NaN) are skipped.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``sd``, ``lower``, ``upper`` and ``mcse_mean``, the Monte Carlo standard error
        of the mean by ArviZ (NaN for quantities that are the same in all draws, or missing in
        some), with the dims of `draws` except chain and draw. The variables of a Dataset are along
        the dim ``quantity``. ``.to_dataframe()`` makes a table of it.

    Raises
    ------
    TypeError
        If `draws` is not xarray, or `ci_prob` is not a number.
    ValueError
        If nothing in `draws` has the dims chain and draw, there are no draws, or an argument is
        not one of those above.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import blrzoo as blr
    >>> values = np.random.default_rng(1).normal(0.5, 0.1, size=(4, 500))
    >>> draws = xr.Dataset({"h2": (("chain", "draw"), values)})
    >>> blr.summary_table(draws)[["mean", "sd", "lower", "upper"]].to_dataframe().round(2)
              mean   sd  lower  upper
    quantity
    h2         0.5  0.1   0.31    0.7
    """
    ci_prob = check_interval(ci_prob, ci_kind)
    array = _array(draws).astype(float)  # float32 draws lose digits in sums
    bounds = azs.eti if ci_kind == "eti" else azs.hdi
    with warnings.catch_warnings():  # of quantities that are missing in all draws
        warnings.simplefilter("ignore", RuntimeWarning)
        # ArviZ sorts the labels, which fails where text and numbers are mixed.
        bare = array.drop_vars([name for name in array.coords if name not in SAMPLE_DIMS])
        interval = bounds(bare, prob=ci_prob, dim=list(SAMPLE_DIMS), skipna=True)
        table = xr.Dataset(
            {
                "mean": array.mean(SAMPLE_DIMS),
                "sd": array.std(SAMPLE_DIMS, ddof=1),
                "lower": interval.sel(ci_bound="lower", drop=True),
                "upper": interval.sel(ci_bound="upper", drop=True),
            }
        )
    table["mcse_mean"] = table["mean"].copy(data=mcse_of_mean(array.values))
    for name, long_name in _LONG_NAMES.items():
        table[name].attrs = {"long_name": long_name}
    return table.assign_attrs(ci_kind=ci_kind, ci_prob=ci_prob)


def mcse_of_mean(draws: np.ndarray) -> np.ndarray:
    """Compute ArviZ's standard error of the mean; NaN for a constant, or with missing draws."""
    draws = np.moveaxis(draws, (0, 1), (-2, -1))
    varies = draws.min(axis=(-2, -1)) < draws.max(axis=(-2, -1))
    out = np.full(varies.shape, np.nan)
    if varies.any():
        out[varies] = azs.mcse(draws[varies], method="mean", chain_axis=-2, draw_axis=-1)
    return out


def check_interval(ci_prob: float, ci_kind: str = "eti") -> float:
    """Check the arguments of a credible interval, and return its probability."""
    Choice(("eti", "hdi"), default="eti").check("ci_kind", ci_kind)
    return Number(above=0, below=1, default=0.95).check("ci_prob", ci_prob)


def _array(draws: xr.DataArray | xr.Dataset) -> xr.DataArray:
    remedy = "Of an InferenceData, pass some variables: idata.posterior.to_dataset()[['sigma2']]."
    kinds = (xr.DataArray, xr.Dataset)
    Instance(kinds, "a DataArray or a Dataset", advice=remedy).check("draws", draws)
    if isinstance(draws, xr.Dataset):
        with_draws = [name for name, v in draws.items() if {*SAMPLE_DIMS} <= {*v.dims}]
        if with_draws:
            draws = draws[with_draws].to_dataarray("quantity")
    if not {*SAMPLE_DIMS} <= {*draws.dims}:
        raise ValueError(
            f"draws must have the dims chain and draw, got {tuple(draws.dims)}. Pass draws, not a "
            "table of them."
        )
    assert isinstance(draws, xr.DataArray)
    if not all(draws.sizes[dim] for dim in SAMPLE_DIMS):
        raise ValueError(
            f"draws must have at least one draw of one chain, got the sizes {dict(draws.sizes)}. "
            "Draw some."
        )
    return draws.transpose(*SAMPLE_DIMS, ...)
