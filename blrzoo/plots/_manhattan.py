"""Places of the features on the axis of a Manhattan plot, and their credible sets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.labels import one_per_feature
from blrzoo.posterior.inputs import feature_index, groups_of

__all__ = ["Arrangement", "arrange", "read_sets"]

_GAP = 0.01  # of the axis, between two groups with positions
_MOST_GAPS = 0.1  # of the axis, all together


@dataclass(frozen=True, eq=False)
class Arrangement:
    """Places of the features on the axis."""

    x: np.ndarray  # (feature,)
    group: np.ndarray | None  # number of each feature's group
    names: list[str]  # of the groups
    middles: np.ndarray  # (group,)
    widths: np.ndarray  # (group,)
    what: str  # label of the axis
    is_position: bool  # else x are ranks


def arrange(
    idata: xr.DataTree, groups: ArrayLike | None, positions: ArrayLike | None
) -> Arrangement:
    """Place features by group, and within a group by position or in the order of the data."""
    size = feature_index(idata).size
    at = None if positions is None else _numbers(positions, idata)
    what = "Feature" if at is None else "Position" + _unit(positions)
    if groups is None:
        x = np.arange(size) if at is None else at
        return Arrangement(x, None, [], np.empty(0), np.empty(0), what, at is not None)
    given = None if isinstance(groups, bool | np.bool_) else groups
    index, labels = groups_of(idata, given)
    index, labels = _of_present(index, np.asarray(labels))
    x = _ranks(index) if at is None else _side_by_side(at, index)
    low, high = _ends(x, index)
    by = f"{what.split(' (')[0]}, by {_name_of(groups)}"
    names = [str(label) for label in labels]
    return Arrangement(x, index, names, (low + high) / 2, high - low, by, at is not None)


def _numbers(positions: ArrayLike, idata: xr.DataTree) -> np.ndarray:
    at = one_per_feature("positions", positions, feature_index(idata))
    if at.dtype.kind not in "iuf":
        raise TypeError(f"positions must be numbers, got dtype {at.dtype}. Convert them first.")
    if not np.isfinite(at).all():
        raise ValueError(
            "positions must be finite, got missing or infinite values for "
            f"{list(feature_index(idata)[~np.isfinite(at)][:5])}. Correct them, or leave "
            "positions out for the order of the data."
        )
    return at.astype(float)


def _unit(positions: object) -> str:
    unit = getattr(positions, "attrs", {}).get("units")
    return f" ({unit})" if unit else ""


def _name_of(groups: object) -> str:
    """Name of the Series or DataArray of groups, else "group"."""
    name = str(getattr(groups, "name", None) or "group")
    return "group" if name == "groups" else name


def _of_present(index: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Drop groups without features."""
    present, index = np.unique(index, return_inverse=True)
    return index, labels[present]


def _ranks(index: np.ndarray) -> np.ndarray:
    """Ranks of the features by group, in the order of the data within a group."""
    x = np.empty(index.size)
    x[np.argsort(index, kind="stable")] = np.arange(index.size)
    return x


def _side_by_side(at: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Shift the positions of each group to follow those of the group before."""
    low, high = _ends(at, index)
    lengths = high - low
    total = lengths.sum() or 1.0
    gap = total * min(_GAP, _MOST_GAPS / len(lengths))
    starts = np.concatenate([[0.0], np.cumsum(lengths + gap)[:-1]])
    return at - low[index] + starts[index]


def _ends(x: np.ndarray, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = int(index.max()) + 1
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, index, x)
    np.maximum.at(high, index, x)
    return low, high


def read_sets(
    credible_sets: xr.Dataset | Mapping[Any, xr.Dataset] | None,
    idata: xr.DataTree,
    traits: list[str],
) -> list[np.ndarray]:
    """Number of each feature's credible set (0: none), one array for each trait."""
    none = np.zeros(feature_index(idata).size, dtype=int)
    if credible_sets is None:
        return [none for _ in traits]
    if isinstance(credible_sets, Mapping) and not isinstance(credible_sets, xr.Dataset):
        by_trait = {str(name): _numbers_of(sets, idata) for name, sets in credible_sets.items()}
        if unknown := set(by_trait) - {str(trait) for trait in traits}:
            raise ValueError(
                f"credible_sets must be by trait, {traits}, got {sorted(unknown)}. Leave these out."
            )
        return [by_trait.get(str(trait), none) for trait in traits]
    numbers = _numbers_of(credible_sets, idata)
    only = credible_sets.coords["trait"].item() if "trait" in credible_sets.coords else None
    if only is None or len(traits) == 1:
        return [numbers for _ in traits]
    return [numbers if str(trait) == str(only) else none for trait in traits]


def _numbers_of(sets: object, idata: xr.DataTree) -> np.ndarray:
    if not isinstance(sets, xr.Dataset):
        raise TypeError(
            "credible_sets must be the Dataset that blrzoo.credible_sets returns, or several of "
            f"them by trait, got {type(sets).__name__}."
        )
    if "credible_set" not in sets or sets["credible_set"].dims != ("feature",):
        raise ValueError(
            "credible_sets must have the variable 'credible_set' (feature), the number of each "
            f"feature's set; it has {list(sets.data_vars)}. Pass what blrzoo.credible_sets returns."
        )
    numbers = one_per_feature("credible_sets", sets["credible_set"], feature_index(idata))
    return numbers.astype(int)
