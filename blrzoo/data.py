"""What X, y and covariates may be: NumPy, pandas and xarray in, checked arrays and labels out.

This is the boundary of the package. Whatever passes `check_data` is float64, complete, finite,
joined by label and of a workable scale, so nothing after it has to check data again. Every argument
is first read into a `_Table` (a float matrix with its labels); the tables are then joined.
"""

import numbers
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api import types as pdt
from pandas.api.extensions import ExtensionArray

__all__ = ["RegressionData", "check_data"]

_CONSTANT = 1e-12  # a column is constant if max - min <= this times max |x|: above rounding error
_LARGEST, _SMALLEST = 1e60, 1e-60  # of |x| and of max - min: squares and their ratios stay finite
_COLLINEAR = 1e-7  # part of a scaled covariate that the ones before leave over; as in R's lm
_COLUMN = {"X": "feature", "y": "trait", "covariates": "covariate"}
_ADVICE = {
    "text": "drop these columns, or encode them: pd.get_dummies({0}, dtype=float)",
    "categories": "encode them as numbers: pd.get_dummies({0}, dtype=float)",
    "dates or times": "turn them into numbers, such as days since the first",
    "complex numbers": "pass the real and the imaginary part as columns of their own",
    "other objects": "convert to numbers first: {0}.astype(float)",
}
_WRONG_TYPES: dict[str, tuple[type, ...]] = {  # some of them would convert: "1.5", a timedelta64
    "text": (str, bytes),
    "complex numbers": (complex, np.complexfloating),
    "dates or times": (date, timedelta, np.datetime64, np.timedelta64),
}


@dataclass(frozen=True, eq=False)
class RegressionData:
    """Checked data of a single-trait regression. Made by `check_data`.

    Parameters
    ----------
    X : ndarray (obs, feature)
        Features as given, neither centred nor scaled; float64, C-contiguous.
    y : ndarray (obs,)
        Response, float64.
    W : ndarray (obs, covariate)
        Covariates without the intercept, float64; shape (n, 0) if there are none.
    coords : dict of str to ndarray
        Labels of "obs" and "feature", and of "covariate" if there are any.

    Notes
    -----
    The arrays are copies, so later changes of the caller's data do not reach a model. They are
    read-only, so that the cached variances stay right.
    """

    X: np.ndarray
    y: np.ndarray
    W: np.ndarray
    coords: dict[str, np.ndarray]

    @property
    def n(self) -> int:
        """Number of observations."""
        return self.X.shape[0]

    @property
    def p(self) -> int:
        """Number of features."""
        return self.X.shape[1]

    @cached_property
    def y_variance(self) -> float:
        """Sample variance of y (divisor n - 1)."""
        return float(self.y.var(ddof=1))

    @cached_property
    def x_variance(self) -> np.ndarray:
        """Sample variance of every feature (divisor n - 1), (feature,)."""
        return self.X.var(axis=0, ddof=1)


@dataclass(frozen=True, eq=False)
class _Table:
    """One argument as a float matrix (obs, column); obs is None if its rows have no labels."""

    name: str
    values: np.ndarray
    obs: pd.Index | None
    columns: pd.Index

    def where(self, chosen: np.ndarray) -> str:
        """Say in which columns: y, or the names at the true places of a mask."""
        if self.name == "y":
            return "y"
        return f"{_COLUMN[self.name]} {_show(self.columns[chosen])}"


