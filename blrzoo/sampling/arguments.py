"""Checks of the arguments of `sample`, before the first draw."""

from collections.abc import Collection
from typing import Any

import pymc as pm

from blrzoo.checks import Choice, Integer, LeftOut, NoneOr, Seed
from blrzoo.gibbs.spec import find_model, refuse_sums
from blrzoo.gibbs.step import THIN, check_moves
from blrzoo.sampling.summary_recorder import of_features

__all__ = ["OTHER_STEPS", "check_arguments", "check_model", "check_options"]

#: Arguments of ``pm.sample`` that name other step methods.
OTHER_STEPS = ("step", "backend", "nuts_sampler")

#: Keys that `idata_kwargs` may have. Coordinates and dims are the model's.
_IDATA = ("log_likelihood", "include_transformed")


def check_model(model: object, more: tuple[object, ...]) -> pm.Model:
    """Return the model; refuse data in its place, as in sample(X, y), with advice."""
    if isinstance(model, pm.Model) and more:
        raise TypeError(
            f"model must be the only argument without a name, got {more[0]!r} after it. Other "
            f"arguments go by name, as draws=1000."
        )
    if more or isinstance(model, list | tuple) or hasattr(model, "ndim"):
        kinds = ", ".join(type(given).__name__ for given in (model, *more))
        raise TypeError(
            f"model must be a pm.Model, got {kinds}. Build a model first: "
            f"model = blr.spike_slab(X, y), then blr.sample(model)."
        )
    return find_model(model)


def check_arguments(
    model: pm.Model,
    chains: object,
    var_names: list[str] | None,
    keep: object,
    options: dict[str, Any],
    more: dict[str, Any],
) -> None:
    """Check the arguments; `options` are moves and thin, `more` those for ``pm.sample``."""
    Choice(("draws", "summary"), default="draws").check("keep", keep)
    Integer(1, default=4).check("chains", chains)
    Integer(1, default=1000).check("draws", more.get("draws", 1000))
    NoneOr(Integer(0, default=1000)).check("tune", more.get("tune"))
    Seed().check("random_seed", more.get("random_seed"))
    check_options(options, more)
    if not more.get("return_inferencedata", True):
        raise ValueError(
            "return_inferencedata must be True, got False: blr.sample completes what it returns. "
            "Leave it out, or call pm.sample for PyMC's own traces."
        )
    _check_names(model, var_names)
    _check_idata(model, var_names, more.get("idata_kwargs"))
    if keep == "summary":
        _check_summary(model, var_names, more)


def check_options(options: dict[str, Any], more: dict[str, Any]) -> None:
    """Check moves and thin, which other steps would not have."""
    check_moves(options["moves"])
    THIN.check("thin", options["thin"])
    for given in [name for name, value in options.items() if value is not None]:
        advice = f"Leave {given} out, or pass step=blr.BLRGibbs(model=model, {given}=...) only."
        for name in OTHER_STEPS:
            LeftOut(f"with {given}", advice=advice).check(name, more.get(name))


def _check_names(model: pm.Model, names: object) -> None:
    if names is None:
        return
    known = [rv.name for rv in model.unobserved_RVs]
    listed = [] if isinstance(names, str) or not isinstance(names, Collection) else list(names)
    if not listed or any(name not in known or listed.count(name) > 1 for name in listed):
        raise ValueError(
            f"var_names must be a list of one or more variables of the model, each once, got "
            f"{names!r}. Choose from {known}. Leave it out for all."
        )


def _check_idata(model: pm.Model, var_names: list[str] | None, given: object) -> None:
    if given is None:
        return
    if not isinstance(given, dict) or not set(given) <= set(_IDATA):
        raise ValueError(
            f"idata_kwargs must be a dict with no other keys than {', '.join(_IDATA)}, got "
            f"{given!r}. Leave the rest out: change the result instead."
        )
    if given.get("log_likelihood"):
        refuse_sums(model, "for idata_kwargs with log_likelihood, a number for each of them")
    lacking = [rv.name for rv in model.free_RVs if var_names and rv.name not in var_names]
    if given.get("log_likelihood") and lacking:
        raise ValueError(
            f"var_names must have all free variables where idata_kwargs asks for the log "
            f"likelihood, got none of {lacking}. Leave var_names out."
        )


def _check_summary(model: pm.Model, var_names: list[str] | None, more: dict[str, Any]) -> None:
    """Refuse what needs draws of single features, and a fit without any draws."""
    if (more.get("idata_kwargs") or {}).get("log_likelihood"):
        raise ValueError(
            "idata_kwargs must not ask for the log likelihood with keep='summary', got "
            "log_likelihood: it is computed from draws of all effects. Leave it out, or pass "
            "keep='draws'."
        )
    where = "with keep='summary', which has its own"
    LeftOut(where, advice="Or pass keep='draws'.").check("trace", more.get("trace"))
    names = [rv.name for rv in model.unobserved_RVs if not var_names or rv.name in var_names]
    if len(of_features(model, names)) == len(names):
        raise ValueError(
            f"var_names must have a variable that is not of single features with keep='summary', "
            f"got {names}. Add one that is recorded draw by draw, such as 'mu'."
        )
