"""Responses that a user may not mean: the features, or zeros and ones."""

import numpy as np

from blrzoo.labels import show
from blrzoo.tables import Table

__all__ = ["binary_advice", "refuse_swapped", "shape_of"]


def refuse_swapped(X: object, y: object, name: str) -> None:
    """Refuse a vector X with a matrix y, which are probably swapped; `name` is "y" or "Y"."""
    vector, matrix = shape_of(X), shape_of(y)
    if len(vector) != 1 or len(matrix) != 2:
        return
    raise ValueError(
        f"X must have dimensions (obs, feature); got a vector X of shape {vector} and a matrix "
        f"{name} of shape {matrix}. Are X and {name} swapped? X is first, then {name}. If they are "
        "not, pass a single feature as X.reshape(-1, 1), or X.to_frame() of a Series."
    )


def shape_of(value: object) -> tuple[int, ...]:
    """Shape of an array or of nested lists; () if there is none, which other rules refuse."""
    if not isinstance(value, list | tuple):
        return tuple(getattr(value, "shape", ()))
    try:
        return np.shape(value)
    except ValueError:  # rows of different lengths
        return ()


def binary_advice(table: Table) -> str | None:
    """Say what a normal model does with a response of 0 and 1; None for any other."""
    values = table.values
    binary = (np.isnan(values) | (values == 0) | (values == 1)).all(axis=0)
    if not binary.any():
        return None
    where = f" in trait {show(table.columns[binary])}" if table.name == "Y" else ""
    return (
        f"{table.name} has only the values 0 and 1{where}, and is treated as normal: this is a "
        "linear probability model. An effect is the difference in the probability of a 1 per unit "
        "of the feature, and PIPs are about such effects; heritability is on the observed scale, "
        "not on that of a liability; predictions may lie outside of 0 to 1. If 1 is rare, or if "
        "you need probabilities, use a logistic or probit model."
    )
