"""Priors given as a ``.dist()``: whether their support is within the range of the parameter."""

from collections.abc import Callable
from typing import TypeGuard

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.distribution import support_point
from pymc.distributions.transforms import _default_transform
from pytensor.graph.basic import Variable
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.variable import TensorVariable

from blrzoo.evaluate import ONCE, value_of

__all__ = ["check_dist", "is_dist"]

_DRAWS = 1000


def is_dist(value: object) -> TypeGuard[TensorVariable]:
    """Whether a value is a random variable, of a ``.dist()`` or of a model."""
    return (
        isinstance(value, Variable)
        and value.owner is not None
        and isinstance(value.owner.op, RNGConsumerOp)
    )


def check_dist(
    name: str,
    dist: TensorVariable,
    rule: str,
    valid: Callable[[np.ndarray], bool],
    edges: tuple[float, float] | None,
    remedy: str,
) -> TensorVariable:
    """Return a ``.dist()``; refuse a variable of a model, and a support that violates the rule.

    `edges` are the points of the support that are checked, on the scale of the distribution's
    transform to the real line; None if any value is valid.
    """
    if dist.name is not None:
        raise ValueError(
            f"{name} must be an unnamed .dist() if it is another prior, got the model variable "
            f"{dist.name!r}. {remedy}"
        )
    kind = type(dist.owner.op).__name__.removesuffix("RV")
    if not dist.type.dtype.startswith("float"):
        raise ValueError(
            f"{name} must have a continuous prior, got a discrete one: {kind}. {remedy}"
        )
    start = value_of(support_point(dist))
    if not valid(start):
        raise ValueError(
            f"{name} must be {rule}, got a prior centered at {start}: {kind}. "
            f"Pass a .dist() whose support point, where sampling starts, is in that range."
        )
    if edges and not all(valid(value) for value in _values(name, dist, edges)):
        raise ValueError(
            f"{name} must be {rule}, got a prior that also has other values: {kind}. Pass a "
            f".dist() whose support is in that range; pm.Truncated.dist cuts univariate ones."
        )
    return dist


def _values(
    name: str, dist: TensorVariable, edges: tuple[float, float]
) -> np.ndarray | list[np.ndarray]:
    """Values near the edges of the support, by its transform to the real line; else draws."""
    transform = _default_transform(dist.owner.op, dist)
    if transform is None:
        return _draws(name, dist)
    inputs = dist.owner.inputs
    center = transform.forward(support_point(dist), *inputs)
    found = [
        transform.backward(pt.full_like(center, edge, dtype="float64"), *inputs) for edge in edges
    ]
    return [value_of(value) for value in found]


def _draws(name: str, dist: TensorVariable) -> np.ndarray:
    try:
        return pm.draw(dist, draws=_DRAWS, random_seed=0, mode=ONCE)
    except NotImplementedError:
        raise ValueError(
            f"{name} must have a prior that can be drawn from, so that its support is known, got "
            f"{dist.owner.op}. Pass a .dist() with random= or dist=."
        ) from None