def check_data(X: Any, y: Any, covariates: Any = None) -> RegressionData:
    """Check the data of a regression, join them by label and convert them to float64.

    Parameters
    ----------
    X : array_like, DataFrame or DataArray (obs, feature)
        Numbers or booleans of any width. A DataArray may have its dims in any order if one of them
        is called "obs" or "feature"; otherwise the first one is obs.
    y : array_like, Series, DataFrame or DataArray (obs,)
        One value per row of X. A matrix with a single column counts as a vector.
    covariates : array_like, Series, DataFrame or DataArray (obs, covariate), optional
        Columns whose effects are not selected among; a vector is one column. The model has an
        intercept of its own, so none may be constant.

    Returns
    -------
    RegressionData

    Raises
    ------
    TypeError
        The container is not supported (SciPy sparse, Dataset, dict), or its content is not real
        numbers (text, categories, dates, complex, other objects).
    ValueError
        Wrong number of dimensions or observations, missing or infinite values, labels that do not
        match or are duplicated, a constant y, only constant features, covariates that are collinear
        with each other or the intercept or too many (n > k + 1 is needed), or a scale so extreme
        (beyond 1e60 or below 1e-60) that squares leave the range of floating point.

    Warns
    -----
    UserWarning
        Some features are constant, or exact copies of another one (constant ones are not counted
        as copies). They are kept.

    Notes
    -----
    Labels are a DataFrame's or Series' index, a DataFrame's columns and a DataArray's dimension
    coordinates; NumPy arrays, lists and dims without coordinates have none. Arguments that both
    carry obs labels are joined by them, and the order is that of X. One without labels is joined by
    position. A pandas default index 0..n-1 is a set of labels like any other. The "obs" coordinate
    is X's, else y's, else the covariates', else 0..n-1.

    A column counts as constant if max - min <= 1e-12 max |x|.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [30, 41, 52], "bmi": [21.5, 30.1, 24.0]}, index=["a", "b", "c"])
    >>> y = pd.Series([3.0, 1.0, 2.0], index=["c", "a", "b"])
    >>> data = check_data(X, y)
    >>> data.y
    array([1., 2., 3.])
    >>> data.n, data.p, data.y_variance
    (3, 2, 1.0)
    >>> list(data.coords["feature"])
    ['age', 'bmi']
    """
    given = {"X": X, "y": y} if covariates is None else {"X": X, "y": y, "covariates": covariates}
    obs, tables = _join([_read(name, value) for name, value in given.items()])
    _check_response(tables[1])
    _check_features(tables[0])
    coords = {"obs": obs.to_numpy(), "feature": tables[0].columns.to_numpy()}
    W = np.empty((len(obs), 0))
    if covariates is not None:
        _check_covariates(tables[2])
        W = tables[2].values
    if W.shape[1]:
        coords["covariate"] = tables[2].columns.to_numpy()
    arrays = tables[0].values, tables[1].values[:, 0], W
    for array in arrays:
        array.flags.writeable = False
    return RegressionData(*arrays, coords=coords)


# Reading one argument: container -> labels and float64 matrix


def _read(name: str, value: Any) -> _Table:
    """Read an argument into a table of its own memory, checked as far as one can alone."""
    array = _known_container(name, value)
    _check_ndim(name, array, type(value).__name__)
    matrix, obs, columns = _unpack(array, _COLUMN[name])
    _check_shape(name, matrix.shape)
    columns = pd.RangeIndex(matrix.shape[1]) if columns is None else columns
    columns = _plain_labels(name, columns, "columns")
    if name != "y":
        _check_unique(name, columns)
    obs = None if obs is None else _plain_labels(name, obs, "index")
    table = _Table(name, _to_float(name, matrix, columns), obs, columns)
    _check_finite(table)
    return table


def _known_container(name: str, value: Any) -> Any:
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


def _container_remedy(name: str, value: Any) -> str | None:
    if isinstance(value, xr.Dataset | xr.DataTree):
        return f'one variable of it, {name}["name"]'
    if isinstance(value, Mapping) or (isinstance(value, np.ndarray) and value.dtype.names):
        return f"pd.DataFrame({name})"
    for method in ("toarray", "to_pandas"):  # SciPy sparse; polars, pyarrow
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


def _unpack(value: Any, column: str) -> tuple[Any, pd.Index | None, pd.Index | None]:
    """Split into a matrix (DataFrame or array), row labels and column labels."""
    if isinstance(value, pd.DataFrame):
        return value, value.index, value.columns
    if isinstance(value, pd.Series):
        return value.to_frame(), value.index, None if value.name is None else pd.Index([value.name])
    if isinstance(value, ExtensionArray):
        return pd.DataFrame({0: value}), None, None
    if isinstance(value, xr.DataArray):
        return _unpack_dataarray(value, column)
    return (value[:, None] if value.ndim == 1 else value), None, None


def _unpack_dataarray(array: xr.DataArray, column: str) -> tuple[Any, Any, Any]:
    dims = list(array.dims)
    if len(dims) == 2 and (dims[1] == "obs" or (dims[0] == column and "obs" not in dims)):
        dims.reverse()
    values = array.transpose(*dims).to_numpy()
    labels = [array[dim].to_index() if dim in array.coords else None for dim in dims]
    return (values, labels[0], labels[1]) if len(dims) == 2 else (values[:, None], labels[0], None)


def _plain_labels(name: str, index: pd.Index, axis: str) -> pd.Index:
    """Refuse a MultiIndex; rebuild the index, so that equal labels compare equal in any dtype."""
    if isinstance(index, pd.MultiIndex):
        raise ValueError(
            f"{name} must have plain labels; got a MultiIndex with {index.nlevels} levels as its "
            f"{axis}. Flatten it, in pandas for instance by "
            f'{name}.{axis} = ["_".join(map(str, i)) for i in {name}.{axis}].'
        )
    plain = isinstance(index, pd.RangeIndex)
    return index if plain else pd.Index(index.tolist(), tupleize_cols=False)


