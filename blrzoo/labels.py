"""Labels of rows, features, traits and groups: read, checked and joined, here and nowhere else.

One rule holds for whatever a user passes. What has labels (pandas, xarray) is joined by them, never
by position; labels are compared as Python objects, so that 1 is not "1" and text is not parsed as a
date. What has no labels (NumPy, lists, SciPy, a DataArray without coordinates) goes by position,
and its length must agree. Missing and repeated labels are refused. So are extra labels, except
where a table is only looked up (``more=True``), such as the groups of all features of a genome.
Labels that are equal and in the same order are accepted as they are, even repeated ones.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

__all__ = [
    "align",
    "check_unique",
    "find",
    "labels_of",
    "member_matrix",
    "members",
    "one_per_feature",
    "order",
    "oriented",
    "show",
]

Places = NDArray[np.intp]

_SHOWN = 5  # labels in a message
_BY_POSITION = "Rename, add or drop labels, or pass {}.to_numpy() to join by position."


# ---- read ----


def labels_of(name: str, value: object, axis: int = 0) -> pd.Index | None:
    """Return the labels along an axis, or None for an array or a dim without coordinates."""
    if isinstance(value, pd.Series | pd.DataFrame):
        return _plain(name, value.axes[axis], axis)
    if isinstance(value, xr.DataArray) and value.dims[axis] in value.coords:
        return _plain(name, value[value.dims[axis]].to_index(), axis)
    return None


def _plain(name: str, index: pd.Index, axis: int) -> pd.Index:
    """Refuse a MultiIndex and tuples; rebuild the index."""
    side = "columns" if axis else "index"
    got = None
    if isinstance(index, pd.MultiIndex):
        got = f"a MultiIndex with {index.nlevels} levels"
    elif any(isinstance(label, tuple | list) for label in index if index.dtype == object):
        got = "tuples"
    if got is not None:
        raise ValueError(
            f"{name} must have plain labels; got {got} as its {side}. Make them text, in pandas "
            f'for instance by {name}.{side} = ["_".join(map(str, i)) for i in {name}.{side}].'
        )
    if isinstance(index, pd.RangeIndex):
        return index
    # rebuilt, so that labels that are equal compare equal in any dtype
    return pd.Index(index.tolist(), tupleize_cols=False)


def oriented(array: xr.DataArray, first: str, *last: str) -> xr.DataArray:
    """Transpose a DataArray of two dims so that `first` is first, or else one of `last` is last."""
    dims = array.dims
    turned = len(dims) == 2 and (dims[1] == first or (dims[0] in last and dims[0] != first))
    return array.transpose() if turned else array


# ---- check ----


def check_unique(name: str, labels: pd.Index, what: str) -> None:
    """Refuse labels that occur more than once; `what` says what each of them names."""
    if not labels.is_unique:
        raise ValueError(
            f"{name} must have a different label for every {what}; got "
            f"{show(labels[labels.duplicated()].unique())} more than once. Rename or drop some."
        )


def show(labels: Iterable[object], limit: int = _SHOWN) -> str:
    """Print the first labels as Python literals, for messages."""
    items = labels.tolist() if isinstance(labels, pd.Index) else list(labels)
    text = ", ".join(repr(x) for x in items[:limit])
    return f"[{text}{', ...' if len(items) > limit else ''}]"


# ---- join ----


def find(labels: pd.Index, wanted: pd.Index) -> Places:
    """Return the position of each wanted label among unique `labels`, -1 for unknown ones."""
    # as objects: a DatetimeIndex would parse text
    return labels.astype(object).get_indexer(wanted.astype(object))


def order(
    name: str,
    labels: pd.Index,
    wanted: pd.Index,
    what: str,  # what the wanted labels are, for messages: "obs labels of X"
    *,
    more: bool = False,  # labels that are not wanted are allowed, and left out
    remedy: str | None = None,  # replaces the usual advice in a message
) -> Places:
    """Return the position of each wanted label, (wanted,); refuse labels that do not match."""
    if labels.equals(wanted):
        return np.arange(len(wanted))
    faults = _faults(labels, wanted, more)
    if faults:
        sizes = f" ({len(labels)} for {len(wanted)})" * (len(labels) != len(wanted))
        rule = f"{'all' if more else 'the'} {what}, {show(wanted)}, each once"
        remedy = remedy or _BY_POSITION.format(name.split(":")[0])
        raise ValueError(
            f"{name} must have {rule}{'' if more else ' and no other'}; got {show(labels)}{sizes}: "
            f"{faults}. {remedy}"
        )
    return find(labels, wanted)


def _faults(labels: pd.Index, wanted: pd.Index, more: bool) -> str:
    """Describe what is wrong with labels; empty if they match."""
    given, needed = labels.unique(), wanted.unique()
    repeated = labels[labels.duplicated()].tolist()
    if not more:  # in a lookup a label may be wanted more than once
        repeated += wanted[wanted.duplicated()].tolist()
    faults = {
        "missing": needed[find(given, needed) < 0].tolist(),
        "unknown": [] if more else given[find(needed, given) < 0].tolist(),
        "repeated": list(dict.fromkeys(repeated)),
    }
    return ", ".join(
        f"{fault} {show(which)}" + f" ({len(which)} in all)" * (len(which) > _SHOWN)
        for fault, which in faults.items()
        if which
    )


def align(
    name: str,
    values: np.ndarray,
    labels: pd.Index | None,
    wanted: pd.Index,
    what: str,
    *,
    axis: int = 0,
    more: bool = False,
) -> np.ndarray:
    """Bring an axis into the order of the wanted labels; without labels its length must agree."""
    if labels is None and values.shape[axis] != len(wanted):
        raise _wrong_shape(name, values.shape, len(wanted), what, axis)
    if labels is None or labels.equals(wanted):
        return values  # not copied
    return values.take(order(name, labels, wanted, what, more=more), axis=axis)


def _wrong_shape(
    name: str, shape: Sequence[int], size: int, what: str, axis: int = 0
) -> ValueError:
    unit = "column" if axis else "row" if len(shape) > 1 else "value"
    return ValueError(
        f"{name} must have one {unit} for each of the {size} {what}, got shape {shape}. Pass as "
        f"many, in this order, or a pandas or xarray object, which is joined by label."
    )


def one_per_feature(
    name: str, value: object, features: pd.Index, what: str = "features of the posterior"
) -> np.ndarray:
    """Return one value per feature, in the order of the features; other labels are left out."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):  # a Dataset, rows of different lengths
        raise TypeError(
            f"{name} must have one value for each feature, got {type(value).__name__}. Pass an "
            f"array, a Series or a DataArray; of a Dataset one variable."
        ) from None
    if array.ndim != 1:
        raise ValueError(
            f"{name} must have one value for each of the {len(features)} {what}, got shape "
            f"{array.shape}. Pass a vector."
        )
    return align(name, array, labels_of(name, value), features, what, more=True)


