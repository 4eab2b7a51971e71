"""Draws that are not finite: where they are, and what to do about them."""

from collections.abc import Iterable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

__all__ = ["broken_draws", "not_finite"]


def broken_draws(blocks: Iterable[xr.DataArray]) -> NDArray[np.bool_]:
    """Return the mask (chain, draw) of draws with NaN or infinity in any block."""
    broken: bool | NDArray[np.bool_] = False
    for block in blocks:
        broken = broken | _broken(block)
    return np.asarray(broken)


def _broken(block: xr.DataArray) -> NDArray[np.bool_]:
    none = np.zeros(block.shape[:2], dtype=bool)
    if block.dtype.kind in "biu":
        return none
    values = block.values.astype(float, copy=False)  # bools with missing ones are objects
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):  # no second array unless something is wrong
            return none
    return ~np.isfinite(values).all(axis=tuple(range(2, values.ndim)))


def not_finite(what: str, broken: NDArray[np.bool_]) -> ValueError:
    """Make the error for a variable with a mask of broken draws (chain, draw)."""
    return ValueError(
        f"{what} must have no missing draw and no infinite one; {broken.sum()} of {broken.size} "
        f"draws hold NaN or infinity. {_remedy(broken)}"
    )


def _remedy(broken: NDArray[np.bool_]) -> str:
    broke_down = (
        "the sampler broke down: look for extreme values in the data, the prior and initvals, and "
        "sample again."
    )
    whole = broken.shape[1] - broken.sum(axis=1)  # draws per chain
    at_end = all(chain[n:].all() for chain, n in zip(broken, whole, strict=True))
    if not at_end or whole.min() == 0 or whole.max() < broken.shape[1]:
        return broke_down.capitalize()
    # chains of different lengths, which xarray fills with NaN, look like chains that broke down
    return (
        f"They are the last ones of some chains. If these are shorter, cut all chains to the same "
        f"draws: idata.isel(draw=slice({whole.min()})). If not, {broke_down}"
    )
