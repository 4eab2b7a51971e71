"""Numbers and classes as text, for tables and logs."""

from typing import Any

import numpy as np

__all__ = ["first_line", "number_text", "setting_text"]

#: Numbers of an array that are all printed; of a longer one the range is.
_SHOWN = 12


def first_line(thing: type) -> str:
    """The first line of a class's docstring, or of that of the class that it was derived from."""
    texts = (one.__doc__ for one in thing.__mro__ if one is not object)
    return next(filter(None, texts), "").strip().split("\n")[0].rstrip(".")


def number_text(value: Any) -> str:
    """A number in four digits; of an array its numbers, or their range; a name as it is.

    Examples
    --------
    >>> import numpy as np
    >>> number_text(1 / 3), number_text([1, 2]), number_text(np.eye(2)), number_text(range(20))
    ('0.3333', '[1, 2]', 'diag(1)', '0 to 19')
    """
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


def setting_text(value: Any) -> str:
    """A number, a short array of them, or a word, as text; "" for anything else."""
    if isinstance(value, bool | str):
        return str(value)
    array = np.asarray(value) if isinstance(value, np.ndarray | float | int | np.number) else None
    few = array is not None and array.dtype.kind in "iuf" and 0 < array.size <= _SHOWN
    return number_text(value) if few else ""


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    return matrix[~np.eye(len(matrix), dtype=bool)]


def _nested(values: Any) -> str:
    if not isinstance(values, list):
        return f"{values:.4g}"
    return f"[{', '.join(map(_nested, values))}]"
