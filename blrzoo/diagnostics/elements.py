"""Draws to diagnose, element by element, and the names of the elements."""

from collections.abc import Callable, Hashable, Iterator

import numpy as np
import xarray as xr

from blrzoo.posterior.reader import INDICATORS, SAMPLE_DIMS, feature_blocks, posterior

__all__ = [
    "WIDE",
    "by_element",
    "hyperparameters",
    "labels_of",
    "name_of",
    "sampled",
    "wide_variables",
    "worst_elements",
]

#: Variables with more elements than this are screened first (ArviZ takes milliseconds for each).
WIDE = 200


def sampled(idata: xr.DataTree) -> xr.Dataset:
    """Posterior without alpha; refused if its variables lack chains of draws."""
    variables = posterior(idata).drop_vars("alpha", errors="ignore")
    if not variables.data_vars or not all(variables.sizes.get(dim) for dim in SAMPLE_DIMS):
        raise ValueError(
            "idata.posterior must have variables with chains of draws; it has "
            f"{list(variables.data_vars)} with the sizes {dict(variables.sizes)}."
        )
    for name, draws in variables.items():
        if missing := [dim for dim in SAMPLE_DIMS if dim not in draws.dims]:
            raise ValueError(
                f"{name!r} in idata.posterior must have the dims chain and draw; it has "
                f"{draws.dims} and lacks {missing}. Unstack combined samples, and expand_dims a "
                "single chain."
            )
    return variables


def hyperparameters(idata: xr.DataTree) -> dict[str, xr.DataArray]:
    """Variables without the dim feature, dims (chain, draw, ...)."""
    return {
        str(name): draws.transpose(*SAMPLE_DIMS, ...)
        for name, draws in sampled(idata).items()
        if "feature" not in draws.dims and draws.size
    }


def wide_variables(idata: xr.DataTree) -> dict[str, xr.DataArray]:
    """Effects and other variables of features, without indicators: (chain, draw, feature, ...)."""
    return {
        str(name): draws.transpose(*SAMPLE_DIMS, "feature", ...)
        for name, draws in sampled(idata).items()
        if "feature" in draws.dims and draws.size and name not in INDICATORS
    }


def by_element(name: str, draws: xr.DataArray) -> dict[str, np.ndarray]:
    """Split a variable into its elements (chain, draw), named as in az.summary."""
    others = [dim for dim in draws.dims if dim not in SAMPLE_DIMS]
    values, label = draws.transpose(*SAMPLE_DIMS, *others).values, labels_of(draws)
    return {
        name_of(name, label(index)): values[(slice(None), slice(None), *index)]
        for index in np.ndindex(values.shape[2:])
        if not _mirrored(dict(zip(others, index, strict=True)))
    }


def worst_elements(
    name: str, draws: xr.DataArray, judged: xr.DataArray | None = None
) -> dict[str, np.ndarray]:
    """Choose the elements of a variable that mix worst by the classic split R-hat."""
    others = [dim for dim in draws.dims if dim not in SAMPLE_DIMS]
    screened = np.concatenate([_split_rhat(block.values) for block in _blocks(draws)])
    screened = np.nan_to_num(screened, nan=0.0, posinf=np.inf)
    if judged is not None:
        template = draws.isel(chain=0, draw=0, drop=True)
        counts = judged.broadcast_like(template).transpose(*others).values
        screened = np.where(counts, screened, 0.0)
    flat = np.argsort(-screened, axis=None, kind="stable")[:WIDE]
    chosen = np.unravel_index(flat[screened.ravel()[flat] > 0], screened.shape)
    picked = draws.isel(
        {d: xr.DataArray(i, dims="_e") for d, i in zip(others, chosen, strict=True)}
    )
    values, label = picked.transpose(*SAMPLE_DIMS, "_e").values, labels_of(draws)
    return {
        name_of(name, label(index)): values[..., e]
        for e, index in enumerate(zip(*chosen, strict=True))
    }


def labels_of(array: xr.DataArray, between: str = ", ") -> Callable[[tuple[int, ...]], str]:
    """Make the function that gives the labels of an element by its position."""
    labels = [array[dim].values for dim in array.dims if dim not in SAMPLE_DIMS]
    return lambda index: between.join(str(label[i]) for label, i in zip(labels, index, strict=True))


def name_of(name: str, label: str) -> str:
    """Name an element by its variable and its labels."""
    return f"{name}[{label}]" if label else name


def _mirrored(index: dict[Hashable, int]) -> bool:
    return "trait_bis" in index and index.get("trait", 0) > index["trait_bis"]


def _blocks(draws: xr.DataArray) -> Iterator[xr.DataArray]:
    """Blocks along the first dim after chain and draw."""
    if "feature" in draws.dims:
        yield from feature_blocks(draws)
    else:
        yield draws


def _split_rhat(draws: np.ndarray) -> np.ndarray:
    """Classic split R-hat of (chain, draw, ...); NaN for what never changes."""
    half = draws.shape[1] // 2
    if half < 2:
        return np.full(draws.shape[2:], np.nan)
    draws = draws.astype(float, copy=False)
    parts = [draws[:, :half], draws[:, half : 2 * half]]
    with np.errstate(divide="ignore", invalid="ignore"):  # of constants, and of infinite draws
        means = np.concatenate([part.mean(axis=1) for part in parts])
        within = np.concatenate([part.var(axis=1, ddof=1) for part in parts]).mean(axis=0)
        ratio = means.var(axis=0, ddof=1) / within
    return np.sqrt((half - 1) / half + ratio)
