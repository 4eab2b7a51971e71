"""Covariance matrices as parameters: what a user may give for one, and the variable made of it."""

from typing import Any

import numpy as np
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.priors.parameters import Family, check_parameter, dims_shape, parameter

__all__ = ["COVARIANCE", "check_covariance", "covariance", "default_nu", "wishart_mean"]


def _positive_definite(value: np.ndarray) -> bool:
    """Variances (fewer than two dims) or matrices that are symmetric and positive definite."""
    if value.ndim < 2:
        return bool((value > 0).all())
    square = value.shape[-1] == value.shape[-2]
    if not square or not np.allclose(value, np.swapaxes(value, -1, -2), rtol=1e-8, atol=0):
        return False
    return bool((np.linalg.eigvalsh(value) > 0).all())


def wishart_mean(nu: Any, S: Any) -> Any:
    """Mean of an inverse-Wishart where it exists, else the mode, which always does."""
    T = np.shape(S)[-1]
    nu = np.asarray(nu)[..., None, None]
    return np.where(nu > T + 1, S / np.where(nu > T + 1, nu - T - 1, 1.0), S / (nu + T + 1))


COVARIANCE = Family(
    "inverse-Wishart",
    {"nu": True, "S": False},
    lambda name, nu, S, dims=None: InverseWishart(name, nu, S, dims=dims),
    wishart_mean,
    "a symmetric, positive definite matrix (or a positive variance, or one for each trait)",
    _positive_definite,
)


def default_nu(n_traits: int) -> float:
    """Degrees of freedom of the default inverse-Wishart, T + 3: for one trait the usual 4."""
    return n_traits + 3.0


def check_covariance(name: str, value: Any) -> Any:
    """Check what a user gave for a covariance, before any model exists; see `check_parameter`.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    value : None, number, array, (nu, S) or PyMC ``.dist()``
        Numbers, and S, are matrices (..., trait, trait_bis), or variances: one, or (trait,).

    Returns
    -------
    None, ndarray, tuple of ndarray, or variable

    Raises
    ------
    ValueError, TypeError
        For what is not symmetric and positive definite, or none of the four.

    Examples
    --------
    >>> from blrzoo.priors.covariance import check_covariance
    >>> check_covariance("Sigma_b", (5, 0.1))
    (array(5.), array(0.1))
    """
    checked = check_parameter(name, value, COVARIANCE)
    if isinstance(checked, tuple) and not _positive_definite(checked[1]):
        raise ValueError(
            f"{name}: S must be {COVARIANCE.rule}, got {value[1]!r} in {value!r}. Pass the scale "
            f"matrix of the inverse-Wishart prior, whose mean is S / (nu - n_traits - 1)."
        )
    return checked


def covariance(name: str, value: Any, mean: Any, dims: tuple[str, ...]) -> TensorVariable:
    """Register a covariance in the model on the context.

    Parameters
    ----------
    name : str
        The variable's name.
    value : None, ndarray, tuple or ``.dist()``
        As returned by `check_covariance`. Where it has fewer dims than the variable, it serves
        for all groups and components.
    mean : array, broadcastable to the dims
        Mean of the default prior, IW(T + 3, 2 mean).
    dims : tuple of str
        The variable's dims, ``("trait", "trait_bis")`` last.

    Returns
    -------
    TensorVariable
        A random variable, or a Deterministic that holds the fixed value.

    Raises
    ------
    ValueError
        For values of a shape that does not fit the dims, or nu <= T - 1.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.priors.covariance import covariance
    >>> with pm.Model(coords={"trait": ["a", "b"], "trait_bis": ["a", "b"]}) as model:
    ...     Sigma_e = covariance("Sigma_e", None, np.eye(2), ("trait", "trait_bis"))
    >>> [rv.name for rv in model.free_RVs]
    ['Sigma_e']
    """
    shape = dims_shape(dims)
    default = (default_nu(shape[-1]), 2.0 * np.broadcast_to(mean, shape))
    if isinstance(value, np.ndarray):
        value = _matrices(name, value, shape)
    elif isinstance(value, tuple):
        value = _prior(name, value, shape)
    if isinstance(value, tuple):
        return COVARIANCE.make(name, *value, dims=dims)
    return parameter(name, value, COVARIANCE, default, dims=dims)


def _prior(name: str, value: tuple[Any, Any], shape: tuple[int, ...]) -> tuple[Any, Any]:
    nu, S = value
    if not (nu > shape[-1] - 1).all():
        raise ValueError(
            f"{name}: nu must be above the number of traits less one, {shape[-1] - 1}, got {nu}. "
            f"Pass for instance nu={default_nu(shape[-1]):g}, the default."
        )
    if np.ndim(nu) and nu.shape != shape[:-2]:
        raise ValueError(
            f"{name}: nu must have shape () or {shape[:-2]}, got shape {nu.shape}. Pass one number."
        )
    return nu, _matrices(f"{name}: S", S, shape)


def _matrices(name: str, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Broadcast to the variable's shape; variances are put on the diagonal."""
    T = shape[-1]
    if value.ndim < 2 and value.shape in ((), (T,)):
        value = np.diag(np.broadcast_to(value, T))
    fits = value.ndim >= 2 and value.shape == shape[len(shape) - value.ndim :]
    if not fits:
        raise ValueError(
            f"{name} must have shape (), ({T},) or the last dims of {shape}, got shape "
            f"{value.shape}. Pass a matrix of traits by traits."
        )
    return np.broadcast_to(value, shape)
