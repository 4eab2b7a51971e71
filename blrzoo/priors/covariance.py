"""Covariance matrices as parameters: what the user may give, and the variable made from it."""

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.priors.computed import Computed
from blrzoo.priors.given import Checked, Labelled, Parameter, in_order
from blrzoo.priors.parameters import (
    LEAST,
    LEAST_SHAPE,
    Family,
    check_parameter,
    conjugate_prior,
    dims_shape,
    parameter,
)

__all__ = [
    "COVARIANCE",
    "check_both",
    "check_covariance",
    "covariance",
    "default_nu",
    "wishart_mean",
]


def _positive_definite(value: np.ndarray) -> bool:
    """Whether variances (fewer than two dims) are positive, or matrices positive definite."""
    if value.ndim < 2:
        return bool((value >= LEAST).all())
    square = value.shape[-1] == value.shape[-2]
    if not square or not np.allclose(value, np.swapaxes(value, -1, -2), rtol=1e-8, atol=0):
        return False
    return bool((np.linalg.eigvalsh(value) >= LEAST).all())


def wishart_mean(nu: ArrayLike, S: np.ndarray) -> np.ndarray:
    """Mean of an inverse-Wishart where it exists, else the mode, which always exists."""
    T = np.shape(S)[-1]
    nu = np.asarray(nu)[..., None, None]
    return np.where(nu > T + 1, S / np.where(nu > T + 1, nu - T - 1, 1.0), S / (nu + T + 1))


COVARIANCE = Family(
    "inverse-Wishart",
    {"nu": LEAST_SHAPE, "S": None},
    lambda name, nu, S, dims=None: InverseWishart(name, nu, S, dims=dims),
    wishart_mean,
    "a symmetric, positive definite matrix (or a positive variance, or one for each trait)",
    _positive_definite,
    edges=(-1.0, 1.0),  # farther out, matrices are singular in double precision
)


def default_nu(n_traits: int) -> float:
    """Degrees of freedom of the default inverse-Wishart, T + 3; 4 for one trait."""
    return n_traits + 3.0


def check_covariance(name: str, value: Parameter) -> Checked:
    """Check what the user gave for a covariance or variances, as `check_parameter` does."""
    if not isinstance(value, tuple) or len(value) != 2:
        return check_both(name, check_parameter(name, value, COVARIANCE))
    nu, S = check_parameter(name, value, COVARIANCE)
    if not _positive_definite(np.asarray(S)):
        raise ValueError(
            f"{name}: S must be {COVARIANCE.rule}, got {value[1]!r} in {value!r}. Pass the scale "
            f"matrix of the inverse-Wishart prior, whose mean is S / (nu - n_traits - 1)."
        )
    return nu, check_both(f"{name}: S", S)


def check_both[T](name: str, value: T) -> T:
    """Refuse labels of rows only or columns only: the other dim would go by position."""
    sides = value.labels[-2:] if isinstance(value, Labelled) else ()
    if len(sides) == 2 and (sides[0] is None) != (sides[1] is None):
        raise ValueError(
            f"{name} must have labels of its rows and of its columns, or none, got "
            f"{['rows', 'columns'][sides[0] is None]} with labels only. Give both the names of "
            f"the traits."
        )
    return value


def covariance(
    name: str, value: Checked, mean: Computed, dims: tuple[str, ...], argument: str | None = None
) -> TensorVariable:
    """Register a covariance, (..., trait, trait_bis), in the model on the context.

    `value` is what `check_covariance` returned. The default prior is IW(T + 3, 2 mean), where the
    formulas of `mean` compute ``mean``. `argument` is the user's name of it, for messages.
    """
    shape, argument = dims_shape(dims), argument or name
    default = mean.then(
        (default_nu(shape[-1]), 2.0 * np.broadcast_to(mean.value, shape)),
        "nu = T + 3",
        "S = 2 * mean",
        T=shape[-1],
    )
    if isinstance(value, np.ndarray | Labelled):
        value = _matrices(argument, value, dims)
    elif isinstance(value, tuple):
        value = _prior(argument, value, dims)
    elif value is not None:
        _check_dist_shape(argument, value, shape)
    if isinstance(value, tuple):
        return conjugate_prior(name, COVARIANCE, value, dims)
    return parameter(name, value, COVARIANCE, default, dims=dims)


def _prior(
    name: str, value: tuple[np.ndarray | Labelled, ...], dims: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    (nu, S), shape = value, dims_shape(dims)
    nu = in_order(f"{name}: nu", nu, dims[:-2], pm.modelcontext(None).coords)
    if not (nu > shape[-1] - 1).all():
        raise ValueError(
            f"{name}: nu must be above the number of traits minus one, {shape[-1] - 1}, got {nu}. "
            f"Pass for instance nu={default_nu(shape[-1]):g}, the default."
        )
    if np.ndim(nu) and nu.shape != shape[:-2]:
        rule = f"one number, or have shape {shape[:-2]}" if shape[:-2] else "one number"
        raise ValueError(f"{name}: nu must be {rule}, got shape {nu.shape}. Pass one number.")
    return nu, _matrices(f"{name}: S", S, dims)


def _matrices(name: str, value: np.ndarray | Labelled, dims: tuple[str, ...]) -> np.ndarray:
    """Broadcast to the variable's shape, with variances on the diagonal."""
    shape = dims_shape(dims)
    value = in_order(name, value, dims, pm.modelcontext(None).coords)
    T = shape[-1]
    if value.ndim < 2 and value.shape in ((), (T,)):
        value = np.diag(np.broadcast_to(value, T))
    fits = value.ndim >= 2 and value.shape == shape[len(shape) - value.ndim :]
    if not fits:
        allowed = [(), (T,), *(shape[k:] for k in range(len(shape) - 2, -1, -1))]
        rule = " or ".join(str(one) for one in dict.fromkeys(allowed))
        raise ValueError(
            f"{name} must have shape {rule} for the {T} trait(s), got shape {value.shape}. Pass a "
            f"matrix of traits by traits, or variances: one, or one for each trait."
        )
    return np.broadcast_to(value, shape)


def _check_dist_shape(name: str, dist: TensorVariable, shape: tuple[int, ...]) -> None:
    got = dist.type.shape
    fits = len(got) == len(shape) and all(a in (None, b) for a, b in zip(got, shape, strict=True))
    if not fits:
        raise ValueError(
            f"{name} must have shape {shape}, got a .dist() of shape {got}. Make the prior with "
            f".dist(..., shape={shape})."
        )
