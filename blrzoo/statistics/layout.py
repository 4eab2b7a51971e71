"""What a Dataset of sufficient statistics holds: its variables, their dims and its attributes."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["CROSS", "DIM", "FORMAT", "KIND", "LABELLED", "as_dataset", "dims_of", "sides"]

#: Attributes that identify the Dataset, also when it comes from a file.
KIND, FORMAT = "sufficient statistics", 1
#: Dims with labels; those of a square matrix have a second one, such as "feature_bis".
LABELLED = ("feature", "covariate", "trait")
#: Cross-products, by the letters of both sides.
CROSS = ("XX", "Xy", "yy", "XW", "WW", "Wy")
#: Dim of the columns of each side.
DIM = {"X": "feature", "y": "trait", "W": "covariate"}

_MOMENTS = {
    "mean": "mean, without weights",
    "variance": "sample variance, without weights, divisor n - 1",
    "center": "mean, with weights: cross-products are about it",
}
_WHAT = {"X": "features", "y": "response", "W": "covariates"}
_SCALARS = {
    "n": "number of observations",
    "weight_sum": "sum of the weights",
    "log_weight_sum": "sum of the logarithms of the weights",
}


def sides(covariates: bool) -> str:
    """Letters of the sides of cross-products: features, response and, if there are, covariates.

    Examples
    --------
    >>> sides(covariates=False)
    'Xy'
    """
    return "XyW" if covariates else "Xy"


def dims_of(covariates: bool, traits: bool) -> dict[str, tuple[str, ...]]:
    """Dims of each variable.

    Parameters
    ----------
    covariates, traits : bool
        Whether there are covariates, and whether y has the dim trait.

    Returns
    -------
    dict of str to tuple of str

    Examples
    --------
    >>> dims_of(covariates=False, traits=True)["Xy"]
    ('feature', 'trait')
    >>> dims_of(covariates=False, traits=False)["Xy"]
    ('feature',)
    """
    there = sides(covariates)
    dims: dict[str, tuple[str, ...]]
    dims = {name: _pair(*name) for name in CROSS if {*name} <= {*there}}
    dims |= {f"{side}_{moment}": (DIM[side],) for side in there for moment in _MOMENTS}
    dims |= {name: () for name in _SCALARS}
    if traits:
        return dims
    return {name: tuple(d for d in own if "trait" not in d) for name, own in dims.items()}


def _pair(left: str, right: str) -> tuple[str, str]:
    """Dims of a matrix of cross-products."""
    return DIM[left], DIM[right] + ("_bis" if left == right else "")


def as_dataset(values: Mapping[str, npt.ArrayLike], labels: Mapping[str, np.ndarray]) -> xr.Dataset:
    """Put arrays into a Dataset.

    Parameters
    ----------
    values : mapping of str to array_like
        Each variable; for one trait, it may have a trait axis of length 1.
    labels : mapping of str to ndarray
        Labels of "feature" and, if there are any, of "covariate" and "trait".

    Returns
    -------
    xarray.Dataset
    """
    coords = {dim + end: labels[dim] for dim in LABELLED if dim in labels for end in ("", "_bis")}
    variables = {}
    for name, dims in dims_of("covariate" in labels, "trait" in labels).items():
        shape = [len(coords[dim]) for dim in dims]
        variables[name] = (dims, np.reshape(values[name], shape), {"long_name": _describe(name)})
    return xr.Dataset(variables, coords, {"blrzoo": KIND, "format_version": FORMAT})


def _describe(name: str) -> str:
    """Describe a variable in words, for readers of the file."""
    if name in CROSS:
        left, right = _WHAT[name[0]], _WHAT[name[1]]
        return f"sums of products of {left} and {right}, with weights, about their centers"
    return _SCALARS.get(name) or f"{_WHAT[name[0]]}: {_MOMENTS[name[2:]]}"
