"""A table of lines in parts, as plain text, as HTML and as a DataFrame."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from itertools import groupby
from operator import attrgetter
from textwrap import wrap

import pandas as pd

__all__ = ["Description", "Line"]

#: Longer values do not widen their column.
_WIDEST = 56


@dataclass(frozen=True)
class Line:
    """One line of a description.

    Attributes
    ----------
    part : str
        Part of the description: "likelihood", "design", "prior", "variables" or "blocks".
    name : str
        Subject of the line, for instance the name of a variable.
    value : str
        Its description; for a variable its prior with the parameters, or its value.
    drawn_by : str
        How a random variable is drawn.
    formula : tuple of str
        How the parameters of a default prior were computed.
    numbers : tuple of str
        The numbers in the formulas, as "name = value".
    """

    part: str
    name: str
    value: str
    drawn_by: str = ""
    formula: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """The formulas and their numbers, one line each."""
        parts = (("default: ", self.formula), ("with ", self.numbers))
        return [word + ", ".join(texts) for word, texts in parts if texts]


class Description:
    """Lines about a model: ``print`` it, or let a notebook show it.

    Parameters
    ----------
    title : str
        Title of the table.
    lines : list of Line
        In the order of the parts.

    Examples
    --------
    >>> from blrzoo.description.table import Description, Line
    >>> found = Description(
    ...     "A model", [Line("design", "n", "50"), Line("design", "memory", "1 MB")]
    ... )
    >>> found
    A model
    <BLANKLINE>
    design
      n       50
      memory  1 MB
    >>> found["memory"].value
    '1 MB'
    """

    def __init__(self, title: str, lines: list[Line]) -> None:
        self.title, self.lines = title, tuple(lines)

    def __getitem__(self, name: str) -> Line:
        """The first line with this name."""
        found = [line for line in self.lines if line.name == name]
        if not found:
            raise KeyError(
                f"name must be one of {[line.name for line in self.lines]}, got {name!r}"
            )
        return found[0]

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def to_dataframe(self) -> pd.DataFrame:
        """One row for each line; formulas and numbers are joined by commas."""
        rows = [
            asdict(line) | {"formula": ", ".join(line.formula), "numbers": ", ".join(line.numbers)}
            for line in self.lines
        ]
        return pd.DataFrame(rows).set_index(["part", "name"])

    def __repr__(self) -> str:
        """Plain aligned table."""
        names = max((len(line.name) for line in self.lines), default=0)
        values = [len(line.value) for line in self.lines if line.drawn_by]
        width = max((length for length in values if length <= _WIDEST), default=0)
        text = [self.title]
        for part, lines in groupby(self.lines, attrgetter("part")):
            text += ["", part]
            for line in lines:
                row = f"  {line.name:<{names}}  {line.value:<{width}}  {line.drawn_by}"
                text.append(row.rstrip())
                text += _wrapped(line.notes, " " * (names + 6))
        return "\n".join(text)

    def _repr_html_(self) -> str:
        rows = [f"<caption style='text-align: left'><b>{escape(self.title)}</b></caption>"]
        left = "style='text-align: left; vertical-align: top'"
        for part, lines in groupby(self.lines, attrgetter("part")):
            drawn = "drawn by" if part == "variables" else ""
            heads = (part, "", drawn)
            rows.append("<tr>" + "".join(f"<th {left}>{head}</th>" for head in heads) + "</tr>")
            for line in lines:
                notes = "".join(f"<br><small>{escape(note)}</small>" for note in line.notes)
                cells = (escape(line.name), escape(line.value) + notes, escape(line.drawn_by))
                rows.append("<tr>" + "".join(f"<td {left}>{cell}</td>" for cell in cells) + "</tr>")
        return "<table>\n" + "\n".join(rows) + "\n</table>"


def _wrapped(notes: list[str], indent: str) -> list[str]:
    """Notes on lines of their own, with continuation lines indented further."""
    found = []
    for note in notes:
        found += wrap(note, 100, initial_indent=indent, subsequent_indent=f"{indent}    ")
    return found
