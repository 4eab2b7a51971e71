"""describe(): the likelihood, the design, the priors and the updates of a model."""

from typing import Any

import numpy as np
import pymc as pm

from blrzoo.description.table import Description, Line
from blrzoo.description.variables import update_lines, variable_lines
from blrzoo.evaluate import value_of
from blrzoo.gibbs.spec import Spec, spec_in, spec_of
from blrzoo.labels import show
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.terms import Term
from blrzoo.wording import number_text

__all__ = ["describe"]


def describe(model: pm.Model) -> Description:
    r"""Describe a model: likelihood, design, priors with their numbers, and how each is drawn.

    Parameters
    ----------
    model : pm.Model
        A model that blrzoo made, also after ``pm.do``, ``pm.observe`` or ``copy``.

    Returns
    -------
    Description
        ``print`` it for a plain table; a notebook shows it in HTML. Iterating gives its lines,
        ``description["tau2"]`` the line of a name, and ``to_dataframe()`` a table with the index
        (part, name) and the columns ``value``, ``drawn_by``, ``formula`` and ``numbers``. The
        parts are

        - ``likelihood``: the response, the mean of y, the residuals, covariates and weights
        - ``design``: how X is stored, its size, groups, centers and units
        - ``prior``: the class of the prior, and its settings
        - ``variables``: the prior of each variable with its parameters in this model, and
          ``drawn_by``: the block of effects, the full conditional, or NUTS. For a default there are
          the formula, in Python, and the numbers in it
        - ``blocks``: how each block draws labels and effects, in words

        Each further term of a model has a design and a prior of its own.

    Raises
    ------
    TypeError
        If blrzoo did not make `model`.

    Notes
    -----
    In the formulas h2 is the argument; n and p are the numbers of observations and features; var_y
    is the sample variance of y; mean_var_x is the mean of the sample variances of the features (of
    the standardized ones with ``standardize=True``); s is the number of features that are expected
    to share h2; and v is the variance that a default is scaled to. ``max``, ``min`` and ``where``
    are elementwise. Arrays of more than 12 different numbers are shown by their range.

    A prior of your own is described by its class, the first line of its docstring, its settings
    and its variables. To add lines, override `blrzoo.priors.Prior.describe`.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=100, p=500, n_causal=2, random_seed=1)
    >>> description = blr.describe(blr.spike_slab(data.X, data.y, tau2=(4, 0.1)))
    >>> description["pi"].value
    '~ beta(a = 1, b = 7)'
    >>> description["pi"].formula
    ('share = min(1 / 2, sqrt(n) / p)', 'a = 1', 'b = sqrt((1 - share) / share)')
    >>> description["pi"].numbers
    ('n = 100', 'p = 500')
    >>> description["tau2"].drawn_by
    'Gibbs: InverseGamma full conditional'
    """
    spec = _spec_of(model)
    lines = _likelihood(model, spec)
    for term in spec.terms:
        lines += _design(model, spec, term) + _prior(term)
    title = f"{type(spec.main.prior).__name__}, a Bayesian linear regression of blrzoo"
    return Description(title, lines + variable_lines(model, spec) + update_lines(spec))


def _spec_of(model: object) -> Spec:
    found = spec_in(model.basic_RVs) if isinstance(model, pm.Model) else None
    if found is None or not _are_marked(model, found.effects):
        kind = "a model without its marks" if isinstance(model, pm.Model) else "no model"
        raise TypeError(
            f"model must be a model of blrzoo, got {kind}, of type {type(model).__name__}. Pass "
            f"what blrzoo.regression or a factory returns (freeze_dims_and_data drops the marks: "
            f"describe the model before it)."
        )
    return found


def _are_marked(model: pm.Model, names: set[str]) -> bool:
    """Whether all effects and labels still have their marks."""
    return all(spec_of(rv) is not None for rv in model.free_RVs if rv.name in names)


