"""The neighbours of features, and how many of them a draw includes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.posterior.correlations import Correlations
from blrzoo.progress import track

__all__ = ["Neighbourhoods", "Rows"]

Array = NDArray[Any]

_KEPT = 2**23  # pairs of neighbours in memory, 8 bytes each
_ROWS = 128  # of correlations, computed at once


class Neighbourhoods:
    """For each of some features, those of them that correlate with it.

    Parameters
    ----------
    correlations : Correlations
        Of all features.
    features : ndarray of int (feature,)
        The positions of those to look at.
    pips : ndarray (all features,)
        Their PIPs.
    smallest : float
        Absolute correlation from which on two features are neighbours.
    progressbar : bool
        Show a progress bar when it takes long.

    Attributes
    ----------
    sums : ndarray (all features,)
        Sum of the PIPs of a feature and its neighbours, the expected number of included ones: no
        less than the probability that any is. 0 where the feature is not among `features`.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.posterior.correlations import Correlations
    >>> from blrzoo.posterior.neighbourhoods import Neighbourhoods
    >>> X, pips = np.array([[1, 3, 1], [2, 2, 3], [3, 1, 1]]), np.array([0.5, 0.2, 0.1])
    >>> near = Neighbourhoods(Correlations(X), np.arange(3), pips, 0.5, False)
    >>> near.of(0).tolist(), near.sums.tolist()
    ([1], [0.7, 0.7, 0.1])
    """

    def __init__(
        self,
        correlations: Correlations,
        features: Array,
        pips: Array,
        smallest: float,
        progressbar: bool,
    ) -> None:
        self._correlations, self._features, self._smallest = correlations, features, smallest
        self._pips = pips
        self.sums = np.zeros(pips.size)
        self.sums[features] = pips[features]
        kept: list[tuple[Array, Array]] = []
        found = 0
        for tile in track(correlations.tiles(features), progressbar, "Correlations"):
            firsts, seconds = correlations.pairs(tile, smallest)
            self.sums += np.bincount(firsts, pips[seconds], pips.size)
            found += firsts.size
            kept.append((firsts.astype(np.int32), seconds.astype(np.int32)))
            if found > _KEPT:
                kept.clear()
        self._pairs = self._table(kept) if found <= _KEPT else None  # then found when asked for

    def of(self, feature: int) -> Array:
        """Find the neighbours of a feature, itself not among them.

        Parameters
        ----------
        feature : int
            Its position.

        Returns
        -------
        ndarray of int (neighbour,)
            Their positions.
        """
        if self._pairs is not None:
            start, stop = self._pairs.indptr[feature : feature + 2]
            return np.asarray(self._pairs.indices[start:stop])
        near = self._correlations.with_one(feature, self._features) >= self._smallest
        return self._features[near & (self._features != feature)]

    def remove(self, features: Array) -> None:
        """Leave features out of the sums.

        Parameters
        ----------
        features : ndarray of int
            Their positions.
        """
        if self._pairs is not None:
            self.sums -= self._pips[features] @ self._pairs[features]
        else:
            for start in range(0, features.size, _ROWS):
                some = features[start : start + _ROWS]
                near = self._correlations.between(some, self._features) >= self._smallest
                self.sums[self._features] -= self._pips[some] @ near
        self.sums[features] = 0

    def _table(self, kept: list[tuple[Array, Array]]) -> Any:
        none = np.zeros(0, np.int32)
        firsts, seconds = (np.concatenate([none, *(pair[i] for pair in kept)]) for i in range(2))
        shape = (self.sums.size, self.sums.size)
        return sparse.csr_array((np.ones(firsts.size, bool), (firsts, seconds)), shape=shape)


class Rows:
    """Which of some features correlate with one of them: rows of a matrix, made when needed.

    Parameters
    ----------
    correlations : Correlations
        Of all features.
    features : ndarray of int (feature,)
        Positions.
    smallest : float
        Absolute correlation from which on two features are neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.posterior.correlations import Correlations
    >>> from blrzoo.posterior.neighbourhoods import Rows
    >>> correlations = Correlations(np.array([[1, 3, 1], [2, 2, 3], [3, 1, 1]]))
    >>> Rows(correlations, np.array([2, 0, 1]), 0.5).of(1)
    array([False,  True,  True])
    """

    def __init__(self, correlations: Correlations, features: Array, smallest: float) -> None:
        self._correlations, self._features, self._smallest = correlations, features, smallest
        self._blocks: dict[int, Array] = {}

    def of(self, place: int) -> Array:
        """Tell which features correlate with the one at a place.

        Parameters
        ----------
        place : int
            In `features`.

        Returns
        -------
        ndarray of bool (feature,)
        """
        start = place - place % _ROWS
        if start not in self._blocks:
            some = self._features[start : start + _ROWS]
            near = self._correlations.between(some, self._features) >= self._smallest
            self._blocks[start] = near
        return np.asarray(self._blocks[start][place - start])
