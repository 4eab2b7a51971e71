"""What is asked of the traits: how many, their heritabilities, means and correlations."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from blrzoo.simulation.arguments import (
    Floats,
    as_attribute,
    check_integer,
    check_per_trait,
    check_real,
)
from blrzoo.simulation.correlations import check_correlation

__all__ = ["Traits", "check_traits"]

_MOST = 5_000  # traits: a matrix of their correlations takes 200 MB, its eigenvalues a minute or so


@dataclass(frozen=True)
class Traits:
    """The traits, checked; one trait is the case of one.

    Attributes
    ----------
    count : int or None
        As given: None is one trait whose data have no dim ``trait``.
    h2, mu : ndarray, (trait,)
        Heritabilities and intercepts.
    genetic, residual : ndarray, (trait, trait_bis)
        Correlations of the effects and of the noise.
    overlap : float
        Share of a trait's causal features that are causal for all the traits.
    attributes : dict
        The arguments as NetCDF can hold them, without those that one trait does not have.
    """

    count: int | None
    h2: Floats
    mu: Floats
    genetic: Floats
    residual: Floats
    overlap: float
    attributes: dict[str, Any]

    @property
    def residual_covariance(self) -> Floats:
        """Of the noise, (trait, trait_bis): a total variance of 1 less h2."""
        sigma2 = 1.0 - self.h2
        return self.residual * np.sqrt(np.outer(sigma2, sigma2))


def check_traits(
    n_traits: Any,
    h2: Any,
    mu: Any,
    genetic_correlation: Any,
    residual_correlation: Any,
    overlap: Any,
) -> Traits:
    """Check what is asked of the traits."""
    count = None if n_traits is None else _check_count(n_traits)
    if count is None:
        _refuse_for_one_trait("genetic_correlation", genetic_correlation, 0.0)
        _refuse_for_one_trait("residual_correlation", residual_correlation, 0.0)
        _refuse_for_one_trait("overlap", overlap, 1.0)
    made: dict[str, Any] = dict(
        h2=check_per_trait("h2", h2, count, "0 <= h2 < 1", lambda value: 0 <= value < 1),
        mu=check_per_trait("mu", mu, count, "mu finite", lambda _: True),
        genetic=check_correlation("genetic_correlation", genetic_correlation, count or 1),
        residual=check_correlation("residual_correlation", residual_correlation, count or 1),
        overlap=check_real("overlap", overlap, "0 <= overlap <= 1", lambda value: 0 <= value <= 1),
    )
    attributes: dict[str, Any] = dict(h2=as_attribute(h2), mu=as_attribute(mu))
    if count is not None:
        attributes |= dict(n_traits=count, overlap=made["overlap"])
        attributes["genetic_correlation"] = as_attribute(genetic_correlation)
        attributes["residual_correlation"] = as_attribute(residual_correlation)
    return Traits(count, **made, attributes=attributes)


def _check_count(n_traits: Any) -> int:
    count = check_integer("n_traits", n_traits, 1, "an int or None")
    if count > _MOST:
        raise ValueError(
            f"n_traits must be at most {_MOST}, got {count}: a matrix of the correlations of that "
            f"many would take {8e-9 * count**2:,.1f} GB. Simulate fewer traits."
        )
    return count


def _refuse_for_one_trait(name: str, value: Any, default: float) -> None:
    if not isinstance(value, Real) or value != default:
        raise ValueError(
            f"{name} must be left out without n_traits, got {value!r} and n_traits=None: "
            f"pass n_traits too, the number of traits."
        )
