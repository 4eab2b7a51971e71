"""Check that something is a Dataset of sufficient statistics, of data that can exist."""

from typing import Any

import numpy as np
import xarray as xr

from blrzoo.labels import check_unique, show
from blrzoo.statistics.check_values import check_values
from blrzoo.statistics.layout import FORMAT, KIND, LABELLED, dims_of

__all__ = ["check_statistics"]

_AGAIN = "Make the statistics again with blrzoo.sufficient_statistics"


def check_statistics(data: Any, name: str = "statistics") -> None:
    r"""Refuse what is not a Dataset of `sufficient_statistics`, or what no data can have.

    With all columns [W, X] and y divided by their root sums of squares, so that their
    cross-products are correlations R (of columns), q (with y) and E (of y), data exist only if
    :math:`|r_{jk}| \le 1` and no residual variance is negative,
    :math:`E - q' R^{-1} q \ge 0` (the smallest eigenvalue, with several traits).

    Parameters
    ----------
    data : Any
        What the user passed.
    name : str, default "statistics"
        Name of `data` in messages.

    Raises
    ------
    TypeError
        If `data` is not a Dataset, or one that `sufficient_statistics` has not made.
    ValueError
        If the format version, variables, dims, labels or dtypes are not those of
        `sufficient_statistics`; numbers are not finite; n is below 2; the sum of the weights is not
        positive, or that of their logarithms too large for it; sums of squares or variances are
        negative; or cross-products are not symmetric, or larger than the sums of squares allow.

    Notes
    -----
    The residual variance is checked for the 500 features and the 500 covariates that correlate most
    with y: with fewer columns it is never smaller, and all might take hours. All tolerances are
    relative, 1e-8 for correlations and 1e-6 for residual variances.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.statistics import check_statistics
    >>> data = blr.load_diabetes()
    >>> statistics = blr.sufficient_statistics(data.X, data.y)
    >>> check_statistics(statistics)
    >>> check_statistics(statistics.assign(yy=statistics.yy / 10))
    Traceback (most recent call last):
    ...
    ValueError: statistics must have ...
    """
    _check_kind(data, name)
    dims = dims_of("covariate" in data.dims, "trait" in data.dims)
    _check_variables(data, name, dims)
    _check_labels(data, name)
    check_values({variable: data[variable].values for variable in dims}, data.indexes, name)


def _check_kind(data: object, name: str) -> None:
    rule = f"{name} must be an xarray.Dataset made by blrzoo.sufficient_statistics"
    if not isinstance(data, xr.Dataset):
        remedy = "Pass it as it was made, or as xr.open_dataset or xr.Dataset.from_dict reads it"
        raise TypeError(f"{rule}; got {type(data).__name__}. {remedy}.")
    kind = data.attrs.get("blrzoo")
    if not isinstance(kind, str) or kind != KIND:
        got = "no such attribute" if kind is None else f"{kind!r}"
        raise TypeError(
            f"{rule}, with the attribute blrzoo={KIND!r}; got {got}. {_AGAIN}, or keep the "
            "attributes where you change some (xr.set_options(keep_attrs=True))."
        )
    version = data.attrs.get("format_version")
    if not isinstance(version, int | np.integer) or version != FORMAT:
        raise ValueError(
            f"{name} must have format_version {FORMAT}; got {version!r}. {_AGAIN} of this version "
            "of blrzoo, or update blrzoo."
        )


def _check_variables(data: xr.Dataset, name: str, dims: dict[str, tuple[str, ...]]) -> None:
    lacking = [variable for variable in dims if variable not in data.data_vars]
    if lacking:
        raise ValueError(
            f"{name} must have the variables {show(dims, 20)}; got none of the name "
            f"{show(lacking)}. {_AGAIN}."
        )
    more = [variable for variable in data.data_vars if variable not in dims]
    if more:
        raise ValueError(
            f"{name} must have no variables other than statistics; got {show(more)}. Make them "
            f"coordinates, data.set_coords({more!r}), or drop them, data.drop_vars({more!r})."
        )
    for variable, wanted in dims.items():
        _check_variable(data[variable], name, wanted)


def _check_variable(variable: xr.DataArray, name: str, dims: tuple[str, ...]) -> None:
    if variable.dims != dims:
        raise ValueError(
            f"{name} must have {variable.name} with dims {dims}; got {variable.dims}. {_AGAIN}, or "
            "transpose it."
        )
    wanted = "int64" if variable.name == "n" else "float64"
    kind, size = variable.dtype.kind, variable.dtype.itemsize  # files may be big-endian
    if not (kind in "iu" if variable.name == "n" else kind == "f" and size == 8):
        raise ValueError(
            f"{name} must have {variable.name} of dtype {wanted}; got {variable.dtype}. {_AGAIN}, "
            "and save them without loss of digits."
        )


def _check_labels(data: xr.Dataset, name: str) -> None:
    for dim in LABELLED:
        if dim in data.dims:
            _check_dim(data, name, dim)


def _check_dim(data: xr.Dataset, name: str, dim: str) -> None:
    bis = f"{dim}_bis"
    for one in (dim, bis):
        if one not in data.indexes:
            raise ValueError(
                f"{name} must have labels of {one}; got the dim without. Assign them: "
                f"data.assign_coords({one}=labels)."
            )
    labels, again = data.indexes[dim], data.indexes[bis]
    check_unique(name, labels, dim)
    if not labels.equals(again):
        raise ValueError(
            f"{name} must have the same labels for {bis} as for {dim}, in the same order; got "
            f"{show(again)} and {show(labels)}. Choose both alike: "
            f"data.sel({dim}=labels, {bis}=labels)."
        )
