"""Probabilities of patterns and of components: what the user may give for them."""

import numbers
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import xarray as xr

from blrzoo.priors.given import Checked, Parameter
from blrzoo.priors.parameters import PROBABILITY, SIMPLEX, check_parameter, prior_means

__all__ = ["MOST_COMPONENTS", "check_reached", "check_trait_shape", "check_weights", "mean_weights"]

#: Largest number of components: more are slow, and hardly distinguishable.
MOST_COMPONENTS = 100

_SCALARS = (numbers.Real, Decimal, np.ndarray, xr.DataArray)


def check_weights(pi: Parameter, kind: str) -> Checked:
    """Check probabilities of a kind ("pattern", "component"), as `check_parameter` does."""
    rule = f"pi must have a probability for each {kind}"
    remedy = (
        f"Pass a list of numbers that sum to 1 (fixed), a tuple of the parameters of the Dirichlet "
        f"prior, or a .dist(); all have a value for each {kind}."
    )
    message = f"{rule}, got {pi!r}. {remedy}"
    if isinstance(pi, tuple):
        return check_parameter("pi", (_parameters(pi, message),), SIMPLEX)
    given: Any = pi
    if isinstance(pi, _SCALARS) and not isinstance(given, bool) and np.ndim(given) == 0:
        raise ValueError(message)
    return check_parameter("pi", pi, SIMPLEX)


def _parameters(pi: tuple[Any, ...], message: str) -> Any:
    try:
        # ([1, 1, 1],) means what (1, 1, 1) means
        values = pi[0] if len(pi) == 1 and np.ndim(pi[0]) else list(pi)
        size = np.size(values)
    except ValueError:
        raise ValueError(message) from None
    if size == 0:
        raise ValueError(message)
    return values


def mean_weights(
    pi: Checked, default: np.ndarray, names: Sequence[object] | np.ndarray, kind: str
) -> np.ndarray:
    """Prior means of the probabilities, (K,), averaged over groups; `default` if pi is None."""
    K, means = len(names), prior_means(pi, SIMPLEX, (default,))
    if means.ndim == 0 or means.shape[-1] != K:
        raise ValueError(
            f"pi must have a value for each of the {K} {kind}s, got shape {means.shape}. The "
            f"{kind}s are {', '.join(map(str, names[:8]))}{', ...' if K > 8 else ''}."
        )
    return means.reshape(-1, K).mean(axis=0)


def check_reached(pi: Checked, affected: np.ndarray, what: str) -> None:
    """Refuse fixed probabilities that exclude all effects, or all on some trait."""
    if not isinstance(pi, np.ndarray) or pi.shape[-1] != len(affected):
        return
    mean = pi.reshape(-1, len(affected)).mean(axis=0)  # some groups may have no effects at all
    if np.min(mean @ affected) < PROBABILITY.least:
        raise ValueError(
            f"pi must leave {what} with effects a probability of at least {PROBABILITY.least:g}, "
            f"got {pi.tolist()}. Pass a positive probability of these, the null is not enough."
        )


def check_trait_shape(name: str, value: Checked, n_traits: int) -> None:
    """Refuse parameters that are neither one number nor one for each trait."""
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, np.ndarray) and part.shape not in ((), (n_traits,)):
            raise ValueError(
                f"{name} must have shape () or ({n_traits},), got shape {part.shape}. Pass one "
                f"number for all traits, or one for each."
            )
