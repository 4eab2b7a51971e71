"""Whether models were fitted to the same y, and how it differs."""

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.evaluate import value_of
from blrzoo.labels import find, order, show
from blrzoo.posterior.inputs import of_statistics

__all__ = ["check_same", "observed_y", "response_of"]

_RULE = "models must be of the same y"
_REMEDY = "Fit all models to the same rows: drop those that any of them lacks, and scale y alike."


def response_of(model: pm.Model) -> xr.DataArray:
    """The observed y (obs[, trait]) of a model with its labels, NaN where not measured."""
    y = value_of(model.rvs_to_values[model["y"]]).astype(float)
    dims = [str(dim) for dim in model.named_vars_to_dims["y"]]
    coords = {dim: np.asarray(model.coords[dim]) for dim in dims}
    return xr.DataArray(y, coords, dims, "y")


def observed_y(idata: xr.DataTree, name: str) -> xr.DataArray:
    """The observed y (obs[, trait]) of a fit; an error with its name if there is none."""
    if of_statistics(idata):
        raise ValueError(
            f"fits must be of observations, each of which is left out in turn; got one of "
            f"sufficient statistics, which have no rows, in {name!r}. Fit X and y, in another "
            f"design than 'gram'; or compare predictions of other rows: blrzoo.evidence.log_score."
        )
    if "observed_data" not in idata.children or "y" not in idata["observed_data"].data_vars:
        raise ValueError(
            f"fits must have 'y' in their group 'observed_data', got none in {name!r}. Pass the "
            "InferenceData as it was sampled: whether the data are the same cannot be seen without."
        )
    return idata["observed_data"].to_dataset()["y"].transpose("obs", ...)


def check_same(responses: dict[str, xr.DataArray]) -> None:
    """Refuse responses, by name of the model, that differ but for the order of rows and traits.

    Examples
    --------
    >>> import xarray as xr
    >>> from blrzoo.evidence.observed import check_same
    >>> y = xr.DataArray([1.0, 2.0], {"obs": ["a", "b"]}, "obs")
    >>> check_same({"one": y, "two": y[::-1]})
    >>> check_same({"one": y, "two": y + [0, 1]})
    Traceback (most recent call last):
    ValueError: models must be of the same y, got other values in 1 of 2 rows in 'two' than ...
    """
    (first, reference), *others = responses.items()
    for name, y in others:
        difference = _difference(name, y, first, reference)
        if difference:
            raise ValueError(f"{_RULE}, got {difference}. {_REMEDY}")


def _difference(name: str, y: xr.DataArray, first: str, reference: xr.DataArray) -> str | None:
    if y.dims != reference.dims:
        return f"dims {y.dims} in {name!r} and {reference.dims} in {first!r}"
    if y.sizes["obs"] != reference.sizes["obs"]:
        return (
            f"{y.sizes['obs']} observations in {name!r} and {reference.sizes['obs']} in {first!r}"
        )
    for dim in y.dims:
        labels, expected = y.get_index(dim), reference.get_index(dim)
        if labels.equals(expected):
            continue
        try:
            places = order("y", labels, expected, "labels")
        except ValueError:
            extra = labels[find(expected.unique(), labels) < 0].tolist() or labels.tolist()
            return (
                f"other labels of {dim} in {name!r} than in {first!r}, for instance {show(extra)}"
            )
        y = y.isel({dim: places})
    return _other_values(name, y, first, reference)


def _other_values(name: str, y: xr.DataArray, first: str, reference: xr.DataArray) -> str | None:
    scale = np.nanmax(np.abs(reference.values), initial=0.0)
    same = np.isclose(y.values, reference.values, rtol=0.0, atol=1e-9 * scale, equal_nan=True)
    if same.all():
        return None
    place = tuple(np.argwhere(~same)[0])
    rows = int((~same).reshape(len(same), -1).any(axis=1).sum())
    labels = [show([y.get_index(dim)[i]])[1:-1] for dim, i in zip(y.dims, place, strict=True)]
    where = ", ".join(f"{dim} {label}" for dim, label in zip(y.dims, labels, strict=True))
    return (
        f"other values in {rows} of {len(same)} rows in {name!r} than in {first!r}, for instance "
        f"{float(y.values[place])!r} and {float(reference.values[place])!r} in {where}"
    )
