"""Tables of benchmarks, as plain text or as Markdown."""

from collections.abc import Iterable, Sequence

__all__ = ["print_table", "short"]


def short(value: object) -> str:
    """Three significant digits of a number; anything else as it is."""
    if not isinstance(value, float):
        return str(value)
    if value and abs(value) < 0.001:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]], markdown: bool) -> None:
    """Print a table, numbers to the right."""
    body = [list(row) for row in rows]
    numeric = [any(isinstance(row[k], float | int) for row in body) for k in range(len(header))]
    cells = [list(header), *([short(value) for value in row] for row in body)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(header))]
    columns = list(zip(widths, numeric, strict=True))
    lines = [_line(row, columns, markdown) for row in cells]
    if markdown:
        lines.insert(1, "|" + "|".join("---:" if right else "---" for right in numeric) + "|")
    print("\n".join(lines), end="\n\n", flush=True)


def _line(row: Sequence[str], columns: Sequence[tuple[int, bool]], markdown: bool) -> str:
    pairs = zip(row, columns, strict=True)
    padded = [cell.rjust(w) if right else cell.ljust(w) for cell, (w, right) in pairs]
    return f"| {' | '.join(padded)} |" if markdown else "  ".join(padded).rstrip()
