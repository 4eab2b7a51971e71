"""Hyperparameters: what the user may give for an argument, and the variable made from it.

None is the default prior, a number a fixed value, a tuple the parameters of the conjugate prior,
and a PyMC ``.dist()`` any other prior. Numbers with labels (Series, DataFrame, DataArray) are
joined to the coordinates of the variable by label.
"""

import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import overload

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike
from pymc.distributions.distribution import support_point
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.evaluate import value_of
from blrzoo.priors.computed import Computed, Origin
from blrzoo.priors.given import (
    Checked,
    Labelled,
    Ordered,
    Parameter,
    has_labels,
    in_order,
    labelled,
)
from blrzoo.priors.support import check_dist, is_dist

__all__ = [
    "LEAST",
    "LEAST_SHAPE",
    "NORMAL",
    "PROBABILITY",
    "SIMPLEX",
    "VARIANCE",
    "Family",
    "check_parameter",
    "conjugate_prior",
    "dims_shape",
    "numbers_of",
    "parameter",
    "prior_mean",
    "prior_means",
]

#: From here to its reciprocal, variances stay in double precision with any X and y allowed.
LEAST = 1e-250
#: Least degrees of freedom, shape, or prior count.
LEAST_SHAPE = 1e-6


@dataclass(frozen=True)
class Family:
    """The conjugate prior of a kind of parameter, and the values such a parameter may have."""

    #: Name of the conjugate distribution, for messages.
    name: str
    #: Names of its parameters, in order, with the least value of those that must be positive.
    fields: dict[str, float | None]
    #: ``make(name, *fields, dims=...)`` registers the variable in the model on the context.
    make: Callable[..., TensorVariable]
    #: ``mean(*fields)`` is the prior mean.
    mean: Callable[..., np.ndarray | float]
    #: What fixed values must be, in words; whether an array of them obeys; the least allowed.
    rule: str
    valid: Callable[[np.ndarray], bool]
    least: float = -np.inf
    #: Where another prior's support is checked, on the scale of its transform to the real line;
    #: None if any value is valid. Double precision gets less close to 1 than to 0.
    edges: tuple[float, float] | None = (-300.0, 30.0)


def _scaled_inv_chi2(
    name: str,
    nu: np.ndarray | float,
    S2: np.ndarray | float | TensorVariable,
    dims: str | Sequence[str] | None = None,
) -> TensorVariable:
    return pm.InverseGamma(name, alpha=nu / 2, beta=nu * S2 / 2, dims=dims)


def _scaled_inv_chi2_mean(nu: np.ndarray | float, S2: np.ndarray | float) -> np.ndarray:
    """Mean where it exists, else the mode, which always exists."""
    return np.where(nu > 2, nu * S2 / np.where(nu > 2, nu - 2, 1.0), nu * S2 / (nu + 2))


VARIANCE = Family(
    "scaled-inverse-chi-squared",
    {"nu": LEAST_SHAPE, "S2": LEAST},
    _scaled_inv_chi2,
    _scaled_inv_chi2_mean,
    "positive",
    lambda value: bool((value > 0).all()),
    LEAST,
)
PROBABILITY = Family(
    "beta",
    {"a": LEAST_SHAPE, "b": LEAST_SHAPE},
    lambda name, a, b, dims=None: pm.Beta(name, alpha=a, beta=b, dims=dims),
    lambda a, b: a / (a + b),
    "strictly between 0 and 1",
    lambda value: bool(((value > 0) & (value < 1)).all()),
    1e-30,
)
SIMPLEX = Family(
    "Dirichlet",
    {"a": LEAST_SHAPE},
    lambda name, a, dims=None: pm.Dirichlet(
        name, a=np.broadcast_to(a, dims_shape(dims)), dims=dims
    ),
    lambda a: a / a.sum(axis=-1, keepdims=True),
    "probabilities that sum to 1",
    lambda value: bool((value >= 0).all() and np.allclose(value.sum(axis=-1), 1.0)),
)
NORMAL = Family(
    "normal",
    {"mean": None, "sd": LEAST},
    lambda name, mean, sd, dims=None: pm.Normal(name, mu=mean, sigma=sd, dims=dims),
    lambda mean, sd: mean,
    "finite",
    lambda value: True,
    edges=None,
)


