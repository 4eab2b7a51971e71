"""The reader of an InferenceData: draws and indicators, checked.

Draws are read by blocks of features, so that a summary needs no more than some tens of megabytes
beside the posterior itself.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pandas.errors import InvalidIndexError

from blrzoo.checks import Instance
from blrzoo.posterior.finite import broken_draws, not_finite
from blrzoo.posterior.fit_variance import variance_of_fit
from blrzoo.posterior.kept import GROUP, broken_sums, kept_inclusion, refuse_kept
from blrzoo.progress import track

__all__ = [
    "INDICATORS",
    "SAMPLE_DIMS",
    "broken_variables",
    "count_included",
    "draws_of",
    "feature_blocks",
    "genetic_variance",
    "included_blocks",
    "included_count",
    "included_in",
    "indicator_name",
    "indicators",
    "join_features",
    "no_indicators",
    "numbered",
    "posterior",
    "prior_indicators",
    "refuse_broken",
    "sample_stat",
]

SAMPLE_DIMS = ("chain", "draw")
_BLOCK_BYTES = 2**24  # of draws as float64; ArviZ and the FFT take a few times as much
# Where NaN shows that a sampler broke down: integer indicators would read as "not included".
_PARAMETERS = ("sigma2", "Sigma_e", "mu", "gamma", "pi", "tau2", "Sigma_b", "beta")
INDICATORS = ("delta", "label")


def posterior(idata: xr.DataTree) -> xr.Dataset:
    """Return the posterior group of an InferenceData, chains and draws with unique labels."""
    what = "an InferenceData (the xarray.DataTree that pm.sample() returns)"
    remedy = "Make one of a Dataset: xr.DataTree.from_dict({'posterior': dataset})."
    Instance(xr.DataTree, what, advice=remedy).check("idata", idata)
    if "posterior" not in idata.children:
        raise ValueError(
            f"idata must have a group 'posterior'; it has {_names(idata.children)}. Pass the "
            "whole InferenceData (idata, not idata.posterior), of a model that was sampled."
        )
    variables = idata["posterior"].to_dataset()
    _check_sizes(variables)
    return numbered(variables)


def _check_sizes(variables: xr.Dataset) -> None:
    """Refuse a posterior without draws, chains or features."""
    if not variables.data_vars:
        return
    if text := [name for name, draws in variables.items() if draws.dtype.kind not in "biuf"]:
        raise ValueError(f"idata.posterior must hold numbers, got others in {text}. Drop these.")
    if missing := [dim for dim in SAMPLE_DIMS if dim not in variables.dims]:
        raise ValueError(
            f"idata.posterior must have the dims chain and draw; it has "
            f"{_names(variables.dims)} and lacks {missing}. Unstack combined samples "
            "(.unstack('sample')), and select a single chain by idata.isel(chain=[0])."
        )
    if empty := [dim for dim in (*SAMPLE_DIMS, "feature") if variables.sizes.get(dim) == 0]:
        raise ValueError(
            f"idata.posterior must have at least one {empty[0]}, got the sizes "
            f"{dict(variables.sizes)}. Draw some, or keep some where you select."
        )


def numbered(variables: xr.Dataset) -> xr.Dataset:
    """Number chains and draws anew if labels repeat, as in runs that were concatenated."""
    # xarray aligns by label, which needs unique labels
    known = [dim for dim in SAMPLE_DIMS if dim in variables.dims]
    repeated = [dim for dim in known if not variables.get_index(dim).is_unique]
    return variables.assign_coords({dim: np.arange(variables.sizes[dim]) for dim in repeated})


def refuse_broken(idata: xr.DataTree) -> None:
    """Refuse a fit whose parameters or indicators have draws that are not finite."""
    for name, broken in _broken(idata):
        raise not_finite(f"{name!r} in idata.posterior", broken)
    if names := broken_sums(idata):
        raise ValueError(
            f"idata.{GROUP} must be finite, got NaN or infinity in the means of {names}. The "
            "sampler broke down: look for extreme values in the data, the prior and initvals, "
            "and sample again."
        )


def broken_variables(idata: xr.DataTree) -> list[str]:
    """Name the parameters and indicators with draws that are not finite."""
    return [*(name for name, _ in _broken(idata)), *broken_sums(idata)]


def _broken(idata: xr.DataTree) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield variables with draws that are not finite, and their mask (chain, draw)."""
    variables = posterior(idata)
    for name in (*_PARAMETERS, *INDICATORS):
        if name in variables and {*SAMPLE_DIMS} <= {*variables[name].dims}:
            draws = variables[name].transpose(*SAMPLE_DIMS, ...)
            blocks = feature_blocks(draws) if "feature" in draws.dims else [draws]
            if (broken := broken_draws(blocks)).any():
                yield name, broken


