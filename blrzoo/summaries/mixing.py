"""How many independent draws the draws of an indicator are worth."""

from typing import NamedTuple

import arviz_stats as azs
import numpy as np
import xarray as xr
from scipy import stats

from blrzoo.posterior.reader import included_count, included_in, indicators, no_indicators

__all__ = [
    "FEW_CHANGES",
    "LEVEL",
    "Mixing",
    "cautious_draws",
    "chain_changes",
    "changes_of",
    "draws_of_size",
    "effective_draws",
    "lowered",
    "mixing_in",
    "mixing_of",
    "standardized",
]

LEVEL = 0.95  # of error_bound and of pip_interval
FEW_CHANGES = 20  # about ten visits: fewer do not show how long a visit lasts
_BATCHES = 8  # per chain
_CHANCE_Z = 3.0  # correlations of fewer standard errors count as chance
_SLOWEST = 50  # indicators whose slow moves are searched for in all others


class Mixing(NamedTuple):
    """How the slowest quantities of a fit mix."""

    size: np.ndarray  # model size, (chain * draw,)
    of_size: float  # its effective draws
    draws: np.ndarray  # (slow, chain * draw): the indicators with the largest errors, standardized
    effective: np.ndarray  # (slow,): their effective draws
    # effective draws of an event that changed too seldom to tell: those of the model size, or, if
    # these are fewer, of the indicators on average
    unseen: float


def mixing_of(idata: xr.DataTree) -> Mixing:
    """Find what mixes slowly in a fit with indicators."""
    size = included_count(idata)
    if size is None:
        raise no_indicators(idata)
    return mixing_in(indicators(idata), size)


def mixing_in(draws: xr.DataArray, size: xr.DataArray) -> Mixing:
    """Find what mixes slowly in draws of indicators, with the model size (chain, draw)."""
    number = size.transpose("chain", "draw").values.astype(float)[None]
    slow, errors = np.empty((0, *number.shape[1:]), dtype=bool), np.empty(0)
    variance = error = 0.0
    for block in included_in(draws):
        z = np.moveaxis(block.values, (0, 1), (-2, -1)).reshape(-1, *number.shape[1:])
        of_means = _batch_error(z)
        variance, error = variance + z.var(axis=(-2, -1)).sum(), error + of_means.sum()
        slow, errors = np.concatenate([slow, z]), np.concatenate([errors, of_means])
        worst = np.argsort(-errors, kind="stable")[:_SLOWEST]
        slow, errors = slow[worst], errors[worst]
    of_size = draws_of_size(number)
    unseen = min(of_size, variance / error if error > 0 else np.inf)
    effective = _own_draws(slow, unseen)
    return Mixing(number.ravel(), of_size, standardized(slow), effective, unseen)


def effective_draws(z: np.ndarray, mixing: Mixing) -> np.ndarray:
    """Compute the effective draws for the means of integers (..., chain, draw)."""
    # ArviZ's ESS misses a slow move that is a small part of the variance and hardly shows in the
    # autocorrelations, but makes the error of the mean of many draws. So the ESS is at most that
    # of each slow quantity, divided by the share of the variance that this explains.
    own = _own_draws(z, mixing.unseen)
    return np.minimum(own, _slow_draws(z, own, mixing))


def cautious_draws(z: np.ndarray, effective: np.ndarray) -> np.ndarray:
    """Lower the effective draws, for an interval that allows for their uncertainty."""
    # not more than the error of batch means says either; and with so few batches the quantile is
    # that of Student's t, so the draws are lowered by its square (Korn & Graubard 1998)
    batches = z.shape[-2] * min(_BATCHES, z.shape[-1])
    with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0 of what never changes
        by_batches = z.var(axis=(-2, -1)) / _batch_error(z)
    return lowered(batches) * np.fmin(effective, by_batches)


def lowered(batches: int) -> float:
    """Return the share of the effective draws that so many batches are sure of."""
    tail = (1 - LEVEL) / 2
    return float((stats.norm.isf(tail) / stats.t.isf(tail, max(1, batches - 1))) ** 2)


def chain_changes(z: np.ndarray) -> np.ndarray:
    """Count how often integers (..., draw) change from one draw to the next."""
    return (z[..., 1:] != z[..., :-1]).sum(axis=-1)


def changes_of(z: np.ndarray) -> np.ndarray:
    """Count how often integers (..., chain, draw) change from one draw to the next."""
    return chain_changes(z).sum(axis=-1)


def _own_draws(z: np.ndarray, unseen: float) -> np.ndarray:
    """Compute ArviZ's ESS, at most `unseen` where there are too few changes to trust it."""
    # ArviZ returns the number of draws for a constant z, and about as many for one short visit
    ess = np.full(z.shape[:-2], float(z.shape[-2] * z.shape[-1]))
    varies = z.min(axis=(-2, -1)) < z.max(axis=(-2, -1))
    if varies.any():
        ess[varies] = azs.ess(z[varies], method="mean", chain_axis=-2, draw_axis=-1)
    return np.where(changes_of(z) < FEW_CHANGES, np.minimum(ess, unseen), ess)


def draws_of_size(number: np.ndarray) -> float:
    """Compute the bulk ESS of the model size; for a constant, the number of chains."""
    ess = float(np.min(azs.ess(number, method="bulk", chain_axis=-2, draw_axis=-1)))
    if np.ptp(number) == 0 or not np.isfinite(ess):
        return float(number.shape[-2])
    return float(np.clip(ess, 1.0, number[0].size))


def _slow_draws(z: np.ndarray, own: np.ndarray, mixing: Mixing) -> np.ndarray:
    """Divide the draws of slow quantities by their shares of the variance; take the least."""
    rest = mixing.size.reshape(z.shape[-2:]) - z  # of the model: z itself is no other quantity
    rows = standardized(z)
    of_rest = (rows * standardized(rest)).mean(axis=-1, keepdims=True)
    shares = np.hstack([of_rest, rows @ mixing.draws.T / rows.shape[-1]]) ** 2
    shares[shares < _CHANCE_Z**2 / own.reshape(-1, 1)] = 0
    with np.errstate(divide="ignore", invalid="ignore"):  # nothing explained, or no variance
        of_rest = mixing.of_size * rest.var(axis=(-2, -1)).reshape(-1, 1) / mixing.size.var()
        others = np.broadcast_to(mixing.effective, (len(rows), mixing.effective.size))
        least = np.nanmin(np.hstack([of_rest, others]) / shares, axis=-1, initial=np.inf)
    return least.reshape(z.shape[:-2])


def standardized(z: np.ndarray) -> np.ndarray:
    """Scale draws (..., chain * draw) to mean 0 and variance 1; a constant to 0."""
    rows = z.reshape(-1, z.shape[-2] * z.shape[-1]).astype(float)
    rows -= rows.mean(axis=-1, keepdims=True)
    sd = rows.std(axis=-1, keepdims=True)
    return np.divide(rows, sd, out=np.zeros_like(rows), where=sd > 0)


def _batch_error(z: np.ndarray) -> np.ndarray:
    """Compute the squared standard error of the mean of z (..., chain, draw), by batches."""
    count = min(_BATCHES, z.shape[-1])
    length = z.shape[-1] // count
    last = z[..., z.shape[-1] - count * length :]
    means = last.reshape(*z.shape[:-1], count, length).mean(axis=-1)
    number = z.shape[-2] * count
    return means.var(axis=(-2, -1)) / max(1, number - 1)
