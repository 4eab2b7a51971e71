"""A number of a default prior together with its computation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Computed", "Origin"]


@dataclass(frozen=True)
class Computed:
    """A value, the formulas that it was computed by, and the numbers in them.

    Formulas are Python expressions in the numbers and in the names that formulas before them
    define, as ``"S2 = v / 2"``; min, max and where work element by element.
    """

    #: A number, an array or a tuple of them: the parameters of a default prior, in order.
    value: Any
    formulas: tuple[str, ...] = ()
    numbers: Mapping[str, np.ndarray | float] = field(default_factory=dict)

    def then(self, value: Any, *formulas: str, **numbers: np.ndarray | float) -> "Computed":
        """Append a step: another value, by these formulas in further numbers."""
        return Computed(value, (*self.formulas, *formulas), {**self.numbers, **numbers})


@dataclass(frozen=True)
class Origin:
    """What the conjugate prior of a variable was made of, kept on the variable's tag."""

    family: str
    fields: Mapping[str, np.ndarray | float | str]  # its parameters; a random variable by its name
    default: Computed | None = None  # None if the parameters were given
