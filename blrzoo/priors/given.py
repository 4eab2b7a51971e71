"""Parameters as they are given: with labels, which are joined to the coordinates of the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.labels import align, find, labels_of

__all__ = ["Labelled", "has_labels", "in_order", "labelled", "ordered"]

#: Dims of parameters, in the order in which a variable has them.
_DIMS = ("group", "covariate", "component", "slab", "pattern", "annotation", "trait", "trait_bis")


@dataclass(frozen=True, eq=False)
class Labelled:
    """An array, and the labels along each of its axes; None where there are none."""

    values: np.ndarray
    labels: tuple[pd.Index | None, ...]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Values in the order given, for what does not depend on it."""
        return np.array(self.values, dtype=dtype)


def has_labels(value: Any) -> bool:
    """Whether a value is of a kind that may have labels."""
    return isinstance(value, pd.Series | pd.DataFrame | xr.DataArray)


def labelled(name: str, value: Any) -> Labelled:
    """Split a Series, DataFrame or DataArray into values and labels; others have no labels.

    Dims of a DataArray are put into the order in which variables have them. The columns of a
    square matrix are put into the order of its rows, so that one can see whether it is symmetric.
    What was split before stays as it is.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.given import labelled
    >>> found = labelled("patterns", pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> list(found.labels[1])
    ['height', 'weight']
    """
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
    rows, columns = labels[-2:] if len(labels) > 1 else (None, None)
    if rows is not None and columns is not None and rows.is_unique and columns.is_unique:
        places = find(columns, rows)
        if len(rows) == len(columns) and (places >= 0).all():
            values, labels = values.take(places, axis=-1), [*labels[:-1], rows]
    return Labelled(values, tuple(labels))


def in_order(name: str, value: Any, dims: tuple[str, ...], coords: Mapping[str, Any]) -> Any:
    """A parameter's numbers, a tuple's one by one, in the order of the coordinates of its dims.

    Dims without a coordinate yet are left as they are; what has no labels goes by position.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.given import in_order, labelled
    >>> given = labelled("tau2", pd.Series({"b": 9.0, "a": 1.0}))
    >>> in_order("tau2", given, ("group",), {"group": ["a", "b"]})
    array([1., 9.])
    """
    if isinstance(value, tuple):
        return tuple(in_order(name, part, dims, coords) for part in value)
    if not isinstance(value, Labelled):
        return value
    if value.values.ndim < len(dims):  # of the last dims, as arrays are that are broadcast
        dims = dims[len(dims) - value.values.ndim :]
    return ordered(name, value, tuple(coords.get(dim) for dim in dims))


def ordered(
    name: str, given: Labelled, coords: tuple[Any, ...], what: str = "labels of the model"
) -> np.ndarray:
    """Values in the order of the coordinates along the last axes.

    Axes without labels, and those whose coordinate is None, stay as they are.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.given import labelled, ordered
    >>> given = labelled("patterns", pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> ordered("patterns", given, (None, ["weight", "height"]))
    array([[0, 1]])
    """
    values, first = given.values, given.values.ndim - len(coords)
    for axis, coord in enumerate(coords, start=first):
        labels = None if axis < 0 else given.labels[axis]
        if coord is not None and labels is not None:
            plain = [x.item() if isinstance(x, np.str_ | np.number) else x for x in coord]
            wanted = pd.Index(plain, tupleize_cols=False)
            values = align(name, values, labels, wanted, what, axis=axis)
    return values
