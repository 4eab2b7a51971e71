"""Variances of X beta over the observations, draw by draw: a block of draws at a time.

A block takes some tens of megabytes, so neither the draws of beta nor X are ever copied whole.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.progress import track

__all__ = [
    "as_slice",
    "centre",
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
_SPARSE = 0.05  # a smaller share of effects that are not 0 is multiplied as a sparse matrix


def variance_of_fit(
    X: NDArray[Any], beta: xr.DataArray, *, progressbar: bool = False
) -> xr.DataArray:
    """Compute var(X beta), the mean squared deviation over the observations.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Its columns are the features of beta, in their order.
    beta : xarray.DataArray
        Dims (chain, draw, feature[, trait]); it may still be on disk.
    progressbar : bool, default False
        Show a progress bar when it takes long.

    Returns
    -------
    xarray.DataArray
        Dims (chain, draw[, trait]).
    """

    def measure(effects: Floats) -> Floats:
        rows = effects.reshape(-1, effects.shape[-1])
        return fit(X, rows).var(axis=1).reshape(effects.shape[:2])

    values = over_draws(len(X), beta, measure, progressbar)
    template = beta.isel(feature=0, drop=True)
    return xr.DataArray(values.reshape(template.shape), template.coords, template.dims)


def covariance_of_fit(
    X: NDArray[Any], beta: xr.DataArray, *, progressbar: bool = False
) -> xr.DataArray:
    """Compute cov(X B) over the observations, for several traits.

    Parameters
    ----------
    X, beta, progressbar
        As for `variance_of_fit`; beta has the dim trait.

    Returns
    -------
    xarray.DataArray
        Dims (chain, draw, trait, trait_bis).
    """

    def measure(effects: Floats) -> Floats:
        rows = effects.reshape(-1, effects.shape[-1])
        centred = centre(fit(X, rows)).reshape(*effects.shape[:2], -1)
        return centred @ centred.transpose(0, 2, 1) / len(X)

    values = over_draws(len(X), beta, measure, progressbar)
    template = beta.isel(feature=0, drop=True)
    coords = dict(template.coords)
    if "trait" in coords:
        coords["trait_bis"] = ("trait_bis", template["trait"].values)
    return xr.DataArray(values, coords, (*template.dims, "trait_bis"))


def fit(X: NDArray[Any], effects: Floats, features: Members = _ALL) -> Floats:
    """Multiply the columns of some features by their effects.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Of any real dtype.
    effects : ndarray (row, feature)
        Rows are draws.
    features : slice or ndarray
        Positions of the features. Default: all.

    Returns
    -------
    ndarray (row, obs)
    """
    effects = effects[:, features]
    positions = np.arange(X.shape[1])[features]
    if few(effects):
        return sparse_fit(X, sparse.csr_array(effects), positions)
    out = np.zeros((len(effects), len(X)))
    for block in column_blocks(X, positions.size):
        out += effects[:, block] @ columns_of(X, positions[block]).T
    return out


def sparse_fit(X: NDArray[Any], effects: sparse.csr_array, positions: NDArray[np.intp]) -> Floats:
    """Multiply columns of X by effects most of which are 0.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Of any real dtype.
    effects : scipy.sparse.csr_array (row, position)
        Rows are draws.
    positions : ndarray (position,)
        Columns of X.

    Returns
    -------
    ndarray (row, obs)
    """
    active, indices = np.unique(effects.indices, return_inverse=True)
    shape = (effects.shape[0], active.size)
    effects = sparse.csr_array((effects.data, indices, effects.indptr), shape=shape)
    out = np.zeros((shape[0], len(X)))
    for block in column_blocks(X, active.size):
        out += effects[:, block] @ columns_of(X, positions[active[block]]).T
    return out


def few(effects: Floats) -> bool:
    """Tell whether so few effects are not 0 that they are better stored without the others.

    Parameters
    ----------
    effects : ndarray
        Of any shape.

    Returns
    -------
    bool
    """
    return bool(np.count_nonzero(effects) < _SPARSE * effects.size)


def column_blocks(X: NDArray[Any], size: int) -> Iterator[slice]:
    """Cut some columns of X into blocks that take little memory as float64.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Its number of rows counts.
    size : int
        Number of columns to cut.

    Yields
    ------
    slice
    """
    width = max(1, _BLOCK_BYTES // (8 * len(X)))
    for start in range(0, size, width):
        yield slice(start, min(start + width, size))


def columns_of(X: NDArray[Any], positions: NDArray[np.intp]) -> Floats:
    """Take columns of X as float64: a view if they are neighbours and X is float64.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Of any real dtype.
    positions : ndarray (position,)
        Of the columns.

    Returns
    -------
    ndarray (obs, position)
    """
    return X[:, as_slice(positions)].astype(float, copy=False)


def column_variances(X: NDArray[Any]) -> Floats:
    """Variance of each column, the mean squared deviation.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Of any real dtype.

    Returns
    -------
    ndarray (feature,)
    """
    blocks = [X[:, block] for block in column_blocks(X, X.shape[1])]
    return np.concatenate([block.astype(float, copy=False).var(axis=0) for block in blocks])


def over_draws(
    n: int, beta: xr.DataArray, measure: Callable[[Floats], Floats], progressbar: bool
) -> NDArray[Any]:
    """Measure all draws, block by block.

    Parameters
    ----------
    n : int
        Number of observations.
    beta, progressbar
        As for `variance_of_fit`.
    measure : callable
        Of effects (draw, trait, feature), float64; it returns an array (draw, ...).

    Returns
    -------
    ndarray (chain, draw, ...)
    """
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


def centre(values: Floats) -> Floats:
    """Subtract the mean over the last axis.

    Parameters
    ----------
    values : ndarray (..., obs)
        Not changed.

    Returns
    -------
    ndarray (..., obs)
    """
    return values - values.mean(axis=-1, keepdims=True)


def as_slice(positions: NDArray[np.intp]) -> Members:
    """Turn positions of neighbours into a slice, which takes a view where they make a copy.

    Parameters
    ----------
    positions : ndarray (position,)
        Of columns.

    Returns
    -------
    slice or ndarray
    """
    if positions.size and positions[-1] - positions[0] + 1 == positions.size:
        if (np.diff(positions) == 1).all():
            return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions
