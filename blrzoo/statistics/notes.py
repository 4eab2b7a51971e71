"""Users' notes about units and reference coding, on which parts must agree to be merged."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

__all__ = ["Notes", "same"]

_NOTED = ("units", "coding")  # attributes that must be the same


@dataclass(frozen=True, eq=False)
class Notes:
    """Coordinates that are not labels, and attributes ``units`` and ``coding``, of a Dataset.

    Parameters
    ----------
    coordinates : mapping of str to xarray.DataArray
        Coordinates by name.
    attributes : mapping of str to object
        Attributes by place, such as "y_mean.units"; None where there is none.
    """

    coordinates: Mapping[Hashable, xr.DataArray]
    attributes: Mapping[str, object]

    @classmethod
    def of(cls, data: xr.Dataset) -> "Notes":
        """Take the notes of a Dataset.

        Examples
        --------
        >>> Notes.of(xr.Dataset(attrs={"units": "SI"})).attributes
        {'units': 'SI', 'coding': None}
        """
        places: Mapping[Hashable, xr.Dataset | xr.Variable] = {"": data, **data.variables}
        return cls(
            {name: coord for name, coord in data.coords.items() if name not in data.dims},
            {
                f"{place}.{note}" if place else note: thing.attrs.get(note)
                for place, thing in places.items()
                for note in _NOTED
            },
        )

    def check_same(self, part: "Notes", name: str) -> None:
        """Refuse a part with other units or reference coding.

        Parameters
        ----------
        part : Notes
            Notes of a part with the same labels in the same order.
        name : str
            Name of the part in messages.

        Raises
        ------
        ValueError
            If a coordinate or attribute differs, or only one of both has it.
        """
        mine, other = self.coordinates, part.coordinates
        for coord in [*mine, *(coord for coord in other if coord not in mine)]:
            _check_coordinate(coord, mine.get(coord), other.get(coord), name)
        for where, value in self.attributes.items():
            _check_attribute(where, value, part.attributes[where], name)


def _check_coordinate(
    coord: Hashable, mine: xr.DataArray | None, other: xr.DataArray | None, name: str
) -> None:
    if mine is None or other is None:
        having = f"{name} only" if mine is None else "parts[0] only"
        raise ValueError(
            f"{name} must have the coordinates of parts[0]; got {coord!r} in {having}. Assign it "
            f"in all parts, or drop it, part.drop_vars({coord!r})."
        )
    if not mine.variable.equals(other.variable):
        raise ValueError(
            f"{name} must have the units and reference coding of parts[0]; got another "
            f"{coord!r}{_difference(mine, other)}. Bring the data of all parts into the same units "
            "and coding, and make the statistics again."
        )


def _difference(mine: xr.DataArray, other: xr.DataArray) -> str:
    """Say where two coordinates of the same labels differ first; nothing for others."""
    if mine.ndim != 1 or mine.dims != other.dims:
        return ""
    k = int(np.argmax(mine.values != other.values))
    label = mine[mine.dims[0]].values[k]
    return f", {other.values[k]!s} for {label!s} where parts[0] has {mine.values[k]!s}"


def _check_attribute(where: str, mine: object, other: object, name: str) -> None:
    if not same(mine, other):
        raise ValueError(
            f"{name} must have the units and reference coding of parts[0]; got {other!r} for "
            f"{where}, where parts[0] has {mine!r}. Bring the data of all parts into the same "
            "units and coding, and make the statistics again; or correct the attribute."
        )


def same(mine: object, other: object) -> bool:
    """Whether two attributes are equal: numbers, text or lists of them.

    Examples
    --------
    >>> same("mmol/l", "mg/dl"), same(None, None)
    (False, True)
    """
    return bool(np.array_equal(np.asarray(mine), np.asarray(other)))
