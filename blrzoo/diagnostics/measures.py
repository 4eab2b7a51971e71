"""Numbers on convergence: R-hat and ESS of the worst elements."""

from dataclasses import dataclass
from typing import NamedTuple

import arviz_stats as azs
import numpy as np
import xarray as xr

from blrzoo.diagnostics.agreement import Indicators, read_indicators
from blrzoo.diagnostics.cures import ENOUGH, Causes, find_causes
from blrzoo.diagnostics.elements import (
    WIDE,
    by_element,
    hyperparameters,
    labels_of,
    name_of,
    sampled,
    wide_variables,
    worst_elements,
)
from blrzoo.diagnostics.indicators import quantities, statistics
from blrzoo.posterior.kept import kept_moments, kept_names, split_rhat
from blrzoo.posterior.reader import broken_variables, sample_stat

__all__ = ["ENOUGH", "FEWEST_DRAWS", "Convergence", "Extreme", "measure"]

FEWEST_DRAWS = 100  # per chain; fewer are not judged


class Extreme(NamedTuple):
    """The worst value of a diagnostic, and the element that has it; NaN if there is none."""

    name: str = ""
    value: float = np.nan


@dataclass(frozen=True)
class Convergence:
    """R-hat, ESS and divergences of a fit, and causes of slow mixing."""

    chains: int
    draws: int
    sweeps: int | None  # of a chain, None if unknown
    # hyperparameters, model size and genetic variance, by element: draws (chain, draw)
    scalars: dict[str, np.ndarray]
    table: dict[str, dict[str, float]]  # ArviZ's diagnostics of each
    rhat: Extreme  # largest of these scalars
    rhat_effects: Extreme
    ess_bulk: Extreme  # smallest of these scalars
    ess_tail: Extreme
    apart: str  # names a chain that lies apart, in the scalar with the largest R-hat
    each_mixes: bool  # each chain by itself has enough effective draws of that scalar
    indicators: Indicators | None
    causes: Causes  # why the indicators mix slowly
    ess_per_chain: float  # effective draws of the model size per chain; 1 if it never changes
    divergences: int
    not_finite: list[str]  # variables with draws that are NaN or infinite


def measure(idata: xr.DataTree) -> Convergence:
    """Compute R-hat and ESS of the worst elements, and what explains them."""
    sizes = sampled(idata).sizes
    chains, draws = sizes["chain"], sizes["draw"]
    broken = broken_variables(idata)
    found = _scalars(idata, broken)
    not_finite = [name for name, x in found.items() if not np.isfinite(x).all()]
    not_finite += [name for name in broken if name not in hyperparameters(idata)]
    found = {name: x for name, x in found.items() if name not in not_finite and np.ptp(x) > 0}
    indicators = None if broken else read_indicators(idata)
    table = {name: statistics(x) for name, x in found.items()} if draws >= 4 else {}
    rhat = _extreme({name: row["r_hat"] for name, row in table.items()}, largest=True)
    worst = found.get(rhat.name)
    return Convergence(
        chains,
        draws,
        _sweeps(idata),
        scalars=found,
        table=table,
        rhat=rhat,
        rhat_effects=_rhat_effects(idata, indicators, broken) if chains > 1 else Extreme(),
        ess_bulk=_extreme({name: row["ess_bulk"] for name, row in table.items()}),
        ess_tail=_extreme({name: row["ess_tail"] for name, row in table.items()}),
        apart="" if worst is None else _apart(worst, sampled(idata)["chain"].values),
        each_mixes=worst is not None and _each_mixes(worst),
        indicators=indicators,
        causes=find_causes(idata, table, indicators),
        ess_per_chain=_ess_per_chain(table, chains),
        divergences=_divergences(idata),
        not_finite=not_finite,
    )


def _scalars(idata: xr.DataTree, broken: list[str]) -> dict[str, np.ndarray]:
    """Draws (chain, draw) by element; of a variable with more than 200, the worst 200."""
    out: dict[str, np.ndarray] = {}
    known = hyperparameters(idata) | ({} if broken else quantities(idata))  # useless if broken
    for name, draws in known.items():
        wide = draws.size > WIDE * draws.sizes["chain"] * draws.sizes["draw"]
        out |= worst_elements(name, draws) if wide else by_element(name, draws)
    return out


def _extreme(values: dict[str, float], *, largest: bool = False) -> Extreme:
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    if not known:
        return Extreme()
    name = (max if largest else min)(known, key=known.__getitem__)
    return Extreme(name, known[name])


def _ess_per_chain(table: dict[str, dict[str, float]], chains: int) -> float:
    size = table.get("model_size", {}).get("ess_bulk", np.nan)
    return 1.0 if np.isnan(size) else max(1.0, size / chains)


def _rhat_effects(idata: xr.DataTree, indicators: Indicators | None, broken: list[str]) -> Extreme:
    judged = {} if indicators is None else {"beta": indicators.judged}
    found: dict[str, np.ndarray] = {}
    for name, draws in wide_variables(idata).items():
        found |= worst_elements(name, draws, judged.get(name))
    with np.errstate(divide="ignore", invalid="ignore"):  # each chain constant: R-hat is inf
        rhats = {name: float(azs.rhat(x)) for name, x in found.items()}
    for name in kept_names(idata):
        if name not in ("alpha", *broken):
            rhats |= _worst_kept(idata, name, judged.get(name))
    return _extreme(rhats, largest=True)


def _worst_kept(idata: xr.DataTree, name: str, judged: xr.DataArray | None) -> dict[str, float]:
    """Largest classic split R-hat of a variable that is recorded in sums only."""
    kept = kept_moments(idata, name)
    if kept is None:
        return {}
    rhat = split_rhat(kept)
    rhat = rhat if judged is None else rhat.where(judged)
    if not bool(rhat.notnull().any()):
        return {}
    index = (*map(int, np.unravel_index(np.nanargmax(rhat.values), rhat.shape)),)
    return {name_of(name, labels_of(rhat)(index)): float(rhat.values[index])}


def _apart(draws: np.ndarray, names: np.ndarray) -> str:
    """Name the chain whose mean is far from all others, if there is one."""
    means = draws.mean(axis=1)
    if means.size < 3:
        return ""
    distances = abs(means - np.median(means))
    far = int(np.argmax(distances))
    others = np.delete(means, far)
    within = draws.std(axis=1).mean()
    if distances[far] <= 3 * np.ptp(others) or distances[far] <= within:
        return ""
    return f"Chain {names[far]} lies apart from the others."


def _each_mixes(draws: np.ndarray) -> bool:
    alone = azs.ess(draws[:, None], method="mean", chain_axis=-2, draw_axis=-1)
    return bool(np.all(np.ptp(draws, axis=1) > 0) and np.min(alone) >= ENOUGH)


def _sweeps(idata: xr.DataTree) -> int | None:
    """Number of sweeps that the draws of a chain took."""
    sweeps = sample_stat(idata, "sweeps")
    return None if sweeps is None else int(sweeps.sum("draw").max())


def _divergences(idata: xr.DataTree) -> int:
    if "sample_stats" not in idata.children or "diverging" not in idata["sample_stats"]:
        return 0
    return int(idata["sample_stats"]["diverging"].sum())
