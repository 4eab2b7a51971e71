"""The table: how each public name is called, which arguments are tried, and what it must return.

A new public name needs a row, or a reason in LEFT_OUT.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

import blrzoo as blr
from tests.fuzz import fits
from tests.fuzz.oracle import check_model
from tests.fuzz.tables import GROUPS, Given, frame, tables
from tests.fuzz.values import hyper, junk, number, whole

Strategies = Mapping[str, st.SearchStrategy[Any]]


@dataclass(frozen=True, repr=False)
class Row:
    """One public name.

    `valid` makes valid arguments, one or two of which are replaced by values of `tried`. An error
    must name an argument that was replaced, or one of `names`. `check` asserts that an outcome is
    right for its arguments.
    """

    call: Callable[..., Any]
    valid: Callable[[], dict[str, Any]]
    tried: Strategies
    check: Callable[[Any, Mapping[str, Any]], None]
    names: tuple[str, ...] = ()
    data: tuple[str, ...] = ("X", "y", "covariates", "weights")  # what "data" stands for
    share: float = 1.0  # of the number of examples per row; smaller for slow functions


# Models

DATA = ("X", "y", "covariates", "weights")
FLAG = junk(True, False)
SHARED: dict[str, st.SearchStrategy[Any]] = {
    "h2": number(0.01, 0.99),
    "mu": hyper("normal"),
    "gamma": hyper("normal", "covariate"),
    "sigma2": hyper("variance"),
    "center": FLAG,
    "standardize": FLAG,
    "missing": junk("error", "predict"),
}
TRAITS: dict[str, st.SearchStrategy[Any]] = {
    **SHARED,
    "mu": hyper("normal", "trait"),
    "gamma": hyper("normal", "covariate", "trait"),
    "Sigma_e": hyper("variance", "trait", "trait_bis"),
    "residual": junk("full", "diagonal"),
    "sigma2": hyper("variance", "trait"),
}
#: Names in errors about tuples that are not parameters, and about several arguments.
RULES = ("feature", "features", "prior", "traits", "Y", *DATA)
VARIANCE, PROBABILITY = hyper("variance"), hyper("probability")
COVARIANCE = hyper("variance", "trait", "trait_bis")
BY_GROUP = hyper("variance", "group")
PI = {"pi": PROBABILITY}
FORM = {"form": junk("full", "diagonal"), "tau2": hyper("variance", "trait")}
GROUPED = {"groups": tables("groups")}
MIXTURE = {
    "n_components": whole(1, 6),
    "tau2": VARIANCE,
    "pi": junk([0.5, 0.3, 0.1, 0.1], (9, 1, 1, 1)),
    "ratios": junk((0, 0.01, 0.1, 1), (0.1, 1.0), [1.0]),
    "null": FLAG,
}
PATTERNS = junk("independent", "all", "restrictive", [[1, 0], [1, 1]], [[0, 0]], [[2, 1]])
COMPONENTS = junk(["null", "equal"], ["learned", [[1, 0.2], [0.2, 1]]], ["x"])
SLAB = {
    "tau2": VARIANCE,
    "pi": PROBABILITY,
    "expected_size": number(0.1, 5),
    "inclusion": tables("feature numbers"),
}


def given(*names: str) -> Callable[[], dict[str, Any]]:
    return lambda: {name: frame(name) for name in names}


def factory(make: Callable[..., Any], own: Strategies, *, groups: bool = False) -> Row:
    """A row for a factory of one trait."""

    def valid() -> dict[str, Any]:
        more = {"groups": Given(GROUPS)} if groups else {}
        return {name: frame(name) for name in ("X", "y")} | more

    return Row(make, valid, {"data": st.nothing(), **own, **SHARED}, check_model, RULES)


def trait_factory(make: Callable[..., Any], own: Strategies, *, groups: bool = False) -> Row:
    """A row for a factory of several traits."""

    def valid() -> dict[str, Any]:
        more = {"groups": Given(GROUPS)} if groups else {}
        return {name: frame(name) for name in ("X", "Y")} | more

    return Row(make, valid, {"data": st.nothing(), **own, **TRAITS}, check_model, RULES)


def of_prior(
    make: Callable[..., Any], own: Strategies, *, traits: bool = False, **base: Any
) -> Row:
    """A row that makes a prior and a model with it."""
    data = fits.data("X", "Y" if traits else "y")

    def build(**options: Any) -> Any:
        X, y = data.values()
        return blr.regression(X, y, prior=make(**options))

    return Row(build, lambda: dict(base), own, check_model, RULES)


MODELS = {
    "single_component": factory(
        blr.single_component, {"tau2": VARIANCE, "update": junk("auto", "joint", "single-site")}
    ),
    "spike_slab": factory(blr.spike_slab, {**SLAB, **GROUPED}),
    "multiple_component": factory(blr.multiple_component, MIXTURE),
    "hierarchical": factory(
        blr.hierarchical,
        {
            **GROUPED,
            "n_components": whole(1, 5),
            "tau2": BY_GROUP,
            "pi": junk([0.5, 0.5]),
            "ratios": MIXTURE["ratios"],
            "shared_pi": FLAG,
            "pooled": FLAG,
        },
        groups=True,
    ),
    "regression": factory(
        lambda X, y, prior=None, **options: blr.regression(
            X, y, prior=blr.priors.SpikeSlab() if prior is None else prior, **options
        ),
        {
            "prior": junk(
                blr.priors.SpikeSlab(), blr.priors.SpikeSlab, blr.priors.Multivariate(), "horseshoe"
            )
        },
    ),
    "multivariate": trait_factory(
        blr.multivariate,
        {"Sigma_b": COVARIANCE, **FORM, "update": junk("auto", "joint", "single-site")},
    ),
    "multivariate_spike_slab": trait_factory(
        blr.multivariate_spike_slab,
        {"patterns": PATTERNS, "Sigma_b": COVARIANCE, "pi": hyper("probability", "trait"), **FORM},
    ),
    "hierarchical_multivariate": trait_factory(
        blr.hierarchical_multivariate,
        {
            **GROUPED,
            "n_components": whole(1, 5),
            "components": COMPONENTS,
            "Sigma_b": hyper("variance", "group", "trait", "trait_bis"),
            "pi": junk([0.5, 0.5]),
            **FORM,
        },
        groups=True,
    ),
}
PRIORS = {
    "SingleComponent": of_prior(blr.priors.SingleComponent, {"tau2": VARIANCE}),
    "SpikeSlab": of_prior(blr.priors.SpikeSlab, {**SLAB, **GROUPED}),
    "MultipleComponent": of_prior(blr.priors.MultipleComponent, MIXTURE),
    "BayesA": of_prior(blr.priors.BayesA, {"nu": number(0.1, 9), "S2": VARIANCE}),
    "BayesB": of_prior(blr.priors.BayesB, {"nu": number(0.1, 9), "S2": VARIANCE, **PI}),
    "BayesianLasso": of_prior(blr.priors.BayesianLasso, {"lambda2": VARIANCE}),
    "Horseshoe": of_prior(
        blr.priors.Horseshoe, {"p0": number(0.1, 4.9), "tau": VARIANCE, "c2": VARIANCE}
    ),
    "AnnotatedVariance": of_prior(
        blr.priors.AnnotatedVariance,
        {"annotations": tables("annotations"), "tau2": VARIANCE, "eta": hyper("normal")},
        annotations=frame("feature numbers"),
    ),
    "AnnotatedInclusion": of_prior(
        blr.priors.AnnotatedInclusion,
        {
            "annotations": tables("annotations"),
            "tau2": VARIANCE,
            "eta0": hyper("normal"),
            "eta": hyper("normal"),
        },
        annotations=frame("feature numbers"),
    ),
    "HierarchicalRidge": of_prior(
        blr.priors.HierarchicalRidge,
        {**GROUPED, "tau2": BY_GROUP, "pooled": FLAG},
        groups=Given(GROUPS),
    ),
    "HierarchicalMixture": of_prior(
        blr.priors.HierarchicalMixture,
        {**GROUPED, **MIXTURE, "shared_pi": FLAG, "pooled": FLAG},
        groups=Given(GROUPS),
    ),
    "Multivariate": of_prior(blr.priors.Multivariate, {"Sigma_b": COVARIANCE, **FORM}, traits=True),
    "MultivariateSpikeSlab": of_prior(
        blr.priors.MultivariateSpikeSlab,
        {"patterns": PATTERNS, "Sigma_b": COVARIANCE, "pi": hyper("probability", "trait"), **FORM},
        traits=True,
    ),
    "HierarchicalMultivariate": of_prior(
        blr.priors.HierarchicalMultivariate,
        {**GROUPED, "Sigma_b": hyper("variance", "group", "trait", "trait_bis"), **FORM},
        traits=True,
        groups=Given(GROUPS),
    ),
    "HierarchicalMultivariateMixture": of_prior(
        blr.priors.HierarchicalMultivariateMixture,
        {
            **GROUPED,
            "n_components": whole(1, 5),
            "components": COMPONENTS,
            "Sigma_b": COVARIANCE,
            "pi": junk([0.5, 0.5]),
        },
        traits=True,
        groups=Given(GROUPS),
    ),
}
