"""Variances of X_g beta_g, and their covariances with X beta, for groups g of features."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.posterior.fit_variance import (
    as_slice,
    center,
    column_blocks,
    columns_of,
    few,
    fit,
    over_draws,
    sparse_fit,
)

__all__ = ["moments_by_group"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_SMALL = 128  # features of a group whose covariance matrix is cheaper than its fitted values


def moments_by_group(
    X: np.ndarray, beta: xr.DataArray, index: Index, n_groups: int, *, progressbar: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Compute var(X_g beta_g), cov(X_g beta_g, X beta) and var(X beta) over the observations."""
    # (chain, draw, trait, group) twice, and (chain, draw, trait): one trait if beta has none
    groups = _Groups(X, index, n_groups)

    def measure(effects: Floats) -> Floats:
        rows = effects.reshape(-1, effects.shape[-1])
        total = center(fit(X, rows))
        moments = groups.of_few(rows, total) if few(rows) else groups.of_many(rows, total)
        return moments.reshape(*effects.shape[:2], n_groups, 2)

    values = over_draws(len(X), beta, measure, progressbar)
    # covariances with a sum add up to its variance
    return values[..., 0], values[..., 1], values[..., 1].sum(axis=-1)


class _Groups:
    """Groups of features, with what all blocks of draws need of them."""

    def __init__(self, X: np.ndarray, index: Index, n_groups: int) -> None:
        self.X, self.index, self.n_groups = X, index, n_groups
        order = np.argsort(index, kind="stable")
        ends = np.cumsum(np.bincount(index, minlength=n_groups))
        self.members = np.split(order, ends[:-1])
        self.covariances = [self._covariance(features) for features in self.members]
        ones = (np.ones(index.size), (np.arange(index.size), index))
        self.indicator = sparse.csr_array(ones, shape=(index.size, n_groups))

    def _covariance(self, features: Index) -> Floats | None:
        """Compute the covariance matrix of the features of a small group; None for a large one."""
        if features.size > min(_SMALL, len(self.X)):
            return None
        centered = center(columns_of(self.X, features).T)
        return centered @ centered.T / len(self.X)

    def of_many(self, effects: Floats, total: Floats) -> Floats:
        """Compute moments (row, group, 2) of effects (row, feature), given their centered fit."""
        out = np.zeros((len(effects), self.n_groups, 2))
        for g, (features, covariance) in enumerate(
            zip(self.members, self.covariances, strict=True)
        ):
            if covariance is None:
                out[:, g, 0] = fit(self.X, effects, as_slice(features)).var(axis=1)
            else:
                part = effects[:, as_slice(features)]
                out[:, g, 0] = np.einsum("rj,rj->r", part @ covariance, part).clip(min=0.0)
        for block in column_blocks(self.X, self.index.size):
            products = total @ columns_of(self.X, np.arange(self.index.size)[block])
            products *= effects[:, block]
            out[:, :, 1] += products @ self.indicator[block]
        out[:, :, 1] /= len(self.X)
        return out

    def of_few(self, effects: Floats, total: Floats) -> Floats:
        """Compute the same for sparse effects, by the pairs (group, row) with any of them."""
        rows, features = np.nonzero(effects)
        keys, cell = np.unique(self.index[features] * len(effects) + rows, return_inverse=True)
        values = (effects[rows, features], (cell, features))
        cells = sparse.csr_array(values, shape=(keys.size, self.index.size))
        positions = np.arange(self.index.size)
        out = np.zeros((self.n_groups * len(effects), 2))
        for block in column_blocks(self.X, keys.size):  # as many cells as columns
            part, at = sparse_fit(self.X, cells[block], positions), keys[block]
            out[at, 0] = part.var(axis=1)
            out[at, 1] = np.einsum("ri,ri->r", part, total[at % len(effects)]) / len(self.X)
        return out.reshape(self.n_groups, len(effects), 2).transpose(1, 0, 2)
