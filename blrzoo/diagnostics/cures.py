"""Causes of slow mixing that show in the draws, and what helps against them."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from blrzoo.diagnostics.agreement import Indicators
from blrzoo.posterior.kept import kept_inclusion
from blrzoo.posterior.reader import SAMPLE_DIMS, draws_of, included_blocks, indicator_name
from blrzoo.summaries.mixing import standardized

__all__ = ["ENOUGH", "Causes", "find_causes", "help_for_variance"]

ENOUGH = 100  # effective draws per chain
_POOR_RHAT = 1.05
_MANY, _FEWEST_FEATURES = 0.2, 20  # large share of features included, of at least 20
_SUSPECTS, _SPREAD = 5, 0.1  # features whose PIPs differ most between chains
_SWAP = -0.3  # correlation of the indicators of two features that take each other's place
_MOST_PAIRS = 3


@dataclass(frozen=True)
class Causes:
    """Causes of slow mixing that the indicators show, and their cures; empty if there are none."""

    polygenic: str = ""
    swaps: str = ""

    @property
    def cure(self) -> str:
        """Of the first cause: a model with too many features has swaps as well."""
        return self.polygenic or self.swaps


def find_causes(
    idata: xr.DataTree, table: dict[str, dict[str, float]], indicators: Indicators | None
) -> Causes:
    """Look for a prior that includes too many features, and for features that swap."""
    if indicators is None:
        return Causes()
    size, p = table.get("model_size"), indicators.pip.sizes["feature"]
    chains = indicators.pip.sizes["chain"]
    return Causes(_polygenic(size, p, chains) if size else "", _swaps(_pairs(idata, indicators)))


def help_for_variance(name: str, *, selects: bool) -> str:
    """Advice for a variance of effects that mixes slowly, besides more draws."""
    if name.startswith("Sigma_b"):
        return (
            "The data say little about the covariance of the effects: a more informative prior "
            "helps (Sigma_b=(nu, S) with a larger nu, or a matrix)."
        )
    if name.startswith("tau2") and not selects:
        return "If the model draws one effect at a time, update='joint' helps more."
    return ""


def _polygenic(size: dict[str, float], p: int, chains: int) -> str:
    slow = not size["ess_bulk"] >= ENOUGH * chains or size["r_hat"] > _POOR_RHAT
    if p < _FEWEST_FEATURES or size["mean"] < _MANY * p or not slow:
        return ""
    return (
        f"The prior is too polygenic for these data: {size['mean']:.0f} of {p} features are "
        f"included on average, and their number wanders (SD {size['sd']:.0f}). Take a sparser "
        f"prior (for instance expected_size={max(1, round(size['mean'] / 10))}), or, if you only "
        "want to predict, a model that includes all (blr.single_component)."
    )


def _swaps(pairs: list[tuple[Hashable, Hashable]]) -> str:
    if not pairs:
        return ""
    named = "; ".join(f"{one} and {other}" for one, other in pairs[:_MOST_PAIRS])
    one, other = pairs[0]
    return (
        f"Features take each other's place: {named}. If they are correlated, read them as a set: "
        f"the probability of any of them is known much better (blr.group_pip(idata, "
        f"{{'set': [{one!r}, {other!r}]}}), blr.window_pip, blr.credible_sets). Of near copies "
        "keep one. Longer chains help, but slowly."
    )


def _pairs(idata: xr.DataTree, indicators: Indicators) -> list[tuple[Hashable, Hashable]]:
    """Features whose PIPs differ between chains, each with the one that is out when it is in."""
    others = [dim for dim in indicators.spread.dims if dim != "feature"]
    spread = indicators.spread.max(others)
    worst = np.argsort(-spread.values, kind="stable")[:_SUSPECTS]
    suspects = worst[spread.values[worst] >= _SPREAD]
    if not suspects.size or kept_inclusion(idata) is not None:  # swaps show in draws only
        return []
    name = str(indicator_name(idata))
    rows = _standardized(draws_of(idata, name).isel(feature=suspects) > 0)
    blocks = (_standardized(block) for block in included_blocks(idata))
    correlations = np.concatenate([block @ rows.T for block in blocks]) / rows.shape[-1]
    partners = correlations.argmin(axis=0)
    found = {
        tuple(sorted((int(j), int(k)))): None
        for j, k, r in zip(suspects, partners, correlations.min(axis=0), strict=True)
        if r < _SWAP
    }
    labels = spread["feature"].values.tolist()
    return [(labels[j], labels[k]) for j, k in found]


def _standardized(block: xr.DataArray) -> np.ndarray:
    """Standardized indicators (feature, chain * draw) of any trait; 0 if they never change."""
    included = block.any(list(block.dims[3:])).transpose("feature", *SAMPLE_DIMS)
    return standardized(included.values)
