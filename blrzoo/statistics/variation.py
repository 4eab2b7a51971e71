"""Check that y, features and covariates vary, where a model is made, not in parts of its data."""

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.labels import show
from blrzoo.values import check_varying_features, warn_of_dependent_traits

__all__ = ["check_variation"]

_CONSTANT = 1e-12  # a column is constant if its SD is at most this times its mean
_COLLINEAR = 1e-12  # share of a column's squares not explained by those before, above rounding
_MERGE = "Merge them with those of other observations (blrzoo.merge_statistics)"


def check_variation(data: xr.Dataset) -> None:
    """Refuse statistics for a model if y, covariates or features do not vary as they must.

    The rules are those for X, y and covariates. Parts of the data need not fulfil them.

    Parameters
    ----------
    data : xarray.Dataset
        Checked statistics.

    Raises
    ------
    ValueError
        If y, a covariate or all features are constant, or if covariates are as many as the
        observations minus the intercept, or collinear.

    Warns
    -----
    UserWarning
        If some features are constant, or traits are linear combinations of others.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.statistics.variation import check_variation
    >>> X = [[0.0, 1.0], [1.0, 1.0], [2.0, 0.0]]
    >>> low, high = (blr.sufficient_statistics(X, y) for y in ([3, 3, 3], [5, 5, 5]))
    >>> check_variation(blr.merge_statistics([low, high]))
    >>> check_variation(low)
    Traceback (most recent call last):
    ...
    ValueError: X must be statistics of a y that varies between observations; got ...
    """
    _check_response(data)
    if "covariate" in data.dims:
        _check_covariates(data)
    check_varying_features(data.indexes["feature"], _constant(data, "X"))


def _constant(data: xr.Dataset, side: str) -> np.ndarray:
    """Mask of the constant columns."""
    mean, variance = data[f"{side}_mean"].values, data[f"{side}_variance"].values
    return np.atleast_1d(np.sqrt(variance) <= _CONSTANT * np.abs(mean))


def _check_response(data: xr.Dataset) -> None:
    constant, traits = _constant(data, "y"), data.indexes.get("trait")
    if constant.any():
        value = np.atleast_1d(data["y_mean"].values)[constant][0]
        where = "" if traits is None else f" in trait {show(traits[constant])}"
        raise ValueError(
            f"X must be statistics of a y that varies between observations; got {int(data['n'])} "
            f"times the value {value:g}{where}. {_MERGE}{', or drop the trait' if where else ''}."
        )
    if traits is not None and int(data["n"]) >= len(traits) + 2:
        warn_of_dependent_traits(traits[_dependent(data["yy"].values)])


def _check_covariates(data: xr.Dataset) -> None:
    n, labels = int(data["n"]), data.indexes["covariate"]
    if n <= len(labels) + 1:
        raise ValueError(
            f"X must be statistics of fewer covariates than observations minus the intercept "
            f"(n > k + 1); got k = {len(labels)} covariates and n = {n} observations. {_MERGE}."
        )
    constant = _constant(data, "W")
    if constant.any():
        raise _refused("vary between observations", "constant", constant, labels)
    dependent = _dependent(data["WW"].values)
    if dependent.any():
        rule = "are linearly independent of each other and of the intercept"
        got = "linear combinations of the intercept and the covariates before:"
        raise _refused(rule, got, dependent, labels)


def _refused(rule: str, got: str, wrong: np.ndarray, labels: pd.Index) -> ValueError:
    some = show(labels[wrong])
    drop = f"drop_sel(covariate={some}, covariate_bis={some})"
    if wrong.all():
        drop = "drop_dims(['covariate', 'covariate_bis'])"
    return ValueError(
        f"X must be statistics of covariates that {rule}; got {got} {some}. {_MERGE}, or leave "
        f"these out: statistics.{drop}."
    )


def _dependent(cross: np.ndarray) -> np.ndarray:
    """Mask of columns in the span of the ones before, from cross-products about the means."""
    root = np.sqrt(np.diagonal(cross))
    rest = cross / np.multiply.outer(root, root)
    dependent = np.zeros(len(rest), dtype=bool)
    for j in range(len(rest)):
        dependent[j] = rest[j, j] <= _COLLINEAR
        if not dependent[j]:
            rest -= np.multiply.outer(rest[:, j], rest[j]) / rest[j, j]
    return dependent