def _check_shape(name: str, shape: tuple[int, ...]) -> None:
    if name == "y" and shape[1] != 1:
        raise ValueError(
            f"y must be a vector, one trait; got shape {shape}. Pass one column; "
            "several traits at once come with the multivariate models."
        )
    if shape[0] < 2:
        raise ValueError(
            f"{name} must have at least 2 observations (rows); got shape {shape}. Pass more rows."
        )
    if name == "X" and shape[1] == 0:
        raise ValueError(f"X must have at least one feature; got shape {shape}. Pass more columns.")


def _check_unique(name: str, columns: pd.Index) -> None:
    twice = columns[columns.duplicated()].unique()
    if len(twice):
        raise ValueError(
            f"{name} must have a different name for every {_COLUMN[name]}; got {_show(twice)} "
            "more than once. Rename or drop columns."
        )


def _to_float(name: str, matrix: Any, columns: pd.Index) -> np.ndarray:
    """Convert to a C-ordered float64 copy with NaN for whatever is missing, or refuse."""
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
        where = {k: "" if name == "y" else f" in {_COLUMN[name]} {_show(wrong[k])}" for k in wrong}
        got = "; ".join(kind + place for kind, place in where.items())
        advice = "; ".join(_ADVICE[kind].format(name) for kind in wrong)
        if name == "y":
            advice = "pass one number per observation, for instance pd.to_numeric(y)"
        raise TypeError(f"{name} must be real numbers; got {got}. Remedy: {advice}.")


def _dtype_kind(dtype: Any) -> str | None:
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
    """Name what is wrong with the values of an object column; None if they are real numbers."""
    types = {type(v) for v in column[column.notna()]}
    for kind, wrong in _WRONG_TYPES.items():
        if any(issubclass(t, wrong) for t in types):
            return kind
    real = all(issubclass(t, numbers.Real | np.bool_ | Decimal) for t in types)
    return None if real else "other objects"


def _check_finite(table: _Table) -> None:
    bad = ~np.isfinite(table.values)
    if not bad.any():
        return
    missing = int(np.isnan(table.values).sum())
    row, column = np.unravel_index(bad.argmax(), bad.shape)
    labels = pd.RangeIndex(len(bad)) if table.obs is None else table.obs
    first = f"obs {_show(labels[[row]])}"
    if table.name != "y":
        first += f", {_COLUMN[table.name]} {_show(table.columns[[column]])}"
    raise ValueError(
        f"{table.name} must be complete and finite; got {missing} missing (NaN) and "
        f"{int(bad.sum()) - missing} infinite value(s), the first at {first}. "
        "Drop these observations from all arguments, or impute the values."
    )


# Joining the arguments


def _join(tables: list[_Table]) -> tuple[pd.Index, list[_Table]]:
    """Bring all tables into the order of the first one that carries obs labels."""
    labelled = [t for t in tables if t.obs is not None]
    if labelled:
        tables = [_align(t, labelled[0]) for t in tables]
    for table in tables[1:]:
        _check_lengths(tables[0], table)
    obs = labelled[0].obs if labelled else None
    return (pd.RangeIndex(len(tables[0].values)) if obs is None else obs), tables


def _check_lengths(first: _Table, table: _Table) -> None:
    n, m = len(first.values), len(table.values)
    if n != m:
        raise ValueError(
            f"{table.name} must have one row per observation of {first.name}; got {m} rows in "
            f"{table.name} and {n} in {first.name}. Pass the same observations in both."
        )


def _align(table: _Table, reference: _Table) -> _Table:
    """Reorder by label; equal labels in equal order need not be unique."""
    labels, target = table.obs, reference.obs
    if labels is None or target is None or labels.equals(target):
        return table
    _check_same_labels(table, labels, reference, target)
    _check_lengths(reference, table)
    if not labels.is_unique:
        twice = labels[labels.duplicated()].unique()
        raise ValueError(
            f"{table.name} must have unique obs labels to be joined to {reference.name}, which has "
            f"them in another order; got {_show(twice)} more than once. Make the labels unique, or "
            f"pass {table.name}.to_numpy() to join by position."
        )
    return replace(table, values=table.values[_positions(target, labels)], obs=target)


def _check_same_labels(table: _Table, labels: pd.Index, other: _Table, target: pd.Index) -> None:
    only_other, only_table = _difference(target, labels), _difference(labels, target)
    if only_other or only_table:
        raise ValueError(
            f"{table.name} must have the obs labels of {other.name}; got {len(labels)} rows in "
            f"{table.name} and {len(target)} in {other.name}, only in {other.name}: "
            f"{_show(only_other)}, only in {table.name}: {_show(only_table)}. Select the common "
            f"labels in both, or pass {table.name}.to_numpy() to join by position."
        )


def _difference(left: pd.Index, right: pd.Index) -> list:
    left = left.unique()
    return left[_positions(left, right.unique()) < 0].tolist()


def _positions(labels: pd.Index, index: pd.Index) -> np.ndarray:
    """Where in a unique index the labels are, -1 if nowhere."""
    # as objects, because a DatetimeIndex would parse strings
    return index.astype(object).get_indexer(labels.astype(object))


