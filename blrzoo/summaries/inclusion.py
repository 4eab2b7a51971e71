"""Posterior inclusion probabilities (PIPs), and their Monte Carlo errors."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr

from blrzoo.posterior.kept import kept_inclusion, pooled, refuse_kept
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    included_blocks,
    included_count,
    included_in,
    indicator_name,
    indicators,
    join_features,
    no_indicators,
    refuse_broken,
)
from blrzoo.summaries._kept_inclusion import kept_pip_interval, kept_table
from blrzoo.summaries._pip_errors import interval, standard_error
from blrzoo.summaries.mixing import (
    Mixing,
    cautious_draws,
    changes_of,
    effective_draws,
    mixing_of,
)

__all__ = [
    "block_table",
    "collapse",
    "inclusion_table",
    "model_size",
    "pip",
    "pip_interval",
    "probability_included",
]

_LONG_NAMES = {
    "pip": "posterior inclusion probability",
    "mcse_pip": "Monte Carlo standard error of the PIP",
    "error_bound": "bound on the Monte Carlo error of the PIP (95 %)",
    "pip_spread": "range of the PIP across chains",
    "changes": "number of times that the indicator changed, over all chains",
}


def pip(idata: xr.DataTree, *, any: str | Sequence[str] | None = None) -> xr.DataArray:
    r"""Compute the posterior inclusion probability of each feature.

    .. math:: PIP_j = P(\delta_j = 1 | y) \approx \text{mean of } \delta_j \text{ over the draws}

    In mixtures a feature is included if its component is not the null (``label > 0``), so the PIP
    does not depend on how the other components are labelled.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators: ``delta`` (chain, draw, feature[, trait]) or
        ``label`` (chain, draw, feature) in its posterior, or a fit with ``keep="summary"``.
    any : str or sequence of str, optional
        Dims of the indicators, such as ``"trait"``: the probability that the feature is included
        for at least one of the traits. Default: the PIP for each trait.

    Returns
    -------
    xarray.DataArray
        Named ``pip``, dims (feature[, trait]) without those of `any`, between 0 and 1.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree.
    ValueError
        If the posterior has neither variable, it lacks one of the dims, there are draws that are
        not finite, or `any` names something else than a dim of the indicators other than chain,
        draw and feature.

    See Also
    --------
    blrzoo.indicator_table : The Monte Carlo error of each PIP.

    Notes
    -----
    With ``any="trait"`` the result is the mean over the draws of :math:`\max_t \delta_{jt}`. It
    cannot be computed from the PIPs: indicators of different traits are not independent, so it is
    not :math:`1 - \prod_t (1 - PIP_{jt})`.

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

    Two traits of one feature, never affected in the same draw:

    >>> draws = np.array([[[[1, 0]], [[0, 1]], [[0, 1]], [[0, 0]]]])
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature", "trait"]})
    >>> blr.pip(idata).values, blr.pip(idata, any="trait").values
    (array([[0.25, 0.5 ]]), array([0.75]))
    """
    kept = _kept(idata)
    if kept is None:
        result = probability_included(indicators(idata), any)
    else:
        chosen = "pip_any" if _dims_of_any(any, kept["pip"].dims) else "pip"
        result = pooled(kept, chosen).rename("pip")
    return result.assign_attrs(long_name=_LONG_NAMES["pip"])


def probability_included(
    draws: xr.DataArray, dims: str | Sequence[str] | None = None
) -> xr.DataArray:
    """Average draws of indicators into PIPs; `dims` is the argument `any`."""
    blocks = (collapse(block, dims) for block in included_in(draws))
    means = (block.mean(SAMPLE_DIMS).to_dataset(name="pip") for block in blocks)
    return join_features(means)["pip"]


def _kept(idata: xr.DataTree) -> xr.Dataset | None:
    """Return what is kept of indicators in place of their draws, None if there are draws."""
    kept = kept_inclusion(idata)
    if kept is not None:
        refuse_broken(idata)
    return kept


def collapse(included: xr.DataArray, dims: str | Sequence[str] | None) -> xr.DataArray:
    """Return whether features are included for any of the traits; `dims` is the argument `any`."""
    return included if dims is None else included.any(_dims_of_any(dims, included.dims))


def _dims_of_any(dims: str | Sequence[str] | None, of: Sequence[Hashable]) -> list[str]:
    """Check the argument `any` of a summary of indicators with these dims."""
    if dims is None:
        return []
    wanted: list[Any] = list(dims) if isinstance(dims, list | tuple | set) else [dims]
    known = [dim for dim in of if dim not in (*SAMPLE_DIMS, "feature")]
    if not all(isinstance(dim, str) and dim in known for dim in wanted):
        there = f"they have {known}" if known else "they have no others"
        raise ValueError(
            "any must name dims of the indicators other than chain, draw and feature, got "
            f"{dims!r}; {there}. "
            + ("Choose from these." if known else "Leave it out: the PIP is of all traits.")
        )
    return wanted


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
    >>> import blrzoo as blr
    >>> draws = np.array([[[1, 0], [1, 0], [1, 1], [0, 0]]])  # one chain of four draws
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature"]})
    >>> blr.model_size(idata).values
    array([[1, 1, 2, 0]])
    """
    size = included_count(idata)
    if size is None:
        refuse_kept(idata, str(indicator_name(idata)))
        raise no_indicators(idata)
    return size.assign_attrs(long_name="number of included features")


