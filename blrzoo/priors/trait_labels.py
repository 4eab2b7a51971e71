"""What is given for each trait in a labelled table: joined by label, never by position."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

__all__ = ["Labelled", "labelled", "ordered"]


class Labelled(NamedTuple):
    """An array, and the labels along each of its axes; None where there are none."""

    values: np.ndarray
    labels: tuple[pd.Index | None, ...]


def labelled(value: Any) -> Labelled:
    """Split a DataFrame or DataArray into values and labels; anything else has no labels.

    Parameters
    ----------
    value : array-like
        What the user gave.

    Returns
    -------
    Labelled

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.trait_labels import labelled
    >>> found = labelled(pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> list(found.labels[1])
    ['height', 'weight']
    """
    if isinstance(value, pd.DataFrame):
        found: tuple[pd.Index | None, ...] = (value.index, value.columns)
    elif isinstance(value, xr.DataArray):
        found = tuple(value[dim].to_index() if dim in value.coords else None for dim in value.dims)
    else:
        array = np.asarray(value)
        return Labelled(array, (None,) * array.ndim)
    # pandas numbers what has no labels of its own
    plain = [None if isinstance(index, pd.RangeIndex) else index for index in found]
    return Labelled(np.asarray(value), tuple(plain))


def ordered(name: str, given: Labelled, coords: tuple[Any, ...]) -> np.ndarray:
    """Values in the order of the coordinates along the last axes.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    given : Labelled
        Axes without labels, or of another length than the coordinate, stay as they are.
    coords : tuple of array-like or None
        Labels that the last axes are to have, in order; None leaves an axis as it is.

    Returns
    -------
    ndarray

    Raises
    ------
    ValueError
        For labels that are not those of the coordinate.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.trait_labels import labelled, ordered
    >>> given = labelled(pd.DataFrame([[1, 0]], columns=["height", "weight"]))
    >>> ordered("patterns", given, (None, ["weight", "height"]))
    array([[0, 1]])
    """
    values, first = given.values, given.values.ndim - len(coords)
    for axis, coord in enumerate(coords, start=first):
        if axis < 0 or coord is None or given.labels[axis] is None:
            continue
        if values.shape[axis] == len(coord):
            values = values.take(_places(name, given.labels[axis], pd.Index(coord)), axis=axis)
    return values


def _places(name: str, labels: Any, wanted: pd.Index) -> np.ndarray:
    # as objects, because "1" and 1 are different labels
    places = labels.astype(object).get_indexer(wanted.astype(object)) if labels.is_unique else []
    if len(places) == 0 or min(places) < 0:
        raise ValueError(
            f"{name} must have the labels {wanted.tolist()}, got {labels.tolist()}. Rename them, "
            f"or pass {name.split(':')[0]}.to_numpy() to go by position."
        )
    return np.asarray(places)
