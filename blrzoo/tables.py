"""Reading of one argument: NumPy, pandas or xarray in, a labelled matrix of numbers out.

Checked here is what needs no other argument: the container, dtypes, dimensions, labels, and that
all values are finite. `join` then aligns the rows of several arguments, and `blrzoo.values` checks
the numbers.
"""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api import types as pdt
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from blrzoo.labels import check_unique, labels_of, order, oriented, show
from blrzoo.storage.forms import Stored, float_blocks, form_of, is_sparse, read_form, take_rows

__all__ = ["LARGEST", "Table", "check_largest", "check_scale", "join", "read_table"]

#: Largest absolute value: squares and their ratios stay finite.
LARGEST = 1e60

_COLUMN = {
    "X": "feature",
    "y": "trait",
    "Y": "trait",
    "covariates": "covariate",
    "weights": "weight",
}
_ADVICE = {
    "text": "drop these columns, or encode them: pd.get_dummies({0}, dtype=float)",
    "categories": "encode them as numbers: pd.get_dummies({0}, dtype=float)",
    "dates or times": "turn them into numbers, such as days since the first",
    "complex numbers": "pass the real and the imaginary part as columns of their own",
    "other objects": "convert to numbers first: {0}.astype(float)",
}
_RESPONSE_ADVICE = {
    "y": "pass one number per observation, for instance pd.to_numeric(y)",
    "Y": "pass one number per observation and trait, for instance Y.apply(pd.to_numeric), and "
    "drop columns that are no traits",
}
_WRONG_TYPES: dict[str, tuple[type, ...]] = {  # some of them would convert: "1.5", a timedelta64
    "text": (str, bytes),
    "complex numbers": (complex, np.complexfloating),
    "dates or times": (date, timedelta, np.datetime64, np.timedelta64),
}


@dataclass(frozen=True, eq=False)
class Table:
    """One argument as a checked matrix with its labels, made by `read_table`."""

    name: str  # "X", "y", "Y" (several traits), "covariates" or "weights"
    values: Stored  # (obs, column); X in the form of its design
    obs: pd.Index | None  # None for rows without labels
    columns: pd.Index  # 0, ..., k - 1 for columns without labels

    def where(self, chosen: np.ndarray) -> str:
        """Name the columns of a mask (column,) for a message: "feature ['age', 'bmi']", or 'y'."""
        if self.name in ("y", "weights"):
            return self.name
        return f"{_COLUMN[self.name]} {show(self.columns[chosen])}"


def read_table(name: str, value: Any, *, missing: bool = False, form: str | None = None) -> Table:
    """Read one argument into a `Table`, with all checks that need no other argument."""
    # form: that of X, see storage.forms; None for float64. A sparse matrix needs one.
    array = value if form and is_sparse(value) else _known_container(name, value)
    _check_ndim(name, array, type(value).__name__)
    matrix, obs, columns = _unpack(name, array)
    _check_shape(name, matrix.shape)
    columns = pd.RangeIndex(matrix.shape[1]) if columns is None else columns
    if name not in ("y", "weights"):
        check_unique(name, columns, _COLUMN[name])
    values = _in_form(name, matrix, columns, form)
    table = Table(name, values, obs, columns)
    if form_of(values) in ("dense", "float32"):
        _check_finite(table, missing)
    return table


def _in_form(name: str, matrix: Any, columns: pd.Index, form: str | None) -> Stored:
    """Convert to numbers, those of X in the form that it is kept in."""
    if form is None:
        return _to_float(name, matrix, columns)
    plain = isinstance(matrix, np.ndarray) and matrix.dtype.kind in "biuf"
    if form not in ("auto", "dense") and not plain and not is_sparse(matrix):
        matrix = _to_float(name, matrix, columns)  # refuses what holds no numbers
    values = read_form(matrix, columns, form)
    return _to_float(name, matrix, columns) if values is None else values


def _known_container(
    name: str, value: object
) -> pd.DataFrame | pd.Series | xr.DataArray | ExtensionArray | np.ndarray:
    """Return pandas and xarray objects as they are, anything else as an array."""
    if isinstance(value, pd.DataFrame | pd.Series | xr.DataArray | ExtensionArray):
        return value
    remedy = _container_remedy(name, value)
    if remedy:
        kinds = "a plain NumPy array, a pandas object or an xarray.DataArray"
        raise TypeError(f"{name} must be {kinds}; got {type(value).__name__}. Pass {remedy}.")
    if isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "biufO":
        integer = value.dtype.kind in "biu"
        return np.ma.filled(value.astype(np.float64) if integer else value, np.nan)
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be rectangular; got rows of different lengths ({error}). "
            "Give every row the same number of values."
        ) from error


