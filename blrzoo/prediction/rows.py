"""New rows of X, covariates and weights, read as a model reads them, and matched to a fit."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import LeftOut
from blrzoo.labels import align, show
from blrzoo.storage.forms import Stored, is_int8, is_sparse
from blrzoo.tables import Table, check_largest, join, read_table

__all__ = ["Rows", "read_argument", "read_response", "read_rows"]

_COLUMN = {"X": "feature", "covariates": "covariate"}


@dataclass(frozen=True, eq=False)
class Rows:
    """Checked new rows, joined by label.

    Attributes
    ----------
    obs : pandas.Index
        Labels of the rows.
    X : ndarray or csc_array (obs, column)
        Features in the user's order of columns, in one of the forms of `blrzoo.storage.forms`.
    features : ndarray of int (feature,)
        The column of each feature of the fit.
    W : ndarray (obs, covariate) or None
        Covariates in the order of the fit.
    weights : ndarray (obs,) or None
        Relative precisions.
    """

    obs: pd.Index
    X: Stored
    features: np.ndarray
    W: np.ndarray | None
    weights: np.ndarray | None


def read_rows(
    X: Any,
    covariates: Any,
    weights: Any,
    *,
    features: pd.Index,
    names: pd.Index | None,
    genotypes: bool = False,
) -> Rows:
    """Read new rows; match columns to the features and covariates (`names`) of a fit."""
    _check_presence(covariates, names)
    # Where X of the fit held genotype codes, some may be missing: NaN, or -1 in int8.
    form = "genotypes" if genotypes and is_int8(X) else "auto" if is_sparse(X) else None
    tables = {"X": read_argument("X_new", "X", X, missing=genotypes, form=form)}
    columns = _columns("X_new", tables["X"], X, features)
    if names is not None:
        table = read_argument("covariates", "covariates", covariates)
        chosen = _columns("covariates", table, covariates, names)
        tables["W"] = replace(table, values=table.values[:, chosen])
    if weights is not None:
        tables["weights"] = _positive(read_argument("weights", "weights", weights))
    obs, joined = join(list(tables.values()))
    values = {name: table.values for name, table in zip(tables, joined, strict=True)}
    weight = values["weights"][:, 0] if weights is not None else None
    return Rows(obs, values["X"], columns, values.get("W"), weight)


def read_response(y: Any, rows: int, obs: pd.Index | None, traits: pd.Index | None) -> np.ndarray:
    """Read true values (obs, trait) in the order of the predicted rows and traits."""
    table = read_argument("y_true", "y" if traits is None else "Y", y, missing=True)
    if traits is not None:
        chosen = _columns("y_true", table, y, traits, "trait")
        table = replace(table, values=table.values[:, chosen])
    table = replace(table, name="y_true")
    reference = Table("predictions", np.empty((rows, 0)), obs, pd.RangeIndex(0))
    return join([reference, table])[1][1].values


def read_argument(
    argument: str, kind: str, value: Any, *, missing: bool = False, form: str | None = None
) -> Table:
    """Read an argument of one row or more as a model reads X, y, Y, covariates or weights."""
    single = _count(kind, value) == 1  # a model needs two rows, a prediction does not
    try:
        given = _twice(kind, value) if single else value
        table = read_table(kind, given, missing=missing, form=form)
        check_largest(table)
    except (TypeError, ValueError) as error:
        kind_of_error = TypeError if isinstance(error, TypeError) else ValueError
        where = "" if argument == kind else f"{argument} is read as {kind} of a model: "
        raise kind_of_error(f"{where}{error}") from error
    if not single:
        return table
    return replace(table, values=table.values[:1], obs=None if table.obs is None else table.obs[:1])


def _row_dim(kind: str, value: xr.DataArray) -> Hashable:
    """The dim of the rows, by the rule of `blrzoo.tables`."""
    dims = value.dims
    turned = len(dims) == 2 and "obs" not in dims and dims[0] == _COLUMN.get(kind, "trait")
    return "obs" if "obs" in dims else dims[int(turned)]


def _count(kind: str, value: Any) -> int | None:
    if isinstance(value, xr.DataArray):
        return value.sizes[_row_dim(kind, value)] if value.ndim else None
    if is_sparse(value):
        return int(value.shape[0])
    try:
        return len(value)
    except TypeError:
        return None


def _twice(kind: str, value: Any) -> Any:
    """A single row, repeated."""
    if isinstance(value, xr.DataArray):
        return value.isel({_row_dim(kind, value): [0, 0]})
    if isinstance(value, pd.DataFrame | pd.Series):
        return value.iloc[[0, 0]]
    if isinstance(value, list | tuple):
        return [value[0], value[0]]
    if is_sparse(value):
        return value.tocsr()[[0, 0]]
    return value[[0, 0]] if hasattr(value, "dtype") else value


def _columns(
    argument: str, table: Table, value: object, labels: pd.Index, what: str | None = None
) -> np.ndarray:
    """Column of each label of the fit: by name if the user gave names, else by position."""
    given = table.columns if _has_names(table.columns, value) else None
    what = f"{_COLUMN[table.name] if what is None else what}s of the fit"
    return align(argument, np.arange(len(table.columns)), given, labels, what)


def _has_names(columns: pd.Index, value: object) -> bool:
    if isinstance(value, pd.DataFrame):
        return True
    if isinstance(value, pd.Series):
        return value.name is not None
    return not isinstance(columns, pd.RangeIndex)


def _positive(table: Table) -> Table:
    if not (table.values > 0).all():
        raise ValueError(
            f"weights must be positive; got {table.values.min():g}. A weight is a relative "
            f"precision, for instance the number of records that a mean is of."
        )
    return table


def _check_presence(covariates: object, names: pd.Index | None) -> None:
    if names is not None and covariates is None:
        raise ValueError(
            f"covariates must be given, the fit has {show(names)}; got None. Pass the covariates "
            f"of the new rows."
        )
    if names is None:
        where = "where the fit has none ('gamma' is not in idata.posterior)"
        LeftOut(where, advice="Or fit a model with them.").check("covariates", covariates)
