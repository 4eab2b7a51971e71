"""Groups of features, and how much likelier a group's features are to have an effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blrzoo.simulation.arguments import Floats, check_integer, check_real, entries

__all__ = ["Groups", "check_groups", "numbered"]


@dataclass(frozen=True)
class Groups:
    """Features in groups: names in the order of their first feature.

    Attributes
    ----------
    index : ndarray, (feature,)
        Number of each feature's group.
    names : ndarray, (group,)
        Labels.
    weights : ndarray, (group,)
        Relative probability that a feature of the group is causal.
    """

    index: NDArray[np.intp]
    names: NDArray[np.str_]
    weights: Floats

    @property
    def labels(self) -> NDArray[np.str_]:
        """Label of each feature's group, (feature,)."""
        return self.names[self.index]

    @property
    def feature_weights(self) -> Floats | None:
        """Weight of each feature, (feature,), or None if all are equal."""
        equal = (self.weights == self.weights[0]).all()
        return None if equal else self.weights[self.index]


def numbered(prefix: str, count: int) -> list[str]:
    """Labels ``prefix1``, ..., padded with zeros so that they sort."""
    return [f"{prefix}{i:0{len(str(count))}d}" for i in range(1, count + 1)]


def check_groups(groups: Any, causal_weights: Any, p: int) -> Groups | None:
    """Give the groups of the p features, None if there are none."""
    if groups is None:
        if causal_weights is None:
            return None
        raise ValueError(
            f"causal_weights must be left out without groups, got {causal_weights!r}: "
            f"pass groups too."
        )
    index, names = _check_labels(groups, p)
    return Groups(index, names, _check_weights(causal_weights, names))


def _check_labels(groups: Any, p: int) -> tuple[NDArray[np.intp], NDArray[np.str_]]:
    if not isinstance(groups, list | tuple | np.ndarray):
        count = check_integer("groups", groups, 1, "an int, a list or array of labels, or None")
        if count > p:
            raise ValueError(
                f"groups must be at most p, got groups={count} and p={p}: lower groups."
            )
        return np.arange(p) * count // p, np.array(numbered("group", count))
    # As objects: NumPy would make a text of the NaN in ["a", nan].
    labels = np.array(groups, dtype=object)
    if labels.shape != (p,):
        raise ValueError(
            f"groups must have a label for each feature, got shape {labels.shape} for p={p}: "
            f"pass {p} labels, or the number of groups."
        )
    absent = np.flatnonzero(pd.isna(labels))
    if absent.size:
        raise ValueError(
            f"groups must name a group for each feature, got {absent.size} missing labels, the "
            f"first at position {absent[0]}: give these features a group of their own."
        )
    index, names = pd.factorize(np.array([str(label) for label in labels], dtype=object))
    return index, np.array(names, dtype=np.str_)


def _check_weights(causal_weights: Any, names: NDArray[np.str_]) -> Floats:
    given = _weights_by_name(causal_weights, names)
    rule = "a finite weight that is 0 or more"
    checked = [
        check_real(f"causal_weights[{name!r}]", given.get(name, 1.0), rule, lambda w: w >= 0)
        for name in names.tolist()
    ]
    if not any(checked):
        raise ValueError(
            f"causal_weights must be positive for some group, got {checked}: "
            f"raise the weight of a group whose features may be causal."
        )
    return np.array(checked)


def _weights_by_name(causal_weights: Any, names: NDArray[np.str_]) -> dict[str, Any]:
    known = names.tolist()
    if causal_weights is None:
        return {}
    if isinstance(causal_weights, Mapping):
        given = {str(name): weight for name, weight in causal_weights.items()}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ValueError(
                f"causal_weights must be of groups that there are, got {unknown}: use {known}."
            )
        return given
    if not isinstance(causal_weights, list | tuple | np.ndarray):
        raise TypeError(
            f"causal_weights must be a dict or a list of numbers, got {causal_weights!r} "
            f"({type(causal_weights).__name__}): pass a weight for each group, "
            f"such as {dict.fromkeys(known[:1], 5.0)}."
        )
    weights = entries(causal_weights)
    if len(weights) != len(known):
        raise ValueError(
            f"causal_weights must have a number for each group, got {causal_weights!r} for the "
            f"groups {known}: pass {len(known)} numbers, or a dict."
        )
    return dict(zip(known, weights, strict=True))