def draws_of(idata: xr.DataTree, name: str) -> xr.DataArray:
    """Return the draws of a variable of the features, (chain, draw, feature, ...), all finite."""
    variables = posterior(idata)
    refuse_kept(idata, name)
    if name not in variables:
        raise ValueError(
            f"idata.posterior must have the variable {name!r}; it has "
            f"{_names(variables.data_vars)}. Keep it when sampling (var_names=...)."
        )
    draws = _in_order(variables[name], f"{name!r} in idata.posterior")
    refuse_broken(idata)
    return draws


def prior_indicators(idata: xr.DataTree) -> xr.DataArray | None:
    """Return the draws of the indicators in the group `prior`, all finite; None without any."""
    variables = numbered(idata["prior"].to_dataset()) if "prior" in idata.children else {}
    name = next((name for name in INDICATORS if name in variables), None)
    if name is None:
        return None
    what = f"{name!r} in idata.prior"
    draws = _in_order(variables[name], what)
    if (broken := broken_draws(feature_blocks(draws))).any():
        raise not_finite(what, broken)
    return draws


def _in_order(draws: xr.DataArray, what: str) -> xr.DataArray:
    """Bring draws of features into the order (chain, draw, feature, ...)."""
    if missing := [dim for dim in (*SAMPLE_DIMS, "feature") if dim not in draws.dims]:
        raise ValueError(
            f"{what} must have the dims chain, draw and feature; it has {draws.dims} and lacks "
            f"{missing}. Unstack combined samples, and name the dims (az.from_dict(..., dims=...)) "
            "of draws from elsewhere."
        )
    return draws.transpose(*SAMPLE_DIMS, "feature", ...)  # what is on disk stays there


def indicator_name(idata: xr.DataTree) -> str | None:
    """Return "delta" (0/1), or else "label" (0 is the null), or else None."""
    variables = posterior(idata)
    kept = kept_inclusion(idata)
    of_kept = None if kept is None else str(kept["pip"].attrs.get("of", "delta"))
    return next((name for name in INDICATORS if name in variables), of_kept)


def indicators(idata: xr.DataTree) -> xr.DataArray:
    """Return the draws of the indicators, (chain, draw, feature[, trait]), all finite."""
    name = indicator_name(idata)
    if name is None:
        raise no_indicators(idata)
    return draws_of(idata, name)


def included_in(draws: xr.DataArray, *, progressbar: bool = False) -> Iterator[xr.DataArray]:
    """Yield whether features are included in draws of indicators, by blocks of features."""
    for block in feature_blocks(draws, progressbar=progressbar):
        yield (block > 0).rename("included")


def included_blocks(idata: xr.DataTree, *, progressbar: bool = False) -> Iterator[xr.DataArray]:
    """Yield whether features are included, (chain, draw, feature[, trait]), by blocks."""
    yield from included_in(indicators(idata), progressbar=progressbar)


def included_count(idata: xr.DataTree) -> xr.DataArray | None:
    """Count the included features (chain, draw); None if unknown, or if it cannot vary."""
    refuse_broken(idata)
    name = indicator_name(idata)
    recorded = sample_stat(idata, "model_size")
    if recorded is not None and (name is not None or np.ptp(recorded.values) > 0):
        return recorded
    if name is None or kept_inclusion(idata) is not None:
        return None
    return count_included(indicators(idata))


def count_included(draws: xr.DataArray) -> xr.DataArray:
    """Count the features with any indicator other than 0, (chain, draw)."""
    counts = [
        block.any([dim for dim in block.dims[2:] if dim != "feature"]).sum("feature")
        for block in included_in(draws)
    ]
    return sum(counts[1:], counts[0]).rename("model_size")