def inclusion_table(idata: xr.DataTree) -> xr.Dataset:
    """Compute the PIP of each feature and its Monte Carlo error, as `blrzoo.indicator_table`."""
    kept = _kept(idata)
    if kept is None:
        mixing = mixing_of(idata)
        table = join_features(block_table(block, mixing) for block in _blocks(idata))
    else:
        table = kept_table(idata, kept)
    for name, long_name in _LONG_NAMES.items():
        table[name].attrs = {"long_name": long_name}
    return table


def pip_interval(idata: xr.DataTree) -> xr.Dataset:
    """Compute the PIP of each feature and a 95 % interval for its Monte Carlo error."""
    kept = _kept(idata)
    if kept is not None:
        return kept_pip_interval(idata, kept)
    mixing = mixing_of(idata)
    return join_features(_block_interval(block, mixing) for block in _blocks(idata))


def _blocks(idata: xr.DataTree) -> Iterator[xr.DataArray]:
    return included_blocks(idata, progressbar=True)


def block_table(included: xr.DataArray, mixing: Mixing) -> xr.Dataset:
    """Compute the probabilities of events (chain, draw, ...) and their Monte Carlo errors."""
    z = _chains_last(included)
    probability, by_chain = z.mean(axis=(-2, -1)), z.mean(axis=-1)
    effective = effective_draws(z, mixing)
    lower, upper = interval(probability, cautious_draws(z, effective), mixing.unseen)
    several = z.shape[-2] > 1  # the spread of one chain would be a 0 that looks perfect
    values = {
        "pip": probability,
        "mcse_pip": standard_error(probability, effective),
        "error_bound": np.maximum(probability - lower, upper - probability),
        "pip_spread": np.ptp(by_chain, axis=-1) if several else np.full_like(probability, np.nan),
        "changes": changes_of(z),
    }
    return _like(included, values)


def _block_interval(included: xr.DataArray, mixing: Mixing) -> xr.Dataset:
    z = _chains_last(included)
    probability = z.mean(axis=(-2, -1))
    cautious = cautious_draws(z, effective_draws(z, mixing))
    lower, upper = interval(probability, cautious, mixing.unseen)
    return _like(included, {"pip": probability, "lower": lower, "upper": upper})


def _chains_last(included: xr.DataArray) -> np.ndarray:
    return np.moveaxis(included.values, (0, 1), (-2, -1))


def _like(included: xr.DataArray, values: dict[str, np.ndarray]) -> xr.Dataset:
    template = included.isel(chain=0, draw=0, drop=True)
    return xr.Dataset({name: template.copy(data=value) for name, value in values.items()})