@overload
def check_parameter(
    name: str, value: tuple[ArrayLike | Decimal, ...], family: Family
) -> tuple[np.ndarray | Labelled, ...]: ...
@overload
def check_parameter(name: str, value: Parameter, family: Family) -> Checked: ...
def check_parameter(name: str, value: Parameter, family: Family) -> Checked:
    """Check what the user gave for a parameter, before any model exists.

    Returns None, a float array or `Labelled`, a tuple of these, or the unnamed ``.dist()``.
    """
    if value is None:
        return value
    remedy = _remedy(name, family)
    if is_dist(value):
        return check_dist(name, value, family.rule, family.valid, family.edges, remedy)
    if isinstance(value, tuple):
        return _check_tuple(name, value, family)
    fixed = numbers_of(name, value, "a number, a tuple or a .dist()", remedy)
    if not family.valid(np.asarray(fixed)):
        raise ValueError(f"{name} must be {family.rule}, got {value!r}. {remedy}")
    _check_size(name, fixed, value, family.least, remedy)
    return fixed


def parameter(
    name: str,
    value: Checked,
    family: Family,
    default: tuple[np.ndarray | float, ...] | Computed,
    dims: str | Sequence[str] | None = None,
    argument: str | None = None,
) -> TensorVariable:
    """Register a parameter in the model on the context; a fixed value is a Deterministic.

    `value` is what `check_parameter` returned, `default` the conjugate prior's parameters if that
    is None, and `argument` the user's name of it, for messages, if it is not the variable's.
    """
    shape, argument = dims_shape(dims), argument or name
    value = in_order(argument, value, _names(dims), pm.modelcontext(None).coords)
    _check_shape(argument, value, shape)
    computed = default if isinstance(default, Computed) and value is None else None
    if value is None:
        value = default.value if isinstance(default, Computed) else default
    if isinstance(value, tuple):
        return conjugate_prior(name, family, value, dims, computed)
    if is_dist(value):
        return _register(name, value, dims)
    return pm.Deterministic(name, pm.math.constant(np.broadcast_to(value, shape)), dims=dims)


def conjugate_prior(
    name: str,
    family: Family,
    values: tuple[np.ndarray | float | TensorVariable, ...],
    dims: str | Sequence[str] | None,
    default: Computed | None = None,
) -> TensorVariable:
    """Register a variable with a family's prior, and its `Origin` on its tag."""
    # PyTensor tries a plain float as float32, where 1e39 overflows.
    values = tuple(np.float64(v) if isinstance(v, float) else v for v in values)
    made = family.make(name, *values, dims=dims)
    named = [v.name if isinstance(v, Variable) else v for v in values]
    fields = dict(zip(family.fields, named, strict=True))
    made.tag.blrzoo_origin = Origin(family.name, fields, default)
    return made


def prior_mean(value: Checked, family: Family, default: tuple[np.ndarray | float, ...]) -> float:
    """Prior mean of a parameter (of a ``.dist()``: its support point), averaged over elements."""
    return float(np.mean(prior_means(value, family, default)))


def prior_means(
    value: Checked | tuple[np.ndarray | float, ...],
    family: Family,
    default: tuple[np.ndarray | float, ...],
) -> np.ndarray:
    """Prior means of the elements of a parameter (of a ``.dist()``: its support point)."""
    if value is None:
        value = default
    if isinstance(value, tuple):
        return np.asarray(family.mean(*(np.asarray(v, dtype=float) for v in value)))
    if is_dist(value):
        value = value_of(support_point(value))
    return np.asarray(value)


def _register(name: str, dist: TensorVariable, dims: str | Sequence[str] | None) -> TensorVariable:
    # Cloned, as the user may pass one .dist() to several models.
    copy = dist.owner.clone().outputs[dist.owner.outputs.index(dist)]
    return pm.modelcontext(None).register_rv(copy, name, dims=dims)


def dims_shape(dims: str | Sequence[str] | None) -> tuple[int, ...]:
    """Return the lengths of dims in the model on the context."""
    model = pm.modelcontext(None)
    return tuple(len(model.coords[dim]) for dim in _names(dims))


