"""Positive parameters other than variances: rates and scales of priors of local variances."""

import numpy as np
import pymc as pm

from blrzoo.checks import Number
from blrzoo.priors.parameters import LEAST, LEAST_SHAPE, Family

__all__ = ["GAMMA", "HALF_CAUCHY", "check_positive"]


def _positive(value: np.ndarray) -> bool:
    return bool((value > 0).all())


GAMMA = Family(
    "gamma",
    {"shape": LEAST_SHAPE, "rate": LEAST},
    lambda name, shape, rate, dims=None: pm.Gamma(name, alpha=shape, beta=rate, dims=dims),
    lambda shape, rate: shape / rate,
    "positive",
    _positive,
    LEAST,
)
HALF_CAUCHY = Family(
    "half-Cauchy",
    {"scale": LEAST},
    lambda name, scale, dims=None: pm.HalfCauchy(name, scale, dims=dims),
    lambda scale: scale,  # the median, as there is no mean
    "positive",
    _positive,
    LEAST,
)


def check_positive(name: str, value: object, remedy: str) -> float:
    """Check a constant of a prior that must be one positive number; `remedy` is for messages."""
    if isinstance(value, np.ndarray) and not value.ndim:
        value = value[()]
    return Number(least=LEAST_SHAPE, advice=remedy).check(name, value)
