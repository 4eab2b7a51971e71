"""The mode of a density and its curvature there, as a proposal of independence Metropolis."""

from collections.abc import Callable

import numpy as np
import scipy.optimize

__all__ = ["laplace"]

#: From points, (point, coordinate), to log densities, (point,).
LogDensity = Callable[[np.ndarray], np.ndarray]

#: Steps of derivatives, in distances within which the log density changes by 1.
_STEP = 0.05
#: Where the density is flatter than a normal of that many such distances, it counts as one.
_FLAT = 3.0
_WORST = 1e100  # in place of an infinite or undefined minus log density


def laplace(log_density: LogDensity, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mode of a density, and a lower Cholesky factor of the covariance of a normal around it.

    Parameters
    ----------
    log_density : callable
        Of points, (point, coordinate), without bounds; not finite where there is no density.
    start : ndarray, (coordinate,)
        Where the search starts.

    Returns
    -------
    mode : ndarray, (coordinate,)
    factor : ndarray, (coordinate, coordinate)

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.gibbs.moves.laplace import laplace
    >>> mode, factor = laplace(lambda points: -((points[:, 0] - 5) ** 2) / 8, np.zeros(1))
    >>> mode.round(4), factor.round(3)
    (array([5.]), array([[2.]]))
    """

    def cost(points: np.ndarray) -> np.ndarray:
        return np.nan_to_num(-log_density(points), nan=_WORST, posinf=_WORST, neginf=_WORST)

    point = np.asarray(start, dtype=float)
    for _ in range(2):  # distances at the start need not be those at the mode
        scale = _distances(cost, point)
        point = _minimum(cost, point, scale)
    scale = _distances(cost, point)
    values, vectors = np.linalg.eigh(_hessian(cost, point, scale))
    roots = scale[:, None] * vectors / np.sqrt(np.maximum(values, _FLAT**-2))
    upper = np.linalg.qr(roots.T, mode="r")
    return point, upper.T * np.sign(np.diagonal(upper))


def _distances(cost: LogDensity, point: np.ndarray) -> np.ndarray:
    """Power of 2 by which a coordinate can change so that the cost changes by 1, or a bit less."""
    # so that nothing depends on the units of the coordinates
    here, axes = cost(point[None]), np.eye(point.size)
    low, high = np.full(point.size, -64.0), np.full(point.size, 64.0)
    for _ in range(7):
        middle = (low + high) / 2
        steps = axes * 2.0**middle
        change = np.abs(cost(point + np.vstack([steps, -steps])) - here)
        within = (change.reshape(2, -1) < 1.0).all(axis=0)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.asarray(2.0**low)


def _minimum(cost: LogDensity, start: np.ndarray, scale: np.ndarray) -> np.ndarray:
    steps = _STEP * np.vstack([np.eye(start.size), -np.eye(start.size)])

    def with_gradient(z: np.ndarray) -> tuple[float, np.ndarray]:
        values = cost(start + np.vstack([z, z + steps]) * scale)
        up, down = np.split(values[1:], 2)
        return float(values[0]), (up - down) / (2 * _STEP)

    with np.errstate(all="ignore"):
        found = scipy.optimize.minimize(
            with_gradient, np.zeros_like(start), jac=True, method="BFGS", options={"gtol": 1e-3}
        )
    return np.asarray(start + found.x * scale)


def _hessian(cost: LogDensity, point: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Second derivatives per distance."""
    d, steps = point.size, _STEP * np.eye(point.size)
    both, apart = steps[:, None] + steps, steps[:, None] - steps
    moved = np.stack([both, -both, apart, -apart]).reshape(-1, d)
    up, down, left, right = cost(point + moved * scale).reshape(4, d, d)
    return (up + down - left - right) / (4 * _STEP**2)
