"""Folds: the rows that each one tests, and those that it trains on."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pytensor.graph.basic import Variable

from blrzoo.checks import Integer
from blrzoo.labels import align, labels_of, show

__all__ = ["Fold", "read_folds"]


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold.

    Attributes
    ----------
    label : object
        Name of the fold.
    train, test : ndarray of int
        Positions of the rows with a response.
    """

    label: Hashable
    train: np.ndarray
    test: np.ndarray


def read_folds(
    folds: Any, obs: pd.Index, known: np.ndarray, rng: np.random.Generator
) -> list[Fold]:
    """Read the argument `folds` of `cross_validate`: a number, labels, or pairs of positions."""
    single = isinstance(folds, str | bytes | bool | Variable) or getattr(folds, "shape", None) == ()
    if isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        found = _of_labels(_dealt(int(folds), known, rng), known)
    elif single or not isinstance(folds, Iterable):
        raise TypeError(
            f"folds must be a number, labels (obs,), or pairs of train and test positions, got "
            f"{type(folds).__name__}. Pass 5; of a splitter of scikit-learn, folds.split(X)."
        )
    else:
        folds = folds if hasattr(folds, "__len__") else list(folds)
        pairs = bool(len(folds)) and _is_pair(folds)
        found = _of_pairs(folds, known) if pairs else _of_labels(_labels(folds, obs), known)
    _check(found)
    return found


def _is_pair(folds: Any) -> bool:
    first = folds.iloc[0] if isinstance(folds, pd.Series) else folds[0]
    return isinstance(first, list | tuple) and len(first) == 2


def _dealt(folds: int, known: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Number of a fold for each row at random, in equal numbers among the known ones."""
    n = int(known.sum())
    remedy = f"There are {n} rows with a response. Pass for instance folds=5."
    Integer(2, n, advice=remedy).check("folds", folds)
    labels = np.zeros(known.size, dtype=int)
    labels[known] = rng.permutation(np.arange(n) % folds)
    return labels


def _labels(folds: object, obs: pd.Index) -> np.ndarray:
    """Fold of each row; those of a Series or DataArray are joined by label."""
    try:
        given = np.asarray(folds)
    except ValueError:
        raise ValueError(
            "folds must be a number, labels (obs,), or pairs of train and test positions; got "
            "parts of different lengths. Pass one label for each row."
        ) from None
    if given.ndim != 1:
        raise ValueError(
            f"folds must be a number, labels (obs,), or pairs of train and test positions; got "
            f"shape {given.shape} for {len(obs)} rows. Pass one label for each row."
        )
    labels = align("folds", given, labels_of("folds", folds), obs, "rows of X", more=True)
    if pd.isna(labels).any():
        raise ValueError(
            f"folds must have a label for each row; got {pd.isna(labels).sum()} missing. Drop "
            f"these rows, or pass pairs (train, test)."
        )
    return labels


def _of_labels(labels: np.ndarray, known: np.ndarray) -> list[Fold]:
    found = []
    for label in np.unique(labels).tolist():
        test = labels == label
        found.append(Fold(label, np.flatnonzero(known & ~test), np.flatnonzero(known & test)))
    return found


def _of_pairs(pairs: Any, known: np.ndarray) -> list[Fold]:
    found = []
    for label, (train, test) in enumerate(pairs):
        train, test = (_positions(part, known.size, label) for part in (train, test))
        if both := np.intersect1d(train, test).tolist():
            raise ValueError(
                f"folds must not test rows that they train on; got {show(both)} in both parts of "
                f"fold {label}. Take them out of one."
            )
        found.append(Fold(label, train[known[train]], test[known[test]]))
    return found


def _positions(part: object, n: int, label: int) -> np.ndarray:
    positions = np.asarray(part)
    if positions.ndim != 1 or positions.dtype.kind not in "iu":
        raise TypeError(
            f"folds must be pairs of positions, two vectors of integers; got dtype "
            f"{positions.dtype}, shape {positions.shape} in fold {label}. Of a mask, pass "
            f"np.flatnonzero(mask)."
        )
    if positions.size and not (0 <= positions.min() and positions.max() < n):
        raise ValueError(
            f"folds must be pairs of positions 0 to {n - 1}, got {positions.min()} to "
            f"{positions.max()} in fold {label}. Count rows as X does."
        )
    return np.unique(positions)


def _check(folds: list[Fold]) -> None:
    if len(folds) < 2:
        raise ValueError(f"folds must be at least 2, got {len(folds)}. Try folds=5.")
    for fold in folds:
        if len(fold.train) < 2 or not len(fold.test):
            raise ValueError(
                f"folds must each have a row to test and two to train on, with a known response; "
                f"got {len(fold.test)} and {len(fold.train)} in fold {fold.label!r}. Pass fewer "
                f"folds."
            )
    tested, times = np.unique(np.concatenate([fold.test for fold in folds]), return_counts=True)
    if (times > 1).any():
        raise ValueError(
            f"folds must test a row once; got the rows {show(tested[times > 1].tolist())} more "
            f"often. Repeat the cross-validation with another random_seed instead."
        )
