"""Messages for unknown names and wrong calls: what to write instead."""

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import wraps
from typing import ParamSpec, TypeVar, get_args, get_type_hints

from blrzoo.priors.base import Prior
from blrzoo.priors.multivariate.base import MultivariatePrior

__all__ = ["advised", "needs_groups", "no_such_name", "prior_like", "prior_names"]

P = ParamSpec("P")
R = TypeVar("R")

#: Other names of priors, in lower case, that are not close to their names here.
_OTHER_NAMES = {
    **dict.fromkeys(("ridge", "brr", "rrblup", "gblup", "bayesn"), "SingleComponent"),
    **dict.fromkeys(("bayesc", "bayescpi", "bvs", "ssvs"), "SpikeSlab"),
    **dict.fromkeys(("bayesr", "mixture"), "MultipleComponent"),
    **dict.fromkeys(("annotations", "annotated"), "AnnotatedInclusion"),
    "bayesrc": "HierarchicalMixture",
    "multiblup": "HierarchicalRidge",
    "lasso": "BayesianLasso",
}

#: Other names of further functions, in lower case, and what to write here.
_OTHER_CALLS = {
    **dict.fromkeys(("blr", "bglr"), "blr.regression(X, y, prior=blr.priors.SpikeSlab())"),
    **dict.fromkeys(("fit", "mcmc"), "blr.sample(model)"),
    **dict.fromkeys(("reml", "lmm"), "blr.fit_em(model)"),
    **dict.fromkeys(("lm", "linearregression"), "blr.ols(X, y)"),
    **dict.fromkeys(("loo", "waic"), "blr.evidence.compare(fits)"),
    **dict.fromkeys(("susie", "finemap"), "blr.spike_slab(X, y) and blr.credible_sets(idata)"),
    **dict.fromkeys(
        ("mash", "mashr"), "blr.hierarchical_multivariate(X, Y, groups, components=...)"
    ),
    "summary": "blr.effect_table(idata)",
}


def advised(
    passes_to: Callable[..., object] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a decorator that explains unknown and missing arguments of a function.

    `passes_to` is the function that further keywords are passed to: it answers those it knows.
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


def _arguments(function: Callable[..., object]) -> list[str]:
    """Names of the arguments, those in a TypedDict of keywords last."""
    parameters = inspect.signature(function).parameters.values()
    own = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    rest = [get_args(each.annotation) for each in parameters if each.kind is each.VAR_KEYWORD]
    return own + [key for unpacked in rest for kind in unpacked for key in get_type_hints(kind)]


def _required(signature: inspect.Signature) -> list[str]:
    """Names of the arguments without a default, in order."""
    open_ended = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        each.name
        for each in signature.parameters.values()
        if each.default is each.empty and each.kind not in open_ended
    ]


def _unexpected(function: str, key: str, value: object, own: list[str]) -> str:
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
        f"prior, the prior of the effects. Pass for instance prior=blr.priors.SpikeSlab(). There "
        f"are {names}; for several traits {several}; and your own subclass of blr.priors.Prior."
    )


def needs_groups() -> str:
    """Explain the argument groups, after "needs"."""
    return (
        "groups, the label of each feature's group. Pass a list or an array in the order of the "
        "features, or a Series by their labels: groups=['exon', 'exon', 'intron', ...]."
    )


#: Required arguments that are easily forgotten, and their explanations.
_NEEDED = {"prior": _needs_prior, "groups": needs_groups}


def prior_names(dims: tuple[str, ...]) -> list[str]:
    """Names of the priors of blrzoo for effects with these dims."""
    return sorted({kind.__name__ for kind in _zoo(Prior) if kind.dims == dims})


def _zoo(base: type[Prior]) -> Iterator[type[Prior]]:
    """Classes of this package that derive from the base, without base classes."""
    for kind in base.__subclasses__():
        package, _, module = kind.__module__.rpartition(".")
        if package.startswith("blrzoo") and module != "base" and not kind.__name__.startswith("_"):
            yield kind
        yield from _zoo(kind)


def _priors() -> dict[str, type[Prior]]:
    """Priors of blrzoo by name."""
    return {kind.__name__: kind for kind in _zoo(Prior)}


def _known_priors() -> dict[str, str]:
    """Names of priors by their names here or elsewhere, in lower case."""
    return {name.lower(): name for name in _priors()} | _OTHER_NAMES


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def prior_like(value: object) -> str | None:
    """Return the call that makes the prior named by a text, a class or an instance, if any."""
    kinds = _priors()
    if isinstance(value, str):
        known = _known_priors()
        near = get_close_matches(_plain(value), known, n=1)
        name = known[near[0]] if near else ""
    else:
        name = (value if isinstance(value, type) else type(value)).__name__
    if name not in kinds:
        return None
    return f"blr.priors.{name}({', '.join(_required(inspect.signature(kinds[name])))})"


def no_such_name(name: str, homes: Mapping[str, Iterable[str]]) -> str:
    """Say what to write for an unknown name; `homes` has the public names by their place."""
    start = f"blrzoo has no {name!r}."
    if name.startswith("__"):  # looked up by Python and its tools
        return start
    full = {one: f"{home}.{one}" for home, names in homes.items() for one in names}
    use = _call_of_prior(name, full) or _OTHER_CALLS.get(_plain(name)) or full.get(name)
    if use:
        return f"{start} Use {use}."
    # A class and its factory may be equal in lower case: the factory, which comes first, wins.
    places = {one.lower(): full[one].removeprefix("blr.") for one in reversed(full)}
    near = get_close_matches(name.lower(), places, n=1)
    return f"{start} Did you mean {places[near[0]]!r}?" if near else f"{start} See dir(blr)."


def _call_of_prior(name: str, full: dict[str, str]) -> str | None:
    """Return the call that makes a model of the prior with this name, here or elsewhere."""
    prior = _known_priors().get(_plain(name))
    if prior is None:
        return None
    data = "X, Y" if _priors()[prior].dims == MultivariatePrior.dims else "X, y"
    factory = re.sub(r"(?<!^)(?=[A-Z])", "_", prior).lower()
    if prior != name and factory in full:
        return f"{full[factory]}({data})"
    return f"blr.regression({data}, prior={prior_like(prior)})"
