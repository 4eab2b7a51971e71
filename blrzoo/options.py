"""Checks as functions, until their last callers (plots, em) declare them by blrzoo.checks."""

from typing import Any

from blrzoo.checks import Choice, Flag, Names, Number

__all__ = ["check_choice", "check_flag", "check_names", "check_size"]


def check_choice(name: str, value: Any, choices: tuple[str, ...], default: str) -> None:
    """Refuse what is not one of the words that an argument may be."""
    Choice(choices, default=default).check(name, value)


def check_flag(name: str, value: Any, default: bool) -> bool:
    """Return True or False, and refuse all else."""
    return Flag(default=default).check(name, value)


def check_size(name: str, value: Any, default: float) -> None:
    """Refuse what is not a number above 0."""
    Number(above=0, default=default).check(name, value)


def check_names(name: str, value: Any) -> list[str]:
    """Return the names of an argument that is one name, or a list of them."""
    return Names(advice="Leave it out for the default.").check(name, value)
