"""Parameters as the user gives them: labels are joined to the coordinates of the model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import overload

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, DTypeLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.labels import align, find, labels_of

__all__ = ["Labelled", "has_labels", "in_order", "labelled", "ordered"]

#: Dims of parameters, in the order that variables have them.
_DIMS = ("group", "covariate", "component", "slab", "pattern", "annotation", "trait", "trait_bis")


@dataclass(frozen=True, eq=False)
class Labelled:
    """An array and the labels along each of its axes, None for an axis without labels."""

    values: np.ndarray
    labels: tuple[pd.Index | None, ...]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> np.ndarray:
        """Values in the order given, for checks that do not depend on it."""
        return np.array(self.values, dtype=dtype)


#: What a user gives: None for the default, numbers, parameters of a prior, or a ``.dist()``.
type Parameter = ArrayLike | Decimal | tuple[ArrayLike | Decimal, ...] | TensorVariable | None
#: The same after the checks that need no data; and with its numbers in the order of the model.
type Checked = np.ndarray | Labelled | tuple[np.ndarray | Labelled, ...] | TensorVariable | None
type Ordered = np.ndarray | tuple[np.ndarray, ...] | TensorVariable | None
#: Labels by dim.
type Coords = Mapping[str, Iterable[object] | None]


def has_labels(value: object) -> bool:
    """Whether a value is of a type that may have labels."""
    return isinstance(value, pd.Series | pd.DataFrame | xr.DataArray)


def labelled(name: str, value: object) -> Labelled:
    """Split a Series, DataFrame or DataArray into values and labels; others have no labels."""
    if isinstance(value, Labelled):
        return value
    if isinstance(value, xr.DataArray) and set(value.dims) <= set(_DIMS):
        value = value.transpose(*(dim for dim in _DIMS if dim in value.dims))
    values = np.asarray(value)
    labels = [labels_of(name, value, axis) for axis in range(values.ndim)]
    if isinstance(value, pd.Series | pd.DataFrame):
        # pandas numbers what has no labels of its own: 0, 1, 2, ...
        labels = [None if _is_default(index) else index for index in labels]
    return _columns_like_rows(values, labels)


def _is_default(index: pd.Index | None) -> bool:
    return isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(index)))


def _columns_like_rows(values: np.ndarray, labels: list[pd.Index | None]) -> Labelled:
    # So that checks of symmetry see a matrix with rows and columns in one order.
    rows, columns = labels[-2:] if len(labels) > 1 else (None, None)
    if rows is not None and columns is not None and rows.is_unique and columns.is_unique:
        places = find(columns, rows)
        if len(rows) == len(columns) and (places >= 0).all():
            values, labels = values.take(places, axis=-1), [*labels[:-1], rows]
    return Labelled(values, tuple(labels))


@overload
def in_order(
    name: str, value: np.ndarray | Labelled, dims: tuple[str, ...], coords: Coords
) -> np.ndarray: ...
@overload
def in_order(name: str, value: Checked, dims: tuple[str, ...], coords: Coords) -> Ordered: ...
def in_order(name: str, value: Checked, dims: tuple[str, ...], coords: Coords) -> Ordered:
    """Put the numbers of a parameter in the order of the coordinates of its dims, if labeled."""
    if isinstance(value, tuple):
        return tuple(in_order(name, part, dims, coords) for part in value)
    if not isinstance(value, Labelled):
        return value
    if value.values.ndim < len(dims):  # it has the last dims, as in broadcasting
        dims = dims[len(dims) - value.values.ndim :]
    return ordered(name, value, tuple(coords.get(dim) for dim in dims))


def ordered(
    name: str,
    given: Labelled,
    coords: tuple[Iterable[object] | None, ...],
    what: str = "labels of the model",
) -> np.ndarray:
    """Put values in the order of the coordinates along the last axes; None leaves an axis."""
    values, first = given.values, given.values.ndim - len(coords)
    for axis, coord in enumerate(coords, start=first):
        labels = None if axis < 0 else given.labels[axis]
        if coord is not None and labels is not None:
            plain = [x.item() if isinstance(x, np.str_ | np.number) else x for x in coord]
            wanted = pd.Index(plain, tupleize_cols=False)
            values = align(name, values, labels, wanted, what, axis=axis)
    return values
