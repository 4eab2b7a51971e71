"""A parameter's name is its argument: what a user may give for one, and the variable made of it.

``tau2=None`` takes the default prior, a number fixes the parameter, a tuple gives the parameters
of its conjugate prior, and a PyMC ``.dist()`` is any other prior.
"""

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pymc as pm
from pymc.distributions.distribution import support_point
from pytensor.graph.basic import Variable
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.variable import TensorVariable

__all__ = [
    "NORMAL",
    "PROBABILITY",
    "SIMPLEX",
    "VARIANCE",
    "Family",
    "check_parameter",
    "dims_shape",
    "parameter",
    "prior_mean",
    "prior_means",
]


@dataclass(frozen=True)
class Family:
    """The conjugate prior of a kind of parameter, and the values such a parameter may have.

    Attributes
    ----------
    name : str
        Name of the conjugate distribution, for messages.
    fields : dict of str to bool
        Names of its parameters, in order; True for those that must be positive.
    make : callable
        ``make(name, *fields, dims=...)`` registers the variable in the model on the context.
    mean : callable
        ``mean(*fields)``: the prior mean.
    rule : str
        What fixed values must be, in words.
    valid : callable
        Whether a fixed value (an array) obeys the rule.
    """

    name: str
    fields: dict[str, bool]
    make: Callable[..., TensorVariable]
    mean: Callable[..., Any]
    rule: str
    valid: Callable[[np.ndarray], bool]


def _scaled_inv_chi2(name: str, nu: Any, S2: Any, dims: Any = None) -> TensorVariable:
    return pm.InverseGamma(name, alpha=nu / 2, beta=nu * S2 / 2, dims=dims)


def _scaled_inv_chi2_mean(nu: Any, S2: Any) -> Any:
    """Mean where it exists, else the mode, which always does."""
    return np.where(nu > 2, nu * S2 / np.where(nu > 2, nu - 2, 1.0), nu * S2 / (nu + 2))


VARIANCE = Family(
    "scaled-inverse-chi-squared",
    {"nu": True, "S2": True},
    _scaled_inv_chi2,
    _scaled_inv_chi2_mean,
    "positive",
    lambda value: bool((value > 0).all()),
)
PROBABILITY = Family(
    "beta",
    {"a": True, "b": True},
    lambda name, a, b, dims=None: pm.Beta(name, alpha=a, beta=b, dims=dims),
    lambda a, b: a / (a + b),
    "strictly between 0 and 1",
    lambda value: bool(((value > 0) & (value < 1)).all()),
)
SIMPLEX = Family(
    "Dirichlet",
    {"a": True},
    lambda name, a, dims=None: pm.Dirichlet(
        name, a=np.broadcast_to(a, dims_shape(dims)), dims=dims
    ),
    lambda a: a / a.sum(axis=-1, keepdims=True),
    "probabilities that sum to 1",
    lambda value: bool((value >= 0).all() and np.allclose(value.sum(axis=-1), 1.0)),
)
NORMAL = Family(
    "normal",
    {"mean": False, "sd": True},
    lambda name, mean, sd, dims=None: pm.Normal(name, mu=mean, sigma=sd, dims=dims),
    lambda mean, sd: mean,
    "finite",
    lambda value: True,
)


def check_parameter(name: str, value: Any, family: Family) -> Any:
    """Check what a user gave for a parameter, before any model exists.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    value : None, number, array, tuple or PyMC ``.dist()``
        The default, a fixed value, the conjugate prior's parameters, or another prior.
    family : Family
        The parameter's conjugate prior and its range.

    Returns
    -------
    None, ndarray, tuple of ndarray, or variable
        The value, numbers as float arrays.

    Raises
    ------
    ValueError
        For values out of range, NaN, inf, a tuple of the wrong length, or a model variable.
    TypeError
        For anything else that is none of the four.

    Examples
    --------
    >>> from blrzoo.priors.parameters import VARIANCE, check_parameter
    >>> check_parameter("tau2", (4, 0.5), VARIANCE)
    (array(4.), array(0.5))
    """
    if value is None:
        return value
    if _is_dist(value):
        return _check_dist(name, value, family)
    if isinstance(value, tuple):
        return _check_tuple(name, value, family)
    remedy = _remedy(name, family)
    fixed = _as_float(name, value, "a number, a tuple or a .dist()", remedy)
    if not family.valid(fixed):
        raise ValueError(f"{name} must be {family.rule}, got {value!r}. {remedy}")
    return fixed


