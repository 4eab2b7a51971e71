"""Calls that do not fit a function are answered with its own name, and with what to pass."""

import inspect
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import wraps
from typing import Any, ParamSpec, TypeVar, get_args, get_type_hints

from blrzoo.priors.base import Prior
from blrzoo.priors.multivariate.base import MultivariatePrior

__all__ = ["advised", "needs_groups", "prior_like", "prior_names"]

P = ParamSpec("P")
R = TypeVar("R")

#: What priors are called elsewhere, in small letters, where it is not near their own names.
_OTHER_NAMES = {
    **dict.fromkeys(("ridge", "brr", "rrblup", "gblup", "bayesn"), "SingleComponent"),
    **dict.fromkeys(("bayesc", "bayescpi", "bvs", "ssvs"), "SpikeSlab"),
    **dict.fromkeys(("bayesr", "mixture"), "MultipleComponent"),
    "bayesrc": "GroupedMixture",
    "lasso": "BayesianLasso",
}


def advised(
    passes_to: Callable[..., Any] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorator that answers unknown and missing arguments of a function.

    Parameters
    ----------
    passes_to : callable, optional
        What the function passes its other keywords on to: it answers those that it knows.

    Returns
    -------
    callable
        The decorator. Name, signature and docstring of the function stay.

    Examples
    --------
    >>> from blrzoo.advice import advised
    >>> @advised()
    ... def fit(X, *, size=1):
    ...     return size
    >>> fit(0, sise=2)
    Traceback (most recent call last):
    ...
    TypeError: fit() got an unexpected argument 'sise'. Did you mean 'size'? It takes X, size.
    """
    further = set() if passes_to is None else {*inspect.signature(passes_to).parameters} - {"prior"}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own, required = _arguments(function), _required(inspect.signature(function))

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for key in kwargs:
                if key not in own and key not in further:
                    raise TypeError(_unexpected(function.__name__, key, kwargs[key], own))
            for key in required:
                if key in _NEEDED and key not in kwargs and own.index(key) >= len(args):
                    raise TypeError(f"{function.__name__}() needs {_NEEDED[key]()}")
            return function(*args, **kwargs)

        return call

    return decorate


def _arguments(function: Callable[..., Any]) -> list[str]:
    """Names of the arguments, those of a TypedDict of keywords last."""
    parameters = inspect.signature(function).parameters.values()
    own = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    rest = [get_args(each.annotation) for each in parameters if each.kind is each.VAR_KEYWORD]
    return own + [key for unpacked in rest for kind in unpacked for key in get_type_hints(kind)]


def _required(signature: inspect.Signature) -> list[str]:
    """Names of the arguments that have no default, in order."""
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        each.name
        for each in signature.parameters.values()
        if each.default is each.empty and each.kind not in open_ended
    ]


def _unexpected(function: str, key: str, value: Any, own: list[str]) -> str:
    if key == "prior":
        return (
            f"{function}() has a prior of its own, got prior={value!r}. Call "
            f"blr.regression(X, y, prior={prior_like(value) or '...'})."
        )
    near = get_close_matches(key, own, n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{function}() got an unexpected argument {key!r}. {hint}It takes {', '.join(own)}."


def _needs_prior() -> str:
    names = ", ".join(prior_names(Prior.dims))
    several = ", ".join(prior_names(MultivariatePrior.dims))
    return (
        f"prior, the prior of the effects. Pass for instance prior=blr.SpikeSlab(). There are "
        f"{names}; for several traits {several}; and your own subclass of blr.Prior."
    )


def needs_groups() -> str:
    """Say what groups are, after "needs"."""
    return (
        "groups, the label of each feature's group. Pass a list or an array in the order of the "
        "features, or a Series by their labels: groups=['exon', 'exon', 'intron', ...]."
    )


#: Required arguments that are easily forgotten, and what to say of them.
_NEEDED = {"prior": _needs_prior, "groups": needs_groups}


def prior_names(dims: tuple[str, ...]) -> list[str]:
    """Names of the priors of blrzoo, of effects of some dims.

    Examples
    --------
    >>> from blrzoo.advice import prior_names
    >>> prior_names(("feature",))[:3]
    ['AnnotatedInclusion', 'AnnotatedVariance', 'BayesA']
    """
    return sorted({kind.__name__ for kind in _zoo(Prior) if kind.dims == dims})


def _zoo(base: type[Prior]) -> Iterator[type[Prior]]:
    """Classes of this package that derive from the base, themselves no bases."""
    for kind in base.__subclasses__():
        package, _, module = kind.__module__.rpartition(".")
        if package.startswith("blrzoo") and module != "base" and not kind.__name__.startswith("_"):
            yield kind
        yield from _zoo(kind)


def prior_like(value: Any) -> str | None:
    """Say how to make the prior that a text, a class or an instance names; None if it names none.

    Examples
    --------
    >>> from blrzoo.advice import prior_like
    >>> prior_like("hoarseshoe"), prior_like("BayesRC"), prior_like(3)
    ('blr.Horseshoe()', 'blr.GroupedMixture(groups)', None)
    """
    kinds = {kind.__name__: kind for kind in _zoo(Prior)}
    if isinstance(value, str):
        known = {name.lower(): name for name in kinds} | _OTHER_NAMES
        near = get_close_matches(re.sub(r"[^a-z0-9]", "", value.lower()), known, n=1)
        name = known[near[0]] if near else ""
    else:
        name = (value if isinstance(value, type) else type(value)).__name__
    if name not in kinds:
        return None
    return f"blr.{name}({', '.join(_required(inspect.signature(kinds[name])))})"
