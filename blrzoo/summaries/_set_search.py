"""The search for credible sets: from single features, then from neighborhoods of features."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from blrzoo.posterior.correlations import Correlations
from blrzoo.posterior.neighborhoods import Neighborhoods, Rows
from blrzoo.posterior.reader import included_in
from blrzoo.progress import track
from blrzoo.summaries.inclusion import collapse

__all__ = ["SetSearch"]

_LARGEST = 5000  # features from which a set is chosen
_GIVE_UP = 100  # leads in a row without a set
_TRIES = 3  # leads without a set around a feature, after which it is not tried itself
_BLOCK_BYTES = 2**24  # of draws as float64


@dataclass(eq=False)
class _Ball:
    """A feature and its neighbors in the order of their correlation with it, and their draws."""

    features: np.ndarray
    included: np.ndarray
    reached: int  # draws with any of the features
    size: int  # the nearest, more than the coverage needs; 0 if all together do not reach it


@dataclass(eq=False)
class SetSearch:
    """The search for credible sets: what is known of the features, and the sets so far."""

    draws: xr.DataArray  # indicators (chain, draw, feature, ...)
    pips: np.ndarray  # (feature,), over all further dims
    correlations: Correlations
    coverage: float
    min_abs_corr: float
    threshold: float
    progressbar: bool = False
    members: list[np.ndarray] = field(default_factory=list)  # features of each set
    covered: list[np.ndarray] = field(default_factory=list)  # by set: draws with any of them
    reasons: dict[int, str] = field(default_factory=dict)  # by feature: why no set began with it

    def __post_init__(self) -> None:
        self.set_index = np.zeros(self.pips.size, dtype=int)  # number of the set, 0 for none
        # by feature: leads without a set around it, at least 1 if a neighbor has a reason
        self._told = np.zeros(self.pips.size, dtype=int)

    def run(self) -> None:
        """Find all sets."""
        self._from_features()
        self._forget()
        free = np.flatnonzero((self.set_index == 0) & (self.pips > 0))
        if self.pips[free].sum() >= self.threshold:
            self._from_neighborhoods(free)

    # ---- leads of high PIP ----

    def _from_features(self) -> None:
        high = np.flatnonzero((self.pips >= self.threshold) & (self.pips > 0))
        failed = 0
        for lead in self._track(high[self._by_pip(high)]):
            if self.set_index[lead]:
                continue
            failed = 0 if self._try_feature(lead) else failed + 1
            if failed == _GIVE_UP:  # the others are tried as neighborhoods
                return

    def _try_feature(self, lead: int) -> bool:
        features = np.array([lead])
        if self.pips[lead] < self.coverage:
            features = np.append(features, self._candidates(lead))
        reached = self._add_set(features, self._included(features))
        return self._done(reached) or self._fail(lead, features, reached, 0)

    def _candidates(self, lead: int) -> np.ndarray:
        """Find the free features that correlate with a lead, the highest PIP first."""
        free = (self.set_index == 0) & (self.pips > 0)
        free[lead] = False
        others = np.flatnonzero(free)
        near = others[self.correlations.with_one(lead, others) >= self.min_abs_corr]
        return near[self._by_pip(near)][:_LARGEST]

    # ---- neighborhoods ----

    def _from_neighborhoods(self, free: np.ndarray) -> None:
        """Try neighborhoods in the order of their sums of PIPs, the largest first."""
        near = Neighborhoods(
            self.correlations, free, self.pips, self.min_abs_corr, self.progressbar
        )
        sums = near.sums[free].round(9)  # ties differ by rounding error
        order = free[np.argsort(-sums, kind="stable")]
        centers = order[near.sums[order] >= self.threshold]
        self._consider(centers, near)
        while self._forget():
            self._consider(centers, near)

    def _consider(self, centers: np.ndarray, near: Neighborhoods) -> None:
        """Make sets around centers, or note why there are none."""
        failed = 0
        for center in self._track(centers):
            if self.set_index[center] or center in self.reasons:
                continue
            hopeful = near.sums[center] >= self.coverage and self._told[center] < _TRIES
            if hopeful and failed < _GIVE_UP:
                failed = 0 if self._try_center(center, near) else failed + 1
            elif near.sums[center] >= self.threshold:  # sets may have taken its neighbors
                self._pass_over(center, near, given_up=failed == _GIVE_UP)

    def _try_center(self, center: int, near: Neighborhoods) -> bool:
        """Make a set of the features close to a center, or else of all its neighbors."""
        ball = whole = self._ball(center, near)
        if ball.size:
            other = self._ball(ball.features[self.pips[ball.features[: ball.size]].argmax()], near)
            ball = other if 0 < other.size < ball.size else ball
        reached = ball.reached
        for size in sorted({ball.size, ball.features.size}) if ball.size else ():
            order = self._by_pip(ball.features[:size])
            reached = self._add_set(ball.features[order], ball.included[:, order])
            if self._done(reached):
                near.remove(self.members[-1])
                return True
        return self._fail(center, whole.features, reached, 1)

    def _ball(self, center: int, near: Neighborhoods) -> _Ball:
        """Sort a center and its free neighbors by their correlation with the center."""
        neighbors = near.of(center)
        features = np.append(center, neighbors[self.set_index[neighbors] == 0])
        away = 1 - self.correlations.with_one(center, features).round(6)  # copies are ties
        order = np.lexsort((-self.pips[features], away))[:_LARGEST]
        features, away = features[order], away[order]
        included = self._included(features)
        any_ = included.any(axis=1)
        if not self._done(reached := int(any_.sum())):
            return _Ball(features, included, reached, 0)
        first = np.sort(np.where(any_, included.argmax(axis=1), features.size))
        radius = away[first[self._needed - 1]]  # of those that have the coverage
        return _Ball(features, included, reached, int((away <= 2 * radius + 1e-9).sum()))

    def _pass_over(self, center: int, near: Neighborhoods, given_up: bool) -> None:
        """Note why a center is not tried, unless a neighbor has a reason already."""
        told = self._told[center] > 0
        if told and self.pips[center] < self.threshold:
            return
        if near.sums[center] < self.coverage:
            at_most = f"at most {near.sums[center]:.2f}"
            self.reasons[center] = f"coverage not reached: {at_most} {self._within}"
        else:
            leads = f"{_GIVE_UP} leads in a row" if given_up else f"{_TRIES} leads around it"
            self.reasons[center] = f"not tried: {leads} did not reach the coverage"
        if not (told or given_up):
            self._tell(np.append(near.of(center), center), 0)

    # ---- a set ----

    def _add_set(self, features: np.ndarray, included: np.ndarray) -> int:
        """Make a set that begins with the first of some features; count the draws covered."""
        rows = Rows(self.correlations, features, self.min_abs_corr)
        chosen, covered = self._grow(included, rows)
        if self._done(reached := int(covered.sum())):
            chosen = self._prune(chosen, included)
            self.members.append(features[chosen])
            self.covered.append(included[:, chosen].any(axis=1))
            self.set_index[features[chosen]] = len(self.members)
        return reached

    def _grow(self, included: np.ndarray, rows: Rows) -> tuple[list[int], np.ndarray]:
        """Add the feature that most takes the place of the set, until the coverage is reached."""
        chosen, covered, open_ = [0], included[:, 0].copy(), rows.of(0).copy()
        open_[0] = False
        total, with_set = included.sum(axis=0), included[covered].sum(axis=0)
        while not self._done(count := int(covered.sum())):
            # without the set minus with it: 0 for a signal of its own, however high its PIP
            gain = (total - with_set) / (len(included) - count) - with_set / count
            best = int(np.where(open_, gain, 0).argmax())  # of ties, the highest PIP
            if not (open_[best] and gain[best] > 0):
                break
            with_set += included[included[:, best] & ~covered].sum(axis=0)
            covered |= included[:, best]
            chosen.append(best)
            open_ &= rows.of(best)
            open_[best] = False
        return chosen, covered

    def _prune(self, chosen: list[int], included: np.ndarray) -> list[int]:
        """Remove features that later ones made unnecessary; the first stays."""
        times = included[:, chosen].sum(axis=1)
        kept, total = set(chosen), int((times > 0).sum())
        for place in sorted(chosen[1:], reverse=True):  # the lowest PIP first
            lost = int((included[:, place] & (times == 1)).sum())
            if self._done(total - lost):
                kept.remove(place)
                times, total = times - included[:, place], total - lost
        return sorted(kept)

    def _fail(self, lead: int, features: np.ndarray, reached: int, tries: int) -> bool:
        share = reached / self._n_draws
        self.reasons[lead] = f"coverage not reached: {share:.2f} {self._within}"
        self._tell(features, tries)
        return False

    def _tell(self, features: np.ndarray, tries: int) -> None:
        """Note that features, or one in whose neighborhood they are, have a reason."""
        self._told[features] = np.maximum(self._told[features] + tries, 1)

    def _forget(self) -> bool:
        """Drop the reasons of features that are in a set now; whether there were any."""
        lost = [feature for feature in self.reasons if self.set_index[feature]]
        everything = np.arange(self.pips.size)
        for feature in lost:
            del self.reasons[feature]
            near = self.correlations.with_one(feature, everything) >= self.min_abs_corr
            self._told[near] = 0
        return bool(lost)

    # ---- small things ----

    @property
    def _within(self) -> str:
        return f"within |r| >= {self.min_abs_corr:g}"

    @property
    def _n_draws(self) -> int:
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    @property
    def _needed(self) -> int:
        return int(np.ceil(self.coverage * self._n_draws - 1e-9))

    def _done(self, count: int) -> bool:
        return count >= self._needed

    def _by_pip(self, features: np.ndarray) -> np.ndarray:
        return np.argsort(-self.pips[features], kind="stable")

    def _track(self, features: np.ndarray) -> Iterator[int]:
        return track(features.tolist(), self.progressbar, "Credible sets")

    def _included(self, features: np.ndarray) -> np.ndarray:
        """Return which features each draw includes, bool (draw of all chains, feature)."""
        others = [str(dim) for dim in self.draws.dims[3:]] or None
        width = max(1, _BLOCK_BYTES * self.pips.size // (8 * self.draws.size))
        values = []
        for start in range(0, features.size, width):  # a choice of features is a copy
            some = self.draws.isel(feature=features[start : start + width])
            values += [collapse(block, others).values for block in included_in(some)]
        return np.concatenate(values, axis=2).reshape(-1, features.size)
