"""Checks of arguments that are a choice of words, names, a flag, a count or a seed."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np

__all__ = [
    "as_float",
    "check_choice",
    "check_count",
    "check_flag",
    "check_names",
    "check_number",
    "check_seed",
    "check_size",
]

_MOST = 10**9  # of anything that is counted: more would never end


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


def check_count(name: str, value: Any, least: int, default: int | None, most: int = _MOST) -> None:
    """Refuse what is not an int, too small or too large.

    Examples
    --------
    >>> from blrzoo.options import check_count
    >>> check_count("draws", 500, 1, 1000)
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"{name} must be an int, got {value!r} of type {type(value).__name__}. "
            f"Leave it out for {default}."
        )
    if value < least:
        raise ValueError(
            f"{name} must be at least {least}, got {value}. Leave it out for {default}."
        )
    if value > most:
        raise ValueError(f"{name} must be {most} at most, got {value}. Leave it out for {default}.")


def as_float(number: Any) -> float:
    """Return a real number as a float: an int beyond any float is infinite.

    Examples
    --------
    >>> from blrzoo.options import as_float
    >>> as_float(-(10**400))
    -inf
    """
    try:
        return float(number)
    except OverflowError:
        return float(np.inf if number > 0 else -np.inf)


def check_number(
    name: str, value: Any, rule: str, holds: Callable[[float], bool], default: float
) -> float:
    """Return a finite real number for which a rule holds, and refuse all else.

    Examples
    --------
    >>> from blrzoo.options import check_number
    >>> check_number("overlap", 1, "0 to 1", lambda share: 0 <= share <= 1, 0.5)
    1.0
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a number, got {value!r} of type {type(value).__name__}. Leave it out "
            f"for {default:g}."
        )
    number = as_float(value)
    if not (np.isfinite(number) and holds(number)):
        raise ValueError(f"{name} must be {rule}, got {value!r}. Leave it out for {default:g}.")
    return number


def check_size(name: str, value: Any, default: float, below: float = np.inf) -> None:
    """Refuse what is not a number above 0 and below a limit.

    Examples
    --------
    >>> from blrzoo.options import check_size
    >>> check_size("alpha", 0.05, 1e-4, below=1.0)
    """
    rule = "positive and finite" if np.isinf(below) else f"above 0 and below {below:g}"
    check_number(name, value, rule, lambda number: 0 < number < below, default)


def check_seed(seed: Any) -> None:
    """Refuse what NumPy makes no generator of, and what PyMC does not take.

    Examples
    --------
    >>> from blrzoo.options import check_seed
    >>> check_seed([1, 2])
    """
    error: type[Exception] | None = None
    if isinstance(seed, np.random.RandomState | np.ndarray):
        error = TypeError
    else:
        try:
            np.random.default_rng(seed)
        except (TypeError, ValueError) as refused:
            error = type(refused)
    if error:
        raise error(
            f"random_seed must be None, an int of at least 0, a list of them or a NumPy "
            f"Generator, got {seed!r} of type {type(seed).__name__}. Pass for instance "
            f"random_seed=1."
        )


def check_names(name: str, value: Any) -> list[str]:
    """Return the names of an argument that is one name, or a list of them.

    Examples
    --------
    >>> from blrzoo.options import check_names
    >>> check_names("var_names", "tau2")
    ['tau2']
    """
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, str) for one in listed):
        raise TypeError(
            f"{name} must be a name or a list of names, got {value!r} of type "
            f"{type(value).__name__}. Leave it out for the default."
        )
    return list(listed)
