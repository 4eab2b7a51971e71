"""Columns of the data that a model has, and the check that it has not changed them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor.tensor.variable import TensorConstant

from blrzoo.evidence.observed import response_of
from blrzoo.gibbs.spec import refuse_sums, spec_in
from blrzoo.labels import find, show
from blrzoo.storage.forms import as_float, is_int8
from blrzoo.validation.data import Data

__all__ = ["check_unchanged", "of_fit"]

_COLUMN = {"X": "feature", "W": "covariate"}
_BLOCK = 512  # columns that are compared at a time
_WHY = "the held-out rows, which the function does not see, would not be changed in the same way"
_BEFORE = "change them before cross_validate if that does not use y"
_ADVICE = {
    "X": f"{_WHY}. Standardize by standardize=True of the model; else {_BEFORE}",
    "covariates": f"{_WHY}. {_BEFORE.capitalize()}",
    "y": "predictions are scored in the units of y as given. Transform y before cross_validate",
}


def check_unchanged(model: pm.Model, train: Data, name: str) -> None:
    """Refuse a model whose data are not columns of the data that its function was given."""
    refuse_sums(model, f"whose values are compared with those that {name} was given")
    for argument, values, labels, table in _pairs(model, train):
        rows = _rows(model, argument, train.obs, len(values), name)
        columns = find(table.columns, labels)
        if (columns < 0).any():
            raise ValueError(
                f"models must keep the names of the columns of {argument}; got new ones, "
                f"{show(labels[columns < 0].tolist())}, from {name}. Choose columns by name, and "
                f"make new ones before cross_validate if that does not use y."
            )
        changed = labels[_differ(values, table, rows, columns)]
        if changed.size:
            raise ValueError(
                f"models must keep {argument} as given; got {changed.size} changed column(s), "
                f"{show(changed.tolist())}, from {name}: {_ADVICE[argument]}."
            )


def _pairs(
    model: pm.Model, train: Data
) -> Iterator[tuple[str, np.ndarray, pd.Index, pd.DataFrame]]:
    """Argument, values in the model, their labels, and the table that was given, for each."""
    tables = {"X": train.X, "covariates": train.more.get("covariates")}
    for (argument, table), name in zip(tables.items(), ("X", "W"), strict=True):
        values = _values(model, name)
        if values is not None and table is not None:
            yield argument, values, _labels(model, _COLUMN[name]), table
    if "y" in model.named_vars_to_dims and model["y"] in model.observed_RVs:
        y = response_of(model)
        table = train.y.to_frame("y") if isinstance(train.y, pd.Series) else train.y
        labels = table.columns if y.ndim == 1 else _labels(model, str(y.dims[1]))
        yield "y", y.values.reshape(len(y), -1), labels, table


def _values(model: pm.Model, name: str) -> np.ndarray | None:
    """X or W of a model, from its data or its design."""
    data = model.named_vars.get(name)
    if hasattr(data, "get_value"):
        return data.get_value(borrow=True)
    if isinstance(data, TensorConstant):
        return data.data
    spec = spec_in(model.free_RVs)
    return spec.main.design.as_given() if spec is not None and name == "X" else None


def _labels(model: pm.Model, dim: str) -> pd.Index:
    return pd.Index(list(model.coords[dim] or ()), tupleize_cols=False)


def _rows(model: pm.Model, argument: str, obs: pd.Index, n: int, name: str) -> np.ndarray:
    """Positions in the data of the rows of the model: by label, else all in their order."""
    labels = _labels(model, "obs")
    if obs.is_unique and (found := find(obs, labels)).min(initial=0) >= 0:
        return found
    if n != len(obs):
        raise ValueError(
            f"models must keep the labels of the rows of {argument} where they drop some; got {n} "
            f"rows without them, from {name}. Choose rows of the DataFrame that it is given."
        )
    return np.arange(n)


def _differ(
    values: np.ndarray, table: pd.DataFrame, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Mask of columns with other values, computed by blocks."""
    differ = np.zeros(len(columns), dtype=bool)
    for start in range(0, len(columns), _BLOCK):
        block = slice(start, start + _BLOCK)
        expected = as_float(table.iloc[rows, columns[block]].to_numpy())
        unknown = np.isnan(expected)  # a missing genotype, which the model replaced
        # A design holds centered X: adding the centers again leaves rounding errors.
        size = 1e-12 * np.nanmax(np.abs(expected), axis=0, initial=0.0)
        near = np.isclose(values[:, block], expected, rtol=0, atol=size, equal_nan=True)
        differ[block] = ~(near | (unknown & is_int8(table))).all(axis=0)
    return differ


def of_fit(test: Data, idata: xr.DataTree) -> Data:
    """Select the features and covariates of a fit by label."""
    variables = idata["posterior"].to_dataset()
    more = dict(test.more)
    if "gamma" in variables and "covariates" in more:
        more["covariates"] = _chosen(more["covariates"], variables["gamma"].get_index("covariate"))
    return replace(test, X=_chosen(test.X, variables["beta"].get_index("feature")), more=more)


def _chosen(table: pd.DataFrame, labels: pd.Index) -> pd.DataFrame:
    columns = find(table.columns, labels)
    if (columns < 0).any() or np.array_equal(columns, np.arange(table.shape[1])):
        return table  # if a label is unknown, predict raises the error
    return table.iloc[:, columns]
