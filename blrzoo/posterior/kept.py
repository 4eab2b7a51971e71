"""Sums over draws, which a fit with ``keep="summary"`` has of single features in place of draws.

Its group ``posterior_summary`` has the number of draws (chain, batch), mean and SD per chain and
means per batch of each variable of features, and PIPs and numbers of changes of indicators.
"""

import numpy as np
import xarray as xr

__all__ = [
    "GROUP",
    "broken_sums",
    "kept_group",
    "kept_inclusion",
    "kept_moments",
    "kept_names",
    "pooled",
    "pooled_sd",
    "refuse_kept",
    "split_rhat",
    "squared_error",
]

GROUP = "posterior_summary"
_BOTH = ("chain", "batch")
_ENDS = ("_sd", "_frequency")  # each variable has one of them, or PIPs
_ROUNDING = 1e-12  # an SD below this share of the mean is that of a constant


def kept_group(idata: xr.DataTree) -> xr.Dataset:
    """Return the group, its chains numbered; empty if there is none."""
    if not isinstance(idata, xr.DataTree) or GROUP not in idata.children:
        return xr.Dataset()
    group = idata[GROUP].to_dataset()
    return group.assign_coords(chain=np.arange(group.sizes["chain"]))


def kept_names(idata: xr.DataTree) -> list[str]:
    """Name the variables that have sums and no draws."""
    group = kept_group(idata)
    ends = [(str(name), end) for name in group for end in _ENDS if str(name).endswith(end)]
    names = dict.fromkeys(name.removesuffix(end) for name, end in ends)
    if "pip" in group:
        names[group["pip"].attrs.get("of", "delta")] = None
    return [name for name in names if name not in _drawn(idata)]


def refuse_kept(idata: xr.DataTree, *names: str) -> None:
    """Refuse a fit with ``keep="summary"`` where draws of these variables are needed."""
    if lacking := [name for name in names if name in kept_names(idata)]:
        raise ValueError(
            f"idata must have draws of {', '.join(map(repr, lacking))} for this, got a fit with "
            "keep='summary', which has running means, SDs and PIPs of single features in their "
            "place. Fit again with keep='draws', with fewer draws or features if they take too "
            "much memory; blr.pip, blr.effect_table, blr.diagnose and blr.predict (its means) "
            "read this fit."
        )


def broken_sums(idata: xr.DataTree) -> list[str]:
    """Name the variables whose sums are not finite because some draw was not."""
    group = kept_group(idata)
    means = {name: f"{name}_mean" for name in kept_names(idata)}
    return [k for k, mean in means.items() if mean in group and not np.isfinite(group[mean]).all()]


def kept_moments(idata: xr.DataTree, name: str) -> xr.Dataset | None:
    """Return mean, SD and batch means of a variable, None if it has draws or no sums."""
    group = kept_group(idata)
    if name not in kept_names(idata) or f"{name}_mean" not in group:
        return None
    found = {part: group[f"{name}_{part}"] for part in ("mean", "sd", "batch_mean")}
    return xr.Dataset({**found, "draws": group["draws"]})


def kept_inclusion(idata: xr.DataTree) -> xr.Dataset | None:
    """Return the PIPs of chains and batches, None if there are draws of indicators or no PIPs."""
    group = kept_group(idata)
    if "pip" not in group or {"delta", "label"} & _drawn(idata):
        return None
    parts = ("pip", "pip_any", "pip_batch_mean", "changes", "draws")
    return group[[part for part in parts if part in group]]


def pooled(kept: xr.Dataset, name: str) -> xr.DataArray:
    """Compute the mean over the draws of all chains from the means of the chains."""
    draws = kept["draws"].sum("batch")
    return (kept[name] * draws).sum("chain") / int(draws.sum())


def pooled_sd(kept: xr.Dataset) -> xr.DataArray:
    """Compute the standard deviation of the draws of all chains; NaN for a single draw."""
    draws = kept["draws"].sum("batch")
    within = (kept["sd"] ** 2 * (draws - 1)).sum("chain")
    between = ((kept["mean"] - pooled(kept, "mean")) ** 2 * draws).sum("chain")
    return ((within + between) / (int(draws.sum()) - 1 or np.nan)) ** 0.5


def squared_error(kept: xr.Dataset, name: str) -> xr.DataArray:
    """Compute the squared standard error of a mean, by batches or chains; NaN for one batch."""
    draws = kept["draws"].sum("batch")
    of_chains = (kept[name] * kept["draws"]).sum("batch") / draws
    by_batch, by_chain = _error(kept[name], kept["draws"]), _error(of_chains, draws)
    # batches are too short where a chain stays in one place for long, which the chains tell
    return by_batch.where(~(by_chain > by_batch), by_chain)


def _error(means: xr.DataArray, draws: xr.DataArray) -> xr.DataArray:
    """Compute the squared standard error of the mean of independent means, by numbers of draws."""
    total, used = int(draws.sum()), int((draws > 0).sum())
    spread = (means - (means * draws).sum(draws.dims) / total) ** 2
    return (spread * draws).sum(draws.dims) / (used - 1 or np.nan) / total


def split_rhat(kept: xr.Dataset) -> xr.DataArray:
    """Compute the classic split R-hat; NaN for a constant, or fewer than two half chains."""
    draws = kept["draws"]
    width = draws.sizes["batch"] // 2
    size = draws.coarsen(batch=width).sum()
    size = size.where(size > 0)
    mean = (kept["batch_mean"] * draws).coarsen(batch=width).sum() / size
    squares = (kept["sd"] ** 2 * (draws.sum("batch") - 1)).sum("chain")
    squares = squares - ((mean - kept["mean"]) ** 2 * size).sum(_BOTH)
    varies = pooled_sd(kept) > _ROUNDING * abs(pooled(kept, "mean"))
    with np.errstate(divide="ignore", invalid="ignore"):  # each half constant: R-hat is inf
        ratio = _variance(mean) / (squares.clip(0) / (size - 1).sum())
        return ((1 - 1 / size.mean() + ratio) ** 0.5).where(varies)


def _variance(means: xr.DataArray) -> xr.DataArray:
    """Compute the variance of the means that are not missing; NaN for a single one."""
    number = means.count(_BOTH)
    squares = ((means - means.mean(_BOTH)) ** 2).sum(_BOTH)
    return squares / (number - 1).where(number > 1)


def _drawn(idata: xr.DataTree) -> set[str]:
    return {*map(str, idata["posterior"].data_vars)} if "posterior" in idata.children else set()
