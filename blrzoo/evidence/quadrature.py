"""Integrals of densities over one or two unbounded variables."""

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

__all__ = ["log_integral"]

#: From the points of each axis to the log density on their grid, one dim for each axis.
LogDensity = Callable[[list[np.ndarray]], np.ndarray]

_DEPTH = 36.0  # values below the largest one times exp(-36) = 2e-16 are left out
_COARSE, _FINEST = 48, 1536  # intervals of an axis
_TOLERANCE = 1e-9


def log_integral(log_density: LogDensity, center: list[float]) -> tuple[float, float]:
    """Log integral of a density, and its error; the search for its box starts at `center`.

    Examples
    --------
    >>> from blrzoo.evidence.quadrature import log_integral
    >>> value, error = log_integral(lambda axes: -(axes[0] ** 2) / 2, [3.0])
    >>> round(value, 9), error < 1e-9  # log(2 pi) / 2
    (0.918938533, True)
    """
    # The trapezoidal rule on a box that holds all but 1e-15 of the density, with steps halved until
    # the result no longer changes: for smooth functions that vanish at both ends its error falls
    # geometrically in the number of points (Trefethen & Weideman 2014, SIAM Review 56:385-458).
    box = _find_box(log_density, np.array(center))
    size, value, error = _COARSE, _trapezoid(log_density, box, _COARSE), np.inf
    while error > _TOLERANCE and size < _FINEST:
        size *= 2
        finer = _trapezoid(log_density, box, size)
        value, error = finer, abs(finer - value)
    return value, error


def _axes(box: np.ndarray, size: int) -> list[np.ndarray]:
    return [np.linspace(low, high, size + 1) for low, high in box]


def _values(log_density: LogDensity, axes: list[np.ndarray]) -> np.ndarray:
    values = np.asarray(log_density(axes), dtype=float)
    return np.where(np.isnan(values), -np.inf, values)


def _trapezoid(log_density: LogDensity, box: np.ndarray, size: int) -> float:
    steps = (box[:, 1] - box[:, 0]) / size  # the density is 0 at the ends, so all weights are equal
    return float(logsumexp(_values(log_density, _axes(box, size))) + np.log(steps).sum())


def _find_box(log_density: LogDensity, center: np.ndarray) -> np.ndarray:
    """Lower and upper ends of each axis, (axis, 2): move and scale a box until it fits."""
    box = center[:, None] + np.array([-12.0, 12.0])
    for _ in range(60):
        values = _values(log_density, _axes(box, _COARSE))
        top = values.max()
        if not np.isfinite(top):
            raise ValueError("the density is 0 or not finite everywhere near its support point")
        inside = values > top - _DEPTH
        fitted = np.array([_fit(inside, axis, ends) for axis, ends in enumerate(box)])
        if np.allclose(fitted, box, rtol=0.0, atol=1e-12 + 0.2 * np.ptp(box, axis=1)[:, None]):
            return box
        box = fitted
    raise ValueError("the density does not fall off on all sides: it has no finite integral")


def _fit(inside: np.ndarray, axis: int, ends: np.ndarray) -> tuple[float, float]:
    """Ends of an axis around what is inside, with a margin; wider where it reaches an end."""
    others = tuple(i for i in range(inside.ndim) if i != axis)
    found = np.flatnonzero(inside.any(axis=others))
    low, high = ends
    step, first, last = (high - low) / _COARSE, found[0], found[-1]
    new_low = low - (high - low) / 2 if first == 0 else low + (first - 1) * step
    new_high = high + (high - low) / 2 if last == _COARSE else low + (last + 1) * step
    return new_low, new_high
