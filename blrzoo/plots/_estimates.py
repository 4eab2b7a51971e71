"""Least-squares effects: computed from the data of a fit, or read from a table."""

from collections.abc import Hashable
from typing import Literal

import numpy as np
import pandas as pd
import scipy.linalg
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from blrzoo.labels import one_per_feature
from blrzoo.least_squares import ScaledQR, project_out
from blrzoo.posterior.inputs import (
    constant_data,
    design_of,
    feature_index,
    of_statistics,
)
from blrzoo.values import CONSTANT

__all__ = ["Method", "least_squares_effects", "read_effects"]

Method = Literal["joint", "marginal"]

_MOST_JOINT = 1000  # features; takes a second or two
_BLOCK = 1000  # features converted to float64 at a time


def read_effects(
    value: ArrayLike | xr.Dataset, idata: xr.DataTree, traits: list[Hashable] | None
) -> list[np.ndarray]:
    """Read effects in the order of the features of the posterior, one array for each trait."""
    features = feature_index(idata)
    if isinstance(value, xr.Dataset):
        if "beta" not in value:
            raise ValueError(
                "least_squares must have the variable 'beta' (feature), as blrzoo.ols returns; it "
                f"has {list(value.data_vars)}."
            )
        value = value["beta"]
    if isinstance(value, pd.DataFrame):
        value = xr.DataArray(value.to_numpy(), {"feature": value.index, "trait": value.columns})
    if traits is None:
        return [_numbers(value, features)]
    return [_numbers(column, features) for column in _by_trait(value, traits)]


def _numbers(value: object, features: pd.Index) -> NDArray[np.float64]:
    values = one_per_feature("least_squares", value, features)
    try:
        return values.astype(float)
    except (TypeError, ValueError, OverflowError) as error:
        raise TypeError(
            f"least_squares must hold numbers, got others ({error}). Convert them first: "
            "least_squares.astype(float)."
        ) from error


def _by_trait(value: ArrayLike, traits: list[Hashable]) -> list[xr.DataArray] | list[np.ndarray]:
    if isinstance(value, xr.DataArray) and "trait" in value.dims:
        labels = value.get_index("trait")
        if missing := [trait for trait in traits if trait not in labels]:
            raise ValueError(f"least_squares must have every trait, got none of {missing}.")
        return [value.isel(trait=labels.get_loc(trait), drop=True) for trait in traits]
    if np.ndim(value) != 2 or np.shape(value)[1] != len(traits):
        raise ValueError(
            f"least_squares must be (feature, trait) for the traits {traits}, got the shape "
            f"{np.shape(value)}. Pass a DataFrame with a column for each, or choose one by trait=."
        )
    return list(np.asarray(value).T)


def least_squares_effects(
    idata: xr.DataTree, method: Method | None, traits: list[Hashable] | None
) -> tuple[list[np.ndarray], Method]:
    """Compute least-squares effects from the data of the fit."""
    _check_rows(idata)
    X, ys = design_of(idata), _responses(idata, traits)
    data = [_Rows.of(idata, X, y) for y in ys]
    if method != "marginal":
        small = X.shape[1] <= _MOST_JOINT
        joint = [rows.joint() if small or method else None for rows in data]
        if all(effects is not None for effects in joint):
            return [effects for effects in joint if effects is not None], "joint"
        if method == "joint":
            raise ValueError(
                "least_squares='joint' must have more observations than columns, and linearly "
                f"independent columns; got {min(len(rows.y) for rows in data)} observations and "
                f"{X.shape[1]} features. Use 'marginal', or leave it out."
            )
    return [rows.marginal() for rows in data], "marginal"


def _check_rows(idata: xr.DataTree) -> None:
    """Refuse a fit that holds no X."""
    remedy = "Pass estimates: least_squares=blrzoo.ols(X, y)"
    if of_statistics(idata):
        raise ValueError(
            f"least_squares must be given for a fit of sufficient statistics, got none. {remedy}, "
            f"or without covariates "
            f"least_squares=np.linalg.solve(statistics['XX'].values, statistics['Xy'].values)."
        )
    if "X" not in constant_data(idata):
        raise ValueError(
            f"least_squares must be given where idata.constant_data has no 'X', got none. {remedy}."
        )


def _responses(idata: xr.DataTree, traits: list[Hashable] | None) -> list[np.ndarray]:
    group = idata["observed_data"].to_dataset() if "observed_data" in idata.children else {}
    if "y" not in group:
        raise ValueError(
            "idata.observed_data must have the response 'y' (obs[, trait]) to compute least "
            f"squares; it has {list(group)}. Pass estimates: least_squares=blrzoo.ols(X, y)."
        )
    y = group["y"]
    if traits is None:
        return [y.values.astype(float)]
    return [y.sel(trait=trait).values.astype(float) for trait in traits]


class _Rows:
    """Weighted rows in which a trait was observed, adjusted for intercept and covariates."""

    def __init__(self, X: np.ndarray, y: np.ndarray, Z: np.ndarray, weights: np.ndarray) -> None:
        known = np.isfinite(y)
        root = np.sqrt(weights[known])
        self.X, self.known, self.root = X, known, root
        self.Q, _ = scipy.linalg.qr(Z[known] * root[:, None], mode="economic")
        self.y = project_out(self.Q, y[known] * root)

    @classmethod
    def of(cls, idata: xr.DataTree, X: np.ndarray, y: np.ndarray) -> "_Rows":
        data = constant_data(idata)
        n = len(y)
        if len(X) != n:
            raise ValueError(
                f"idata must have as many rows of 'X' in constant_data as of 'y' in "
                f"observed_data, got {len(X)} and {n}."
            )
        W = data["W"].transpose("obs", "covariate").values if "W" in data else np.empty((n, 0))
        weights = data["weights"].values if "weights" in data else np.ones(n)
        return cls(X, y, np.column_stack([np.ones(n), W]), weights.astype(float))

    def _columns(self, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """Adjusted columns of a block of features, and which of them vary."""
        values = self.X[self.known, block].astype(float) * self.root[:, None]
        residuals = project_out(self.Q, values)
        size = np.linalg.norm(values, axis=0)
        return residuals, np.linalg.norm(residuals, axis=0) > CONSTANT * size

    def marginal(self) -> np.ndarray:
        """Effects of one feature at a time; NaN for a constant feature."""
        parts = []
        for start in range(0, self.X.shape[1], _BLOCK):
            X, varies = self._columns(slice(start, start + _BLOCK))
            square = np.where(varies, np.einsum("ij,ij->j", X, X), np.nan)
            parts.append(X.T @ self.y / square)
        return np.concatenate(parts)

    def joint(self) -> np.ndarray | None:
        """Effects of all features at once; None where they are not determined."""
        p = self.X.shape[1]
        if len(self.y) <= p + self.Q.shape[1]:
            return None
        X, varies = self._columns(slice(None))
        if not varies.all():
            return None
        factors = ScaledQR.of(X)
        return None if factors.dependent else factors.solve(self.y)
