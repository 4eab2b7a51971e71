"""Checks of the numbers of a regression: that they vary, on a workable scale, independently."""

import os
import warnings

import numpy as np
import pandas as pd

from blrzoo.labels import show
from blrzoo.response import binary_advice
from blrzoo.storage.forms import Stored, as_float, form_of
from blrzoo.storage.moments import MISSING, column_moments
from blrzoo.tables import Table, check_largest, check_scale

__all__ = [
    "COLLINEAR",
    "CONSTANT",
    "check_covariates",
    "check_features",
    "check_response",
    "check_varying_features",
    "check_weights",
    "constant_columns",
    "dependent_columns",
    "warn_of_dependent_traits",
    "warn_user",
]

CONSTANT = 1e-12  # a column is constant if max - min <= this times max |x|: above rounding error
_SMALLEST = 1e-60  # of max - min: squares and their ratios stay finite
COLLINEAR = 1e-7  # length of a scaled covariate's residual on the ones before; as in R's lm


def _constant(table: Table) -> np.ndarray:
    """Return the mask of constant columns; refuse scales whose squares leave floating point."""
    if form_of(table.values) == "dense":
        high, low = np.nanmax(table.values, axis=0), np.nanmin(table.values, axis=0)
    else:
        codes = form_of(table.values) == "genotypes"
        found = column_moments(table.values, missing_code=codes)
        high, low = found.maximum, found.minimum
    check_largest(table, np.maximum(np.abs(high), np.abs(low)))
    constant = constant_columns(low, high)
    tiny = ~constant & (high - low < _SMALLEST)
    check_scale(table, tiny, f"a range below {_SMALLEST:g}")
    return constant


