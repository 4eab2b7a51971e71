"""Posterior inclusion probabilities (PIPs), and how well the draws know them."""

from typing import Any

import arviz_stats as azs
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from blrzoo.summaries._posterior import (
    SAMPLE_DIMS,
    included_blocks,
    included_count,
    join_features,
    no_indicators,
)

__all__ = ["indicator_table", "model_size", "pip"]

Array = NDArray[Any]

_LEVEL = 0.95  # of error_bound
_FEW_CHANGES = 20  # about ten visits: fewer do not tell how long a visit lasts
_LONG_NAMES = {
    "pip": "posterior inclusion probability",
    "mcse_pip": "Monte Carlo standard error of the PIP",
    "error_bound": "bound on the Monte Carlo error of the PIP (95 %)",
    "pip_spread": "largest less smallest PIP of the chains",
    "changes": "number of times that the indicator changed, over all chains",
}


def pip(idata: xr.DataTree) -> xr.DataArray:
    r"""Compute the posterior inclusion probability of each feature.

    .. math:: PIP_j = P(\delta_j = 1 | y) \approx \text{mean of } \delta_j \text{ over the draws}

    In mixtures a feature is included when its component is not the null (``label > 0``), so
    the PIP does not depend on how the other components are labelled.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators: ``delta`` (chain, draw, feature[, trait]) or
        ``label`` (chain, draw, feature) in its posterior.

    Returns
    -------
    xarray.DataArray
        Named ``pip``, dims (feature[, trait]), between 0 and 1.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree.
    ValueError
        If the posterior has neither variable, or lacks one of the dims.

    See Also
    --------
    blrzoo.indicator_diagnostics : The Monte Carlo error of each PIP.

    Notes
    -----
    With several traits, the probability that a feature matters for any of them is the mean of
    ``idata.posterior["delta"].any("trait")`` over the draws. It cannot be had from the PIPs:
    indicators of different traits are not independent.

    Examples
    --------
    >>> import arviz as az
    >>> import blrzoo as blr
    >>> import numpy as np
    >>> draws = np.array([[[1, 0], [1, 0], [1, 1], [0, 0]]])  # one chain of four draws
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["age", "bmi"]},
    ... )
    >>> blr.pip(idata).to_series().to_dict()
    {'age': 0.75, 'bmi': 0.25}
    """
    means = (block.mean(SAMPLE_DIMS).to_dataset(name="pip") for block in included_blocks(idata))
    return join_features(means)["pip"].assign_attrs(long_name=_LONG_NAMES["pip"])


def model_size(idata: xr.DataTree) -> xr.DataArray:
    """Count the features that each draw includes.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.

    Returns
    -------
    xarray.DataArray
        Named ``model_size``, dims (chain, draw). With several traits, a feature counts if any
        trait includes it.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree.
    ValueError
        If there are no indicators.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.summaries import model_size
    >>> draws = np.array([[[1, 0], [1, 0], [1, 1], [0, 0]]])  # one chain of four draws
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature"]})
    >>> model_size(idata).values
    array([[1, 1, 2, 0]])
    """
    size = included_count(idata)
    if size is None:
        raise no_indicators(idata)
    return size.assign_attrs(long_name="number of included features")


def indicator_table(idata: xr.DataTree) -> xr.Dataset:
    """Compute the PIP of each feature, and what is known of its Monte Carlo error.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.

    Returns
    -------
    xarray.Dataset
        ``pip``, ``mcse_pip``, ``error_bound``, ``pip_spread`` and ``changes``, dims
        (feature[, trait]). `blrzoo.indicator_diagnostics` explains them.

    Raises
    ------
    TypeError, ValueError
        As `pip`.
    """
    of_size = _draws_of_size(model_size(idata))
    table = join_features(_block_table(block, of_size) for block in included_blocks(idata))
    for name, long_name in _LONG_NAMES.items():
        table[name].attrs = {"long_name": long_name}
    return table


def _draws_of_size(size: xr.DataArray) -> float:
    """Effective draws of the model size, 1 to the number of draws; of a constant: the chains."""
    values = np.moveaxis(size.values, (0, 1), (-2, -1))
    ess = np.min(azs.ess(values, method="bulk", chain_axis=-2, draw_axis=-1))
    if np.ptp(values) == 0 or not np.isfinite(ess):
        return float(size.sizes["chain"])
    return float(np.clip(ess, 1.0, size.sizes["chain"] * size.sizes["draw"]))


def _block_table(included: xr.DataArray, draws_of_size: float) -> xr.Dataset:
    """Make the table of a block of features."""
    z = np.moveaxis(included.values, (0, 1), (-2, -1))
    probability, by_chain = z.mean(axis=(-2, -1)), z.mean(axis=-1)
    changes = (z[..., 1:] != z[..., :-1]).sum(axis=(-2, -1))
    ess = _effective_draws(z, changes, draws_of_size)
    several = z.shape[-2] > 1  # the spread of one chain would be a 0 that looks perfect
    values = {
        "pip": probability,
        "mcse_pip": _standard_error(probability, ess),
        "error_bound": _error_bound(probability, ess),
        "pip_spread": np.ptp(by_chain, axis=-1) if several else np.full_like(probability, np.nan),
        "changes": changes,
    }
    template = included.isel(chain=0, draw=0, drop=True)
    return xr.Dataset({name: template.copy(data=value) for name, value in values.items()})


def _effective_draws(z: Array, changes: Array, draws_of_size: float) -> Array:
    """ArviZ's for the mean of z (..., chain, draw); few changes do not tell it, see _FEW_CHANGES.

    For a z that never changes ArviZ gives the number of draws; for a single visit of a few draws
    it is about as far off.
    """
    ess = np.full(changes.shape, float(z.shape[-2] * z.shape[-1]))
    varies = z.any(axis=(-2, -1)) & ~z.all(axis=(-2, -1))
    if varies.any():
        ess[varies] = azs.ess(z[varies], method="mean", chain_axis=-2, draw_axis=-1)
    return np.where(changes < _FEW_CHANGES, np.minimum(ess, draws_of_size), ess)


def _standard_error(probability: Array, ess: Array) -> Array:
    """SD / sqrt(ess), and if nothing ever changed the SD of Beta(1, ess + 1)."""
    never = (probability == 0) | (probability == 1)
    usual = np.sqrt(probability * (1 - probability) / ess)
    return np.where(never, stats.beta.std(1, ess + 1), usual)


def _error_bound(probability: Array, ess: Array) -> Array:
    """Farther end of the Clopper-Pearson interval of `probability` in `ess` independent draws."""
    tail, included = (1 - _LEVEL) / 2, ess * probability
    with np.errstate(invalid="ignore"):  # where the interval ends at 0 or 1
        lower = stats.beta.ppf(tail, included, ess - included + 1)
        upper = stats.beta.ppf(1 - tail, included + 1, ess - included)
    lower, upper = np.where(probability == 0, 0, lower), np.where(probability == 1, 1, upper)
    return np.maximum(probability - lower, upper - probability)
