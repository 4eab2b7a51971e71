"""The arrays of a mixed model, read from a PyMC model."""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.traversal import ancestors

from blrzoo.evaluate import value_of
from blrzoo.gibbs.spec import Spec, refuse_sums, spec_in
from blrzoo.terms import Term

__all__ = ["MixedModel", "read_model"]


@dataclass(frozen=True, eq=False)
class MixedModel:
    """The data of ``y = F fixed + X beta + e``, with ``beta_j ~ N(0, tau2[index[j]])``."""

    # With weights all rows are times the square roots of theirs, so that e has one variance.
    y: np.ndarray  # (obs,), minus the part of intercept and covariates that is fixed
    F: np.ndarray  # (obs, fixed), of the fixed effects that are estimated; there may be none
    X: np.ndarray  # (obs, feature), centered and scaled as in the model's prior
    index: np.ndarray  # (feature,), which element of tau2 is the variance of a feature's effect
    tau2: np.ndarray | None  # (variance,), if the model fixes it; None if it is estimated
    sigma2: np.ndarray | None  # likewise; so are mu and gamma, which is empty without covariates
    mu: np.ndarray | None
    gamma: np.ndarray | None
    x_variance: np.ndarray  # (feature,), sample variances of X
    x_scale: np.ndarray | float  # what the features are divided by
    n_variances: int
    tau2_dims: tuple[str, ...]  # () or one


def read_model(model: pm.Model) -> MixedModel:
    """Read a model of effects without labels; refuse others with a ValueError."""
    spec = _check_model(model)
    term = spec.main
    size, dims = _check_tau2(model, term)
    x_scale = 1.0 if term.prior.data.x_scale is None else term.prior.data.x_scale
    X, W = term.design.columns(slice(None)), _centered(model, "W")
    mu = _fixed(model, "mu")
    gamma = _fixed(model, "gamma") if "gamma" in spec.names else np.empty(0)
    parts = [(np.ones((len(X), 1)), None if mu is None else mu.reshape(1)), (W, gamma)]
    offset = sum(columns @ value for columns, value in parts if value is not None)
    free = [columns for columns, value in parts if value is None]
    root = np.broadcast_to(term.design.root, len(X))
    tau2 = _fixed(model, term.names["tau2"])
    return MixedModel(
        y=root * (_values(model, "y") - offset),
        F=root[:, None] * np.column_stack([np.empty((len(X), 0)), *free]),
        X=X,
        index=_variance_index(model, spec, size),
        tau2=None if tau2 is None else tau2.reshape(size),
        sigma2=_fixed(model, "sigma2"),
        mu=mu,
        gamma=gamma,
        x_variance=term.prior.data.x_variance,
        x_scale=x_scale,
        n_variances=size,
        tau2_dims=dims,
    )


def _check_model(model: pm.Model) -> Spec:
    rule = "model must be of one trait, with effects from normal distributions without labels"
    remedy = "Make it with blrzoo.single_component, or sample it: blrzoo.sample(model)."
    spec = spec_in(model.basic_RVs)
    if spec is None:
        raise ValueError(f"{rule}, made by blrzoo; got one that blrzoo did not make. {remedy}")
    refuse_sums(model, "for fit_em, which factorizes X")
    if spec.main.prior.label_name is not None:
        raise ValueError(
            f"{rule}, got a mixture: {type(spec.main.prior).__name__} with the labels "
            f"{spec.main.prior.label_name!r}, whose restricted likelihood is a sum over all their "
            f"values. {remedy}"
        )
    beta = model.named_vars.get("beta")
    if beta not in model.free_RVs or beta.ndim != 1:
        raise ValueError(f"{rule}, got none that is random and has dims (feature,). {remedy}")
    added = [rv.name for rv in model.basic_RVs if rv.name not in spec.known]
    added += [str(term.name) for term in model.potentials]
    if added:
        raise ValueError(
            f"model must have no terms beside those of its factory, got {', '.join(added)}: EM "
            "would pass over them. Sample the model, or make it again without them."
        )
    return spec


def _check_tau2(model: pm.Model, term: Term) -> tuple[int, tuple[str, ...]]:
    if "tau2" not in term.names:
        raise ValueError(
            f"model must have the variances of its effects in a variable 'tau2', got "
            f"{', '.join(term.names)} with {type(term.prior).__name__}. Return "
            "{'tau2': ...} from variables() of your prior, or sample the model."
        )
    tau2 = model[term.names["tau2"]]
    if tau2.ndim > 1:
        raise ValueError(
            f"model must have a tau2 with one dimension at most, got {tau2.ndim}. Give each "
            "group one variance, or sample the model."
        )
    dims = model.named_vars_to_dims.get(term.names["tau2"]) or ()
    size = len(np.asarray(model.coords[dims[0]])) if dims else int(np.prod(tau2.shape.eval()))
    if tau2.ndim and not dims:
        dims = ("group",)
    return size, tuple(str(dim) for dim in dims)


def _variance_index(model: pm.Model, spec: Spec, size: int) -> np.ndarray:
    """Find by trial which element of tau2 is the variance of each effect."""
    p = spec.main.prior.data.p
    trials = np.arange(1.0, size + 1), np.sqrt(np.arange(size, 0, -1) + 0.5)
    found = [_variance_at(model, spec, trial, p) for trial in trials]
    index = np.searchsorted(trials[0], found[0]).clip(max=size - 1)
    if not all(np.array_equal(trial[index], got) for trial, got in zip(trials, found, strict=True)):
        raise ValueError(
            f"model must have effects with one element of tau2 as their variance, got a "
            f"function of tau2 from {type(spec.main.prior).__name__}. Return v['tau2'] or "
            "v['tau2'][index] from variance(v), or sample the model."
        )
    return index


def _variance_at(model: pm.Model, spec: Spec, tau2: np.ndarray, p: int) -> np.ndarray:
    v = spec.variables(model, spec.main)
    v["tau2"] = pt.constant(tau2.reshape(()) if v["tau2"].ndim == 0 else tau2)
    variance = pt.as_tensor(spec.main.prior.variance(v))
    others = sorted(str(rv.name) for rv in set(ancestors([variance])) & set(model.basic_RVs))
    if others:
        raise ValueError(
            f"model must have effects whose variances depend on tau2 alone, got "
            f"{', '.join(others)} in the variance of {type(spec.main.prior).__name__}. Sample the "
            "model."
        )
    return np.broadcast_to(value_of(variance), (p,))


def _fixed(model: pm.Model, name: str) -> np.ndarray | None:
    """Value of a parameter that the model fixes; None if it is one of its free variables."""
    variable = model[name]
    if variable in model.free_RVs:
        return None
    if variable in model.observed_RVs:
        return _values(model, name)
    behind = sorted(str(rv.name) for rv in set(ancestors([variable])) & set(model.basic_RVs))
    if behind:
        raise ValueError(
            f"model must have {name} as a variable of its own or as a number, got a function of "
            f"{', '.join(behind)}. Give {name} a prior itself: {name}=....dist()."
        )
    return value_of(variable).astype(float)


def _values(model: pm.Model, name: str) -> np.ndarray:
    """Data of an observed variable."""
    return value_of(model.rvs_to_values[model[name]]).astype(float)


def _centered(model: pm.Model, name: str) -> np.ndarray:
    if name not in model.named_vars:
        return np.empty((len(model.coords["obs"]), 0))
    return model[name].get_value(borrow=True) - model[f"{name}_center"].get_value(borrow=True)
