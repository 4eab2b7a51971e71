"""Numbers and classes as text, for tables and logs."""

from typing import Any

import numpy as np

__all__ = ["first_line", "number_text", "setting_text"]

_SHOWN = 12  # numbers of an array; of a longer one, the range is shown


def first_line(thing: type) -> str:
    """Return the first line of the docstring of a class, or of the nearest parent with one."""
    texts = (one.__doc__ for one in thing.__mro__ if one is not object)
    return next(filter(None, texts), "").strip().split("\n")[0].rstrip(".")


def number_text(value: Any) -> str:
    """Format a number or an array in four digits, many numbers as their range."""
    if isinstance(value, str):
        return value
    value = np.asarray(value, dtype=float)
    while value.ndim > 1 and (value == value[0]).all():  # the same in all groups
        value = value[0]
    if value.ndim == 2 and value.shape[0] == value.shape[1] and not _off_diagonal(value).any():
        return f"diag({number_text(np.diagonal(value))})"
    if np.ptp(value) == 0:
        return f"{value.flat[0]:.4g}"
    if value.size > _SHOWN:
        return f"{value.min():.4g} to {value.max():.4g}"
    return _nested(value.tolist())


def setting_text(value: object) -> str:
    """Format a number, a short array or a word; "" for anything else."""
    if isinstance(value, bool | str):
        return str(value)
    array = np.asarray(value) if isinstance(value, np.ndarray | float | int | np.number) else None
    few = array is not None and array.dtype.kind in "iuf" and 0 < array.size <= _SHOWN
    return number_text(value) if few else ""


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def _nested(values: float | list) -> str:
    if not isinstance(values, list):
        return f"{values:.4g}"
    return f"[{', '.join(map(_nested, values))}]"
