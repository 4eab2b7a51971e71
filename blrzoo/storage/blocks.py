"""Work by blocks of features, so that no second array of the size of X is made."""

from collections.abc import Callable, Iterator

import numpy as np

__all__ = ["block_cross", "block_product", "blocks", "tiles"]

#: Returns features as rows, (k, obs), float64, by an array of positions or a slice.
Block = Callable[[np.ndarray | slice], np.ndarray]

#: Elements of a block: 1 MB of float64, which stays in the cache of a core.
_SIZE = 1 << 17

#: Observations of a tile: long enough for contiguous writes, short enough for many features.
_ROWS = 1 << 10


def blocks(n: int, p: int) -> Iterator[slice]:
    """Yield slices that cover p features, of n observations each."""
    step = max(1, _SIZE // max(n, 1))
    for start in range(0, p, step):
        yield slice(start, min(start + step, p))


def tiles(n: int, p: int) -> Iterator[tuple[slice, slice]]:
    """Yield slices of observations and of features that cover X, for copies that transpose it."""
    for features in blocks(min(n, _ROWS), p):
        for start in range(0, n, _ROWS):
            yield slice(start, min(start + _ROWS, n)), features


def block_product(block: Block, n: int, effects: np.ndarray) -> np.ndarray:
    """Multiply features by effects (feature[, trait]) that are not all 0: (obs[, trait])."""
    active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
    fit = np.zeros((*effects.shape[1:], n))
    for part in blocks(n, len(active)):
        index = active[part]
        # contiguous features are not copied before they are converted
        whole = index[-1] - index[0] + 1 == len(index)
        fit += effects[index].T @ block(slice(index[0], index[-1] + 1) if whole else index)
    return np.ascontiguousarray(fit.T)


def block_cross(block: Block, p: int, residual: np.ndarray) -> np.ndarray:
    """Multiply the transpose of p features by a residual (obs[, trait]): (feature[, trait])."""
    dots = np.empty((p, *residual.shape[1:]))
    for part in blocks(len(residual), p):
        dots[part] = block(part) @ residual
    return dots
