"""Which traits a feature affects: patterns of zeros and ones."""

import itertools

import numpy as np
from numpy.typing import ArrayLike

from blrzoo.checks import Choice
from blrzoo.priors.given import Labelled, labelled, ordered

__all__ = ["MAX_TRAITS", "pattern_names", "read_patterns"]

_ARRAY = "Or pass an array of 0 and 1, a row for each pattern."

#: Largest number of traits for which all 2^T patterns are listed.
MAX_TRAITS = 6


def read_patterns(
    patterns: ArrayLike, n_traits: int, traits: np.ndarray | None = None
) -> np.ndarray:
    """Array of patterns, (pattern, trait), from their name or as given.

    Row k of all 2^T patterns is k in binary, the first trait the lowest digit.
    """
    if not isinstance(patterns, str):
        return _check_array(patterns, n_traits, traits)
    words = Choice(("independent", "all", "restrictive"), default="independent", advice=_ARRAY)
    if words.check("patterns", patterns) == "restrictive":
        return np.repeat([[0], [1]], n_traits, axis=1)
    if n_traits > MAX_TRAITS:
        raise ValueError(
            f"patterns must be 'independent', 'restrictive' or an array for more than {MAX_TRAITS} "
            f"traits, got {patterns!r} with {n_traits} traits, which have {2**n_traits} patterns. "
            f"Pass the patterns that you expect, as an array (pattern, trait) of 0 and 1."
        )
    return np.array(list(itertools.product([0, 1], repeat=n_traits)))[:, ::-1]


def _check_array(patterns: ArrayLike, n_traits: int, traits: np.ndarray | None) -> np.ndarray:
    rule = f"patterns must be an array (pattern, trait) of 0 and 1 for the {n_traits} traits"
    remedy = "Pass for instance patterns='all', or one row for each pattern."
    given = _as_array(patterns, f"{rule}, rows of one length, got {patterns!r}. {remedy}")
    array = given.values
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{rule}, got {patterns!r} of type {type(patterns).__name__}. {remedy}")
    if array.ndim != 2 or array.shape[1] != n_traits or len(array) < 2:
        raise ValueError(f"{rule}, two rows at least, got shape {array.shape}. {remedy}")
    if traits is not None:
        array = ordered("patterns", given, (traits,))
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{rule}, got {np.setdiff1d(array, (0, 1))[:5]} in it. {remedy}")
    array = array.astype(int)
    if len(np.unique(array, axis=0)) < len(array):
        raise ValueError(f"{rule}, each row once, got a repeated row: {array.tolist()}. {remedy}")
    if not array.any(axis=0).all():
        raise ValueError(f"{rule}, each trait affected in some row, got {array.tolist()}. {remedy}")
    return array


def _as_array(patterns: ArrayLike, message: str) -> Labelled:
    try:
        np.asarray(patterns)
    except ValueError:
        raise ValueError(message) from None
    return labelled("patterns", patterns)


def pattern_names(patterns: np.ndarray) -> np.ndarray:
    """Names of patterns, with a digit for each trait, as ``"10"``."""
    return np.array(["".join(map(str, row)) for row in patterns])
