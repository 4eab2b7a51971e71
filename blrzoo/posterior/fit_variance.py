"""Variances of X beta over the observations, draw by draw, for a block of draws at a time.

A block takes some tens of megabytes, so neither the draws of beta nor X are copied as a whole.
"""

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.progress import track

__all__ = [
    "as_slice",
    "center",
    "column_blocks",
    "column_variances",
    "columns_of",
    "covariance_of_fit",
    "few",
    "fit",
    "over_draws",
    "sparse_fit",
    "variance_of_fit",
]

Floats = NDArray[np.float64]
Members = slice | NDArray[np.intp]

_ALL = slice(None)
_BLOCK_BYTES = 2**25  # of draws, of fitted values and of columns of X, each
_SPARSE = 0.05  # with a smaller share of effects that are not 0, a sparse product is faster


def variance_of_fit(
    X: np.ndarray, beta: xr.DataArray, *, progressbar: bool = False
) -> xr.DataArray:
    """Compute var(X beta) over the observations, dims (chain, draw[, trait])."""

    def measure(effects: Floats) -> Floats:
        rows = effects.reshape(-1, effects.shape[-1])
        return fit(X, rows).var(axis=1).reshape(effects.shape[:2])

    values = over_draws(len(X), beta, measure, progressbar)
    template = beta.isel(feature=0, drop=True)
    return xr.DataArray(values.reshape(template.shape), template.coords, template.dims)


def covariance_of_fit(
    X: np.ndarray, beta: xr.DataArray, *, progressbar: bool = False
) -> xr.DataArray:
    """Compute cov(X B) over the observations, dims (chain, draw, trait, trait_bis)."""

    def measure(effects: Floats) -> Floats:
        rows = effects.reshape(-1, effects.shape[-1])
        centered = center(fit(X, rows)).reshape(*effects.shape[:2], -1)
        return centered @ centered.transpose(0, 2, 1) / len(X)

    values = over_draws(len(X), beta, measure, progressbar)
    template = beta.isel(feature=0, drop=True)
    coords = dict(template.coords)
    if "trait" in coords:
        coords["trait_bis"] = ("trait_bis", template["trait"].values)
    return xr.DataArray(values, coords, (*template.dims, "trait_bis"))


def fit(X: np.ndarray, effects: Floats, features: Members = _ALL) -> Floats:
    """Multiply columns of X (obs, feature) by effects (row, feature): (row, obs)."""
    effects = effects[:, features]
    positions = np.arange(X.shape[1])[features]
    if few(effects):
        return sparse_fit(X, sparse.csr_array(effects), positions)
    out = np.zeros((len(effects), len(X)))
    for block in column_blocks(X, positions.size):
        out += effects[:, block] @ columns_of(X, positions[block]).T
    return out


def sparse_fit(X: np.ndarray, effects: sparse.csr_array, positions: NDArray[np.intp]) -> Floats:
    """Multiply columns of X by sparse effects (row, position): (row, obs)."""
    active, indices = np.unique(effects.indices, return_inverse=True)
    shape = (effects.shape[0], active.size)
    effects = sparse.csr_array((effects.data, indices, effects.indptr), shape=shape)
    out = np.zeros((shape[0], len(X)))
    for block in column_blocks(X, active.size):
        out += effects[:, block] @ columns_of(X, positions[active[block]]).T
    return out


def few(effects: Floats) -> bool:
    """Whether so few effects are not 0 that a sparse matrix of them is cheaper."""
    return bool(np.count_nonzero(effects) < _SPARSE * effects.size)


def column_blocks(X: np.ndarray, size: int) -> Iterator[slice]:
    """Yield slices that cut some columns of X into blocks that take little memory as float64."""
    width = max(1, _BLOCK_BYTES // (8 * len(X)))
    for start in range(0, size, width):
        yield slice(start, min(start + width, size))


def columns_of(X: np.ndarray, positions: NDArray[np.intp]) -> Floats:
    """Take columns of X as float64; a view of neighbors if X is float64."""
    return X[:, as_slice(positions)].astype(float, copy=False)


def column_variances(X: np.ndarray) -> Floats:
    """Compute the variance of each column (mean squared deviation), (feature,)."""
    blocks = [X[:, block] for block in column_blocks(X, X.shape[1])]
    return np.concatenate([block.astype(float, copy=False).var(axis=0) for block in blocks])


def over_draws(
    n: int, beta: xr.DataArray, measure: Callable[[Floats], Floats], progressbar: bool
) -> np.ndarray:
    """Apply `measure` to all draws of beta, block by block: (chain, draw, ...)."""
    # beta may still be on disk; measure gets effects (draw, trait, feature) as float64
    chains, draws, p = beta.shape[:3]
    traits = int(np.prod(beta.shape[3:]))
    rows = max(1, _BLOCK_BYTES // (8 * traits * max(n, p, 1)))
    blocks = [(chain, start) for chain in range(chains) for start in range(0, draws, rows)]
    parts = []
    for chain, start in track(blocks, progressbar, "Variances"):
        values = beta.isel(chain=chain, draw=slice(start, start + rows)).values
        effects = np.moveaxis(values.reshape(len(values), p, traits), 2, 1)
        parts.append(measure(np.ascontiguousarray(effects, dtype=float)))
    return np.concatenate(parts).reshape(chains, draws, *parts[0].shape[1:])


def center(values: Floats) -> Floats:
    """Subtract the mean over the last axis."""
    return values - values.mean(axis=-1, keepdims=True)


def as_slice(positions: NDArray[np.intp]) -> Members:
    """Turn consecutive positions into a slice, which makes a view instead of a copy."""
    if positions.size and positions[-1] - positions[0] + 1 == positions.size:
        if (np.diff(positions) == 1).all():
            return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