def constant_columns(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the mask of columns, by minimum and maximum, that vary by rounding error only."""
    return high - low <= CONSTANT * np.maximum(np.abs(high), np.abs(low))


def check_response(table: Table, part: bool = False) -> None:
    """Refuse a constant response, unless it is part of the data; advise on a binary one."""
    constant = _constant(table)
    if constant.any() and not part:
        known = table.values[:, constant.argmax()]
        known = known[~np.isnan(known)]
        raise ValueError(
            f"{table.name} must vary between observations; got {known.size} times the value "
            f"{known[0]:g} in {table.where(constant)}. Pass a response that is not constant"
            f"{', or drop the trait' if table.name == 'Y' else ''}."
        )
    advice = binary_advice(table)
    if advice is not None:
        warn_user(advice)
    if table.name == "Y" and not part:
        _warn_of_dependent_traits(table)


def _warn_of_dependent_traits(table: Table) -> None:
    rows = ~np.isnan(table.values).any(axis=1)
    n, T = rows.sum(), table.values.shape[1]
    chosen = table.values[rows]
    if n < T + 2 or (np.ptp(chosen, axis=0) == 0).any():
        return
    warn_of_dependent_traits(table.columns[dependent_columns(chosen)])


def warn_of_dependent_traits(labels: pd.Index | np.ndarray) -> None:
    """Warn of traits, if any, that are linear combinations of the ones before."""
    if len(labels):
        warn_user(
            f"Y has {len(labels)} trait(s) that are copies or linear combinations of the ones "
            f"before, {show(labels)}: only the prior keeps their residual "
            "covariance from being singular. Drop them, unless this is meant."
        )


def check_features(table: Table, part: bool = False) -> None:
    """Refuse an X that says nothing, unless it is part of the data; warn of useless features."""
    if form_of(table.values) == "genotypes":
        _check_known(table)
    constant = _constant(table)
    if not part:
        check_varying_features(table.columns, constant)
    copies = _copies(table.values, np.flatnonzero(~constant))
    if copies:
        pairs = [(table.columns[i], table.columns[j]) for i, j in copies]
        warn_user(
            f"X has {len(pairs)} feature(s) that are copies of another one, {show(pairs)}: "
            "their inclusion probability is shared between the copies."
        )


def check_varying_features(labels: pd.Index | np.ndarray, constant: np.ndarray) -> None:
    """Refuse features none of which varies; warn of constant ones, by their mask."""
    if constant.all():
        raise ValueError(
            f"X must have a feature that varies between observations; got {len(constant)} constant "
            "column(s). Check that rows are observations and columns are features."
        )
    if constant.any():
        warn_user(
            f"X has {constant.sum()} constant feature(s), {show(labels[constant])}: "
            "a constant feature carries no information about y, its effect is drawn from its prior."
        )


def _check_known(table: Table) -> None:
    unknown = table.values.max(axis=0) == MISSING
    if unknown.any():
        raise ValueError(
            f"X must have a known genotype in each feature, got none in {unknown.sum()} "
            f"feature(s), {show(table.columns[unknown])}. Drop them."
        )


def _copies(X: Stored, candidates: np.ndarray, block: int = 512) -> list[tuple[int, int]]:
    """Find pairs (first, copy) of equal columns by their hash, in one pass over X."""
    first: dict[int, int] = {}
    pairs = []
    for start in range(0, len(candidates), block):
        chosen = candidates[start : start + block]
        # + 0.0 turns -0.0 into 0.0
        rows = np.ascontiguousarray(as_float(X[:, chosen]).T) + 0.0
        for j, row in zip(chosen.tolist(), rows, strict=True):
            i = first.setdefault(hash(row.tobytes()), j)
            if i != j and np.array_equal(as_float(X[:, [i]]).T[0], row, equal_nan=True):
                pairs.append((i, j))
    return pairs


def check_weights(table: Table) -> None:
    """Refuse weights that are not positive."""
    wrong = ~(table.values[:, 0] > 0)
    if wrong.any():
        raise ValueError(
            f"weights must be positive; got {wrong.sum()} that are not, the first "
            f"{table.values[wrong, 0][0]:g}. Drop observations without information, or correct "
            "the weights."
        )


def check_covariates(table: Table, part: bool = False) -> None:
    """Refuse constant, dependent or too many covariates, unless they are part of the data."""
    constant = _constant(table)
    if not part:
        _check_independent(table, constant)


def _check_independent(table: Table, constant: np.ndarray) -> None:
    n, k = table.values.shape
    if n <= k + 1:
        raise ValueError(
            f"covariates must be fewer than the observations minus the intercept (n > k + 1); got "
            f"k = {k} covariates and n = {n} observations. Drop some; as columns of X, effects are "
            "shrunken and may outnumber the observations."
        )
    if constant.any():
        raise ValueError(
            f"covariates must vary between observations; got constant {table.where(constant)}. "
            "Drop it: the model has its own intercept."
        )
    dependent = dependent_columns(table.values)
    if dependent.any():
        raise ValueError(
            "covariates must be linearly independent of each other and of the intercept; got "
            f"{table.where(dependent)} as linear combinations of the intercept and the columns "
            "before. Drop these (of the dummies of one category, leave out one level)."
        )


def dependent_columns(W: np.ndarray) -> np.ndarray:
    """Return the mask of columns in the span of intercept and columns before (Gram-Schmidt)."""
    Z = W - W.mean(axis=0)
    Z /= np.linalg.norm(Z, axis=0)
    basis, rank = np.empty_like(Z, order="F"), 0
    dependent = np.zeros(Z.shape[1], dtype=bool)
    for j in range(Z.shape[1]):
        z, Q = Z[:, j].copy(), basis[:, :rank]
        for _ in range(2):  # the second pass removes the rounding error of the first
            z -= Q @ (Q.T @ z)
        size = np.linalg.norm(z)
        dependent[j] = size <= COLLINEAR
        if not dependent[j]:
            basis[:, rank] = z / size
            rank += 1
    return dependent


def warn_user(message: str) -> None:
    """Issue a UserWarning that points to the caller's line outside this package."""
    package = os.path.dirname(__file__) + os.sep
    warnings.warn(message, UserWarning, skip_file_prefixes=(package,))