# What the numbers must be


def _constant(table: _Table) -> np.ndarray:
    """Mask of constant columns; refuse scales whose squares leave floating point."""
    high, low = table.values.max(axis=0), table.values.min(axis=0)
    size = np.maximum(np.abs(high), np.abs(low))
    _check_scale(table, size > _LARGEST, f"absolute values above {_LARGEST:g}")
    constant = high - low <= _CONSTANT * size
    tiny = ~constant & (high - low < _SMALLEST)
    _check_scale(table, tiny, f"a range below {_SMALLEST:g}")
    return constant


def _check_scale(table: _Table, wrong: np.ndarray, got: str) -> None:
    if wrong.any():
        raise ValueError(
            f"{table.name} must have a scale whose squares are finite and positive numbers; got "
            f"{got} in {table.where(wrong)}. Rescale, for instance to standard deviation 1."
        )


def _check_response(table: _Table) -> None:
    if _constant(table)[0]:
        raise ValueError(
            f"y must vary between observations; got {len(table.values)} times the value "
            f"{table.values[0, 0]:g}. Pass a response that is not constant."
        )


def _check_features(table: _Table) -> None:
    constant = _constant(table)
    if constant.all():
        raise ValueError(
            f"X must have a feature that varies between observations; got {len(constant)} constant "
            "column(s). Check that rows are observations and columns are features."
        )
    if constant.any():
        _warn(
            f"X has {constant.sum()} constant feature(s), {_show(table.columns[constant])}: "
            "a constant feature carries no information about y, its effect is drawn from its prior."
        )
    copies = _copies(table.values, np.flatnonzero(~constant))
    if copies:
        pairs = [(table.columns[i], table.columns[j]) for i, j in copies]
        _warn(
            f"X has {len(pairs)} feature(s) that are copies of another one, {_show(pairs)}: "
            "their inclusion probability is shared between the copies."
        )


def _copies(X: np.ndarray, candidates: np.ndarray, block: int = 512) -> list[tuple[int, int]]:
    """Pairs (first, copy) of equal columns, found by hash in one pass over X."""
    first: dict[int, int] = {}
    pairs = []
    for start in range(0, len(candidates), block):
        chosen = candidates[start : start + block]
        rows = np.ascontiguousarray(X[:, chosen].T) + 0.0  # + 0.0 turns -0.0 into 0.0
        for j, row in zip(chosen.tolist(), rows, strict=True):
            i = first.setdefault(hash(row.tobytes()), j)
            if i != j and np.array_equal(X[:, i], X[:, j]):
                pairs.append((i, j))
    return pairs


def _check_covariates(table: _Table) -> None:
    n, k = table.values.shape
    if n <= k + 1:
        raise ValueError(
            f"covariates must be fewer than the observations less the intercept (n > k + 1); got "
            f"k = {k} covariates and n = {n} observations. Drop some; as columns of X, effects are "
            "shrunken and may outnumber the observations."
        )
    constant = _constant(table)
    if constant.any():
        raise ValueError(
            f"covariates must vary between observations; got constant {table.where(constant)}. "
            "Drop it: the model has its own intercept."
        )
    dependent = _dependent(table.values)
    if dependent.any():
        raise ValueError(
            "covariates must be linearly independent of each other and of the intercept; got "
            f"{table.where(dependent)} as linear combinations of the intercept and the columns "
            "before. Drop these (of the dummies of one category, leave out one level)."
        )


def _dependent(W: np.ndarray) -> np.ndarray:
    """Mask of columns in the span of the intercept and the columns before (Gram-Schmidt)."""
    Z = W - W.mean(axis=0)
    Z /= np.linalg.norm(Z, axis=0)
    basis, rank = np.empty_like(Z, order="F"), 0
    dependent = np.zeros(Z.shape[1], dtype=bool)
    for j in range(Z.shape[1]):
        z, Q = Z[:, j].copy(), basis[:, :rank]
        for _ in range(2):  # the second pass removes the rounding error of the first
            z -= Q @ (Q.T @ z)
        size = np.linalg.norm(z)
        dependent[j] = size <= _COLLINEAR
        if not dependent[j]:
            basis[:, rank] = z / size
            rank += 1
    return dependent


def _show(labels: Iterable[Any], limit: int = 5) -> str:
    """Print up to `limit` labels as Python literals."""
    items = labels.tolist() if isinstance(labels, pd.Index) else list(labels)
    text = ", ".join(repr(x) for x in items[:limit])
    return f"[{text}{', ...' if len(items) > limit else ''}]"


def _warn(message: str) -> None:
    """Warn at the line of the caller outside this package."""
    package = os.path.dirname(__file__) + os.sep
    warnings.warn(message, UserWarning, skip_file_prefixes=(package,))