def parameter(
    name: str, value: Any, family: Family, default: tuple[Any, ...], dims: Any = None
) -> TensorVariable:
    """Register a parameter in the model on the context.

    Parameters
    ----------
    name : str
        The variable's name.
    value : None, ndarray, tuple or ``.dist()``
        As returned by `check_parameter`.
    family : Family
        The conjugate prior.
    default : tuple
        The conjugate prior's parameters where `value` is None.
    dims : str or tuple of str, optional
        The variable's dims.

    Returns
    -------
    TensorVariable
        A random variable, or a Deterministic that holds the fixed value.

    Raises
    ------
    ValueError
        For values of a shape that does not fit the dims.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors.parameters import VARIANCE, parameter
    >>> with pm.Model() as model:
    ...     sigma2 = parameter("sigma2", None, VARIANCE, default=(4.0, 1.0))
    >>> [rv.name for rv in model.free_RVs]
    ['sigma2']
    """
    shape = dims_shape(dims)
    _check_shape(name, value, shape)
    if value is None:
        value = default
    if isinstance(value, tuple):
        return family.make(name, *value, dims=dims)
    if _is_dist(value):
        return _register(name, value, dims)
    return pm.Deterministic(name, pm.math.constant(np.broadcast_to(value, shape)), dims=dims)


def prior_mean(value: Any, family: Family, default: tuple[Any, ...]) -> float:
    """Prior mean of a parameter (a ``.dist()``: its support point), averaged over its elements."""
    return float(np.mean(prior_means(value, family, default)))


def prior_means(value: Any, family: Family, default: tuple[Any, ...]) -> np.ndarray:
    """Prior means of the elements of a parameter (of a ``.dist()``: its support point)."""
    if value is None:
        value = default
    if isinstance(value, tuple):
        return np.asarray(family.mean(*(np.asarray(v, dtype=float) for v in value)))
    return np.asarray(support_point(value).eval() if _is_dist(value) else value)


def _is_dist(value: Any) -> bool:
    return (
        isinstance(value, Variable)
        and value.owner is not None
        and isinstance(value.owner.op, RNGConsumerOp)
    )


def _register(name: str, dist: Any, dims: Any) -> TensorVariable:
    # A node of its own for each model: the user may pass one .dist() to several models.
    copy = dist.owner.clone().outputs[dist.owner.outputs.index(dist)]
    return pm.modelcontext(None).register_rv(copy, name, dims=dims)


def dims_shape(dims: Any) -> tuple[int, ...]:
    """Lengths of dims in the model on the context."""
    model = pm.modelcontext(None)
    names = () if dims is None else (dims,) if isinstance(dims, str) else tuple(dims)
    return tuple(len(model.coords[dim]) for dim in names)


def _check_dist(name: str, dist: Any, family: Family) -> Any:
    if dist.name is not None:
        raise ValueError(
            f"{name} must be an unnamed .dist() if it is another prior, got the model variable "
            f"{dist.name!r}. {_remedy(name, family)}"
        )
    start = support_point(dist).eval(mode="FAST_COMPILE")
    if not family.valid(start):
        raise ValueError(
            f"{name} must be {family.rule}, got a prior centred at {start}: {dist.owner.op}. "
            f"Pass a .dist() whose support point, where sampling starts, is in that range."
        )
    return dist


def _check_shape(name: str, value: Any, shape: tuple[int, ...]) -> None:
    """Refuse shapes that would broadcast the parameter beyond its dims."""
    if value is None:
        return
    if _is_dist(value):
        got, allowed = [value.type.shape], [shape]
        remedy = f"Make the prior with .dist(..., shape={shape})."
    else:
        got = [part.shape for part in (value if isinstance(value, tuple) else (value,))]
        allowed = [(), shape, shape[1:]]  # all alike, one each, or one each for every group
        remedy = "Pass one number" + (" for all, or one for each." if shape else ", or a tuple.")
    for wrong in got:
        if not any(_fits(wrong, one) for one in allowed):
            rule = " or ".join(str(one) for one in dict.fromkeys(allowed))
            raise ValueError(f"{name} must have shape {rule}, got shape {wrong}. {remedy}")


def _fits(shape: tuple[int | None, ...], target: tuple[int, ...]) -> bool:
    """Whether a static shape, None where it is not known, is the target."""
    return len(shape) == len(target) and all(
        a is None or a == b for a, b in zip(shape, target, strict=True)
    )


def _check_tuple(name: str, value: tuple[Any, ...], family: Family) -> tuple[np.ndarray, ...]:
    remedy = _remedy(name, family)
    if len(value) != len(family.fields):
        raise ValueError(
            f"{name} must be a tuple of the parameters of the {family.name} prior, "
            f"({', '.join(family.fields)}), got {len(value)} value(s): {value!r}. {remedy}"
        )
    checked = []
    for item, (field, positive) in zip(value, family.fields.items(), strict=True):
        number = _as_float(f"{name}: {field}", item, "a number", remedy)
        if positive and not (number > 0).all():
            raise ValueError(
                f"{name}: {field} must be positive, got {item!r} in {value!r}. {remedy}"
            )
        checked.append(number)
    return tuple(checked)


def _as_float(what: str, value: Any, kinds: str, remedy: str) -> np.ndarray:
    number = _real(value)
    if number is None:
        raise TypeError(
            f"{what} must be {kinds}, got {value!r} of type {type(value).__name__}. {remedy}"
        )
    if not np.isfinite(number).all():
        raise ValueError(f"{what} must be finite, got {value!r}. {remedy}")
    return number


def _real(value: Any) -> np.ndarray | None:
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
