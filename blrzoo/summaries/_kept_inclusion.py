"""PIPs and their Monte Carlo errors of a fit with ``keep="summary"``, from batches of its draws."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from blrzoo.posterior.kept import pooled, squared_error
from blrzoo.posterior.reader import included_count
from blrzoo.summaries._pip_errors import interval, standard_error
from blrzoo.summaries.mixing import FEW_CHANGES, draws_of_size, lowered

__all__ = ["kept_pip_interval", "kept_table"]


class _Knowledge(NamedTuple):
    """PIPs, how many independent draws they are worth, and how many saw no mode but those seen."""

    pip: xr.DataArray
    draws: xr.DataArray
    cautious: xr.DataArray
    unseen: float


def kept_table(idata: xr.DataTree, kept: xr.Dataset) -> xr.Dataset:
    """PIPs and Monte Carlo errors, the variables of `inclusion_table`."""
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
    """PIPs and 95 % intervals of their Monte Carlo errors."""
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
    # A single batch tells nothing, nor do few changes tell how long a visit lasts.
    few = (kept["changes"].sum("chain") < FEW_CHANGES) | (batches < 2)
    draws = draws.where(~few, np.minimum(draws, unseen))
    return _Knowledge(pips, draws, lowered(batches) * draws, unseen)


def _of_size(idata: xr.DataTree, chains: int) -> float:
    """Effective draws of the model size; where it was not recorded, as many as chains."""
    size = included_count(idata)
    if size is None:
        return float(chains)
    return draws_of_size(size.transpose("chain", "draw").values.astype(float)[None])