def no_indicators(idata: xr.DataTree) -> ValueError:
    """Make the error for a posterior without indicators."""
    return ValueError(
        "idata.posterior must have indicators: 'delta' (0/1) or 'label' (0 is the null), "
        f"dims (chain, draw, feature[, trait]); it has {_names(posterior(idata).data_vars)}. "
        "With one normal prior for all effects (ridge) every feature is always included: fit "
        "a model with a null component, for instance blrzoo.spike_slab(X, y). If this model "
        "has one, its indicators were not kept: name them in var_names when sampling."
    )


def genetic_variance(idata: xr.DataTree, *, progressbar: bool = False) -> xr.DataArray | None:
    """Return var(X beta) over the observations, (chain, draw[, trait]); None if unknown."""
    refuse_broken(idata)
    recorded = sample_stat(idata, "genetic_variance")
    if recorded is not None:
        return _by_trait(recorded, posterior(idata))
    X = _design(idata)
    if X is None:
        return None
    matrix = X.transpose("obs", "feature").values
    fitted = variance_of_fit(matrix, draws_of(idata, "beta"), progressbar=progressbar)
    return fitted.rename("genetic_variance")


def feature_blocks(draws: xr.DataArray, *, progressbar: bool = False) -> Iterator[xr.DataArray]:
    """Yield draws (chain, draw, feature, ...) by blocks of features, loaded one at a time."""
    size = draws.sizes["feature"]
    width = max(1, _BLOCK_BYTES * size // max(1, draws.size * 8))
    for start in track(range(0, max(1, size), width), progressbar, "Features"):
        yield draws.isel(feature=slice(start, start + width)).load()


def join_features(parts: Iterable[xr.Dataset]) -> xr.Dataset:
    """Concatenate the summaries of blocks of features, in their order."""
    return xr.concat(
        list(parts),
        "feature",
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="override",
        combine_attrs="override",
    )


def sample_stat(idata: xr.DataTree, name: str) -> xr.DataArray | None:
    """Return a sample statistic of the posterior's draws, None if any has none."""
    if "sample_stats" not in idata.children or name not in idata["sample_stats"].data_vars:
        return None
    variables = idata["posterior"].to_dataset()
    if not {*SAMPLE_DIMS} <= {*variables.dims}:
        return None
    stat = idata["sample_stats"].to_dataset()[name].transpose(*SAMPLE_DIMS, ...)
    found = _of_draws(stat, variables)
    if found is None or not bool(np.isfinite(found).all()):
        return None
    variables = posterior(idata)
    known = {dim: variables[dim] for dim in SAMPLE_DIMS if dim in variables.coords}
    return found.assign_coords(known)


def _of_draws(stat: xr.DataArray, variables: xr.Dataset) -> xr.DataArray | None:
    """Select the posterior's draws, by position if labels are the same, or else by label."""
    labels = {dim: variables.get_index(dim) for dim in SAMPLE_DIMS}
    if all(stat.get_index(dim).equals(labels[dim]) for dim in SAMPLE_DIMS):
        return stat
    if not all(index.is_unique for index in labels.values()):  # a label is several draws
        return None
    try:  # the posterior alone may have been thinned
        return stat.sel(labels)
    except (KeyError, IndexError, InvalidIndexError):
        return None


def _by_trait(stat: xr.DataArray, variables: xr.Dataset) -> xr.DataArray:
    """Name the dim of a statistic of several traits, which PyMC numbers."""
    others = [dim for dim in stat.dims if dim not in SAMPLE_DIMS]
    if others in ([], ["trait"]) or stat.sizes[others[0]] != variables.sizes.get("trait"):
        return stat
    stat = stat.drop_vars(others, errors="ignore").rename({others[0]: "trait"})
    return stat.assign_coords(trait=variables["trait"]) if "trait" in variables.coords else stat


def _design(idata: xr.DataTree) -> xr.DataArray | None:
    """Return X with exactly the features of beta, in their order; None if there is none."""
    variables = posterior(idata)
    if "beta" not in variables or "constant_data" not in idata.children:
        return None
    X = idata["constant_data"].to_dataset().get("X")
    if X is None or set(X.dims) != {"obs", "feature"}:
        return None
    features = variables["beta"].get_index("feature")
    if not X.get_index("feature").equals(features):
        if X.sizes["feature"] != features.size or set(X["feature"].values) != set(features):
            return None
        X = X.sel(feature=features)
    return X if bool(np.isfinite(X).all()) else None


def _names(names: Iterable[object]) -> list[str]:
    return [str(name) for name in names]
