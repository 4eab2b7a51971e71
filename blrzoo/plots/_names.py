"""Names on axes and beside points, placed so that none overlap."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

__all__ = [
    "SMALLEST_FONT",
    "column_font",
    "name_places",
    "name_points",
    "name_rows",
    "row_font",
    "shorten",
]

_LONGEST_LABEL = 24  # characters
SMALLEST_FONT = 5.0  # points
_LARGEST_FONT = 10.0
_OFFSETS = ((5, 0), (-5, 0), (5, 5), (-5, 5), (5, -5), (-5, -5), (0, 5), (0, -5))  # points


def shorten(name: object, longest: int = _LONGEST_LABEL) -> str:
    """Cut the middle out of a long name: names differ at their ends."""
    text, half = str(name), (longest - 1) // 2
    return text if len(text) <= longest else f"{text[:half]}…{text[-half:]}"


def column_font(ax: "Axes", size: int) -> float:
    """Font size in points at which `size` upright names fit side by side."""
    return 0.85 * 72 * ax.get_window_extent().width / ax.figure.dpi / (size + 0.2)


def height_for_names(ax: "Axes") -> float:
    """Points of the height of the axes that names below each other may fill."""
    return 0.8 * 72 * ax.get_window_extent().height / ax.figure.dpi


def row_font(ax: "Axes", size: int) -> float:
    """Font size in points, 5 to 10, at which `size` names fit below each other."""
    room = height_for_names(ax) / max(size, 1)
    return float(np.clip(room, SMALLEST_FONT, _LARGEST_FONT))


def name_rows(ax: "Axes", names: list[str]) -> None:
    """Name rows 0, 1, ... on the vertical axis; without room for all, every second, third, ..."""
    font = row_font(ax, len(names))
    needed = len(names) * font / height_for_names(ax)
    step = max(1, int(np.ceil(needed - 1e-9)))
    rows = range(0, len(names), step)
    ax.set_yticks(list(rows), [names[row] for row in rows], fontsize=font)


def name_places(ax: "Axes", places: np.ndarray, names: list[str], widths: np.ndarray) -> None:
    """Name places below the axis: level, else upright, else only the widest that have room."""
    shown = [shorten(name) for name in names]
    for rotation in (0, 90):
        ax.set_xticks(places, shown, rotation=rotation, fontsize=9)
        ax.tick_params(axis="x", length=0)
        boxes = _tick_boxes(ax)
        kept = _apart(boxes, widths)
        if kept.all():
            return
    ax.set_xticks(places[kept], [n for n, k in zip(shown, kept, strict=True) if k], rotation=90)


def _tick_boxes(ax: "Axes") -> "list[Bbox]":
    ax.figure.canvas.figure.draw_without_rendering()  # the layout moves the axes only now
    return [label.get_window_extent() for label in ax.get_xticklabels()]


def _apart(boxes: "list[Bbox]", widths: np.ndarray) -> np.ndarray:
    """Mask of the boxes to keep so that none overlap, those of the largest widths first."""
    kept = np.zeros(len(boxes), dtype=bool)
    for i in np.argsort(-np.asarray(widths), kind="stable"):
        padded = boxes[i].padded(1.5)
        kept[i] = not any(padded.overlaps(boxes[j]) for j in np.flatnonzero(kept))
    return kept


def name_points(ax: "Axes", points: np.ndarray, names: list[str], obstacles: np.ndarray) -> None:
    """Write names beside points, leaving out those without room."""
    if not names:
        return
    ax.figure.canvas.figure.draw_without_rendering()  # the layout moves the axes only now
    pixels, taken = ax.transData.transform(obstacles), list["Bbox"]()
    for point, name in zip(points, names, strict=True):
        taken += _place(ax, (float(point[0]), float(point[1])), name, taken, pixels)


def _place(
    ax: "Axes", point: tuple[float, float], name: str, taken: "list[Bbox]", points: np.ndarray
) -> "list[Bbox]":
    """Write a name at the first free place around its point; return its box, if there is one."""
    from matplotlib.patheffects import withStroke

    text = ax.annotate(name, point, (0, 0), textcoords="offset points", fontsize=8, zorder=4)
    text.set_path_effects([withStroke(linewidth=2, foreground=ax.get_facecolor())])
    frame = ax.get_window_extent()
    for dx, dy in _OFFSETS:
        text.set_position((dx, dy))
        text.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
        text.set_verticalalignment("bottom" if dy > 0 else "top" if dy < 0 else "center")
        box = text.get_window_extent()
        inside = np.all(frame.min <= box.min) and np.all(box.max <= frame.max)
        if inside and not box.count_overlaps(taken) and not box.count_contains(points):
            return [box]
    text.remove()
    return []
