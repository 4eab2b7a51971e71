"""PIPs and their Monte Carlo errors in a fit with ``keep="summary"``, from batches of draws."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from blrzoo.posterior.kept import pooled, squared_error
from blrzoo.posterior.reader import included_count
from blrzoo.summaries._pip_errors import interval, standard_error
from blrzoo.summaries.mixing import FEW_CHANGES, draws_of_size, lowered

__all__ = ["kept_pip_interval", "kept_table"]


class _Knowledge(NamedTuple):
    """PIPs and their effective draws."""

    pip: xr.DataArray
    draws: xr.DataArray  # effective draws of each PIP
    cautious: xr.DataArray  # those for an interval, which allows for their uncertainty
    unseen: float  # effective draws of a mode that was not seen


def kept_table(idata: xr.DataTree, kept: xr.Dataset) -> xr.Dataset:
    """Compute PIPs and Monte Carlo errors, the variables of `inclusion_table`."""
    known = _known(idata, kept)
    table = kept_pip_interval(idata, kept)
    of_chains, several = kept["pip"], kept.sizes["chain"] > 1
    spread = of_chains.max("chain") - of_chains.min("chain")
    return xr.Dataset(
        {
            "pip": known.pip,
            "mcse_pip": known.pip.copy(data=standard_error(known.pip.values, known.draws.values)),
            "error_bound": np.maximum(known.pip - table["lower"], table["upper"] - known.pip),
            "pip_spread": spread if several else xr.full_like(spread, np.nan),
            "changes": kept["changes"].sum("chain"),
        }
    )


def kept_pip_interval(idata: xr.DataTree, kept: xr.Dataset) -> xr.Dataset:
    """Compute PIPs and 95 % intervals for their Monte Carlo error."""
    known = _known(idata, kept)
    bounds = interval(known.pip.values, known.cautious.values, known.unseen)
    lower, upper = (known.pip.copy(data=bound) for bound in bounds)
    return xr.Dataset({"pip": known.pip, "lower": lower, "upper": upper})


def _known(idata: xr.DataTree, kept: xr.Dataset) -> _Knowledge:
    pips, error = pooled(kept, "pip"), squared_error(kept, "pip_batch_mean")
    variance = pips * (1 - pips)
    total, batches = int(kept["draws"].sum()), int((kept["draws"] > 0).sum())
    of_all = float(error.sum(skipna=False))
    unseen = _of_size(idata, kept.sizes["chain"])
    unseen = min(unseen, float(variance.sum()) / of_all) if of_all > 0 else unseen
    draws = (variance / error.where(error > 0)).fillna(total).clip(max=total)
    # One batch says nothing about the error, and few changes not how long a visit lasts.
    few = (kept["changes"].sum("chain") < FEW_CHANGES) | (batches < 2)
    draws = draws.where(~few, np.minimum(draws, unseen))
    return _Knowledge(pips, draws, lowered(batches) * draws, unseen)


def _of_size(idata: xr.DataTree, chains: int) -> float:
    """Return the effective draws of the model size, or if unknown the number of chains."""
    size = included_count(idata)
    if size is None:
        return float(chains)
    return draws_of_size(size.transpose("chain", "draw").values.astype(float)[None])
