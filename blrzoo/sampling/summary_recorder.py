"""Recorder with ``keep="summary"``: running sums of the variables with the dim feature.

PyMC records in the user's process, also if other processes draw the chains: they send each draw to
it. So the sums do not depend on the number of cores.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pymc as pm
import xarray as xr
from pymc.backends.arviz import coords_and_dims_for_inferencedata

from blrzoo.posterior.kept import GROUP
from blrzoo.posterior.reader import INDICATORS
from blrzoo.sampling.recorder import Recorder, n_labels, recorder
from blrzoo.sampling.running import ChainSums, Components, Inclusion, Moments, Running

__all__ = ["SummaryRecorder", "add_summaries", "of_features", "summary_recorder"]

_OF_LABELS = ("component", "pattern")  # dims whose elements labels number

_LONG_NAMES = {
    "draws": "number of draws",
    "pip": "posterior inclusion probability",
    "pip_any": "probability of inclusion for any trait",
    "changes": "number of times that the indicator changed",
}


class Wide:
    """Variables with the dim feature: the function of their values, and the sums of each."""

    def __init__(self, model: pm.Model, names: list[str]) -> None:
        self.recorder: Recorder = recorder(model, names)  # its function, names and shapes
        self.dims = {name: _dims(name, model.named_vars_to_dims[name]) for name in names}
        self.indicator = next((name for name in INDICATORS if name in names), None)
        self.labels = n_labels(model["label"]) if "label" in names else np.inf
        sizes = {dim: len(model.coords.get(dim) or ()) for dim in _OF_LABELS}
        self.label_dim = next((d for d in _OF_LABELS if sizes[d] == self.labels), _OF_LABELS[0])

    def sums(self, draws: int) -> ChainSums:
        """Empty sums of a chain of so many draws."""
        places = enumerate(self.recorder.varnames)
        return ChainSums(draws, [(k, one) for k, name in places for one in self._running(name)])

    def _running(self, name: str) -> Iterator[Running]:
        dims, shape = self.dims[name], self.recorder.var_shapes[name]
        if name not in INDICATORS:
            yield Moments(name, dims, shape)
        if name == self.indicator:
            yield Inclusion(dims, shape)
        if name == "label" and np.isfinite(self.labels):
            yield Components(name, self.label_dim, (*shape, int(self.labels)))


class SummaryRecorder(Recorder):
    """Records variables of features as running sums after tuning, others draw by draw."""

    wide: Wide
    planned: int

    def __init__(self, **recorded: Any) -> None:
        super().__init__(**recorded)
        self.chains: list[SummaryRecorder] = []

    def __copy__(self) -> Self:
        """The recorder of a chain; this one keeps it, because PyMC returns draws only."""
        made = super().__copy__()
        made.wide, made.planned = self.wide, self.planned
        self.chains.append(made)
        return made

    def setup(
        self,
        draws: int,
        chain: int,
        sampler_vars: Sequence[Mapping[str, object]] | None = None,
    ) -> None:
        """Begin a chain."""
        super().setup(draws, chain, sampler_vars)
        self.sums = self.wide.sums(self.planned)

    def record(
        self,
        point: Mapping[str, np.ndarray],
        sampler_stats: Sequence[Mapping[str, object]] | None = None,
        *,
        in_warmup: bool,
    ) -> None:
        """Record a draw."""
        super().record(point, sampler_stats, in_warmup=in_warmup)
        if not in_warmup:
            self.sums.add(self.wide.recorder.fn(*point.values()))


def _dims(name: str, dims: Iterable[str | None]) -> tuple[str, ...]:
    """Dims, those without a name with the name that PyMC gives them."""
    return tuple(dim or f"{name}_dim_{axis}" for axis, dim in enumerate(dims))


def of_features(model: pm.Model, names: list[str]) -> list[str]:
    """Names of the variables with the dim feature."""
    return [name for name in names if "feature" in (model.named_vars_to_dims.get(name) or ())]


def summary_recorder(model: pm.Model, var_names: list[str] | None, draws: int) -> Recorder:
    """Make the recorder of the variables to keep (None: all), for so many draws per chain."""
    names = [rv.name for rv in model.unobserved_RVs if var_names is None or rv.name in var_names]
    wide = of_features(model, names)
    if not wide:
        return recorder(model, names)
    made = recorder(model, [name for name in names if name not in wide], SummaryRecorder)
    made.wide, made.planned = Wide(model, wide), draws
    return made


def add_summaries(idata: xr.DataTree, made: SummaryRecorder, model: pm.Model) -> None:
    """Add the group posterior_summary, of the chains that PyMC returned."""
    labels = idata["posterior"].to_dataset().get_index("chain")
    # After an interrupt, PyMC returns the longest chains, in the order of their numbers.
    longest = np.sort(np.argsort([len(chain) for chain in made.chains])[-len(labels) :])
    group = xr.concat([made.chains[k].sums.result() for k in longest], "chain")
    coords, _ = coords_and_dims_for_inferencedata(model)
    known = {dim: coords.get(dim, np.arange(size)) for dim, size in group.sizes.items()}
    group = group.assign_coords(known | {"chain": labels})
    for name, long_name in _LONG_NAMES.items():
        if name in group:
            group[name].attrs = {"long_name": long_name}
    if "pip" in group:
        group["pip"].attrs["of"] = made.wide.indicator
    idata[GROUP] = xr.DataTree(group)
