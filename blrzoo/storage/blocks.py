"""Work by blocks of features, so that nothing as large as X is made beside X."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["block_cross", "block_product", "blocks", "tiles"]

#: Some features as rows, (k, obs), float64, given their numbers or a slice of them.
Block = Callable[[Any], np.ndarray]

#: Elements of a block: 1 MB of float64, so that its passes find it in the cache of a core.
_SIZE = 1 << 17

#: Observations of a tile: long enough for contiguous writes, short enough for many features.
_ROWS = 1 << 10


def blocks(n: int, p: int) -> Iterator[slice]:
    """Slices of features, of n observations each, that cover p features."""
    step = max(1, _SIZE // max(n, 1))
    for start in range(0, p, step):
        yield slice(start, min(start + step, p))


def tiles(n: int, p: int) -> Iterator[tuple[slice, slice]]:
    """Slices of observations and of features that cover X: what is copied while transposing."""
    for features in blocks(min(n, _ROWS), p):
        for start in range(0, n, _ROWS):
            yield slice(start, min(start + _ROWS, n)), features


def block_product(block: Block, n: int, effects: np.ndarray) -> np.ndarray:
    """Features times effects, over the features whose effect is not zero.

    Parameters
    ----------
    block : callable
        Returns some features as rows, (k, obs), float64, given their numbers.
    n : int
        Number of observations.
    effects : ndarray, (feature,) or (feature, trait)
        One for each feature.

    Returns
    -------
    ndarray, (obs,) or (obs, trait)

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.storage.blocks import block_product
    >>> rows = np.array([[1, 2], [3, 4]], dtype=np.int8)
    >>> block_product(lambda index: rows[index] / 2, 2, np.array([0.0, 1.0]))
    array([1.5, 2. ])
    """
    active = np.flatnonzero(effects.reshape(len(effects), -1).any(axis=1))
    fit = np.zeros((*effects.shape[1:], n))
    for part in blocks(n, len(active)):
        index = active[part]
        # contiguous features are not copied before they are converted
        whole = index[-1] - index[0] + 1 == len(index)
        fit += effects[index].T @ block(slice(index[0], index[-1] + 1) if whole else index)
    return np.ascontiguousarray(fit.T)


def block_cross(block: Block, p: int, residual: np.ndarray) -> np.ndarray:
    """The transpose of features times a residual.

    Parameters
    ----------
    block : callable
        Returns some features as rows, (k, obs), float64, given their numbers.
    p : int
        Number of features.
    residual : ndarray, (obs,) or (obs, trait)
        One for each observation.

    Returns
    -------
    ndarray, (feature,) or (feature, trait)

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.storage.blocks import block_cross
    >>> rows = np.array([[1, 2], [3, 4]], dtype=np.int8)
    >>> block_cross(lambda index: rows[index] / 2, 2, np.array([1.0, 1.0]))
    array([1.5, 3.5])
    """
    dots = np.empty((p, *residual.shape[1:]))
    for part in blocks(len(residual), p):
        dots[part] = block(part) @ residual
    return dots
