"""Checks of arguments, one line per argument: what it may be, and `check(name, value)`.

``Integer(1, default=1000).check("draws", draws)`` returns an int, or raises an error that
names the argument, the rule, what was received with its type, and how to correct it. Checks of data
(a constant column, a singular matrix) are where the data are read.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = [
    "Choice",
    "Constraint",
    "Flag",
    "Instance",
    "Integer",
    "LeftOut",
    "Names",
    "NoneOr",
    "Number",
    "OneOf",
    "Seed",
    "as_float",
    "shown",
]

_MOST = 10**9  # of anything that is counted: more would never end
_LONGEST = 120  # characters of a value in a message
_NO_DEFAULT = object()


def shown(value: object) -> str:
    """Show a value with its type, as messages do; long values are shortened."""
    text, shape = repr(value), getattr(value, "shape", None)
    if "\n" in text or len(text) > _LONGEST:
        start = "one" if "\n" in text else f"{text[:_LONGEST]}..."
        text = f"an array of shape {shape}" if isinstance(shape, tuple) else start
    return f"{text} of type {type(value).__name__}"


def as_float(number: Any) -> float:
    """Return a real number as a float; an int too large for one becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return float(np.inf if number > 0 else -np.inf)


@dataclass(frozen=True)
class Constraint[T](ABC):
    """What an argument may be; `default` and `advice` say in messages how to correct it."""

    default: object = field(default=_NO_DEFAULT, kw_only=True)
    advice: str = field(default="", kw_only=True)

    @abstractmethod
    def _rule(self) -> str:
        """What follows "must be" in a message."""

    def _is_kind(self, value: object) -> bool:
        """Whether the value is of the right kind; a TypeError if not."""
        return True

    def _holds(self, value: Any) -> bool:
        """Whether a value of the right kind is allowed; a ValueError if not."""
        return True

    def _canonical(self, value: Any) -> T:
        """Convert an allowed value to the type that code relies on."""
        return value

    def _remedy(self) -> str:
        """Say how to correct the value: the last sentences of a message."""
        leave = "" if self.default is _NO_DEFAULT else f"Leave it out for {self.default!r}."
        return f"{self.advice} {leave}".strip()

    def check(self, name: str, value: object) -> T:
        """Return the value in its canonical type.

        Parameters
        ----------
        name : str
            Name of the argument, for messages.
        value : object
            What the user passed.

        Raises
        ------
        TypeError
            If the value is of another kind.
        ValueError
            If the value is of the right kind, but not allowed.

        Examples
        --------
        >>> from blrzoo.checks import Number
        >>> Number(above=0, default=4).check("nu", 0)
        Traceback (most recent call last):
        ValueError: nu must be a finite number above 0, got 0 of type int. Leave it out for 4.
        """
        kind = self._is_kind(value)
        if kind and self._holds(value):
            return self._canonical(value)
        error = ValueError if kind else TypeError
        raise error(f"{name} must be {self._rule()}, got {shown(value)}. {self._remedy()}")


class Flag(Constraint[bool]):
    """True or False, and nothing else that Python counts as true ("no", 2)."""

    def _rule(self) -> str:
        return "True or False"

    def _is_kind(self, value: object) -> bool:
        return isinstance(value, bool | np.bool_)

    def _canonical(self, value: bool | np.bool_) -> bool:
        return bool(value)


@dataclass(frozen=True)
class Choice(Constraint[str]):
    """One of several words; anything else, of whatever type, is a ValueError."""

    words: Collection[str]

    def _rule(self) -> str:
        *first, last = map(repr, self.words)
        return f"{', '.join(first)} or {last}" if first else last

    def _holds(self, value: object) -> bool:
        return isinstance(value, str) and value in self.words


@dataclass(frozen=True)
class Number(Constraint[float]):
    """A finite real number in an interval; not a bool."""

    above: float | None = field(default=None, kw_only=True)
    least: float | None = field(default=None, kw_only=True)
    below: float | None = field(default=None, kw_only=True)
    most: float | None = field(default=None, kw_only=True)

    def _rule(self) -> str:
        finite = "finite " if self.below is None and self.most is None else ""
        return f"a {finite}number{self._interval()}"

    def _is_kind(self, value: object) -> bool:
        return isinstance(value, Real) and not isinstance(value, bool)

    def _holds(self, value: Any) -> bool:
        return (
            bool(np.isfinite(as_float(value)))
            and (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.below is None or value < self.below)
            and (self.most is None or value <= self.most)
        )

    def _canonical(self, value: Real) -> float:
        return float(value)

    def _interval(self) -> str:
        """Describe the interval in words."""
        if self.least is not None and self.most is not None:
            return f" from {self.least:g} to {self.most:g}"
        edges = {
            "above": self.above,
            "of at least": self.least,
            "below": self.below,
            "of at most": self.most,
        }
        return " and".join(f" {word} {edge:g}" for word, edge in edges.items() if edge is not None)


