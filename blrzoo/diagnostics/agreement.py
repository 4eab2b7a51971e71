"""Findings on indicators: whether the chains agree, and how large the errors of the PIPs are."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from blrzoo.diagnostics.elements import labels_of
from blrzoo.diagnostics.finding import Finding, Level, more_draws, some
from blrzoo.posterior.kept import kept_inclusion
from blrzoo.posterior.reader import included_blocks, indicator_name
from blrzoo.summaries.mixing import FEW_CHANGES, chain_changes

__all__ = [
    "THRESHOLDS",
    "Indicators",
    "agreement_finding",
    "pip_findings",
    "read_indicators",
    "stuck",
    "undecided",
]

_FAIR_SPREAD, _POOR_SPREAD = 0.3, 0.5  # range of a PIP across chains
_CHANCE = 0.01  # probability that a fit without stuck indicators seems to have one
_FAIR_ERROR, _POOR_ERROR = 0.1, 0.3  # error bound of a PIP
THRESHOLDS = (0.5, 0.9)  # that users decide by
_APART = (
    "Most often such features are correlated, and take each other's place: look at their "
    "correlations, trust the PIP of the group (blr.group_pip, blr.credible_sets) more than the "
    "single ones, and draw longer chains."
)
_UNSETTLED = (
    "With so many at once, it is the number of included features that has not settled: draw "
    "much longer chains, or give pi a prior that says more."
)


@dataclass(frozen=True)
class Indicators:
    """PIP and number of changes of each indicator in each chain."""

    pip: xr.DataArray  # by the draws of one chain, (chain, feature[, trait])
    changes: xr.DataArray  # how often the indicator changed in the chain, the same dims

    @property
    def judged(self) -> xr.DataArray:
        """Mask (feature[, trait]) of the features whose effect has a meaningful R-hat."""
        often = self.changes.sum("chain") >= FEW_CHANGES
        return often | (self.pip.mean("chain") > 0.5)

    @property
    def spread(self) -> xr.DataArray:
        """Range of the PIP across chains (feature[, trait])."""
        return self.pip.max("chain") - self.pip.min("chain")


def read_indicators(idata: xr.DataTree) -> Indicators | None:
    """Read the PIPs and numbers of changes of each chain; None without indicators."""
    if indicator_name(idata) is None:
        return None
    if (kept := kept_inclusion(idata)) is not None:
        return Indicators(kept["pip"], kept["changes"])
    pips, changes = [], []
    for block in included_blocks(idata, progressbar=True):
        z = block.values
        template = block.isel(draw=0, drop=True)
        pips.append(template.copy(data=z.mean(axis=1)))
        changes.append(template.copy(data=chain_changes(np.moveaxis(z, 1, -1))))
    return Indicators(xr.concat(pips, "feature"), xr.concat(changes, "feature"))


def stuck(indicators: Indicators, ess_per_chain: float) -> np.ndarray:
    """Mask of indicators that never changed in a chain, although the others say they should."""
    pip = indicators.pip.values
    chains = pip.shape[0]
    if chains < 2:
        return np.zeros(pip.shape[1:], dtype=bool)
    others = (pip.sum(axis=0) - pip) / (chains - 1)
    share = np.where(pip > 0.5, others, 1 - others)
    constant = indicators.changes.values == 0
    # Probability that all effective draws of a chain are equal, at the PIP of the other chains.
    rare = share ** max(ess_per_chain, 1.0) < _CHANCE / pip[0].size
    return np.any(constant & (rare | (share < 0.5)), axis=0)


def agreement_finding(
    indicators: Indicators, ess_per_chain: float, cure: str = ""
) -> Finding | None:
    """Judge whether the chains agree on which features are included."""
    if indicators.pip.sizes["chain"] < 2:
        return None
    spread, frozen = indicators.spread, stuck(indicators, ess_per_chain)
    largest = float(spread.max())
    apart = spread.values >= _FAIR_SPREAD
    if not apart.any() and not frozen.any():
        return Finding("good", f"The PIPs of different chains differ by {largest:.2f} at most.")
    text = ""
    if apart.any():
        text = (
            f"The chains disagree on which features are included: their PIPs differ by up to "
            f"{largest:.2f}, by {_FAIR_SPREAD} or more for {_named(spread, apart)}."
        )
    if frozen.any():
        text += (
            " Stuck: an indicator never changed in a chain, although other chains say that it "
            f"should, of {_named(spread, frozen)}."
        )
    level: Level = "poor" if largest >= _POOR_SPREAD or frozen.any() else "fair"
    return Finding(level, text.strip(), cure or (_UNSETTLED if _many(apart) else _APART))


def _many(apart: np.ndarray) -> bool:
    return bool(apart.sum() > max(10, 0.2 * apart.size))


def pip_findings(table: xr.Dataset, *, moved: bool, agree: bool, cure: str = "") -> list[Finding]:
    """Judge the errors of the PIPs."""
    if not moved:
        return [
            Finding(
                "fair",
                "No indicator ever changed, in any chain: either the data leave no doubt, or all "
                "chains are stuck. The draws cannot tell which.",
                "Start chains from different places, as blrzoo.sample does.",
            )
        ]
    bound = table["error_bound"]
    largest = float(bound.max())
    level: Level = (
        "good" if largest <= _FAIR_ERROR else "fair" if largest <= _POOR_ERROR else "poor"
    )
    worst = _named(bound, bound.values == largest)
    return [
        Finding(
            level,
            f"The Monte Carlo error of the PIPs is up to {largest:.2f} (95 % bound, {worst}).",
            (cure or more_draws((largest / _FAIR_ERROR) ** 2)) if level != "good" and agree else "",
        ),
        *(_undecided_findings(table) if level != "poor" else []),
    ]


def undecided(table: xr.Dataset, threshold: float) -> np.ndarray:
    """Mask of PIPs that are closer to a threshold than their error bound."""
    return (abs(table["pip"] - threshold) < table["error_bound"]).values


def _undecided_findings(table: xr.Dataset) -> list[Finding]:
    parts = [
        f"{close.sum()} near {threshold} ({_named(table['error_bound'], close)})"
        for threshold in THRESHOLDS
        if (close := undecided(table, threshold)).any()
    ]
    if not parts:
        return []
    text = f"Some PIPs are closer to a threshold than their error: {', '.join(parts)}."
    return [Finding("good", f"{text} On which side they lie is open.")]


def _named(by: xr.DataArray, chosen: np.ndarray) -> str:
    """Name the chosen elements, those with the largest `by` first."""
    indices = np.argwhere(chosen)
    order = np.argsort(-by.values[chosen], kind="stable")
    labels = labels_of(by, "/")
    return some([labels(tuple(indices[i])) for i in order])
