"""Draws of the mean of new rows and of their residuals, from a posterior alone.

There is never an array of draws by rows by features: for a block of rows, matrix products are
summed over blocks of features.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.labels import order
from blrzoo.posterior.inputs import constant_data
from blrzoo.posterior.kept import kept_moments, pooled
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    draws_of,
    feature_blocks,
    posterior,
    refuse_broken,
)
from blrzoo.prediction.rows import Rows
from blrzoo.storage.forms import as_float

__all__ = [
    "Fit",
    "add_residuals",
    "mean_blocks",
    "residual_factor",
    "row_blocks",
]

_BLOCK_BYTES = 2**26  # float64 draws of a block of rows; summaries take a few times as much


@dataclass(frozen=True, eq=False)
class Fit:
    """The parameters that the mean of new rows is computed from; chains are joined along `sample`.

    Attributes
    ----------
    variables : xarray.Dataset
        The posterior that was read.
    beta : xarray.DataArray (chain, draw, feature[, trait])
        Effects; they stay on disk if they are there.
    mu : ndarray (sample, trait)
        Intercept; one trait if the model has no dim `trait`.
    gamma : ndarray (sample, covariate, trait) or None
        Effects of the covariates.
    X_center, W_center : ndarray (feature,), (covariate,) or None
        Centers that the model subtracted.
    covariates : pandas.Index or None
        Names of the covariates.
    X_fill : ndarray (feature,) or None
        Values that replace missing genotypes; None where X held no genotype codes.
    """

    variables: xr.Dataset
    beta: xr.DataArray
    mu: np.ndarray
    gamma: np.ndarray | None
    X_center: np.ndarray
    W_center: np.ndarray | None
    covariates: pd.Index | None
    X_fill: np.ndarray | None = None

    @classmethod
    def of(cls, idata: xr.DataTree) -> "Fit":
        """Read an InferenceData; raise an error that names what it lacks."""
        return cls._read(posterior(idata), draws_of(idata, "beta"), constant_data(idata))

    @classmethod
    def at_means(cls, idata: xr.DataTree) -> "Fit | None":
        """Read posterior means as the only draw; None unless effects have sums only."""
        kept = kept_moments(idata, "beta")
        if kept is None:
            return None
        refuse_broken(idata)
        variables = posterior(idata)
        known = [name for name in ("mu", "gamma") if name in variables]
        means = variables[known].mean(SAMPLE_DIMS).assign(beta=pooled(kept, "mean"))
        single = means.expand_dims(dict.fromkeys(SAMPLE_DIMS, 1))
        return cls._read(single, single["beta"], constant_data(idata))

    @classmethod
    def _read(cls, variables: xr.Dataset, beta: xr.DataArray, constant: xr.Dataset) -> "Fit":
        """Read the parameters and centers."""
        if not set(beta.dims) <= {*SAMPLE_DIMS, "feature", "trait"}:
            raise ValueError(
                f"'beta' in idata.posterior must have the dims (chain, draw, feature[, trait]); it "
                f"has {beta.dims}. Name the dim of several traits 'trait'."
            )
        traits = ["trait"] if "trait" in beta.dims else []
        size = beta.sizes.get("trait", 1)
        mu = _parameter(variables, "mu", traits).reshape(-1, size)
        X_center = _center(constant, "X_center", beta.get_index("feature"), "feature")
        fill = None
        if "X_fill" in constant:
            fill = _center(constant, "X_fill", beta.get_index("feature"), "feature")
        if "gamma" not in variables:
            return cls(variables, beta, mu, None, X_center, None, None, fill)
        gamma = _parameter(variables, "gamma", ["covariate", *traits])
        names = variables["gamma"].get_index("covariate")
        W_center = _center(constant, "W_center", names, "covariate")
        return cls(
            variables,
            beta,
            mu,
            gamma.reshape(*gamma.shape[:2], size),
            X_center,
            W_center,
            names,
            fill,
        )

    @property
    def features(self) -> pd.Index:
        """Names of the features."""
        return self.beta.get_index("feature")

    @property
    def traits(self) -> pd.Index | None:
        """Names of the traits, None if the model has no dim `trait`."""
        return self.beta.get_index("trait") if "trait" in self.beta.dims else None


def _parameter(variables: xr.Dataset, name: str, dims: list[str]) -> np.ndarray:
    """Draws (sample, *dims) of a parameter."""
    if name not in variables:
        raise ValueError(
            f"idata.posterior must have the variable {name!r} to predict; it has "
            f"{[str(key) for key in variables.data_vars]}. Keep it when sampling (var_names=...)."
        )
    draws = variables[name]
    if set(draws.dims) != {*SAMPLE_DIMS, *dims}:
        raise ValueError(
            f"{name!r} in idata.posterior must have the dims {(*SAMPLE_DIMS, *dims)}; it has "
            f"{draws.dims}. Name the dims (az.from_dict(..., dims=...)) of draws from elsewhere."
        )
    values = draws.transpose(*SAMPLE_DIMS, *dims).values.astype(float, copy=False)
    return values.reshape(-1, *values.shape[2:])


def _center(found: xr.Dataset, name: str, labels: pd.Index, dim: str) -> np.ndarray:
    """Center (or fill value) of each column, in the order of the labels."""
    if name not in found:
        raise ValueError(
            f"idata.constant_data must have the variable {name!r} to predict: what the model "
            f"subtracted from each {dim} (zeros if center=False). Keep the group constant_data "
            f"with the posterior, or add it."
        )
    remedy = f"Predict from the whole posterior, all {dim}s of the fit together."
    what, given = f"{dim}s of the posterior", found[name].get_index(dim)
    places = order(f"{name!r} in idata.constant_data", given, labels, what, remedy=remedy)
    return found[name].values[places].astype(float)


def row_blocks(rows: int, bytes_per_row: int) -> Iterator[slice]:
    """Cut rows into blocks of bounded memory."""
    step = max(1, _BLOCK_BYTES // max(1, bytes_per_row))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def mean_blocks(fit: Fit, rows: Rows) -> Iterator[tuple[slice, np.ndarray]]:
    """Draws (row, sample, trait) of mu + (W - W_center) gamma + (X - X_center) beta, by blocks."""
    samples, traits = fit.mu.shape
    for block in row_blocks(len(rows.obs), 8 * samples * traits):
        out = np.tile(fit.mu.ravel(), (block.stop - block.start, 1))
        if fit.gamma is not None and rows.W is not None:
            out += (rows.W[block] - fit.W_center) @ _columns_first(fit.gamma)
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            _add_features(out, fit, rows, block)
        if not np.isfinite(out).all():
            raise ValueError(
                "X_new and covariates must be of a size that can be multiplied by the effects; the "
                "means of the new rows are NaN or infinite. Look for extreme values in them."
            )
        yield block, out.reshape(-1, samples, traits)


def _add_features(out: np.ndarray, fit: Fit, rows: Rows, block: slice) -> None:
    """Add (X - center) beta of a block of rows, over blocks of features."""
    start = 0
    for part in feature_blocks(fit.beta):
        stop = start + part.sizes["feature"]
        draws = part.values.reshape(-1, *part.shape[2:])
        active = draws.reshape(len(draws), stop - start, -1).any(axis=(0, 2))
        columns = start + np.flatnonzero(active)
        if columns.size:
            X = as_float(rows.X[block][:, rows.features[columns]])
            if fit.X_fill is not None:
                X = np.where(np.isnan(X), fit.X_fill[columns], X)
            out += (X - fit.X_center[columns]) @ _columns_first(draws[:, active])
        start = stop


def _columns_first(draws: np.ndarray) -> np.ndarray:
    """(sample, column[, trait]) as (column, sample times trait)."""
    return np.moveaxis(draws, 1, 0).reshape(draws.shape[1], -1).astype(float, copy=False)


def residual_factor(fit: Fit) -> np.ndarray:
    """Lower triangular L (sample, trait, trait) with L L' = Sigma_e, or the diagonal of sigma2."""
    traits = [] if fit.traits is None else ["trait"]
    if traits and "Sigma_e" in fit.variables:
        return np.linalg.cholesky(_parameter(fit.variables, "Sigma_e", ["trait", "trait_bis"]))
    name = "sigma2" if not traits or "sigma2" in fit.variables else "Sigma_e"
    sigma = np.sqrt(_parameter(fit.variables, name, traits)).reshape(fit.mu.shape)
    return sigma[:, :, None] * np.eye(fit.mu.shape[1])


def add_residuals(
    means: np.ndarray, factor: np.ndarray, weights: np.ndarray | None, rng: np.random.Generator
) -> None:
    """Add residuals to draws of the mean (row, sample, trait), in place; factor by sample."""
    # The generator is used row by row, so that the draws do not depend on the blocks.
    noise = rng.standard_normal(means.shape)
    if weights is not None:
        noise /= np.sqrt(weights)[:, None, None]
    if factor.shape[1] == 1:
        noise *= factor[:, :, 0]
        means += noise
    else:
        means += np.einsum("sij,nsj->nsi", factor, noise)