@dataclass(frozen=True)
class Integer(Constraint[int]):
    """An int from `least` to `most`; not a bool, nor 5.0."""

    least: int
    most: int = _MOST

    def _rule(self) -> str:
        return f"an int from {self.least} to {self.most if self.most < _MOST else f'{_MOST:,}'}"

    def _is_kind(self, value: object) -> bool:
        return isinstance(value, Integral) and not isinstance(value, bool)

    def _holds(self, value: Any) -> bool:
        return bool(self.least <= value <= self.most)

    def _canonical(self, value: Integral) -> int:
        return int(value)


class Seed(Constraint[Any]):
    """A seed that both NumPy and PyMC accept."""

    def _rule(self) -> str:
        return "None, an int of at least 0, a list of them or a NumPy Generator"

    def _is_kind(self, value: object) -> bool:
        wrong = isinstance(value, bool | np.bool_ | np.random.RandomState | np.ndarray)
        return not wrong and self._error(value) is not TypeError

    def _holds(self, value: Any) -> bool:
        return self._error(value) is None

    def _remedy(self) -> str:
        return "Pass for instance random_seed=1."

    def _error(self, value: Any) -> type[Exception] | None:
        """Return the kind of error that NumPy raises for the value, None for a good one."""
        try:
            np.random.default_rng(value)
        except (TypeError, ValueError) as error:
            return TypeError if isinstance(error, TypeError) else ValueError
        return None


@dataclass(frozen=True)
class Names(Constraint[list[str]]):
    """One name, or a list of names; of those in `among`, if it has any."""

    among: tuple[str, ...] = ()

    def _rule(self) -> str:
        return "a name or a list of names" + (f" of {list(self.among)}" if self.among else "")

    def _holds(self, value: str | Sequence[str]) -> bool:
        return not self.among or set(self._canonical(value)) <= set(self.among)

    def _is_kind(self, value: object) -> bool:
        listed = [value] if isinstance(value, str) else value
        return isinstance(listed, list | tuple) and all(isinstance(one, str) for one in listed)

    def _canonical(self, value: str | Sequence[str]) -> list[str]:
        return [value] if isinstance(value, str) else list(value)


@dataclass(frozen=True)
class Instance(Constraint[Any]):
    """An instance of one or several types; `what` names them in words."""

    types: type | tuple[type, ...]
    what: str

    def _rule(self) -> str:
        return self.what

    def _is_kind(self, value: object) -> bool:
        return isinstance(value, self.types)


@dataclass(frozen=True)
class LeftOut(Constraint[None]):
    """None, where another argument or the model excludes the argument; `where` says where."""

    where: str

    def _rule(self) -> str:
        return f"left out {self.where}"

    def _holds(self, value: object) -> bool:
        return value is None


@dataclass(frozen=True)
class NoneOr[T](Constraint[T | None]):
    """None, or what another constraint allows; that one says how to correct the value."""

    other: Constraint[T]

    def _rule(self) -> str:
        return f"None or {self.other._rule()}"

    def _is_kind(self, value: object) -> bool:
        return value is None or self.other._is_kind(value)

    def _holds(self, value: Any) -> bool:
        return value is None or self.other._holds(value)

    def _canonical(self, value: Any) -> T | None:
        return None if value is None else self.other._canonical(value)

    def _remedy(self) -> str:
        return self.other._remedy()


@dataclass(frozen=True)
class OneOf(Constraint[Any]):
    """A value that one of several constraints allows."""

    others: tuple[Constraint[object], ...]

    def _rule(self) -> str:
        return " or ".join(other._rule() for other in self.others)

    def _is_kind(self, value: object) -> bool:
        return any(other._is_kind(value) for other in self.others)

    def _holds(self, value: object) -> bool:
        return any(other._is_kind(value) and other._holds(value) for other in self.others)

    def _canonical(self, value: Any) -> Any:
        fits = (one for one in self.others if one._is_kind(value) and one._holds(value))
        return next(fits)._canonical(value)
