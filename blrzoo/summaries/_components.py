"""The variance that a prior expects on X, given the hyperparameters of a draw."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from blrzoo.labels import one_per_feature
from blrzoo.posterior.fit_variance import column_variances
from blrzoo.posterior.inputs import constant_data, design_of, feature_index
from blrzoo.posterior.kept import kept_names
from blrzoo.posterior.reader import (
    included_count,
    indicator_name,
    posterior,
    refuse_broken,
)

__all__ = [
    "UndeterminedError",
    "expected_covariance",
    "expected_variance",
    "feature_variances",
    "residual_variance",
]

_OF_FEATURES = {"beta", "alpha", "delta", "label", "pi", "tau2"}


class UndeterminedError(ValueError):
    """The hyperparameters do not determine the variance of an effect."""


def feature_variances(idata: xr.DataTree, X: Any = None) -> NDArray[np.float64]:
    """Return the variances of the features over the observations, with denominator n."""
    data = constant_data(idata)
    if X is not None or "X" in data:
        return column_variances(design_of(idata, X))
    if "X_variance" in data:
        return one_per_feature("X_variance", data["X_variance"], feature_index(idata))
    raise UndeterminedError("there is no X in constant_data, and none was given")


def expected_variance(idata: xr.DataTree, x_variance: NDArray[np.float64]) -> xr.DataArray:
    """Sum var(x_j) times the variance of effect j over features, (chain, draw[, trait])."""
    if "Sigma_b" in posterior(idata):
        return diagonal(expected_covariance(idata, x_variance))
    return _sum_over_features(idata, "tau2", x_variance)


def expected_covariance(idata: xr.DataTree, x_variance: NDArray[np.float64]) -> xr.DataArray:
    """Sum var(x_j) times cov(b_j) over features, (chain, draw, trait, trait_bis)."""
    total = _sum_over_features(idata, "Sigma_b", x_variance)
    return total.transpose("chain", "draw", "trait", "trait_bis")


def residual_variance(idata: xr.DataTree) -> xr.DataArray:
    """Return sigma2, or the diagonal of Sigma_e, (chain, draw[, trait])."""
    refuse_broken(idata)
    variables = posterior(idata)
    if "sigma2" in variables:
        return variables["sigma2"].transpose("chain", "draw", ...)
    if "Sigma_e" in variables:
        return diagonal(variables["Sigma_e"].transpose("chain", "draw", "trait", "trait_bis"))
    raise ValueError(
        "idata.posterior must have the residual variance, 'sigma2' or, with several traits, "
        f"'Sigma_e'; it has {list(variables.data_vars)}. Keep it when sampling (var_names=...)."
    )


def diagonal(matrices: xr.DataArray) -> xr.DataArray:
    """Take the diagonal of matrices (..., trait, trait_bis)."""
    template = matrices.isel(trait_bis=0, drop=True)
    return template.copy(data=np.diagonal(matrices.values, axis1=-2, axis2=-1))


def _sum_over_features(
    idata: xr.DataTree, name: str, x_variance: NDArray[np.float64]
) -> xr.DataArray:
    spread, pi = _spread(idata, name), _inclusion(idata)
    _refuse_local(idata, pi)
    x_variance = x_variance / _unit(idata) ** 2
    if pi is None:
        moment = spread
    elif "feature" in pi.dims:
        if "group" in spread.dims or "component" in spread.dims:
            raise UndeterminedError(
                "pi has the dim feature, and the variances have groups or components"
            )
        weights = xr.DataArray(x_variance, {"feature": feature_index(idata)}, "feature")
        return xr.dot(pi.astype(float), weights, dim="feature") * spread
    elif "component" in pi.dims or "component" in spread.dims:
        moment = _mean_over_components(pi, spread)
    elif "pattern" in pi.dims:
        moment = _pair_probability(idata, pi) * spread
    else:
        moment = _both(pi) * spread if "trait_bis" in spread.dims else pi * spread
    if "group" not in moment.dims:
        return moment * x_variance.sum()
    return xr.dot(moment, _by_group(idata, moment, x_variance), dim="group")


def _unit(idata: xr.DataTree) -> float | np.ndarray:
    """Return what a unit of effects is per: the SD of each feature, or 1."""
    data = constant_data(idata)
    if "X_scale" not in data:
        return 1.0
    return one_per_feature("X_scale", data["X_scale"], feature_index(idata))


def _spread(idata: xr.DataTree, name: str) -> xr.DataArray:
    refuse_broken(idata)
    variables = posterior(idata)
    if name not in {*variables, *kept_names(idata)}:
        raise UndeterminedError(f"the posterior has no {name!r}")
    if name not in variables or "feature" in variables[name].dims:
        raise UndeterminedError(
            f"{name!r} has the dim feature: variances that are drawn for each feature say little "
            "about the variance of effects in general"
        )
    return variables[name]


def _inclusion(idata: xr.DataTree) -> xr.DataArray | None:
    """Return pi, learned or fixed; None in a model without selection."""
    for group in (posterior(idata), constant_data(idata)):
        if "pi" in group:
            return group["pi"]
    if "pi" in kept_names(idata):
        raise UndeterminedError("the fit has keep='summary', and no draws of the 'pi' of features")
    if indicator_name(idata) is not None or included_count(idata) is not None:
        raise UndeterminedError("the model selects features, and the posterior has no 'pi'")
    return None


def _refuse_local(idata: xr.DataTree, pi: xr.DataArray | None) -> None:
    """Refuse relative variances: those of single features, or made from annotations."""
    variables = posterior(idata)
    of_features = [str(k) for k, v in variables.items() if "feature" in v.dims]
    local = [name for name in of_features + kept_names(idata) if name not in _OF_FEATURES]
    if pi is None or "feature" not in pi.dims:
        local += [str(k) for k, v in variables.items() if "annotation" in v.dims]
    if local:
        raise UndeterminedError(
            f"the variance of an effect may depend on {local}, in a way that the posterior does "
            "not show"
        )


def _mean_over_components(pi: xr.DataArray, spread: xr.DataArray) -> xr.DataArray:
    if "component" not in pi.dims:
        raise UndeterminedError("the variances have the dim component, and 'pi' has not")
    if "component" not in spread.dims:
        if pi.sizes["component"] != 2:
            raise UndeterminedError("'pi' has several components, and the variances have none")
        return pi.isel(component=1, drop=True) * spread
    unknown = pi.get_index("component").difference(spread.get_index("component"), sort=False)
    if not unknown.isin(pi.get_index("component")[:1]).all():
        raise UndeterminedError(f"the variances lack the components {list(unknown)} of 'pi'")
    return xr.dot(pi, spread, dim="component")  # over the components of both: a null adds nothing


def _pair_probability(idata: xr.DataTree, pi: xr.DataArray) -> xr.DataArray:
    """Return the probability of an effect on both traits, by patterns."""
    patterns = constant_data(idata).get("patterns")
    if patterns is None:
        raise UndeterminedError("'pi' has the dim pattern, and constant_data has no 'patterns'")
    on = patterns.astype(float)
    pi, on = xr.align(pi, on, join="exact", copy=False)
    other = on.rename(trait="trait_bis")
    return xr.dot(pi, on, other, dim="pattern")


def _both(pi: xr.DataArray) -> xr.DataArray:
    """Return the probability of an effect on both traits, by independent indicators."""
    if "trait" not in pi.dims:
        return pi
    other = pi.rename(trait="trait_bis")
    same = xr.DataArray(
        np.eye(pi.sizes["trait"], dtype=bool),
        {k: (k, v.values) for k, v in (("trait", pi["trait"]), ("trait_bis", other["trait_bis"]))},
        ("trait", "trait_bis"),
    )
    return xr.where(same, pi, pi * other)


def _by_group(
    idata: xr.DataTree, moment: xr.DataArray, x_variance: NDArray[np.float64]
) -> xr.DataArray:
    """Sum var(x_j) over the features of each group."""
    data = constant_data(idata)
    if "group_index" not in data:
        raise UndeterminedError("variances are by group, and constant_data has no 'group_index'")
    features: pd.Index = feature_index(idata)
    index = one_per_feature("group_index", data["group_index"], features).astype(np.intp)
    sums = np.bincount(index, weights=x_variance, minlength=moment.sizes["group"])
    coords = {"group": moment["group"].values} if "group" in moment.coords else None
    return xr.DataArray(sums, coords, "group")
