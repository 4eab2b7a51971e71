"""A number of a default prior together with how it was computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Computed", "Origin"]


@dataclass(frozen=True)
class Computed:
    """A value, the formulas that it was computed by, and the numbers that went in.

    Attributes
    ----------
    value : number, array, or tuple of them
        What was computed; of a default prior its parameters, in order.
    formulas : tuple of str
        Python expressions over the numbers and over the names before them, as
        ``"S2 = v / 2"``; min, max and where are those of arrays, element by element.
    numbers : mapping of str to number or array
        What went in, by the names that the formulas use.

    Examples
    --------
    >>> from blrzoo.priors.computed import Computed
    >>> v = Computed(2.0, ("v = h2 * var_y",), {"h2": 0.5, "var_y": 4.0})
    >>> v.then((4.0, v.value / 2), "nu = 4", "S2 = v / 2").formulas
    ('v = h2 * var_y', 'nu = 4', 'S2 = v / 2')
    """

    value: Any
    formulas: tuple[str, ...] = ()
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def then(self, value: Any, *formulas: str, **numbers: Any) -> "Computed":
        """Compute further: another value, by these formulas over further numbers."""
        return Computed(value, (*self.formulas, *formulas), {**self.numbers, **numbers})


@dataclass(frozen=True)
class Origin:
    """What the conjugate prior of a variable was made of; its tag has it.

    Attributes
    ----------
    family : str
        Name of the family.
    fields : dict of str to number, array or str
        Its parameters; a random variable by its name.
    default : Computed, optional
        How they were computed; None where they were given.
    """

    family: str
    fields: Mapping[str, Any]
    default: Computed | None = None