def _container_remedy(name: str, value: object) -> str | None:
    if "blrzoo" in getattr(value, "attrs", ()):
        return "the observations that these statistics are sums over, as this needs rows"
    if isinstance(value, xr.Dataset | xr.DataTree):
        return f'one variable of it, {name}["name"]'
    if isinstance(value, Mapping) or (isinstance(value, np.ndarray) and value.dtype.names):
        return f"pd.DataFrame({name})"
    for method in ("toarray", "to_pandas"):  # sparse, where it cannot stay so; polars, pyarrow
        if hasattr(value, method):
            return f"{name}.{method}()"
    return None


def _check_ndim(name: str, value: Any, container: str) -> None:
    if value.ndim == 2 or (value.ndim == 1 and name != "X"):
        return
    dims = "(obs, feature)" if name == "X" else f"(obs,) or (obs, {_COLUMN[name]})"
    remedy = "Pass one row per observation"
    if name == "X":
        remedy += "; for a single feature X.reshape(-1, 1), or X.to_frame() of a Series"
    raise ValueError(
        f"{name} must have dimensions {dims}; got {container} with {value.ndim} dimension(s), "
        f"shape {value.shape}. {remedy}."
    )


def _unpack(name: str, value: Any) -> tuple[Any, pd.Index | None, pd.Index | None]:
    """Split into a matrix (DataFrame or array), row labels and column labels."""
    if isinstance(value, pd.Series):
        value = value.to_frame()
    elif isinstance(value, xr.DataArray):
        value = oriented(value, "obs", _COLUMN[name])
    labels = [labels_of(name, value, axis) for axis in range(value.ndim)]
    if isinstance(value, ExtensionArray):
        matrix: Any = pd.DataFrame({0: value})
    else:
        matrix = value.to_numpy() if isinstance(value, xr.DataArray) else value
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    return matrix, labels[0], labels[1] if len(labels) == 2 else None


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    if name == "y" and shape[1] != 1:
        raise ValueError(
            f"y must be a vector, one trait; got shape {shape}. Pass one column, or use a model "
            "of several traits, for instance blrzoo.multivariate."
        )
    if name == "weights" and shape[1] != 1:
        raise ValueError(
            f"weights must be a vector; got shape {shape}. Pass one weight per observation."
        )
    if shape[0] < 2:
        raise ValueError(
            f"{name} must have at least 2 observations (rows); got shape {shape}. Pass more rows."
        )
    if name in ("X", "Y") and shape[1] == 0:
        raise ValueError(
            f"{name} must have at least one {_COLUMN[name]}; got shape {shape}. Pass more columns."
        )


def _to_float(name: str, matrix: Any, columns: pd.Index) -> np.ndarray:
    """Convert to a C-ordered float64 copy with NaN for missing values, or refuse."""
    if isinstance(matrix, np.ndarray) and matrix.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # long doubles become inf, which is refused later
            return np.array(matrix, dtype=np.float64, order="C")
    frame = pd.DataFrame(matrix)
    _check_numeric(name, frame, columns)
    # through objects if there are some, because only then pd.NA among them becomes NaN
    mixed = any(pdt.is_object_dtype(dtype) for dtype in frame.dtypes)
    kind = np.object_ if mixed else np.float64
    try:
        values = frame.to_numpy(dtype=kind, na_value=np.nan)
        return np.array(values, dtype=np.float64, order="C")
    except (OverflowError, ValueError, TypeError) as error:
        raise TypeError(
            f"{name} must convert to float64; got values that do not ({error}). "
            f"Convert them first: {name}.astype(float)."
        ) from error


def _check_numeric(name: str, frame: pd.DataFrame, columns: pd.Index) -> None:
    wrong: dict[str, list] = {}
    for i, dtype in enumerate(frame.dtypes):
        odd = pdt.is_object_dtype(dtype)
        kind = _object_kind(frame.iloc[:, i]) if odd else _dtype_kind(dtype)
        if kind:
            wrong.setdefault(kind, []).append(columns[i])
    if wrong:
        where = {
            k: "" if name in ("y", "weights") else f" in {_COLUMN[name]} {show(wrong[k])}"
            for k in wrong
        }
        got = "; ".join(kind + place for kind, place in where.items())
        advice = "; ".join(_ADVICE[kind].format(name) for kind in wrong)
        if name in _RESPONSE_ADVICE:
            advice = _RESPONSE_ADVICE[name]
        raise TypeError(f"{name} must be real numbers; got {got}. Remedy: {advice}.")


