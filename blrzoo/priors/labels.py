"""What a parameter is given with labels: joined to the labels of the model, never by position."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.tables import show

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


def labelled(value: Any) -> Labelled:
    """Split a Series, DataFrame or DataArray into values and labels; others have no labels.

    Dims of a DataArray are put into the order in which variables have them. The columns of a
    square matrix are put into the order of its rows, so that one can see whether it is symmetric.
    What was split before stays as it is.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.labels import labelled
    >>> found = labelled(pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> list(found.labels[1])
    ['height', 'weight']
    """
    if isinstance(value, Labelled):
        return value
    if isinstance(value, xr.DataArray):
        if set(value.dims) <= set(_DIMS):
            value = value.transpose(*(dim for dim in _DIMS if dim in value.dims))
        found = [value[dim].to_index() if dim in value.coords else None for dim in value.dims]
    elif isinstance(value, pd.DataFrame | pd.Series):
        # pandas numbers what has no labels of its own: 0, 1, 2, ...
        found = [None if _is_default(index) else index for index in value.axes]
    else:
        array = np.asarray(value)
        return Labelled(array, (None,) * array.ndim)
    return _columns_like_rows(np.asarray(value), found)


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.equals(pd.RangeIndex(len(index)))


def _columns_like_rows(values: np.ndarray, labels: list[pd.Index | None]) -> Labelled:
    rows, columns = labels[-2:] if len(labels) > 1 else (None, None)
    if rows is not None and columns is not None and rows.is_unique:
        places = _places(columns, rows)
        if len(rows) == len(columns) and (places >= 0).all():
            values, labels = values.take(places, axis=-1), [*labels[:-1], rows]
    return Labelled(values, tuple(labels))


def in_order(name: str, value: Any, dims: tuple[str, ...], coords: Mapping[str, Any]) -> Any:
    """A parameter's numbers, a tuple's one by one, in the order of the coordinates of its dims.

    Dims without a coordinate yet are left as they are; what has no labels goes by position.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.labels import in_order, labelled
    >>> given = labelled(pd.Series({"b": 9.0, "a": 1.0}))
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


def ordered(name: str, given: Labelled, coords: tuple[Any, ...]) -> np.ndarray:
    """Values in the order of the coordinates along the last axes.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    given : Labelled
        Axes without labels stay as they are.
    coords : tuple of array-like or None
        Labels that the last axes are to have, in order; None leaves an axis as it is.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        For labels that are not those of the coordinate, each once.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.labels import labelled, ordered
    >>> given = labelled(pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> ordered("patterns", given, (None, ["weight", "height"]))
    array([[0, 1]])
    """
    values, first = given.values, given.values.ndim - len(coords)
    for axis, coord in enumerate(coords, start=first):
        labels = None if axis < 0 else given.labels[axis]
        if coord is not None and labels is not None:
            plain = [x.item() if isinstance(x, np.str_ | np.number) else x for x in coord]
            wanted = pd.Index(plain, tupleize_cols=False)
            _check_labels(name, labels, wanted)
            values = values.take(_places(labels, wanted), axis=axis)
    return values


def _places(labels: pd.Index, wanted: pd.Index) -> np.ndarray:
    """Where each of the wanted labels is, -1 for nowhere; labels must be unique."""
    # as objects, because "1" and 1 are different labels
    if not labels.is_unique:
        return np.full(len(wanted), -1)
    return labels.astype(object).get_indexer(wanted.astype(object))


def _check_labels(name: str, labels: pd.Index, wanted: pd.Index) -> None:
    faults = {
        "missing": wanted[_places(labels.unique(), wanted) < 0],
        "unknown": labels[_places(wanted, labels) < 0].unique(),
        "repeated": labels[labels.duplicated()].unique(),
    }
    found = ", ".join(f"{key} {show(which)}" for key, which in faults.items() if len(which))
    if found:
        raise ValueError(
            f"{name} must have the labels {show(wanted)}, each once, got {show(labels)}: {found}. "
            f"Rename them, or pass {name.split(':')[0]}.to_numpy() to go by position."
        )
