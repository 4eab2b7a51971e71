"""Noise of the traits, and which of their values are missing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from blrzoo.simulation.arguments import Floats, check_choice, check_real

__all__ = ["check_missing", "draw_missing", "draw_noise"]

_DISJOINT = "disjoint"
_LEAST_KNOWN = 2  # values of a trait: fewer have no variance


def check_missing(missing: Any, n: int, n_traits: int | None) -> float | str:
    """Give the share of missing values, or "disjoint"; refuse what leaves a trait without data."""
    if isinstance(missing, str):
        check_choice("missing", missing, (_DISJOINT,))
        if n_traits is None or n_traits < 2:
            raise ValueError(
                f"missing must be a share if there is one trait, got {missing!r} and "
                f"n_traits={n_traits}: pass a number, or n_traits=2 or more."
            )
        share: float | str = missing
        known = n // n_traits
    else:
        rule = f"0 <= missing < 1, or be {_DISJOINT!r}"
        share = check_real("missing", missing, rule, lambda value: 0 <= value < 1)
        known = n - _n_missing(share, n)
    if known < _LEAST_KNOWN:
        raise ValueError(
            f"missing must leave {_LEAST_KNOWN} known values of each trait, got {missing!r}, "
            f"which leaves {known} of n={n}: raise n, or let fewer be missing."
        )
    return share


def _n_missing(share: float, n: int) -> int:
    return round(share * n)


def draw_noise(n: int, root: Floats, rng: np.random.Generator) -> Floats:
    """Draw standard normals (obs, trait) that correlate ``root @ root.T`` between the traits."""
    return (root @ rng.standard_normal((len(root), n))).T


def draw_missing(
    shape: tuple[int, int], missing: float | str, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which values (obs, trait) are missing."""
    n, n_traits = shape
    if isinstance(missing, str):
        return np.arange(n)[:, None] % n_traits != np.arange(n_traits)
    absent = np.zeros(shape, dtype=bool)
    count = _n_missing(missing, n)
    for trait in range(n_traits if count else 0):
        absent[rng.permutation(n)[:count], trait] = True
    return absent