# ---- sets of labels ----


def members(
    name: str, sets: Mapping[Hashable, object], labels: pd.Index, what: str
) -> sparse.csr_array:
    """Return the members of named sets as a table of 0/1, (set, label)."""
    if not sets:
        raise ValueError(f"{name} must have at least one name, got none. Pass a name and labels.")
    if not labels.is_unique:
        raise ValueError(
            f"{name} must list labels that are unique, and those of {what} are not unique, got "
            f"{show(labels[labels.duplicated()].unique())} more than once. Make them unique, or "
            f"pass one label for each of the {what} by position, if {name} may be a vector."
        )
    places = [_listed(name, key, listed, labels, what) for key, listed in sets.items()]
    return member_matrix(places, len(labels))


def _listed(name: str, key: Hashable, listed: object, labels: pd.Index, what: str) -> Places:
    if isinstance(listed, str) or not np.iterable(listed):
        raise TypeError(
            f"{name} must map each name to a list of labels of {what}, got {listed!r} "
            f"({type(listed).__name__}) for {key!r}. Put a single label into a list."
        )
    wanted = pd.Index(list(listed), tupleize_cols=False).unique()  # listed twice counts once
    places = find(labels, wanted)
    unknown = wanted[places < 0]
    if len(unknown) or not len(wanted):
        got = f"{show(unknown)} ({len(unknown)} unknown)" if len(unknown) else "none"
        raise ValueError(
            f"{name} must list at least one label for each name, all of known {what}, such as "
            f"{show(labels, 3)}, got {got} in {key!r}. Leave out unknown labels, and empty lists."
        )
    return np.sort(places)


def member_matrix(places: Sequence[Places], size: int) -> sparse.csr_array:
    """Turn the positions of the members of each set into a table of 0/1, (set, label)."""
    ends = np.cumsum([0, *map(len, places)])
    entries = (np.ones(ends[-1], dtype=np.int32), np.concatenate(places), ends)
    return sparse.csr_array(entries, shape=(len(places), size))
