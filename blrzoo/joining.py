"""Rows of several arguments in one order: joined by label, never by position."""

from dataclasses import replace

import numpy as np
import pandas as pd

from blrzoo.storage.forms import take_rows
from blrzoo.tables import Table, show

__all__ = ["join"]


def join(tables: list[Table]) -> tuple[pd.Index, list[Table]]:
    """Bring all tables into the order of the first one that carries obs labels."""
    labelled = [t for t in tables if t.obs is not None]
    if labelled:
        tables = [_align(t, labelled[0]) for t in tables]
    for table in tables[1:]:
        _check_lengths(tables[0], table)
    obs = labelled[0].obs if labelled else None
    return (pd.RangeIndex(tables[0].values.shape[0]) if obs is None else obs), tables


def _check_lengths(first: Table, table: Table) -> None:
    n, m = first.values.shape[0], table.values.shape[0]
    if n != m:
        raise ValueError(
            f"{table.name} must have one row per observation of {first.name}; got {m} rows in "
            f"{table.name} and {n} in {first.name}. Pass the same observations in both."
        )


def _align(table: Table, reference: Table) -> Table:
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
            f"them in another order; got {show(twice)} more than once. Make the labels unique, or "
            f"pass {table.name}.to_numpy() to join by position."
        )
    return replace(table, values=take_rows(table.values, _positions(target, labels)), obs=target)


def _check_same_labels(table: Table, labels: pd.Index, other: Table, target: pd.Index) -> None:
    only_other, only_table = _difference(target, labels), _difference(labels, target)
    if only_other or only_table:
        raise ValueError(
            f"{table.name} must have the obs labels of {other.name}; got {len(labels)} rows in "
            f"{table.name} and {len(target)} in {other.name}, only in {other.name}: "
            f"{show(only_other)}, only in {table.name}: {show(only_table)}. Select the common "
            f"labels in both, or pass {table.name}.to_numpy() to join by position."
        )


def _difference(left: pd.Index, right: pd.Index) -> list:
    left = left.unique()
    return left[_positions(left, right.unique()) < 0].tolist()


def _positions(labels: pd.Index, index: pd.Index) -> np.ndarray:
    """Where in a unique index the labels are, -1 if nowhere."""
    # as objects, because a DatetimeIndex would parse strings
    return index.astype(object).get_indexer(labels.astype(object))