def _dtype_kind(dtype: np.dtype | ExtensionDtype) -> str | None:
    """Name what is wrong with a dtype other than object; None if it holds real numbers."""
    if isinstance(dtype, pd.CategoricalDtype):
        return "categories"
    if pdt.is_complex_dtype(dtype):
        return "complex numbers"
    if pdt.is_numeric_dtype(dtype) or pdt.is_bool_dtype(dtype):
        return None
    if pdt.is_string_dtype(dtype):
        return "text"
    times = pdt.is_datetime64_any_dtype(dtype) or pdt.is_timedelta64_dtype(dtype)
    return "dates or times" if times or isinstance(dtype, pd.PeriodDtype) else "other objects"


def _object_kind(column: pd.Series) -> str | None:
    """Name what is wrong with the values of an object column; None for real numbers."""
    types = {type(v) for v in column[column.notna()]}
    for kind, wrong in _WRONG_TYPES.items():
        if any(issubclass(t, wrong) for t in types):
            return kind
    real = all(issubclass(t, numbers.Real | np.bool_ | Decimal) for t in types)
    return None if real else "other objects"


def _check_finite(table: Table, allow_missing: bool) -> None:
    bad = np.isinf(table.values) if allow_missing else ~np.isfinite(table.values)
    if not bad.any():
        return
    missing, infinite = int(np.isnan(table.values).sum()), int(np.isinf(table.values).sum())
    row, column = np.unravel_index(bad.argmax(), bad.shape)
    labels = pd.RangeIndex(len(bad)) if table.obs is None else table.obs
    first = f"obs {show(labels[[row]])}"
    if table.name in ("X", "Y", "covariates"):
        first += f", {_COLUMN[table.name]} {show(table.columns[[column]])}"
    remedy = "or impute the values"
    if table.name == "y" and missing and not allow_missing:
        remedy = "or predict them: missing='predict'"
    if allow_missing:
        remedy = "or set the values to NaN, which means that they were not measured"
    rule = "finite or missing (NaN)" if allow_missing else "complete and finite"
    got = (
        f"{infinite} infinite"
        if allow_missing
        else f"{missing} missing (NaN) and {infinite} infinite"
    )
    raise ValueError(
        f"{table.name} must be {rule}; got {got} value(s), the first at {first}. "
        f"Drop these observations from all arguments, {remedy}."
    )


def check_scale(table: Table, wrong: np.ndarray, got: str) -> None:
    """Refuse the columns of a mask (column,), whose scale is wrong."""
    if wrong.any():
        raise ValueError(
            f"{table.name} must have a scale whose squares are finite and positive numbers; got "
            f"{got} in {table.where(wrong)}. Rescale, for instance to standard deviation 1."
        )


def check_largest(table: Table, size: np.ndarray | None = None) -> None:
    """Refuse columns with absolute values above LARGEST; `size` (column,) if they are known."""
    if size is None:
        parts = [np.fmax.reduce(np.abs(block), axis=0) for block in float_blocks(table.values)]
        size = np.concatenate(parts)
    check_scale(table, size > LARGEST, f"absolute values above {LARGEST:g}")


def join(tables: list[Table]) -> tuple[pd.Index, list[Table]]:
    """Bring the rows of all tables into the order of the first one that has obs labels."""
    labelled = [table for table in tables if table.obs is not None]
    if labelled:
        tables = [_in_order(table, labelled[0]) for table in tables]
    for table in tables[1:]:
        _check_lengths(tables[0], table)
    obs = labelled[0].obs if labelled else None
    return (pd.RangeIndex(tables[0].values.shape[0]) if obs is None else obs), tables


def _in_order(table: Table, first: Table) -> Table:
    if table.obs is None or first.obs is None or table.obs.equals(first.obs):
        return table
    rows = order(table.name, table.obs, first.obs, f"obs labels of {first.name}")
    return replace(table, values=take_rows(table.values, rows), obs=first.obs)


def _check_lengths(first: Table, table: Table) -> None:
    n, m = first.values.shape[0], table.values.shape[0]
    if n != m:
        raise ValueError(
            f"{table.name} must have one row per observation of {first.name}; got {m} rows in "
            f"{table.name} and {n} in {first.name}. Pass the same observations in both."
        )