def _names(dims: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if dims is None else (dims,) if isinstance(dims, str) else tuple(dims)


def _check_shape(name: str, value: Ordered, shape: tuple[int, ...]) -> None:
    """Refuse shapes that do not fit the dims of the parameter."""
    if value is None:
        return
    if is_dist(value):
        got, allowed = [value.type.shape], [shape]
        remedy = f"Make the prior with .dist(..., shape={shape})."
    else:
        got = [part.shape for part in (value if isinstance(value, tuple) else (value,))]
        allowed = [(), shape, shape[1:]]  # one value, all values, or those of each group
        remedy = "Pass one number" + (" for all, or one for each." if shape else ", or a tuple.")
    for wrong in got:
        if not any(_fits(wrong, one) for one in allowed):
            rule = " or ".join(str(one) for one in dict.fromkeys(allowed))
            raise ValueError(f"{name} must have shape {rule}, got shape {wrong}. {remedy}")


def _fits(shape: tuple[int | None, ...], target: tuple[int, ...]) -> bool:
    """Whether a static shape, None for unknown lengths, agrees with the target."""
    return len(shape) == len(target) and all(
        a is None or a == b for a, b in zip(shape, target, strict=True)
    )


def _check_tuple(
    name: str, value: tuple[object, ...], family: Family
) -> tuple[np.ndarray | Labelled, ...]:
    remedy = _remedy(name, family)
    if len(value) != len(family.fields):
        raise ValueError(
            f"{name} must be a tuple of the parameters of the {family.name} prior, "
            f"({', '.join(family.fields)}), got {len(value)} value(s): {value!r}. {remedy}"
        )
    checked = []
    for item, (field, least) in zip(value, family.fields.items(), strict=True):
        number = numbers_of(f"{name}: {field}", item, "a number", remedy)
        if least is not None and not (np.asarray(number) > 0).all():
            raise ValueError(
                f"{name}: {field} must be positive, got {item!r} in {value!r}. {remedy}"
            )
        _check_size(f"{name}: {field}", number, item, -np.inf if least is None else least, remedy)
        checked.append(number)
    return tuple(checked)


def _check_size(
    what: str, number: np.ndarray | Labelled, given: object, least: float, remedy: str
) -> None:
    """Refuse numbers whose products and ratios leave double precision."""
    size = np.asarray(number)
    if (size < least).any() or (abs(size) > 1 / LEAST).any():
        limit = f"at least {least:g}" if (size < least).any() else f"within {1 / LEAST:g}"
        raise ValueError(
            f"{what} must be {limit} to be computed with in double precision, got {given!r}. "
            f"{remedy}"
        )


def numbers_of(what: str, value: object, kinds: str, remedy: str) -> np.ndarray | Labelled:
    """Return finite real numbers as a float array, with their labels if they have any."""
    number = None if _is_collection(value) else _real(value)
    if number is None:
        raise TypeError(
            f"{what} must be {kinds}, got {value!r} of type {type(value).__name__}. {remedy}"
        )
    if not number.size:
        raise ValueError(f"{what} must be {kinds}, got nothing: {value!r}. {remedy}")
    if not np.isfinite(number).all():
        raise ValueError(f"{what} must be finite, got {value!r}. {remedy}")
    given = labelled(what, value)
    if all(labels is None for labels in given.labels):
        return np.asarray(given.values, dtype=float)
    return replace(given, values=np.asarray(given.values, dtype=float))


def _is_collection(value: object) -> bool:
    """Whether a value is a list of tables, whose labels NumPy would drop."""
    return isinstance(value, list | tuple) and any(has_labels(part) for part in value)


def _real(value: object) -> np.ndarray | None:
    """Convert real numbers to a float array; None for text, booleans, symbols and the like."""
    if isinstance(value, Variable | bool):
        return None
    try:
        array = np.asarray(value)
        real = array.dtype.kind in "iuf" or isinstance(value, numbers.Real | Decimal)
        return array.astype(float) if real else None
    except (TypeError, ValueError, OverflowError):
        return None


def _remedy(name: str, family: Family) -> str:
    fields = ", ".join(family.fields)
    return (
        f"Leave {name} out for the default prior, or pass a number (fixed), ({fields}) for "
        f"the {family.name} prior, or a PyMC .dist() for another one."
    )
