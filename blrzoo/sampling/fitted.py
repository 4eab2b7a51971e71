"""Check that draws are of a model: the same variables, labels and data."""

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from blrzoo.evaluate import value_of
from blrzoo.gibbs.spec import spec_of
from blrzoo.labels import order
from blrzoo.posterior.kept import kept_names, refuse_kept

__all__ = ["check_same_model"]

_REMEDY = "Pass the model that was fitted, built from the same data."


def check_same_model(idata: object, model: pm.Model) -> xr.Dataset:
    """Return the posterior in the model's order of labels; refuse that of another model."""
    if not isinstance(idata, xr.DataTree) or "posterior" not in idata.children:
        raise TypeError(
            f"idata must be a DataTree with a posterior, got {type(idata).__name__}. Pass what "
            f"blrzoo.sample returned."
        )
    refuse_kept(idata, *kept_names(idata))
    posterior = idata["posterior"].to_dataset()
    _check_draws(posterior)
    _check_variables(posterior, model)
    for group in ("observed_data", "constant_data"):
        if group in idata.children:
            _check_data(idata[group].to_dataset(), model)
    posterior = _in_order(posterior, model)
    for name in posterior.data_vars:
        dims = model.named_vars_to_dims.get(str(name))
        posterior[name] = posterior[name].transpose("chain", "draw", *(dims or [...]))
    return posterior


def _check_draws(posterior: xr.Dataset) -> None:
    sizes = {dim: posterior.sizes.get(dim, 0) for dim in ("chain", "draw")}
    if not all(sizes.values()):
        raise ValueError(
            f"idata must have draws with the dims chain and draw, got sizes {sizes}. Pass it as "
            f"blrzoo.sample returned it."
        )
    if text := [
        name for name, draws in posterior.data_vars.items() if draws.dtype.kind not in "biuf"
    ]:
        raise ValueError(
            f"idata must hold numbers, got others in {text}. Pass it as blrzoo.sample returned it."
        )
    if not np.issubdtype(posterior["draw"].dtype, np.integer):
        raise ValueError(
            f"idata must number its draws, got draw labels of dtype {posterior['draw'].dtype}. "
            f"Number them: idata.posterior.assign_coords(draw=range(...)), sample_stats alike."
        )


def _check_variables(posterior: xr.Dataset, model: pm.Model) -> None:
    names = set(map(str, posterior.data_vars))
    foreign = sorted(names - {rv.name for rv in model.unobserved_RVs})
    # Without alpha, beta has all that a chain needs to continue.
    spare = {"alpha"} if "beta" in names and spec_of(model.named_vars.get("alpha")) else set()
    missing = sorted({rv.name for rv in model.free_RVs} - names - spare)
    if foreign:
        raise ValueError(
            f"idata must have draws of the model's variables only, got {foreign}, which the model "
            f"does not have. {_REMEDY} Drop variables that were added to the draws."
        )
    if missing:
        raise ValueError(
            f"idata must have all variables that are drawn, got none of {missing}. {_REMEDY} A "
            f"fit with var_names cannot be continued: leave var_names out."
        )


def _check_data(data: xr.Dataset, model: pm.Model) -> None:
    for name, values in _in_order(data, model).data_vars.items():
        if name not in model.named_vars:
            raise ValueError(f"idata must be a fit of the model, which has no {name}. {_REMEDY}")
        own = _values(model, str(name))
        # Draws may have been stored in single precision.
        if own.shape != values.shape or not np.allclose(own, values, 1e-6, 0, equal_nan=True):
            raise ValueError(
                f"idata must be a fit of the model, got other values of {name} in it. {_REMEDY}"
            )


def _values(model: pm.Model, name: str) -> np.ndarray:
    variable = model[name]
    if variable in model.observed_RVs:
        return value_of(model.rvs_to_values[variable])
    data = variable.get_value(borrow=True) if hasattr(variable, "get_value") else variable.data
    return np.asarray(data)


def _in_order(data: xr.Dataset, model: pm.Model) -> xr.Dataset:
    """Reorder by label, along each dim for which the model has labels."""
    for dim, labels in model.coords.items():
        if dim in data.indexes and labels is not None:
            own, given = pd.Index(list(labels), tupleize_cols=False), data.indexes[dim]
            if not given.equals(own):
                what = f"{dim} labels of the model"
                data = data.isel({dim: order("idata", given, own, what, remedy=_REMEDY)})
    return data
