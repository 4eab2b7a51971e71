"""Checks of the arguments of a simulation that are numbers, words, pairs or seeds."""

from collections.abc import Callable
from math import inf, isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Floats",
    "as_attribute",
    "check_choice",
    "check_integer",
    "check_maf",
    "check_per_trait",
    "check_real",
    "entries",
    "generator",
]

_DEFAULT_MAF = (0.05, 0.5)
_MAX_NETCDF_INT = 2**63

Floats = NDArray[np.float64]


def generator(
    random_seed: int | np.random.Generator | None,
) -> tuple[np.random.Generator, int | str]:
    """Return the generator, and what the attributes say of it (NetCDF holds ints of 64 bits)."""
    if isinstance(random_seed, np.random.Generator):
        return random_seed, "numpy.random.Generator"
    if random_seed is None:
        random_seed = int(np.random.default_rng().integers(2**32))
    seed = check_integer("random_seed", random_seed, 0, "an int, a numpy.random.Generator or None")
    return np.random.default_rng(seed), seed if seed < _MAX_NETCDF_INT else str(seed)


def as_attribute(value: float | Floats) -> float | list[float]:
    """Give numbers as NetCDF gives them back: one is a number, more are a list (row by row)."""
    numbers = np.asarray(value, dtype=np.float64).ravel().tolist()
    return numbers[0] if len(numbers) == 1 else numbers


def entries(value: list[Any] | tuple[Any, ...] | NDArray[Any]) -> list[Any]:
    """Give the entries of a list or of an array (rows, if it has several dimensions)."""
    return np.atleast_1d(value).tolist() if isinstance(value, np.ndarray) else list(value)


def check_integer(
    name: str, value: Any, least: int, types: str = "an int", most: int | None = None
) -> int:
    """Give an int from `least` to `most`, or refuse."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(
            f"{name} must be {types}, got {value!r} ({type(value).__name__}): "
            f"pass a whole number such as {name}={max(least, 1)}."
        )
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}: use a larger {name}.")
    if most is not None and int(value) > most:
        raise ValueError(f"{name} must be at most {most}, got {value!r}: use a smaller {name}.")
    return int(value)


def check_real(name: str, value: Any, rule: str, holds: Callable[[float], bool]) -> float:
    """Give a finite float for which the rule holds, or refuse."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(
            f"{name} must be a real number with {rule}, got {value!r} ({type(value).__name__}): "
            f"pass a float."
        )
    try:
        number = float(value)
    except OverflowError:  # an int beyond any float
        number = inf
    if not (isfinite(number) and holds(number)):
        raise ValueError(f"{name} must satisfy {rule}, got {value!r}: choose it in that range.")
    return number


def check_per_trait(
    name: str, value: Any, n_traits: int | None, rule: str, holds: Callable[[float], bool]
) -> Floats:
    """Give a number for each trait (trait), from one number or from as many."""
    if not isinstance(value, list | tuple | np.ndarray):
        return np.full(n_traits or 1, check_real(name, value, rule, holds))
    if n_traits is None:
        raise TypeError(
            f"{name} must be one number for one trait, got {value!r} ({type(value).__name__}): "
            f"pass a float, or the number of traits as n_traits too."
        )
    numbers = entries(value)
    if len(numbers) != n_traits:
        raise ValueError(
            f"{name} must be a number or one for each trait, got {value!r} for "
            f"n_traits={n_traits}: pass {n_traits} numbers."
        )
    return np.array([check_real(f"{name}[{t}]", v, rule, holds) for t, v in enumerate(numbers)])


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse what is not one of the choices."""
    allowed = " or ".join(map(repr, choices))
    if not isinstance(value, str):
        raise TypeError(
            f"{name} must be a str, got {value!r} ({type(value).__name__}): pass {allowed}."
        )
    if value not in choices:
        raise ValueError(f"{name} must be {allowed}, got {value!r}: pass one of these.")


def check_maf(maf: Any, kind: str) -> tuple[float, float] | None:
    """Give the bounds of the frequencies of alleles, None for features that are no genotypes."""
    if kind != "genotype":
        if maf is None:
            return None
        raise ValueError(
            f"maf must be left out unless kind='genotype', got maf={maf!r} and kind={kind!r}: "
            f"leave maf out or pass kind='genotype'."
        )
    low, high = _check_pair("maf", _DEFAULT_MAF if maf is None else maf)
    if not 0.0 < low <= high <= 0.5:
        raise ValueError(
            f"maf must satisfy 0 < low <= high <= 0.5, got {maf!r}: "
            f"pass frequencies such as maf={_DEFAULT_MAF}."
        )
    return low, high


def _check_pair(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise TypeError(
            f"{name} must be a pair (low, high), got {value!r} ({type(value).__name__}): "
            f"pass a tuple of two numbers."
        )
    rule = f"low and high of {name} finite"
    low, high = (check_real(f"{name}[{i}]", value[i], rule, lambda _: True) for i in (0, 1))
    return low, high