def _likelihood(model: pm.Model, spec: Spec) -> list[Line]:
    data, likelihood = spec.main.prior.data, spec.likelihood
    several = isinstance(likelihood, TraitLikelihood)
    response = f"{data.n} observations"
    if several:
        response += f" of {data.n_traits} traits {show(data.coords['trait'].tolist())}"
    if not likelihood.has_rows:
        response += ", by sufficient statistics"
    if "measured" in model.named_vars:
        holes = int((~model["measured"].get_value().astype(bool)).sum())
        response += f"; {holes} values not measured, integrated out"
    if "obs_missing" in model.coords:
        response += f"; {len(model.coords['obs_missing'])} more without y, predicted"
    weights = _weights(model, spec)
    noise = _residual(spec, several, weights != "none")
    rows = {"response": response, "mean": _mean(spec), "residual": noise}
    if "covariate" in data.coords:
        names = data.coords["covariate"]
        rows["covariates"] = f"{len(names)}: {show(names.tolist())}"
    rows["weights"] = weights
    rows["h2 expected on X"] = number_text(spec.main.prior.h2)
    return [Line("likelihood", name, value) for name, value in rows.items()]


def _mean(spec: Spec) -> str:
    parts = ["mu"] + ["(W - W_center) gamma"] * ("gamma" in spec.names)
    parts += [f"({t.prefix}X - {t.prefix}X_center) {t.prefix}beta" for t in spec.terms]
    return "y = " + " + ".join([*parts, "e"])


def _residual(spec: Spec, several: bool, weighted: bool) -> str:
    likelihood: Any = spec.likelihood
    noise = ("Sigma_e" if several else "sigma2") + " / weight_i" * weighted
    diagonal = several and likelihood.residual == "diagonal"
    return f"e_i ~ N(0, {noise})" + ", Sigma_e diagonal" * diagonal


def _weights(model: pm.Model, spec: Spec) -> str:
    if "weights" in model.named_vars:
        return _range(value_of(model["weights"]))
    likelihood: Any = spec.likelihood
    if likelihood.has_rows:
        return "none"
    total, logarithms = (
        float(part.get_value())
        for part in (likelihood.summary.weight, likelihood.summary.log_weight)
    )
    equal = total == spec.main.prior.data.n and logarithms == 0
    return "none" if equal else f"in the sums, {total:.4g} in all"


def _range(values: np.ndarray) -> str:
    """Smallest and largest of many values, or the only one."""
    return (
        number_text(values) if np.ptp(values) == 0 else f"{values.min():.4g} to {values.max():.4g}"
    )


def _design(model: pm.Model, spec: Spec, term: Term) -> list[Line]:
    data, design = term.prior.data, term.design
    center = value_of(model[f"{term.prefix}X_center"])
    rows = {
        "form": f"{design.name}, {design.arrays[0].dtype}",
        "size": f"n = {data.n}, p = {data.p}",
        "memory": f"{_megabytes(term)} MB",
        "centered": f"yes, at {_range(center)}" if center.any() else "no: X_center is 0",
        "standardized": "no",
    }
    if data.x_scale is not None:
        rows["standardized"] = f"yes, priors are per X_scale: {_range(data.x_scale)}"
    groups = getattr(term.prior, "groups", None)
    if groups is not None:
        sizes = zip(groups.names.tolist(), groups.sizes, strict=True)
        listed = [f"{name!r} ({size:g})" for name, size in sizes]
        rows["groups"] = f"{len(listed)}: {', '.join(listed[:6])}" + ", ..." * (len(listed) > 6)
    part = f"design of {term.prefix.rstrip('_')}" if term.prefix else "design"
    return [Line(part, name, value) for name, value in rows.items()]


def _megabytes(term: Term) -> str:
    """Memory of X, and of its factorization where all effects are drawn jointly."""
    size = sum(array.nbytes for design in term.designs.values() for array in design.arrays) / 1e6
    if term.update != "joint":
        return f"{size:.3g}"
    n, p = term.design.shape
    factors = 8 * min(n, p) * (n + p + 1) / 1e6
    return f"{size:.3g} MB, and its factorization {factors:.3g}"


def _prior(term: Term) -> list[Line]:
    part = f"prior of {term.prefix.rstrip('_')}" if term.prefix else "prior"
    rows = term.prior.describe().items()
    return [Line(part, name, str(value)) for name, value in rows if name not in term.names]
