"""Checks of arguments that are a choice of words, or a flag."""

from typing import Any

import numpy as np

__all__ = ["check_choice", "check_flag"]


def check_choice(name: str, value: Any, choices: tuple[str, ...], default: str) -> None:
    """Refuse what is not one of the words that an argument may be.

    Parameters
    ----------
    name : str
        Name of the argument.
    value : Any
        What the user gave.
    choices : tuple of str
        What it may be.
    default : str
        What it is where it is left out.

    Raises
    ------
    ValueError
        For any other word, and for anything that is no word (an array, a Series, NA).

    Examples
    --------
    >>> from blrzoo.options import check_choice
    >>> check_choice("form", "full", ("full", "diagonal"), "full")
    """
    if not isinstance(value, str) or value not in choices:
        *first, last = map(repr, choices)
        raise ValueError(
            f"{name} must be {', '.join(first)} or {last}, got {value!r}. Leave it out for "
            f"{default!r}."
        )


def check_flag(name: str, value: Any, default: bool) -> bool:
    """Return True or False, and refuse all else, also what Python takes for true ("no", 2).

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.options import check_flag
    >>> check_flag("pooled", np.True_, False)
    True
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(
            f"{name} must be True or False, got {value!r} of type {type(value).__name__}. Leave "
            f"it out for {default}."
        )
    return bool(value)
