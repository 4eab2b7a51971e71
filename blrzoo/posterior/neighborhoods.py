"""Features that correlate with each other, and the expected number of included ones among them."""

import numpy as np
from scipy import sparse

from blrzoo.posterior.correlations import Correlations
from blrzoo.progress import track

__all__ = ["Neighborhoods", "Rows"]

_KEPT = 2**23  # pairs of neighbors in memory, 8 bytes each
_ROWS = 128  # of correlations, computed at once


class Neighborhoods:
    """The neighbors of some features: those that correlate with them at least so much."""

    def __init__(
        self,
        correlations: Correlations,
        features: np.ndarray,
        pips: np.ndarray,
        smallest: float,
        progressbar: bool,
    ) -> None:
        self._correlations, self._features, self._smallest = correlations, features, smallest
        self._pips = pips
        # PIPs of a feature and its neighbors: the expected number of included ones, no less than
        # the probability that any is; 0 outside of `features`
        self.sums = np.zeros(pips.size)
        self.sums[features] = pips[features]
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        found = 0
        for tile in track(correlations.tiles(features), progressbar, "Correlations"):
            firsts, seconds = correlations.pairs(tile, smallest)
            self.sums += np.bincount(firsts, pips[seconds], pips.size)
            found += firsts.size
            kept.append((firsts.astype(np.int32), seconds.astype(np.int32)))
            if found > _KEPT:
                kept.clear()
        # too many pairs are not kept, but computed again when needed
        self._pairs = self._table(kept) if found <= _KEPT else None

    def of(self, feature: int) -> np.ndarray:
        """Return the positions of the neighbors of a feature, without itself."""
        if self._pairs is not None:
            start, stop = self._pairs.indptr[feature : feature + 2]
            return np.asarray(self._pairs.indices[start:stop])
        near = self._correlations.with_one(feature, self._features) >= self._smallest
        return self._features[near & (self._features != feature)]

    def remove(self, features: np.ndarray) -> None:
        """Remove features from the sums."""
        if self._pairs is not None:
            self.sums -= self._pips[features] @ self._pairs[features]
        else:
            for start in range(0, features.size, _ROWS):
                some = features[start : start + _ROWS]
                near = self._correlations.between(some, self._features) >= self._smallest
                self.sums[self._features] -= self._pips[some] @ near
        self.sums[features] = 0

    def _table(self, kept: list[tuple[np.ndarray, np.ndarray]]) -> sparse.csr_array:
        none = np.zeros(0, np.int32)
        firsts, seconds = (np.concatenate([none, *(pair[i] for pair in kept)]) for i in range(2))
        shape = (self.sums.size, self.sums.size)
        return sparse.csr_array((np.ones(firsts.size, bool), (firsts, seconds)), shape=shape)


class Rows:
    """Rows of the matrix of which features are neighbors, computed when needed."""

    def __init__(self, correlations: Correlations, features: np.ndarray, smallest: float) -> None:
        self._correlations, self._features, self._smallest = correlations, features, smallest
        self._blocks: dict[int, np.ndarray] = {}

    def of(self, place: int) -> np.ndarray:
        """Return the mask (feature,) of the neighbors of the feature at a place in `features`."""
        start = place - place % _ROWS
        if start not in self._blocks:
            some = self._features[start : start + _ROWS]
            near = self._correlations.between(some, self._features) >= self._smallest
            self._blocks[start] = near
        return np.asarray(self._blocks[start][place - start])
