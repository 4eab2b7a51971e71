"""Sets of features as users pass them: groups, overlapping sets, windows of positions."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike
from scipy import sparse

from blrzoo.checks import Number
from blrzoo.labels import align, labels_of, member_matrix, members, one_per_feature, oriented, show
from blrzoo.posterior.inputs import feature_index, groups_of

__all__ = ["FeatureSets", "model_groups", "read_groups", "windows"]

_MOST_WINDOWS = 1_000_000


@dataclass(frozen=True, eq=False)
class FeatureSets:
    """Sets of features, which may overlap."""

    labels: np.ndarray
    members: sparse.csr_array  # 0/1 (set, feature), at least one feature per set
    coords: dict[str, np.ndarray] = field(default_factory=dict)  # what else is known, (set,)


# ---- groups ----


def model_groups(idata: xr.DataTree) -> FeatureSets:
    """Return the groups that a model was fitted with."""
    index, names = groups_of(idata)
    sets = _partition(index)
    return FeatureSets(np.asarray(names)[sets.labels], sets.members)


def read_groups(
    idata: xr.DataTree, groups: ArrayLike | Mapping[Any, Iterable[Hashable]]
) -> FeatureSets:
    """Read the argument `groups` of a summary."""
    features = feature_index(idata)
    if isinstance(groups, Mapping):
        return FeatureSets(
            pd.Index(list(groups)).to_numpy(), members("groups", groups, features, "features")
        )
    if isinstance(groups, list | tuple) and any(isinstance(g, list | tuple | set) for g in groups):
        raise TypeError(
            "groups must be one label for each feature, or a mapping of names to lists of labels, "
            "got a list of lists. Name the sets: dict(enumerate(groups))."
        )
    if isinstance(groups, pd.DataFrame) or np.ndim(groups) == 2:
        return _indicated(*_table_of(groups, features))
    return _partition(one_per_feature("groups", groups, features))


def _partition(labels: np.ndarray) -> FeatureSets:
    index, names = pd.factorize(labels)
    inside = np.flatnonzero(index >= 0)
    if not inside.size:
        raise ValueError(
            "groups must name a group for some feature, got missing labels only. Give the "
            "features labels."
        )
    ones = np.ones(inside.size, dtype=np.int32)
    entries = (ones, (index[inside], inside))
    members = sparse.csr_array(entries, shape=(len(names), len(labels)))
    return FeatureSets(np.asarray(names), members)


def _indicated(values: np.ndarray, labels: np.ndarray) -> FeatureSets:
    if values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"groups (feature, group) must hold True and False, or 1 and 0, got other values "
            f"(dtype {values.dtype}). Pass for instance groups > 0."
        )
    empty = ~values.any(axis=0)
    if empty.any() or not values.shape[1]:
        raise ValueError(
            f"groups must have at least one feature in each group, got none in "
            f"{labels[empty][:5].tolist()}. Drop the empty columns."
        )
    return FeatureSets(labels, sparse.csr_array(values.T.astype(np.int32)))


def _table_of(groups: ArrayLike, features: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Return values (feature, group) in the order of the features, and labels of groups."""
    if isinstance(groups, xr.DataArray):
        if "feature" not in groups.dims:
            raise ValueError(
                f"groups must have the dims (feature, group), got {groups.dims}. Rename them: "
                "groups.rename({...: 'feature'})."
            )
        groups = oriented(groups, "feature")
    values = np.asarray(groups)
    if values.ndim != 2:  # a sparse matrix is one object to NumPy
        raise TypeError(
            f"groups must be labels (feature) or a table (feature, group), got "
            f"{type(groups).__name__}. Pass an array or a DataFrame, for instance "
            "groups.toarray()."
        )
    labels, names = (labels_of("groups", groups, axis) for axis in range(2))
    what = "features of the posterior"
    values = align("groups", values, labels, features, what, more=True)
    return values, np.arange(values.shape[1]) if names is None else names.to_numpy()


# ---- windows ----


def windows(
    idata: xr.DataTree,
    positions: ArrayLike | None,
    width: float,
    step: float | None,
    chromosome: ArrayLike | None,
) -> FeatureSets:
    """Make windows of positions; those without a feature are left out."""
    features = feature_index(idata)
    width = _positive("width", width)
    step = width if step is None else _positive("step", step)
    if step > width:
        raise ValueError(
            f"step must be at most width, got {step} and {width}: features between the windows "
            "would be left out. Leave step out for windows side by side."
        )
    index, names = _chromosomes(chromosome, features)
    at = _positions(positions, features, index)
    parts = [(k, *_slide(at, np.flatnonzero(index == k), width, step)) for k in range(len(names))]
    starts = np.concatenate([starts for _, starts, _ in parts])
    coords = {"start": starts, "end": starts + width}
    if chromosome is not None:
        of_window = np.repeat(np.arange(len(names)), [len(starts) for _, starts, _ in parts])
        coords = {"chromosome": names[of_window]} | coords
    places = [place for _, _, part in parts for place in part]
    return FeatureSets(np.arange(len(places)), member_matrix(places, features.size), coords)


def _positive(name: str, value: float) -> float:
    """Check a number; ints that positions cannot reach become floats."""
    number = Number(above=0, advice="It is in the unit of the positions.").check(name, value)
    return value if value < 2**62 else number


def _chromosomes(chromosome: ArrayLike | None, features: pd.Index) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of each feature's chromosome, and the chromosomes' names."""
    if chromosome is None:
        return np.zeros(features.size, dtype=int), np.array([""])
    index, names = pd.factorize(one_per_feature("chromosome", chromosome, features))
    if (index < 0).any():
        raise ValueError(
            f"chromosome must have a label for each feature, got {(index < 0).sum()} missing "
            f"labels, for {show(features[index < 0])}. Give every feature a label."
        )
    return index, np.asarray(names)


def _positions(positions: ArrayLike | None, features: pd.Index, index: np.ndarray) -> np.ndarray:
    if positions is None:
        return pd.Series(index).groupby(index).cumcount().to_numpy()
    at = one_per_feature("positions", positions, features)
    if at.dtype.kind not in "iuf":
        raise TypeError(f"positions must be numbers, got dtype {at.dtype}. Convert them first.")
    if not np.isfinite(at).all():
        raise ValueError(
            "positions must be finite, got missing or infinite values for "
            f"{show(features[~np.isfinite(at)])}. Correct them, or pass None for windows of a "
            "number of features."
        )
    return at if at.dtype.kind == "f" else at.astype(np.int64)


def _slide(
    at: np.ndarray, on: np.ndarray, width: float, step: float
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return starts and features of the windows of the features `on` one chromosome."""
    order = on[np.argsort(at[on], kind="stable")]
    ordered = at[order]
    # the last window is the first one that starts after this distance
    reach = ordered[-1] - ordered[0] - width
    with np.errstate(over="ignore"):
        steps = reach / step
    number = int(min(steps, _MOST_WINDOWS)) + 2 if reach >= 0 else 1
    if number > _MOST_WINDOWS:
        raise ValueError(
            f"step must leave at most {_MOST_WINDOWS:,} windows per chromosome, got more with "
            f"step {step} on positions from {ordered[0]} to {ordered[-1]}. Pass a larger step."
        )
    starts = ordered[0] + step * np.arange(number)
    first, last = np.searchsorted(ordered, starts), np.searchsorted(ordered, starts + width)
    kept = np.flatnonzero(first < last)
    return starts[kept], [np.sort(order[first[k] : last[k]]) for k in kept]
