"""What the step method needs to know about a model: names and rules, carried by its variables.

PyMC's step assignment sees variables, never models, and models are copied, conditioned and
pickled. So the variables themselves carry a `Spec` on their tag. It holds names, no variables, and
its readers look the names up in the model that they have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import Instance
from blrzoo.distributions.effects import EffectsRV
from blrzoo.evaluate import value_of
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.terms import Term

__all__ = [
    "Spec",
    "find_model",
    "find_spec",
    "mark",
    "observed",
    "refuse_sums",
    "spec_in",
    "spec_of",
]


@dataclass(frozen=True)
class Spec:
    """A regression model in names and rules, and its X.

    Attributes
    ----------
    likelihood : Likelihood or TraitLikelihood
        Intercept, covariates, residual variance, and the terms.
    names : dict of str to str
        Names in the model of the likelihood's variables, by their keys.
    known : frozenset of str
        Names of all random variables of the model as it was made.
    """

    likelihood: Likelihood | TraitLikelihood
    names: dict[str, str]
    known: frozenset[str] = field(default_factory=frozenset)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Features and the priors of their effects."""
        return self.likelihood.terms

    @property
    def main(self) -> Term:
        """The term that read-outs are about."""
        return self.terms[0]

    @property
    def effects(self) -> set[str]:
        """Names of the effects and labels of all terms."""
        names = {name for term in self.terms for name in (term.effects_name, term.label_name)}
        return {name for name in names if name}

    def variables(self, model: pm.Model, term: Term | None = None) -> dict[str, TensorVariable]:
        """Look up the variables of the likelihood, and of a term, in a model."""
        own = {key: model[name] for key, name in self.names.items()}
        return own if term is None else own | term.variables(model)

    def conditionals(
        self, model: pm.Model, residual: TensorVariable
    ) -> dict[TensorVariable, TensorVariable]:
        """All full conditionals but those of the effects, in the order of the sweep."""
        found: dict[TensorVariable, TensorVariable] = {}
        for term in self.terms:
            found |= self._of_term(model, term)
        found |= self.likelihood.conditionals(self.variables(model), residual, model)
        return _to_draw(found, model)

    def _of_term(self, model: pm.Model, term: Term) -> dict[TensorVariable, TensorVariable]:
        """Full conditionals of the hyperparameters of a term."""
        v = self.variables(model, term)
        found = _to_draw(term.prior.conditionals(v, term.scaled_effects(model)), model)
        return found | _cut(model, term, found)

    def check(self, model: pm.Model, drawn: Iterable[TensorVariable]) -> None:
        """Refuse a model with an added term that depends on variables that the step draws.

        Raises
        ------
        ValueError
            For such a model, in which the full conditionals do not hold.
        """
        drawn, random = set(drawn), set(model.basic_RVs)
        added = [rv for rv in model.basic_RVs if rv.name not in self.known]
        for term in [*added, *model.potentials]:
            # Directly: given the variables between, the term does not depend on those behind them.
            touched = drawn.intersection(ancestors([term], blockers=random - {term}))
            if touched:
                names = ", ".join(sorted(str(rv.name) for rv in touched))
                # effects that may be 0 can only be drawn with their labels, by this step
                alone = any(isinstance(rv.owner.op, EffectsRV) for rv in touched)
                other = (
                    ", or give these variables another step method: pm.sample(step=pm.NUTS([...]))"
                )
                raise ValueError(
                    f"model must have no added term that depends on variables drawn from their "
                    f"full conditionals, which would not hold; got {term.name!r}, which depends "
                    f"on {names}. Write the term as a prior (blrzoo.priors.Prior)"
                    f"{'' if alone else other}."
                )


def _to_draw(
    found: Mapping[TensorVariable, TensorVariable | None], model: pm.Model
) -> dict[TensorVariable, TensorVariable]:
    """Keep free variables that have a conditional."""
    free = set(model.free_RVs)
    return {rv: dist for rv, dist in found.items() if dist is not None and rv in free}


def _cut(
    model: pm.Model, term: Term, conditionals: dict[TensorVariable, TensorVariable]
) -> dict[TensorVariable, TensorVariable]:
    """Priors, in place of conditionals given the effects, of what `pm.do` cut off from these."""
    block = {model[name] for name in (term.effects_name, term.label_name) if name}
    parents = set(ancestors(block))
    set_by_do, cut = not block <= set(model.basic_RVs), {}
    for rv, dist in conditionals.items():
        if rv in parents or not block.intersection(ancestors([dist], blockers=[rv])):
            continue
        # The effects do not depend on rv, so its conditional given them is its prior.
        cut[rv] = rv.owner.clone().outputs[rv.owner.outputs.index(rv)]
        if not set_by_do:
            raise ValueError(
                f"prior must have full conditionals given the effects only of what the "
                f"effects depend on, got one of {rv.name} in {type(term.prior).__name__}. "
                f"Drop it from conditionals(), or from variables()."
            )
    return cut


def find_model(model: object) -> pm.Model:
    """Return the given model or, if that is None, the one on the context.

    Raises
    ------
    TypeError
        If there is none, or `model` is not a model.
    """
    remedy = "Pass model=, or call within `with model:`; other arguments go by name, as draws=1000."
    if model is None:
        model = pm.Model.get_context(error_if_none=False)
    what = "a pm.Model, given or on the context"
    found: pm.Model = Instance(pm.Model, what, advice=remedy).check("model", model)
    return found


def mark(variables: Iterable[TensorVariable], spec: Spec) -> None:
    """Put the spec on the tag of the variables that the step method is to draw."""
    for variable in variables:
        variable.tag.blrzoo = spec


def find_spec(model: pm.Model, variables: Iterable[TensorVariable] = ()) -> Spec:
    """Return the spec that variables of a model carry.

    Raises
    ------
    ValueError
        If none carries one.
    """
    spec = spec_in([*variables, *model.free_RVs])
    if spec is None:
        raise ValueError(
            "model must be one of blrzoo, got a model whose variables carry no mark of it. Make "
            "the model with blrzoo.regression or a factory (freeze_dims_and_data drops the "
            "marks: sample the model before it)."
        )
    return spec


def refuse_sums(model: pm.Model, purpose: str) -> None:
    """Refuse a model of sufficient statistics for a purpose that needs observations.

    Raises
    ------
    ValueError
        For such a model. Models that blrzoo did not make pass.
    """
    spec = spec_in(model.basic_RVs)
    if spec is not None and not spec.likelihood.has_rows:
        raise ValueError(
            f"model must be of observations {purpose}, got one of sufficient statistics, which "
            f"have no rows. Make the model of X and y, in another design than 'gram'."
        )


def observed(model: pm.Model) -> np.ndarray | None:
    """Return the observed y, NaN where it was not measured; None where y is not data."""
    if "y" not in model.named_vars or model["y"] not in model.observed_RVs:
        return None
    return value_of(model.rvs_to_values[model["y"]])


def spec_in(variables: Iterable[TensorVariable]) -> Spec | None:
    """Return the first spec that variables carry, or None."""
    return next(filter(None, map(spec_of, variables)), None)


def spec_of(variable: object) -> Spec | None:
    """Return the spec that a variable carries, or None."""
    return getattr(getattr(variable, "tag", None), "blrzoo", None)
