"""A simulated study as an `xarray.Dataset`: the data, the truth and the arguments."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from blrzoo.simulation.arguments import Floats
from blrzoo.simulation.grouping import Groups, numbered
from blrzoo.simulation.traits import Traits

__all__ = ["as_dataset"]

Variables = dict[str, Any]

_PAIRS = ("trait", "trait_bis")


def as_dataset(
    X: NDArray[Any],
    y: Floats,
    beta: Floats,
    signal: Floats,
    frequency: Floats | None,
    groups: Groups | None,
    traits: Traits,
    attrs: dict[str, Any],
) -> xr.Dataset:
    """Join the data and the truth; y, beta and signal have a column for each trait."""
    n, p = X.shape
    variables = _variables(X, y, beta, signal, traits)
    coords: Variables = {"obs": np.arange(n)}
    coords["feature"] = numbered("x" if frequency is None else "snp", p)
    if traits.count is not None:
        variables |= _covariances(signal, traits)
        coords["trait"] = coords["trait_bis"] = numbered("trait", traits.count)
    if frequency is not None:
        variables["maf"] = ("feature", frequency, {"long_name": "frequency of the counted allele"})
    if groups is not None:
        variables["groups"] = ("feature", groups.labels, {"long_name": "group of the feature"})
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def _variables(
    X: NDArray[Any], y: Floats, beta: Floats, signal: Floats, traits: Traits
) -> Variables:
    one = traits.count is None
    dims: tuple[str, ...] = () if one else ("trait",)
    last = 0 if one else slice(None)
    explained, sigma2 = signal.var(axis=0), 1.0 - traits.h2
    h2 = explained / (explained + sigma2)
    variables: Variables = {
        "X": (("obs", "feature"), X),
        "y": (("obs", *dims), y[:, last]),
        "beta": (("feature", *dims), beta[:, last], {"long_name": "effect per unit of X"}),
        "causal": (("feature", *dims), beta[:, last] != 0.0, {"long_name": "has an effect"}),
        "mu": (dims, traits.mu[last], {"long_name": "intercept"}),
    }
    if one:
        variables["sigma2"] = (dims, sigma2[last], {"long_name": "residual variance"})
    return variables | {"h2": (dims, h2[last], {"long_name": "realised heritability"})}


def _covariances(signal: Floats, traits: Traits) -> Variables:
    centred = signal - signal.mean(axis=0)
    covariance = centred.T @ centred / len(signal)
    sd = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore"):  # NaN for a trait without heritability
        correlation = covariance / np.outer(sd, sd)
    return {
        "genetic_covariance": (_PAIRS, covariance, {"long_name": "realised, of X beta"}),
        "genetic_correlation": (_PAIRS, correlation, {"long_name": "realised, of X beta"}),
        "Sigma_e": (_PAIRS, traits.residual_covariance, {"long_name": "residual covariance"}),
    }
