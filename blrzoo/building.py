"""`build_model`: from terms and a likelihood to a PyMC model."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import SUMS, Design
from blrzoo.designs.dense import Dense
from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.spec import Spec, mark
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.priors.base import Prior
from blrzoo.sources import Source
from blrzoo.terms import Term, TermModel

__all__ = ["Part", "Update", "build_model"]

Update = Literal["auto", "joint", "single-site"]

#: Operations of a factorization (a second or two) up to which update="auto" is joint.
_JOINT_LIMIT = 3e10

#: Size up to which X of another design may be factorized, which converts it to float64.
_JOINT_BYTES = 100e6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """What a term is made of: features, the prior of their effects, and how they are drawn."""

    source: Source
    prior: Prior
    standardize: bool = False
    update: Update = "auto"
    name: str = ""  # prefix of a further term: "cage" for cage_beta and cage_feature


def build_model(
    parts: Sequence[Part], likelihood: Likelihood | TraitLikelihood, h2: float
) -> pm.Model:
    """Make the model of a response and its terms.

    The first part is the main term: its source also has the response, covariates and weights.
    """
    main = parts[0].source
    with _new_model(main.coords) as model:
        main.add_rows(model)
        bound = [part.prior.bind(part.source.summary(part.standardize), h2) for part in parts]
        v = likelihood.variables(bound[0].data, h2)
        terms = [_term(*pair, v) for pair in zip(parts, bound, strict=True)]
        likelihood = main.bind(likelihood, terms)
        likelihood.observe(v, model, main.observed)
        spec = Spec(
            likelihood=likelihood,
            names={key: str(variable.name) for key, variable in v.items()},
            known=frozenset(str(rv.name) for rv in model.basic_RVs),
        )
        _mark(model, spec)
    return model


def _term(part: Part, prior: Prior, shared: dict[str, TensorVariable]) -> Term:
    """Make the variables and data of a term in the model on the context."""
    prefix = f"{part.name}_" if part.name else ""
    own = {"feature": part.source.coords["feature"]}
    with TermModel(prefix, own) if prefix else nullcontext(pm.modelcontext(None)) as model:
        designs = part.source.add_features(model, prior.data.x_scale)
        v = {**shared, **_named(prior)}
        prior.check(v)
        prior.effects(v)
    return Term(
        prior=prior,
        designs=designs,
        update=_choose_update(part.update, prior, v, designs[""]),
        names={key: str(own.name) for key, own in v.items() if key not in shared},
        prefix=prefix,
    )


def _new_model(coords: dict[str, Any]) -> pm.Model:
    """Make an empty model; within another model, the coordinates must agree."""
    try:
        return pm.Model(coords=coords)
    except ValueError as error:
        raise ValueError(
            f"coords of the model on the context must be those of the data, got others ({error}). "
            f"Make the model outside of `with pm.Model(...)`: it is a pm.Model itself."
        ) from error


def _named(prior: Prior) -> dict[str, TensorVariable]:
    """Register numbers and expressions that a prior returned as Deterministics."""
    variables: object = prior.variables()
    if not isinstance(variables, dict):
        raise TypeError(
            f"prior must return a dict from variables(), got {variables!r} from "
            f"{type(prior).__name__}. Return {{}} if it has no hyperparameters."
        )
    return {
        key: value
        if getattr(value, "name", None) in pm.modelcontext(None).named_vars
        else pm.Deterministic(key, pt.as_tensor(value))
        for key, value in variables.items()
    }


def _mark(model: pm.Model, spec: Spec) -> None:
    """Mark the variables that the Gibbs step can draw."""
    response = spec.likelihood.response(spec.variables(model), model)
    mark(spec.conditionals(model, response), spec)
    mark((rv for rv in model.free_RVs if rv.name in spec.effects), spec)


def _choose_update(
    update: Update, prior: Prior, v: dict[str, TensorVariable], design: Design
) -> str:
    rows = design.form != SUMS
    if update == "joint" and not rows:
        raise ValueError(
            f"update must be 'single-site' or 'auto' with the design {design.name!r}, got 'joint', "
            f"which needs a factorization of X. Pass update='single-site', or X and y."
        )
    common = prior.is_common(v)
    if update == "joint" and not common:
        raise ValueError(
            f"update must be 'single-site' or 'auto' unless all effects have one common "
            f"variance, got 'joint' with {type(prior).__name__}, which has several. "
            f"Pass update='single-site'."
        )
    if update != "auto":
        return update
    n, p = prior.data.n, prior.data.p
    fits = type(design) is Dense or 8 * n * p <= _JOINT_BYTES
    joint = common and rows and fits and Factorisation.cost(n, p) <= _JOINT_LIMIT
    choice = "joint" if joint else "single-site"
    _log.debug("update='auto' chose %r for n=%d, p=%d", choice, n, p)
    return choice
